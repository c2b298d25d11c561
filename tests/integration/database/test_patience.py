"""A worker whose reading gets stuck ends, and has written down why; one that takes its time is left alone."""

import os
import time
from collections.abc import Callable

import pytest

from extract.limits import Limits
from intake import steps
from intake.database.engine import Database
from intake.database.tables import StepRow
from intake.patience import STUCK, Patience
from intake.step_runner import Effects
from intake.steps import Claim
from intake.worker import PageTaken
from schemas.errors import Cause
from schemas.states import StepName, StepState
from tests.integration.database.small_world import NOW, claimed, receive_pieces

SHORT = Limits(seconds_to_begin=0.3, seconds_to_read_page=0.5)


def nothing(session: object, now: object) -> None:
    """What a reading without consequences writes."""


@pytest.fixture
def claim(database: Database) -> Claim:
    with database.write() as session:
        receive_pieces(session, 1)
        return claimed(steps.claim(session, (StepName.READ,), "worker-1", NOW))


def exit_code_of(database: Database, claim: Claim, read: Callable[[Patience], Effects]) -> int:
    """How a process of its own ends that reads; 0 if it comes back from it."""
    pid = os.fork()
    if pid == 0:
        try:
            database.after_fork()
            patience = Patience(database, SHORT)
            patience.limiting(lambda _: read(patience))(claim)
        except BaseException:  # noqa: BLE001  # nothing of the test may go on in the child
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def test_a_worker_that_is_stuck_ends_and_the_attempt_is_failed_with_the_reason(
    database: Database, claim: Claim
) -> None:
    def stuck(patience: Patience) -> Effects:
        time.sleep(60)
        return nothing

    started = time.monotonic()
    assert exit_code_of(database, claim, stuck) == STUCK
    assert time.monotonic() - started < 30
    with database.read() as session:
        step = session.get_one(StepRow, claim.step_id)
        assert (step.state, step.cause) == (StepState.WAITING, Cause.TOO_SLOW)
        assert step.problem == "Reading took longer than 0.3 s and was stopped."


def test_every_page_that_is_taken_gives_it_more_time(database: Database, claim: Claim) -> None:
    def slow(patience: Patience) -> Effects:
        for _ in range(3):
            patience.note(PageTaken())
            time.sleep(0.2)
        return nothing

    assert exit_code_of(database, claim, slow) == 0
    with database.read() as session:
        assert session.get_one(StepRow, claim.step_id).state is StepState.RUNNING


def test_a_worker_that_was_overtaken_while_it_was_stuck_ends_without_a_word(database: Database, claim: Claim) -> None:
    with database.write() as session:
        steps.release(session, claim, NOW)

    def stuck(patience: Patience) -> Effects:
        time.sleep(60)
        return nothing

    assert exit_code_of(database, claim, stuck) == STUCK
    with database.read() as session:
        assert session.get_one(StepRow, claim.step_id).cause is None
