"""A step takes effect once or not at all, whatever its body does."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import audit, steps
from intake.database.engine import Database
from intake.database.tables import AuditRow, FileRow, StepRow
from intake.step_runner import Effects, OutOfTime, StepRunner
from intake.steps import Claim
from intake.sweep import sweep
from schemas.errors import Cause, Interrupted, Unavailable, Unreadable
from schemas.states import MailState, StepName, StepState
from tests.integration.database.small_world import MINUTE, NOW, receive_files

WRITTEN = "what somebody wrote"


class Hands:
    """A runner on a clock that the test moves, with a body that the test writes."""

    def __init__(self, database: Database, body: Callable[[Claim], None], name: str = "worker-1") -> None:
        self.now = NOW
        self.told: list[str] = []
        self.database = database.with_clock(lambda: self.now)
        self.body = body
        self.runner = StepRunner(self.database, {StepName.UNPACK: self._work}, name, watcher=self._hear)

    def _work(self, claim: Claim) -> Effects:
        self.body(claim)

        def effects(session: Session, now: datetime) -> None:
            audit.append(session, now, claim.worker, "effect", str(claim.subject))

        return effects

    def _hear(self, what: str, claim: Claim, seconds: float) -> None:
        self.told.append(what)

    def state(self) -> tuple[StepState, int]:
        with self.database.read() as session:
            row = session.scalars(select(StepRow)).one()
            return row.state, row.attempts

    def effects(self) -> int:
        with self.database.read() as session:
            return len(session.scalars(select(AuditRow).where(AuditRow.action == "effect")).all())


@pytest.fixture
def one_file(database: Database) -> Database:
    with database.write() as session:
        receive_files(session)
    return database


def test_a_step_that_ends_well_has_its_effects_and_is_done(one_file: Database) -> None:
    hands = Hands(one_file, lambda claim: None)
    assert hands.runner.run_next()
    assert not hands.runner.run_next()  # nothing is left
    assert (hands.state(), hands.effects(), hands.told) == ((StepState.DONE, 1), 1, ["done"])


def test_an_accident_is_tried_three_times_then_set_aside_without_repeating_what_was_written(one_file: Database) -> None:
    def body(claim: Claim) -> None:
        raise ValueError(WRITTEN)

    hands = Hands(one_file, body)
    for attempt in range(1, 4):
        assert hands.runner.run_next()
        assert hands.state()[1] == attempt
        hands.now += timedelta(minutes=5)
        sweep(hands.database, hands.now)
    assert (hands.state()[0], hands.effects()) == (StepState.QUARANTINED, 0)
    with one_file.read() as session:
        file = session.scalars(select(FileRow)).one()
    assert file.state is MailState.QUARANTINED
    assert "ValueError" in (file.problem or "")
    assert WRITTEN not in f"{file.problem} {file.remedy}"


def test_what_will_never_be_readable_is_set_aside_at_once_with_its_reason(one_file: Database) -> None:
    def body(claim: Claim) -> None:
        raise Unreadable("The file is cut off.", cause=Cause.DAMAGED, remedy="Scan it again.")

    hands = Hands(one_file, body)
    hands.runner.run_next()
    assert (hands.state(), hands.told) == ((StepState.QUARANTINED, 1), ["quarantined"])
    with one_file.read() as session:
        file = session.scalars(select(FileRow)).one()
    assert (file.cause, file.problem, file.remedy) == (Cause.DAMAGED, "The file is cut off.", "Scan it again.")


def test_what_was_interrupted_is_tried_again_and_its_reason_counts_at_the_third_time(one_file: Database) -> None:
    def body(claim: Claim) -> None:
        raise Interrupted("The sandbox went away.", cause=Cause.CRASHED, remedy="Scan it again.")

    hands = Hands(one_file, body)
    for _ in range(3):
        hands.runner.run_next()
        hands.now += timedelta(minutes=5)
        sweep(hands.database, hands.now)
    assert (hands.state(), hands.told) == ((StepState.QUARANTINED, 3), ["failed", "failed", "quarantined"])
    with one_file.read() as session:
        assert session.scalars(select(FileRow.problem)).one() == "The sandbox went away."


def test_effects_that_cannot_be_written_are_a_failed_attempt_and_leave_nothing(one_file: Database) -> None:
    hands = Hands(one_file, lambda claim: None)

    def effects(session: Session, now: datetime) -> None:
        audit.append(session, now, "worker-1", "effect", "file:1")
        raise ValueError(WRITTEN)

    hands.runner.bodies = {StepName.UNPACK: lambda claim: effects}
    assert hands.runner.run_next()
    assert (hands.state(), hands.effects(), hands.told) == ((StepState.WAITING, 1), 0, ["failed"])


def test_a_worker_that_goes_on_claims_the_next_step_with_the_end_of_the_one_before(database: Database) -> None:
    with database.write() as session:
        receive_files(session, 3)
    running: list[int] = []

    def body(claim: Claim) -> None:
        with database.read() as session:
            running.append(len(session.scalars(select(StepRow).where(StepRow.state == StepState.RUNNING)).all()))

    hands = Hands(database, body)
    assert hands.runner.run_until_idle() == 3
    assert (running, hands.effects()) == ([1, 1, 1], 3)  # never two in hand
    with database.read() as session:
        rows = session.execute(select(StepRow.state, StepRow.attempts, StepRow.fence)).all()
    assert set(rows) == {(StepState.DONE, 1, 1)}


def test_a_worker_told_to_stop_leaves_the_next_step_alone(database: Database) -> None:
    with database.write() as session:
        receive_files(session, 3)
    hands = Hands(database, lambda claim: hands.runner.stop())
    assert hands.runner.run_until_idle() == 1
    with database.read() as session:
        rows = session.execute(select(StepRow.state, StepRow.attempts).order_by(StepRow.id)).all()
    assert rows == [(StepState.DONE, 1), (StepState.READY, 0), (StepState.READY, 0)]


def test_a_fenced_step_brings_no_next_one_with_it(database: Database) -> None:
    with database.write() as session:
        receive_files(session, 2)

    def body(claim: Claim) -> None:
        if not hands.told:
            hands.now += 10 * MINUTE
            sweep(hands.database, hands.now)

    hands = Hands(database, body)
    assert hands.runner.run_until_idle() == 3
    assert sorted(hands.told) == ["done", "done", "fenced"]
    assert hands.effects() == 2


def test_a_machine_that_lacks_something_charges_no_attempt(one_file: Database) -> None:
    def body(claim: Claim) -> None:
        raise Unavailable("the store does not answer")

    hands = Hands(one_file, body)
    with pytest.raises(Unavailable):
        hands.runner.run_next()
    assert hands.state() == (StepState.READY, 0)


def test_a_step_claimed_by_a_commit_whose_answer_got_lost_does_not_wait_for_its_lease(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        receive_files(session, 2)
    hands = Hands(database, lambda claim: None)
    write, lost = Database.write, [True]

    @contextmanager
    def loses_one_answer(self: Database) -> Iterator[Session]:
        with write(self) as session:
            yield session
            is_end = session.scalars(select(AuditRow).where(AuditRow.action == "effect")).first() is not None
        if is_end and lost and lost.pop():
            raise Unavailable("the connection broke")

    monkeypatch.setattr(Database, "write", loses_one_answer)
    with pytest.raises(Unavailable):
        hands.runner.run_until_idle()
    assert hands.runner.run_until_idle() == 1
    assert hands.effects() == 2
    with database.read() as session:
        assert set(session.execute(select(StepRow.state, StepRow.attempts)).all()) == {(StepState.DONE, 1)}


def test_a_worker_told_to_stop_gives_the_step_back_uncharged(one_file: Database) -> None:
    def body(claim: Claim) -> None:
        raise OutOfTime

    hands = Hands(one_file, body)
    hands.runner.run()  # ends by itself
    assert (hands.state(), hands.told) == ((StepState.READY, 0), ["released"])


def test_a_worker_that_slept_past_its_lease_has_no_effect(one_file: Database) -> None:
    other = Hands(one_file, lambda claim: None, "worker-2")

    def body(claim: Claim) -> None:
        sleeper.now = other.now = NOW + 10 * MINUTE
        sweep(other.database, other.now)
        assert other.runner.run_next()

    sleeper = Hands(one_file, body)
    sleeper.runner.run_next()
    assert (sleeper.told, other.told, other.effects()) == (["fenced"], ["done"], 1)


def test_the_lease_of_long_work_is_renewed(one_file: Database) -> None:
    seen: list[datetime | None] = []

    def body(claim: Claim) -> None:
        deadline = datetime.now().timestamp() + 5  # noqa: DTZ005  # a real clock for a real thread
        hands.now = NOW + MINUTE
        while datetime.now().timestamp() < deadline:  # noqa: DTZ005
            with one_file.read() as session:
                seen.append(session.scalars(select(StepRow.lease_until)).one())
            if seen[-1] != seen[0]:
                return

    hands = Hands(one_file, body)
    hands.runner.lease = timedelta(seconds=0.3)
    hands.runner.run_next()
    assert seen[-1] == NOW + MINUTE + timedelta(seconds=0.3)
    assert hands.told == ["done"]


def test_a_step_asked_for_twice_is_done_once(one_file: Database) -> None:
    hands = Hands(one_file, lambda claim: None)
    with one_file.read() as session:
        step = session.scalars(select(StepRow.id)).one()
    assert [hands.runner.run_step(step), hands.runner.run_step(step), hands.runner.run_step(step + 1)] == [
        True,
        False,
        False,
    ]
    assert steps.ATTEMPTS == 3


def test_of_an_accident_the_log_tells_kind_and_place_and_nothing_of_what_was_written(
    one_file: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(claim: Claim) -> None:
        raise ValueError(WRITTEN)

    with caplog.at_level(logging.DEBUG):
        assert Hands(one_file, fail).runner.run_next()
    [told] = [record.getMessage() for record in caplog.records if record.name == "postroom"]
    assert told.startswith("step_accident step_id=1 attempt=1 error=ValueError place=tests.integration.database.")
    assert WRITTEN not in caplog.text
