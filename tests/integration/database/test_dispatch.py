"""The broker holds a small window of nudges; whatever it does with them, every ready step is nudged again."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from intake import steps
from intake.database.engine import Database
from intake.dispatch import NUDGE_AGAIN_SECONDS, WINDOW_PER_WORKER, Dispatcher
from schemas.errors import Unavailable
from schemas.states import StepName
from tests.integration.database.small_world import NOW, claimed, receive_files


class Shelf:
    """A broker that the test looks into."""

    def __init__(self) -> None:
        self.messages: list[int] = []

    def waiting(self) -> int:
        return len(self.messages)

    def nudge(self, step_ids: Sequence[int]) -> None:
        self.messages += step_ids


class Watch:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def dispatcher(database: Database, files: int, window: int = 4) -> tuple[Dispatcher, Shelf, Watch]:
    with database.write() as session:
        receive_files(session, files)
    broker, clock = Shelf(), Watch()
    return Dispatcher(database, broker, window, clock), broker, clock


def test_no_more_than_the_window_is_ever_in_the_broker(database: Database) -> None:
    filling, broker, _ = dispatcher(database, 10)
    assert (filling.fill(), filling.fill()) == (4, 0)
    broker.messages.pop(0)
    assert filling.fill() == 1
    assert len(broker.messages) == 4


def test_every_step_is_nudged_once_while_the_broker_keeps_its_messages(database: Database) -> None:
    filling, broker, _ = dispatcher(database, 10)
    seen: list[int] = []
    for _ in range(5):  # one round more than ten steps take
        filling.fill()
        seen += broker.messages
        broker.messages.clear()  # taken by workers that are still at it
    assert sorted(seen) == sorted(set(seen))
    assert len(seen) == 10


def test_what_the_broker_lost_is_nudged_again(database: Database) -> None:
    filling, broker, clock = dispatcher(database, 3)
    filling.fill()
    lost = broker.messages.copy()
    broker.messages.clear()
    assert filling.fill() == 0  # a worker may just be taking them
    clock.now = NUDGE_AGAIN_SECONDS
    assert filling.fill() == 3
    assert broker.messages == lost


def test_a_step_that_is_taken_or_done_is_not_nudged(database: Database) -> None:
    filling, broker, _ = dispatcher(database, 3)
    with database.write() as session:
        taken = claimed(steps.claim(session, list(StepName), "worker-1", NOW))
    filling.fill()
    assert taken.step_id not in broker.messages
    assert len(broker.messages) == 2


def test_the_window_grows_with_those_at_work(database: Database) -> None:
    filling, broker, _ = dispatcher(database, 20)
    for number in range(3):
        with database.write() as session:
            claimed(steps.claim(session, list(StepName), f"worker-{number}", NOW))
    while filling.fill():
        pass
    assert len(broker.messages) == 3 * WINDOW_PER_WORKER


class Away:
    """A broker that does not answer."""

    def waiting(self) -> int:
        raise Unavailable("the broker does not answer")

    def nudge(self, step_ids: Sequence[int]) -> None:
        raise Unavailable("the broker does not answer")


@dataclass
class Waits(threading.Event):
    """Counts how long it was waited for, without waiting; set after so many waits."""

    most: int
    waited: list[float] = field(default_factory=list)

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        return len(self.waited) > self.most

    def is_set(self) -> bool:
        return False


def test_a_broker_that_is_away_is_asked_ever_less_often(database: Database) -> None:
    waits = Waits(20)
    Dispatcher(database, Away(), window=4).run(waits)
    pauses = waits.waited[1:20:2]  # after each failure; the others are the ticks between
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.5, 5.0)
    assert pauses[1] == 1.0
