"""When a Celery worker counts as having stopped taking messages."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from intake.celery_watch import ConsumerWatch
from schemas.errors import Unavailable

PATIENCE = 60.0


@dataclass
class World:
    """What the watch sees: a process, a broker and a clock."""

    taken: int = 0
    is_at_work: bool = False
    messages: int = 1
    is_away: bool = False
    now: float = 0.0

    def waiting(self) -> int:
        if self.is_away:
            raise Unavailable("the broker does not answer")
        return self.messages

    def nudge(self, step_ids: Sequence[int]) -> None:
        raise AssertionError("a watch sends nothing")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def watch(world: World) -> ConsumerWatch:
    return ConsumerWatch(world, world, PATIENCE, lambda: world.now)


def test_messages_that_wait_while_a_process_is_free_are_a_fault_in_the_end(world: World, watch: ConsumerWatch) -> None:
    assert not watch.has_stopped()
    world.now = PATIENCE - 1
    assert not watch.has_stopped()
    world.now = PATIENCE
    assert watch.has_stopped()


def test_a_message_that_was_taken_meanwhile_begins_the_wait_anew(world: World, watch: ConsumerWatch) -> None:
    world.taken, world.now = 1, PATIENCE
    assert not watch.has_stopped()
    world.now = 2 * PATIENCE - 1
    assert not watch.has_stopped()
    world.now = 2 * PATIENCE
    assert watch.has_stopped()


@pytest.mark.parametrize("reason", [{"is_at_work": True}, {"messages": 0}, {"is_away": True}])
def test_who_is_busy_or_has_nothing_to_take_has_not_stopped(
    world: World, watch: ConsumerWatch, reason: dict[str, int]
) -> None:
    for name, value in reason.items():
        setattr(world, name, value)
    world.now = 10 * PATIENCE
    assert not watch.has_stopped()
