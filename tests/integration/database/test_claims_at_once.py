"""Many workers, one table: every step is claimed once, and the claim stays one look into an index.

`POSTROOM_CLAIMS` sets the steps that eight processes claim; `make soak-service` takes 2,000.
"""

import multiprocessing
import os
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from intake import steps
from intake.database.engine import Database, open_database
from intake.database.tables import StepRow
from schemas.errors import Unavailable
from schemas.states import StepName, StepState
from tests.integration.database.small_world import NOW, claimed, receive_pieces

Found = TypeVar("Found")

_WORKERS = 8
_STEPS = int(os.environ.get("POSTROOM_CLAIMS", "600"))


def _work(url: str, worker: str, done: "multiprocessing.Queue[tuple[str, list[int]]]") -> None:
    """Claim and finish steps until none is left, as a worker process does; say which."""
    database = open_database(url)
    mine = []
    claim_next = partial(steps.claim, names=[StepName.PUBLISH, StepName.READ], worker=worker, now=NOW)
    while (claim := _patiently(database, claim_next)) is not None:
        _patiently(database, partial(steps.finish, claim=claim, now=NOW))
        mine.append(claim.step_id)
    database.close()
    done.put((worker, mine))


def _patiently(database: Database, do: Callable[[Session], Found]) -> Found:
    """SQLite's lock is not handed out in turn: on a busy machine one of eight may wait for longer than is allowed."""
    while True:
        try:
            with database.write() as session:
                return do(session)
        except Unavailable:
            continue


@pytest.mark.slow
def test_eight_processes_claim_every_step_exactly_once(database: Database, url: str) -> None:
    with database.write() as session:
        receive_pieces(session, _STEPS)
    database.close()
    context = multiprocessing.get_context("fork")
    done = context.Queue()
    workers = [context.Process(target=_work, args=(url, f"worker-{n}", done)) for n in range(_WORKERS)]
    for worker in workers:
        worker.start()
    claims = dict(done.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join()
    times = Counter(step for mine in claims.values() for step in mine)
    assert len(times) == _STEPS
    assert set(times.values()) == {1}
    assert sum(len(mine) > 0 for mine in claims.values()) > 1  # they did work side by side
    with database.read() as session:
        rows = session.execute(
            select(StepRow.state, StepRow.attempts, StepRow.fence).where(StepRow.name == StepName.READ)
        ).all()
    assert set(rows) == {(StepState.DONE, 1, 1)}


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # SQLite has one writer at a time anyway
def test_a_claim_passes_over_what_another_worker_is_just_taking(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 2)
    with database.write() as first, database.write() as second:
        mine = claimed(steps.claim(first, [StepName.READ], "worker-1", NOW))
        theirs = claimed(steps.claim(second, [StepName.READ], "worker-2", NOW))
        assert mine.step_id != theirs.step_id


def plan_of_a_claim(database: Database) -> str:
    """How the database goes about one claim: the plan of the very statement that `claim` sends."""
    statements: list[tuple[str, object]] = []

    def note(_connection, _cursor, statement: str, parameters: object, _context, _many) -> None:
        statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    with database.write() as session:
        steps.claim(session, [StepName.PUBLISH, StepName.READ, StepName.UNPACK], "worker-1", NOW)
        session.rollback()
    event.remove(database.engine, "before_cursor_execute", note)
    [(statement, parameters)] = [sent for sent in statements if sent[0].startswith("UPDATE steps")]
    # A state handed over beside the statement could not be counted upon to find the index of that state.
    assert statement.count("state = 'ready'") == 4
    explain = "EXPLAIN " if database.is_postgresql else "EXPLAIN QUERY PLAN "
    with database.write() as session:
        lines = session.connection().exec_driver_sql(explain + statement, parameters).all()  # type: ignore[arg-type]
        session.rollback()
    return "\n".join(str(line) for line in lines)


def plan_of(database: Database, statement: str) -> str:
    explain = "EXPLAIN " if database.is_postgresql else "EXPLAIN QUERY PLAN "
    with database.read() as session:
        return "\n".join(str(line) for line in session.execute(text(explain + statement)).all())


def test_a_sweep_reads_only_what_is_running_or_waiting(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1_000)
        session.execute(text("UPDATE steps SET state = 'done' WHERE name = 'read'"))
    with database.write() as session:
        session.execute(text("ANALYZE"))
    running = (
        "SELECT id FROM steps WHERE state = 'running' AND lease_until < '2026-01-01' AND id > 0 ORDER BY id LIMIT 9"
    )
    waiting = "SELECT id FROM steps WHERE state = 'waiting' AND not_before <= '2026-01-01' AND id > 0 LIMIT 9"
    assert "ix_steps_running" in plan_of(database, running)
    assert "ix_steps_waiting" in plan_of(database, waiting)


def test_a_claim_looks_into_the_index_of_ready_steps_and_sorts_nothing(database: Database) -> None:
    with database.write() as session:
        receive_pieces(session, 1_000)
        session.execute(text("UPDATE steps SET state = 'done' WHERE name = 'read' AND id % 4 > 0"))
    with database.write() as session:
        session.execute(text("ANALYZE"))
    plan = plan_of_a_claim(database)
    assert len(re.findall("ix_steps_ready", plan)) == 3, plan  # one look for each name
    assert re.search(r"SCAN steps|Seq Scan|Sort|TEMP B-TREE", plan) is None, plan
    assert "pk_steps" in plan or "INTEGER PRIMARY KEY" in plan, plan
