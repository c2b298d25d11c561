"""The books are balanced at start and again and again; a difference is written down, audited and told to the log."""

import logging
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import delete, select

from intake import audit, reconciliation, steps
from intake.database.engine import Database
from intake.database.tables import AuditRow, ReconciliationRow, StepRow
from intake.reconciliation import keep_reconciling, reconcile
from schemas.states import StepName
from tests.integration.database.small_world import NOW, receive_files


@pytest.fixture
def two_files(database: Database) -> Database:
    with database.write() as session:
        receive_files(session, 2)
    return database


def lose_a_step(database: Database) -> None:
    with database.write() as session:
        session.execute(delete(StepRow).where(StepRow.file_id == 2))


def mend(database: Database) -> None:
    with database.write() as session:
        steps.add(session, StepName.UNPACK, steps.Subject(file_id=2), NOW)


def latest(database: Database) -> tuple[int, dict[str, object], str] | None:
    with database.read() as session:
        row = reconciliation.latest(session)
        return None if row is None else (row.difference, row.differences, row.actor)


def test_books_that_balance_are_written_down_and_are_no_alarm(
    two_files: Database, caplog: pytest.LogCaptureFixture
) -> None:
    assert latest(two_files) is None
    with caplog.at_level(logging.INFO):
        assert reconcile(two_files, "anna").difference == 0
    assert latest(two_files) == (0, {}, "anna")
    assert [record.levelname for record in caplog.records if record.name == "postroom"] == ["INFO"]
    with two_files.read() as session:
        assert session.scalars(select(AuditRow)).all() == []


def test_a_difference_is_an_error_in_the_log_and_stands_in_the_audit(
    two_files: Database, caplog: pytest.LogCaptureFixture
) -> None:
    lose_a_step(two_files)
    with caplog.at_level(logging.INFO):
        assert reconcile(two_files, "anna").differences == {"files_without_step": 1}
    assert latest(two_files) == (1, {"files_without_step": 1}, "anna")
    told = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "postroom"]
    assert told[0] == ("ERROR", "difference what=files_without_step count=1")
    assert told[1][0] == "ERROR"
    assert told[1][1].startswith("reconciled difference=1 ")
    with two_files.read() as session:
        entry = session.scalars(select(AuditRow)).one()
        assert (entry.actor, entry.action, entry.details) == ("anna", "difference found", '{"files_without_step":1}')
        assert audit.verify(session) is None


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_they_are_balanced_at_start_and_every_so_often(two_files: Database) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=keep_reconciling, args=(two_files, 0.05, stop))
    thread.start()
    try:
        wait_until(lambda: latest(two_files) == (0, {}, "reconcile"))
        lose_a_step(two_files)
        wait_until(lambda: latest(two_files) == (1, {"files_without_step": 1}, "reconcile"))
        mend(two_files)
        wait_until(lambda: latest(two_files) == (0, {}, "reconcile"))
    finally:
        stop.set()
        thread.join()


def test_a_long_interval_begins_with_a_balance_and_ends_at_once(two_files: Database) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=keep_reconciling, args=(two_files, 86_400.0, stop))
    thread.start()
    wait_until(lambda: latest(two_files) is not None)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    with two_files.read() as session:
        assert len(session.scalars(select(ReconciliationRow)).all()) == 1
