"""What nobody works on any more comes back: by itself, once, whatever the clock does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from intake import ledger, steps
from intake.database.engine import Database
from intake.database.tables import AuditRow, PieceRow, StepRow
from intake.sweep import Swept, bring_back, sweep
from schemas.states import MailState, StepName, StepState
from tests.integration.database.small_world import BROKEN, MINUTE, NOW, claimed, receive_pieces

READ = (StepName.READ,)
HOUR = 60 * MINUTE
NOTHING = Swept(returned=0, quarantined=0, woken=0, mended=0)


def claim_all(database: Database, now: datetime = NOW) -> int:
    with database.write() as session:
        count = 0
        while steps.claim(session, READ, "doomed", now):
            count += 1
        return count


def sweep_four_at_once(database: Database, now: datetime) -> list[Swept]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda _: sweep(database, now), range(4)))


def test_work_of_a_dead_worker_comes_back_twice_and_is_quarantined_the_third_time(database: Database) -> None:
    with database.write() as session:
        [piece] = receive_pieces(session, 1)
    now = NOW
    for expected in (Swept(1, 0, 0, 0), Swept(1, 0, 0, 0), Swept(0, 1, 0, 0), NOTHING):
        claim_all(database, now)
        now += 2 * MINUTE
        assert sweep(database, now) == expected
    with database.read() as session:
        row = session.get_one(PieceRow, piece)
        assert row.state is MailState.QUARANTINED
        assert row.problem == "The worker stopped without an answer 3 times."
        assert session.scalars(select(AuditRow.subject)).all() == [f"piece:{piece}"]
        assert ledger.take(session).differences == {}


def test_work_of_a_worker_that_was_seen_to_end_comes_back_at_once_and_the_attempt_stays_charged(
    database: Database,
) -> None:
    with database.write() as session:
        [piece, _] = receive_pieces(session, 2)
        of_the_dead = claimed(steps.claim(session, READ, "dead", NOW))
        of_the_living = claimed(steps.claim(session, READ, "living", NOW))
    assert bring_back(database, "dead", NOW) == 1
    assert bring_back(database, "dead", NOW) == 0
    for attempt in (2, 3):
        with database.write() as session:
            again = claimed(steps.claim(session, READ, "dead", NOW))
        assert (again.step_id, again.attempt) == (of_the_dead.step_id, attempt)
        assert bring_back(database, "dead", NOW) == 1
    with database.write() as session:
        assert session.get_one(PieceRow, piece).state is MailState.QUARANTINED
        steps.finish(session, of_the_living, NOW)
    assert steps_in(database) == {StepState.QUARANTINED: 1, StepState.DONE: 2}


def test_a_worker_that_was_taken_for_dead_is_fenced(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
        claim = claimed(steps.claim(session, READ, "slow to die", NOW))
    bring_back(database, "slow to die", NOW)
    with database.write() as session, pytest.raises(steps.Fenced):
        steps.finish(session, claim, NOW)


def steps_in(database: Database) -> dict[StepState, int]:
    with database.read() as session:
        counted = session.execute(select(StepRow.state, func.count()).group_by(StepRow.state))
        return {state: int(count) for state, count in counted}


def test_a_lease_that_has_not_passed_is_left_alone(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 2)
    claim_all(database)
    assert sweep(database, NOW + steps.LEASE) == NOTHING
    assert sweep(database, NOW + steps.LEASE + timedelta(seconds=1)).returned == 2


def test_a_failed_step_is_woken_when_its_wait_is_over(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
        claim = claimed(steps.claim(session, READ, "worker-1", NOW))
        steps.fail(session, claim, BROKEN, NOW)
    assert sweep(database, NOW + steps.wait_after(claim) - timedelta(seconds=1)) == NOTHING
    assert sweep(database, NOW + steps.wait_after(claim)).woken == 1
    with database.write() as session:
        assert claimed(steps.claim(session, READ, "worker-1", NOW + MINUTE)).attempt == 2


def test_more_steps_than_fit_into_one_transaction_all_come_back(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 230)
    assert claim_all(database) == 230
    assert sweep(database, NOW + 2 * MINUTE).returned == 230
    assert claim_all(database, NOW + 2 * MINUTE) == 230


def test_two_sweeps_at_once_bring_every_step_back_once(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 230)
    claim_all(database)
    assert sum(swept.returned for swept in sweep_four_at_once(database, NOW + 2 * MINUTE)) == 230


def test_two_sweeps_at_once_quarantine_every_step_once(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 40)
        session.execute(update(StepRow).where(StepRow.name == StepName.READ).values(attempts=2, fence=2))
    claim_all(database)
    assert sum(swept.quarantined for swept in sweep_four_at_once(database, NOW + 2 * MINUTE)) == 40
    with database.read() as session:
        assert len(session.scalars(select(AuditRow.sequence)).all()) == 40
        assert ledger.take(session).differences == {}


def test_a_clock_stepped_back_holds_up_no_work(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 3)
        claimed(steps.claim(session, READ, "dead", NOW))
        steps.fail(session, claimed(steps.claim(session, READ, "worker-1", NOW)), BROKEN, NOW)
    early = NOW - HOUR
    with database.write() as session:  # what is ready is claimed, whatever the clock says
        third = claimed(steps.claim(session, READ, "worker-1", early))
        steps.finish(session, third, early)
    assert sweep(database, early) == Swept(returned=0, quarantined=0, woken=1, mended=2)
    # The dead worker's lease began anew when the clock was put back, and passes like any other.
    assert sweep(database, early + steps.LEASE + timedelta(seconds=1)).returned == 1
    assert claim_all(database, early + 2 * MINUTE) == 2


def test_a_living_worker_keeps_its_step_when_the_clock_is_stepped_back(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
        claim = claimed(steps.claim(session, READ, "alive", NOW))
    early = NOW - HOUR
    sweep(database, early)
    with database.write() as session:
        steps.renew(session, claim, early + 0.5 * MINUTE)
    assert sweep(database, early + MINUTE) == NOTHING
    with database.write() as session:
        steps.finish(session, claim, early + MINUTE)


def test_a_clock_stepped_forward_costs_one_claim_and_no_work(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
        slow = claimed(steps.claim(session, READ, "slow", NOW))
    assert sweep(database, NOW + HOUR).returned == 1
    with database.write() as session:
        again = claimed(steps.claim(session, READ, "worker-2", NOW + HOUR))
        steps.finish(session, again, NOW + HOUR)
        state = session.scalars(select(StepRow.state).where(StepRow.id == slow.step_id)).one()
    assert (again.attempt, state) == (2, StepState.DONE)


def test_what_became_ready_in_the_future_does_not_stand_behind_all_that_comes_until_then(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
    early = NOW - HOUR
    assert sweep(database, early).mended == 1
    with database.read() as session:
        assert session.scalars(select(StepRow.state_since).where(StepRow.name == StepName.READ)).one() == early


def test_a_lease_longer_than_usual_is_left_alone_where_it_is_the_one_that_is_set(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1)
        claimed(steps.claim(session, READ, "slow", NOW, timedelta(minutes=5)))
    assert sweep(database, NOW + MINUTE, timedelta(minutes=5)) == NOTHING
    assert sweep(database, NOW + MINUTE).mended == 1  # by the usual measure a clock must have jumped
