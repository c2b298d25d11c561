"""Opens the database, SQLite or PostgreSQL, and gives out sessions: one to read, one to write.

Both kinds see one consistent picture. A write transaction on SQLite takes the write lock when it begins: one that began
by reading and asks for the lock later is refused at once, whatever the busy timeout. Keep write transactions short.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from schemas.errors import Unavailable

BUSY_TIMEOUT_SECONDS: Final = 10  # how long a transaction waits for another's lock before it gives up
IDLE_TIMEOUT_SECONDS: Final = 60  # a transaction left open by a stopped process must not hold locks for longer
CONNECT_TIMEOUT_SECONDS: Final = 10
_POSTGRESQL_NAMES: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_SQLITE_NAMES: Final = frozenset({"sqlite", "sqlite+pysqlite"})
_WRITES: Final = "postroom_writes"
# Not the time at which the transaction began: it may have waited for a lock since.
_CLOCK: Final = select(func.clock_timestamp())

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Database:
    """A database that answers. Safe to share between threads; after a fork the child calls `after_fork` first.

    where: its URL for messages, the password masked.
    clock: asked instead of the database's own; for tests.
    """

    engine: Engine
    where: str
    clock: Clock | None = None

    @property
    def is_postgresql(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One write transaction: committed at the end of the block, rolled back if the block raises.

        Raises Unavailable if the database went away, is locked for too long or has no space. Whether the commit took
        effect is then unknown: look by key before doing it again.
        """
        with self._session(self.engine.execution_options(**{_WRITES: True})) as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One read-only transaction in which every query sees the same picture. Raises Unavailable like `write`."""
        engine = self.engine
        if self.is_postgresql:
            engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with self._session(engine) as session:
            yield session

    def now(self, within: Session | None = None) -> datetime:
        """The time that leases and waits are set and compared by: the database's, or on SQLite this machine's.

        within: an open transaction of this database, which saves PostgreSQL one of its own.

        Hosts whose clocks differ by an hour must not take each other's leases for expired. A clock that jumps, this
        one too, can cost time but no work: tokens decide who may finish, and the sweep mends what lies too far ahead.
        """
        if self.clock is not None:
            return self.clock()
        if not self.is_postgresql:
            return datetime.now(UTC)
        if within is not None:
            return _database_time(within)
        with self.read() as session:
            return _database_time(session)

    def with_clock(self, clock: Clock | None) -> "Database":
        return replace(self, clock=clock)

    def after_fork(self) -> None:
        """Forget the parent's connections without closing them: two processes on one connection mix their answers."""
        self.engine.dispose(close=False)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        with self.errors_named(), Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def errors_named(self) -> Iterator[None]:
        """Turn what the driver raises when the database fails, not we, into Unavailable. Values stay out of it."""
        try:
            yield
        except (OperationalError, InterfaceError, NoFreeConnection) as error:
            raise Unavailable(f"The database at {self.where} failed: {_first_line(error)}.") from error
        except DBAPIError as error:
            # SQLite names a damaged file by the general error, all that is our own fault by a special one.
            if not error.connection_invalidated and type(error) is not DatabaseError:
                raise
            raise Unavailable(f"The database at {self.where} failed: {_first_line(error)}.") from error


def open_database(url: str) -> Database:
    """The database at `url`, such as `sqlite:////folder/file` or `postgresql://user@host/name`, once it has answered.

    Its tables may be missing or old: see `intake.database.versions`. A SQLite file is made if there is none, its
    folder is not. Raises Unavailable if the URL is none of ours or nothing answers there.
    """
    parsed = _parse(url)
    database = Database(_engine(parsed), parsed.render_as_string(hide_password=True))
    with database.errors_named(), database.engine.connect() as connection:
        connection.execute(select(1))
    return database


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # The text may hold a password: it is not repeated.
        raise Unavailable(
            "POSTROOM_DATABASE_URL is no URL; an example: postgresql://postroom@localhost/post"
        ) from error
    if parsed.drivername in _POSTGRESQL_NAMES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in _SQLITE_NAMES:
        raise Unavailable(f"The database must be SQLite or PostgreSQL, not {parsed.drivername}.")
    if not parsed.database or parsed.database == ":memory:":
        raise Unavailable("The SQLite database needs a file: every process must see the same one.")
    if not Path(parsed.database).resolve().parent.is_dir():
        raise Unavailable(f"The folder of the SQLite database is missing: {Path(parsed.database).parent}")
    return parsed


def _engine(url: URL) -> Engine:
    if url.drivername != "postgresql+psycopg":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    settings = {
        "lock_timeout": f"{BUSY_TIMEOUT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_TIMEOUT_SECONDS}s",
        "timezone": "UTC",
        # Compiling a query costs more than any of ours take.
        "jit": "off",
    }
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": "postroom",
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        },
    )


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - the driver we chose above
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    _turn_on_wal(connection)
    # FULL: what was committed is still there after a power cut, which WAL with NORMAL does not promise.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")


def _turn_on_wal(connection: sqlite3.Connection) -> None:
    """Write-ahead logging, once for ever. Two processes that turn it on together are refused, not queued: retried."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes: Any = connection.get_execution_options().get(_WRITES, False)
    # Remembered with the connection: most transactions are of the kind of the one before.
    if connection.info.get(_WRITES) is not writes:
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        connection.info[_WRITES] = writes
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _database_time(session: Session) -> datetime:
    moment: datetime = session.execute(_CLOCK).scalar_one()
    return moment.astimezone(UTC)


def _first_line(error: Exception) -> str:
    """What the driver said, without the statement."""
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
