"""The broker holds a small window of nudges; whatever it does with them, every ready step is nudged again."""

from collections.abc import Sequence

from intake import steps
from intake.database.engine import Database
from intake.dispatch import NUDGE_AGAIN_SECONDS, Dispatcher
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
