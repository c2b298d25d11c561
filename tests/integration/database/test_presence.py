"""Workers say that they are there, and what they do; what they counted is there for whoever asks elsewhere."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from intake import presence, standstill, steps, tallies
from intake.database.engine import Database
from intake.database.tables import WorkerRow
from intake.presence import Presence
from intake.step_runner import Effects, StepRunner, nobody
from intake.steps import Claim
from intake.sweep import keep_sweeping
from intake.tallies import Tally
from schemas.states import StepName
from tests.integration.database.small_world import MINUTE, NOW, claimed, receive_files

BEAT = 10.0
SECOND = timedelta(seconds=1)


class Clock:
    def __init__(self) -> None:
        self.now = NOW


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(database: Database, clock: Clock) -> Database:
    return database.with_clock(lambda: clock.now)


def seen(database: Database) -> dict[str, WorkerRow]:
    with database.read() as session:
        return {worker.name: worker for worker in presence.workers(session)}


def counted(database: Database) -> dict[Tally, float]:
    with database.read() as session:
        return tallies.read(session)


def ask(database: Database, question: Callable[..., bool], *given: object) -> bool:
    with database.read() as session:
        return question(session, *given)


def test_a_worker_is_there_from_its_first_sign_until_it_leaves(timed: Database, clock: Clock) -> None:
    one = Presence(timed, "host/1/0", beat_seconds=3600)
    assert seen(timed) == {}
    one.appear()
    row = seen(timed)["host/1/0"]
    assert (row.started_at, row.seen_at, row.step, row.steps_done) == (NOW, NOW, None, 0)
    assert row.idle_since is not None
    assert presence.is_alive(row, NOW + 30 * SECOND, BEAT)
    assert not presence.is_alive(row, NOW + 31 * SECOND, BEAT)
    clock.now = NOW + MINUTE
    one.beat()
    row = seen(timed)["host/1/0"]
    assert (row.started_at, row.seen_at) == (NOW, NOW + MINUTE)
    one.leave()
    assert seen(timed) == {}


def test_a_worker_that_was_killed_is_forgotten_after_a_day_by_any_other(timed: Database, clock: Clock) -> None:
    Presence(timed, "killed", BEAT).beat()
    clock.now = NOW + timedelta(hours=23)
    Presence(timed, "other", BEAT).beat()
    assert set(seen(timed)) == {"killed", "other"}
    clock.now = NOW + timedelta(hours=25)
    Presence(timed, "other", BEAT).beat()
    assert set(seen(timed)) == {"other"}


def test_what_a_worker_does_and_did_is_told_with_its_next_sign(timed: Database) -> None:
    with timed.write() as session:
        receive_files(session, 3)
    here = Presence(timed, "worker-1", BEAT)
    shown: list[WorkerRow] = []

    def body(claim: Claim) -> Effects:
        here.beat()
        shown.append(seen(timed)["worker-1"])
        if len(shown) == 2:
            raise ValueError("an accident")
        return lambda session, now: None

    runner = StepRunner(timed, {StepName.UNPACK: here.watched(body)}, "worker-1", watcher=here.counting(nobody))
    assert [runner.run_next() for _ in range(4)] == [True, True, True, False]
    assert [(row.step, row.idle_since) for row in shown] == [(StepName.UNPACK, None)] * 3
    assert [row.steps_done for row in shown] == [0, 1, 1]
    here.leave()
    found = counted(timed)
    assert found[tallies.attempt("unpack", "done")] == 2
    assert found[tallies.attempt("unpack", "failed")] == 1
    buckets = [value for tally, value in found.items() if tally.metric == "step_seconds_bucket"]
    assert sum(buckets) == 3
    assert found[tallies.seconds_sum("unpack")] > 0


def test_counts_wait_for_a_database_that_does_not_take_them(timed: Database) -> None:
    here = Presence(timed, "worker-1", BEAT)
    claim = Claim(1, StepName.READ, steps.Subject(piece_id=1), 1, 1, 1, "worker-1", NOW)
    here.counting(nobody)("done", claim, 0.3)
    rename(timed, "tallies", "away")
    with pytest.raises(Exception, match="tallies"):
        here.beat()
    here.counting(nobody)("done", claim, 999.0)
    rename(timed, "away", "tallies")
    here.beat()
    here.beat()
    found = counted(timed)
    assert found[tallies.attempt("read", "done")] == 2
    assert found[tallies.seconds_bucket("read", 0.3)] == found[Tally("step_seconds_bucket", "read|+Inf")] == 1
    assert found[tallies.seconds_sum("read")] == pytest.approx(999.3)


def rename(database: Database, table: str, to: str) -> None:
    with database.write() as session:
        session.execute(text(f"ALTER TABLE {table} RENAME TO {to}"))


def test_tallies_raised_from_many_sides_at_once_lose_nothing(database: Database) -> None:
    names = [Tally("attempts", str(number)) for number in range(5)]

    def raise_them(order: list[Tally]) -> None:
        for _ in range(20):
            with database.write() as session:
                tallies.add(session, dict.fromkeys(order, 1.0))

    threads = [threading.Thread(target=raise_them, args=(names[turn:] + names[:turn],)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(database) == dict.fromkeys(names, 80.0)


def test_attempts_of_dead_workers_are_counted_by_the_sweep(timed: Database, clock: Clock) -> None:
    with timed.write() as session:
        receive_files(session, 2)
        for _ in range(2):
            claimed(steps.claim(session, [StepName.UNPACK], "worker-1", NOW))
    clock.now = NOW + 10 * MINUTE
    stop, ticks = threading.Event(), iter(range(10))

    class OneRound(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if next(ticks):
                self.set()
            return self.is_set()

    stop = OneRound()
    keep_sweeping(timed, 1.0, stop)
    assert counted(timed) == {tallies.LEASES_LOST: 2.0}


PATIENCE = 2 * MINUTE


def test_a_step_that_waits_with_no_lease_held_is_a_standstill(timed: Database) -> None:
    assert not ask(timed, standstill.nobody_at_work, NOW + 9 * MINUTE, PATIENCE)
    with timed.write() as session:
        receive_files(session, 2)
    assert not ask(timed, standstill.nobody_at_work, NOW + PATIENCE, PATIENCE)
    assert ask(timed, standstill.nobody_at_work, NOW + PATIENCE + SECOND, PATIENCE)
    with timed.write() as session:
        claimed(steps.claim(session, [StepName.UNPACK], "worker-1", NOW, lease=9 * MINUTE))
    assert not ask(timed, standstill.nobody_at_work, NOW + 8 * MINUTE, PATIENCE)
    assert ask(timed, standstill.nobody_at_work, NOW + 10 * MINUTE, PATIENCE)


@pytest.mark.parametrize(
    ("idle", "seen_at", "stands_still"),
    [
        (timedelta(0), 3 * MINUTE, True),  # idle since the step came, and for all of three minutes
        (MINUTE + SECOND, 3 * MINUTE, False),  # it worked until a while ago
        (-9 * MINUTE, MINUTE, False),  # idle for long, but the step is new
        (-9 * MINUTE, 3 * MINUTE, True),
        (None, 3 * MINUTE, False),  # at work
    ],
)
def test_a_worker_that_says_it_is_idle_beside_a_step_that_waits_is_a_standstill(
    timed: Database, idle: timedelta | None, seen_at: timedelta, stands_still: bool
) -> None:
    with timed.write() as session:
        receive_files(session, 2)
        claimed(steps.claim(session, [StepName.UNPACK], "worker-2", NOW, lease=99 * MINUTE))  # another is at work
        moment = None if idle is None else NOW + idle
        session.add(WorkerRow(name="worker-1", started_at=NOW, seen_at=NOW + seen_at, idle_since=moment))
    assert ask(timed, standstill.idle_beside_work, NOW + seen_at, PATIENCE, BEAT) is stands_still
    # What a dead worker said last says nothing of now.
    assert not ask(timed, standstill.idle_beside_work, NOW + seen_at + MINUTE, PATIENCE, BEAT)


def test_without_a_sign_of_any_worker_the_service_is_deserted(timed: Database, clock: Clock) -> None:
    assert not ask(timed, standstill.nobody_alive, NOW + PATIENCE, PATIENCE, NOW)  # they may still be starting
    assert ask(timed, standstill.nobody_alive, NOW + PATIENCE + SECOND, PATIENCE, NOW)
    clock.now = NOW + MINUTE
    Presence(timed, "worker-1", BEAT).beat()
    assert not ask(timed, standstill.nobody_alive, NOW + PATIENCE + MINUTE, PATIENCE, NOW)
    assert ask(timed, standstill.nobody_alive, NOW + PATIENCE + MINUTE + SECOND, PATIENCE, NOW)
