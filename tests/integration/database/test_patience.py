"""A worker whose reading gets stuck ends, and has written down why; one that takes its time is left alone."""

import os
import re
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
GRACE_SECONDS = 5.0  # until a process is ended that cannot end itself; enough to write down why on a busy machine
# Matching this takes longer than there is time, in code that lets no other thread of the process run.
ENDLESS = re.compile("(a+)+$")


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
            patience = Patience(database, SHORT, grace_seconds=GRACE_SECONDS)
            patience.limiting(lambda _: read(patience))(claim)
        except BaseException:  # noqa: BLE001  # nothing of the test may go on in the child
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def stuck(patience: Patience) -> Effects:
    """A reading that gets no further."""
    time.sleep(60)
    return nothing


def problem_of(database: Database, claim: Claim, read: Callable[[Patience], Effects]) -> str | None:
    """What is written down of a reading whose process must end itself, and soon."""
    started = time.monotonic()
    assert exit_code_of(database, claim, read) == STUCK
    assert time.monotonic() - started < 30
    with database.read() as session:
        return session.get_one(StepRow, claim.step_id).problem


def test_a_worker_that_is_stuck_ends_and_the_attempt_is_failed_with_the_reason(
    database: Database, claim: Claim
) -> None:
    assert problem_of(database, claim, stuck) == "Reading took longer than 0.3 s and was stopped."
    with database.read() as session:
        step = session.get_one(StepRow, claim.step_id)
        assert (step.state, step.cause) == (StepState.WAITING, Cause.TOO_SLOW)


def test_every_page_that_is_taken_gives_it_more_time(database: Database, claim: Claim) -> None:
    def slow(patience: Patience) -> Effects:
        for _ in range(3):
            patience.note(PageTaken())
            time.sleep(0.2)
        return nothing

    assert exit_code_of(database, claim, slow) == 0
    with database.read() as session:
        assert session.get_one(StepRow, claim.step_id).state is StepState.RUNNING


def test_pages_that_went_quickly_save_up_no_time_for_one_that_is_stuck(database: Database, claim: Claim) -> None:
    def stuck_behind_many(patience: Patience) -> Effects:
        for _ in range(200):
            patience.note(PageTaken())
        return stuck(patience)

    problem = problem_of(database, claim, stuck_behind_many)
    assert problem == "Reading got no further for 0.8 s, behind page 200, and was stopped."


def test_a_worker_that_is_stuck_and_lets_nothing_else_run_ends_as_well(database: Database, claim: Claim) -> None:
    def endless(patience: Patience) -> Effects:
        ENDLESS.match("a" * 60 + "b")
        return nothing

    started = time.monotonic()
    assert exit_code_of(database, claim, endless) == 1
    assert time.monotonic() - started < 30


def test_a_worker_that_was_done_in_time_is_not_ended_for_it_later(database: Database, claim: Claim) -> None:
    pid = os.fork()
    if pid == 0:
        database.after_fork()
        Patience(database, SHORT, grace_seconds=0.1).limiting(lambda _: nothing)(claim)
        time.sleep(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_worker_that_was_overtaken_while_it_was_stuck_ends_without_a_word(database: Database, claim: Claim) -> None:
    with database.write() as session:
        steps.release(session, claim, NOW)
    assert exit_code_of(database, claim, stuck) == STUCK
    with database.read() as session:
        assert session.get_one(StepRow, claim.step_id).cause is None
