"""Sessions: one to read that sees one moment, one to write that waits its turn; failures with a name."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from intake.database.engine import Database, open_database
from intake.database.tables import BatchRow, FieldRow, FileRow, StepRow
from intake.publication import next_in_order
from schemas.errors import Unavailable
from schemas.field import FieldKind, FieldStatus
from tests.integration.database.small_world import NOW, add_document, receive_files, receive_pieces
from tests.postgresql_server import PostgresqlServer


def test_what_was_written_is_there_for_the_next_to_read(database: Database) -> None:
    with database.write() as session:
        receive_files(session, 2)
    with database.read() as session:
        assert session.scalars(select(FileRow.name).order_by(FileRow.position)).all() == ["1.tif", "2.tif"]


def test_a_block_that_raises_writes_nothing(database: Database) -> None:
    def stumble() -> None:
        with database.write() as session:
            receive_files(session)
            raise KeyError("stumbled")

    with pytest.raises(KeyError):
        stumble()
    with database.read() as session:
        assert session.scalars(select(func.count()).select_from(FileRow)).one() == 0


def test_a_session_to_read_cannot_write(database: Database) -> None:
    with pytest.raises((DBAPIError, Unavailable)), database.read() as session:
        receive_files(session)
    with database.write() as session:  # and the connection it used can write again
        receive_files(session)


def test_writers_that_read_first_wait_for_each_other_and_none_fails(database: Database) -> None:
    with database.write() as session:
        [file] = receive_files(session)

    def lengthen(_: int) -> None:
        with database.write() as session:
            row = session.scalars(select(FileRow).where(FileRow.id == file).with_for_update()).one()
            row.size_bytes += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lengthen, range(80)))
    with database.read() as session:
        assert session.scalars(select(FileRow.size_bytes)).one() == 9 + 80


def test_places_in_the_order_of_publication_have_no_gaps_and_come_in_order(database: Database) -> None:
    seen: list[int] = []

    def take(number: int) -> None:
        with database.write() as session:
            place = next_in_order(session)
            if number % 5 == 0:
                session.rollback()  # a publication that failed leaves no gap
            else:
                seen.append(place)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(take, range(30)))
    assert seen == list(range(1, 25))


def test_a_moment_comes_back_in_utc_and_sorts_as_time_does(database: Database) -> None:
    summer = timezone(timedelta(hours=1))
    moments = [
        datetime(2026, 10, 25, 1, 30, tzinfo=summer),
        datetime(2026, 10, 25, 0, 45, 0, 7, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ]
    with database.write() as session:
        for moment in reversed(moments):
            session.add(BatchRow(channel="", operator="", received_on=moment.date(), received_at=moment))
    with database.read() as session:
        query = select(BatchRow.received_at).where(BatchRow.received_at >= moments[0]).order_by(BatchRow.received_at)
        found = session.scalars(query).all()
    assert found == moments
    assert {moment.tzinfo for moment in found} == {UTC}


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point
    with pytest.raises(StatementError, match="time zone"), database.read() as session:
        session.scalars(select(BatchRow).where(BatchRow.received_at > naive)).all()


def test_what_belongs_to_nothing_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(FileRow(batch_id=77, position=1, name="", sha256="0" * 64, size_bytes=0, state_since=NOW))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE files SET position = 2",
        "UPDATE files SET sha256 = 'short'",
        "UPDATE files SET state = 'lost'",
        "UPDATE files SET cause = 'bad luck'",
        "UPDATE steps SET state = 'running'",
        "UPDATE steps SET state = 'quarantined'",
        "UPDATE steps SET attempts = -1",
        "UPDATE steps SET file_id = NULL",
    ],
)
def test_rows_that_make_no_sense_are_refused(database: Database, statement: str) -> None:
    with database.write() as session:
        receive_files(session, 2)
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text(statement))


@pytest.mark.parametrize("value", [None, "Jane Doe", 0, False, ["a", "b"], 2**40])
def test_a_value_comes_back_as_what_it_was(database: Database, value: object) -> None:
    with database.write() as session:
        [piece] = receive_pieces(session, 1)
        field = FieldRow(
            document_id=add_document(session, piece).id,
            name="name",
            ordinal=1,
            kind=FieldKind.TEXT,
            status=FieldStatus.REVIEW,
            value=value,
            text="Jané",
            readings=[{"text": "Jané", "reader": "r@1", "score": 0.125}],
            decision={"reasons": ["unsure"], "box": [0.1, 0.2, 0.3, 0.4]},
        )
        session.add(field)
    with database.read() as session:
        row = session.scalars(select(FieldRow)).one()
        assert (row.value, type(row.value)) == (value, type(value))
        assert row.readings == [{"text": "Jané", "reader": "r@1", "score": 0.125}]
        assert list(row.decision) == ["reasons", "box"]
        assert session.scalars(select(FieldRow.id).where(FieldRow.value.is_(None))).all() == (
            [1] if value is None else []
        )


def test_the_clock_is_the_databases_own_unless_a_test_brings_one(database: Database) -> None:
    before = datetime.now(UTC)
    assert before <= database.now() <= datetime.now(UTC)
    assert database.now().tzinfo is UTC
    assert database.with_clock(lambda: NOW).now() == NOW


def test_a_child_of_a_fork_uses_connections_of_its_own(database: Database) -> None:
    with database.read() as session:
        session.execute(select(1))
    child = os.fork()
    if child == 0:
        database.after_fork()
        with database.write() as session:
            receive_files(session)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with database.read() as session:
        assert session.scalars(select(func.count()).select_from(StepRow)).one() == 1


def test_a_lock_held_for_too_long_is_unavailable_not_a_crash(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.database.engine.BUSY_TIMEOUT_SECONDS", 1)
    database = open_database(url)
    with database.write() as session:
        receive_files(session)
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write() as session:
            session.execute(text("UPDATE files SET name = 'held'"))
            held.set()
            enough.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"lock"), database.write() as session:
        session.execute(text("UPDATE files SET name = 'mine'"))
    assert 0.5 < time.monotonic() - began < 5
    enough.set()
    holder.join()
    with database.read() as session:
        assert session.scalars(select(FileRow.name)).one() == "held"
    database.close()


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'post.db'}")
    settings = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 10_000}
    with database.write() as session:
        found = {name: session.execute(text(f"PRAGMA {name}")).scalar_one() for name in settings}
    database.close()
    assert found == settings


def test_postgresql_gives_up_waiting_and_cuts_off_the_idle(postgresql_server: PostgresqlServer) -> None:
    database = open_database(postgresql_server.url("postgres"))
    settings = {"lock_timeout": "10s", "idle_in_transaction_session_timeout": "1min", "TimeZone": "UTC", "jit": "off"}
    with database.write() as session:
        found = {name: session.execute(text(f"SHOW {name}")).scalar_one() for name in settings}
    database.close()
    assert found == settings


def test_a_database_that_crashed_is_unavailable_and_then_there_again(postgresql_server: PostgresqlServer) -> None:
    database = open_database(postgresql_server.url("postgres"))

    def crash_while_writing() -> None:
        with database.write() as session:
            session.execute(text("SELECT 1"))
            postgresql_server.restart("immediate")
            session.execute(text("SELECT 1"))

    with pytest.raises(Unavailable, match="postgresql"):
        crash_while_writing()
    with database.read() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1
    database.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://anna:secret@127.0.0.1:1/post", "refused"),
        ("mysql://anna:secret@127.0.0.1/post", "must be SQLite or PostgreSQL"),
        ("anna:secret", "is no URL"),
        ("sqlite://", "needs a file"),
        ("sqlite:////no/such/folder/post.db", "folder of the SQLite database is missing"),
    ],
)
def test_a_database_that_does_not_answer_says_so_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(Unavailable, match=problem) as caught:
        open_database(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    file = tmp_path / "post.db"
    file.write_bytes(b"Dear Sir or Madam, " * 100)
    with pytest.raises(Unavailable, match="not a database"):
        open_database(f"sqlite:///{file}")
