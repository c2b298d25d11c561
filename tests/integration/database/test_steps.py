"""The step table as a queue: one claim per step, attempts counted before the work, tokens that decide."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import steps
from intake.database.engine import Database
from intake.database.tables import AuditRow, BatchRow, FileRow, PageRow, PieceRow, StepRow
from intake.queue_length import oldest_ready, ready, step_counts
from intake.steps import Fenced, NotInQuarantine, Subject
from intake.sweep import sweep
from schemas.states import MailState, StepName, StepState
from tests.integration.database.small_world import (
    BROKEN,
    MINUTE,
    NOW,
    claimed,
    receive_files,
    receive_pieces,
)

READ = (StepName.READ,)


def step_of(session: Session, piece_id: int) -> StepRow:
    return session.scalars(select(StepRow).where(StepRow.piece_id == piece_id)).one()


def test_a_claim_says_what_is_to_be_done_and_counts_the_attempt_before_the_work(database: Database) -> None:
    with database.write() as session:
        [file] = receive_files(session)
    with database.write() as session:
        claim = claimed(steps.claim(session, list(StepName), "worker-1", NOW, 5 * MINUTE))
    with database.read() as session:
        row = session.scalars(select(StepRow)).one()
    assert (claim.name, claim.subject, claim.attempt) == (StepName.UNPACK, Subject(file_id=file), 1)
    assert claim.lease_until == NOW + 5 * MINUTE == row.lease_until
    assert (row.state, row.attempts, row.fence, row.worker) == (StepState.RUNNING, 1, claim.fence, "worker-1")


def test_the_step_that_has_been_ready_for_longest_is_claimed_first(database: Database) -> None:
    with database.write() as session:
        first, second, third = receive_files(session, 3)
        session.scalars(select(StepRow).where(StepRow.file_id == second)).one().state_since = NOW - MINUTE
        session.flush()
        order = [claimed(steps.claim(session, list(StepName), "worker-1", NOW)).subject.file_id for _ in range(3)]
        assert order == [second, first, third]
        assert steps.claim(session, list(StepName), "worker-1", NOW) is None


def test_a_worker_takes_the_steps_it_names_first_and_leaves_the_others(database: Database) -> None:
    with database.write() as session:
        [piece] = receive_pieces(session, 1)
        [file] = receive_files(session)
        wanted = [StepName.PUBLISH, StepName.READ, StepName.UNPACK]
        assert claimed(steps.claim(session, wanted, "worker-1", NOW)).subject == Subject(piece_id=piece)
        assert steps.claim(session, [StepName.PUBLISH, StepName.READ], "worker-1", NOW) is None
        assert claimed(steps.claim(session, wanted, "worker-1", NOW)).subject == Subject(file_id=file)
        assert steps.claim(session, [], "worker-1", NOW) is None


def test_a_nudge_claims_its_step_once(database: Database) -> None:
    with database.write() as session:
        receive_files(session, 2)
        [step, other] = ready(session, list(StepName), 9)
        assert claimed(steps.claim_one(session, other, "worker-1", NOW)).step_id == other
        assert steps.claim_one(session, other, "worker-2", NOW) is None
        assert steps.claim_one(session, 10_000, "worker-2", NOW) is None
        assert ready(session, list(StepName), 9) == [step]


def test_a_step_is_there_once_however_often_it_is_added(database: Database) -> None:
    with database.write() as session:
        [file] = receive_files(session)
        assert not steps.add(session, StepName.UNPACK, Subject(file_id=file), NOW)
        assert steps.add(session, StepName.UNPACK, Subject(file_id=file), NOW, round=2)
        assert len(session.scalars(select(StepRow.id)).all()) == 2


def test_a_done_step_is_done_for_ever(database: Database) -> None:
    with database.write() as session:
        [piece] = receive_pieces(session, 1)
        claim = claimed(steps.claim(session, READ, "worker-1", NOW))
        steps.finish(session, claim, NOW)
        with pytest.raises(Fenced):
            steps.finish(session, claim, NOW)
        assert steps.claim(session, READ, "worker-1", NOW) is None
        assert step_of(session, piece).state is StepState.DONE


def test_what_an_overtaken_worker_wrote_has_no_effect(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
        late = claimed(steps.claim(session, READ, "stopped", NOW))
    assert sweep(database, NOW + 2 * MINUTE).returned == 1
    with database.write() as session:
        second = claimed(steps.claim(session, READ, "worker-2", NOW + 2 * MINUTE))
    assert second.fence > late.fence
    assert second.attempt == 2

    def finish_late() -> None:
        with database.write() as session:
            session.add(BatchRow(channel="late", operator="", received_on=NOW.date(), received_at=NOW))
            session.flush()
            steps.finish(session, late, NOW + 3 * MINUTE)

    with pytest.raises(Fenced):
        finish_late()
    with database.write() as session:
        assert session.scalars(select(BatchRow).where(BatchRow.channel == "late")).all() == []
        steps.finish(session, second, NOW + 3 * MINUTE)


@pytest.mark.parametrize("end", ["renew", "release", "fail", "quarantine"])
def test_an_overtaken_worker_can_do_nothing_else_either(database: Database, end: str) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
        late = claimed(steps.claim(session, READ, "stopped", NOW))
    sweep(database, NOW + 2 * MINUTE)
    deeds = {
        "renew": lambda session: steps.renew(session, late, NOW + 2 * MINUTE),
        "release": lambda session: steps.release(session, late, NOW + 2 * MINUTE),
        "fail": lambda session: steps.fail(session, late, BROKEN, NOW + 2 * MINUTE),
        "quarantine": lambda session: steps.quarantine(session, late, BROKEN, NOW + 2 * MINUTE),
    }
    with pytest.raises(Fenced), database.write() as session:
        deeds[end](session)
    with database.read() as session:
        assert session.scalars(select(StepRow.state).where(StepRow.id == late.step_id)).one() is StepState.READY


def test_a_heartbeat_keeps_the_lease_from_passing(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
        claim = claimed(steps.claim(session, READ, "worker-1", NOW))
    with database.write() as session:
        assert steps.renew(session, claim, NOW + MINUTE, MINUTE) == NOW + 2 * MINUTE
    assert sweep(database, NOW + 1.5 * MINUTE).returned == 0
    with database.write() as session:
        steps.finish(session, claim, NOW + 1.5 * MINUTE)


def test_a_released_step_has_its_attempt_back(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
        for _ in range(10):
            claim = claimed(steps.claim(session, READ, "worker-1", NOW))
            assert claim.attempt == 1
            steps.release(session, claim, NOW)


def test_a_failed_step_waits_longer_each_time_and_is_quarantined_the_third_time(database: Database) -> None:
    now = NOW
    with database.write() as session:
        [piece] = receive_pieces(session, 1)
    waits = []
    for attempt in (1, 2, 3):
        with database.write() as session:
            claim = claimed(steps.claim(session, READ, "worker-1", now))
            assert claim.attempt == attempt
            steps.fail(session, claim, BROKEN, now)
            row = step_of(session, piece)
            assert (row.cause, row.problem, row.page) == (BROKEN.cause, BROKEN.problem, 2)
            assert steps.claim(session, READ, "worker-1", now) is None
            waits.append(row.not_before and row.not_before - now)
        now += 2 * MINUTE
        sweep(database, now)
    assert waits[2] is None
    assert timedelta(seconds=5) <= waits[0] <= timedelta(seconds=15) < timedelta(seconds=30) <= waits[1] <= 1.5 * MINUTE
    with database.read() as session:
        assert step_of(session, piece).state is StepState.QUARANTINED
        mail = session.scalars(select(PieceRow)).one()
        assert (mail.state, mail.problem, mail.remedy) == (MailState.QUARANTINED, BROKEN.problem, BROKEN.remedy)
        assert set(session.scalars(select(PageRow.state))) == {MailState.QUARANTINED}
        file = session.scalars(select(FileRow)).one()
        assert (file.state, file.problem) == (MailState.QUARANTINED, BROKEN.problem)
        assert session.scalars(select(AuditRow.action)).all() == ["quarantined"]


def test_failed_steps_do_not_all_come_back_at_the_same_moment(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 50)
        for _ in range(50):
            steps.fail(session, claimed(steps.claim(session, READ, "worker-1", NOW)), BROKEN, NOW)
        moments = session.scalars(select(StepRow.not_before).where(StepRow.name == StepName.READ)).all()
    assert len({moment.replace(microsecond=0) for moment in moments if moment}) >= 8


def test_an_operator_takes_a_step_out_of_quarantine_with_all_attempts(database: Database) -> None:
    with database.write() as session:
        [piece] = receive_pieces(session, 1)
        steps.quarantine(session, claimed(steps.claim(session, READ, "worker-1", NOW)), BROKEN, NOW)
        step = step_of(session, piece).id
    with database.write() as session:
        steps.retry(session, step, "anna", NOW + MINUTE)
        assert claimed(steps.claim(session, READ, "worker-1", NOW + MINUTE)).attempt == 1
        mail = session.scalars(select(PieceRow)).one()
        assert (mail.state, mail.problem) == (MailState.IN_WORK, None)
        assert session.scalars(select(FileRow.state)).one() is MailState.IN_WORK
        with pytest.raises(NotInQuarantine):
            steps.retry(session, step, "anna", NOW + MINUTE)
        assert session.scalars(select(AuditRow.actor).order_by(AuditRow.sequence)).all() == ["worker-1", "anna"]


def test_cancelling_fences_off_whoever_is_at_work(database: Database) -> None:
    with database.write() as session:
        [piece] = receive_pieces(session, 1)
        claim = claimed(steps.claim(session, READ, "worker-1", NOW))
        assert steps.cancel(session, Subject(piece_id=piece), NOW) == 1
        with pytest.raises(Fenced):
            steps.finish(session, claim, NOW)
        assert steps.cancel(session, Subject(piece_id=piece), NOW) == 0


def test_the_oldest_ready_step_says_whether_work_lies_about(database: Database) -> None:
    with database.write() as session:
        assert oldest_ready(session) is None
        [first, _second] = receive_pieces(session, 2)
        step_of(session, first).state_since = NOW - 5 * MINUTE
        session.flush()
        assert oldest_ready(session) == NOW - 5 * MINUTE
        steps.claim(session, READ, "worker-1", NOW)
        assert oldest_ready(session) == NOW
        assert oldest_ready(session, [StepName.PUBLISH]) is None
        assert step_counts(session) == {
            (StepName.READ, StepState.READY): 1,
            (StepName.READ, StepState.RUNNING): 1,
        }


def test_a_subject_is_one_file_or_one_piece() -> None:
    with pytest.raises(ValueError, match="one file or one piece"):
        Subject()
    with pytest.raises(ValueError, match="one file or one piece"):
        Subject(file_id=1, piece_id=1)


def test_the_window_of_a_dispatcher_is_full_and_no_fuller(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 3)
        receive_files(session, 3)
        window = ready(session, [StepName.READ, StepName.UNPACK], 4)
        names = [session.get_one(StepRow, step).name for step in window]
    assert names == [StepName.READ] * 3 + [StepName.UNPACK]


def test_what_was_just_retried_can_no_longer_be_rejected(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
        claim = claimed(steps.claim(session, [StepName.READ], "worker-1", NOW))
        steps.quarantine(session, claim, BROKEN, NOW)
        steps.retry(session, claim.step_id, "anna", NOW)
    with database.write() as session, pytest.raises(steps.NotInQuarantine):
        steps.cancel_quarantined(session, claim.step_id, NOW)
    with database.read() as session:
        assert session.scalars(select(StepRow.state).where(StepRow.id == claim.step_id)).one() is StepState.READY
