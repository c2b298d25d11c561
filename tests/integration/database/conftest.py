"""Every test that asks for `database` runs twice: on SQLite, and on a real PostgreSQL server."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from intake.database.engine import Database, open_database
from intake.database.versions import upgrade
from tests.postgresql_server import PostgresqlServer, own_server

BACKENDS = ("sqlite", "postgresql")
_numbers = count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One server for all tests; each has a database of its own on it."""
    yield from own_server()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables and nothing in them, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "post.db"
    database = open_database(f"sqlite:///{file}")
    upgrade(database)
    database.close()  # the last connection also writes the log back into the file
    return file


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: PostgresqlServer) -> str:
    """The name of a database with all tables and nothing in them, to be copied."""
    database = open_database(postgresql_server.create_database("migrated"))
    upgrade(database)
    database.close()
    return "migrated"


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    name = f"empty{next(_numbers)}"
    yield server.create_database(name)
    server.drop_database(name)


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with all tables and nothing in them."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "post.db")
        yield f"sqlite:///{file}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    name = f"post{next(_numbers)}"
    yield server.create_database(name, template=request.getfixturevalue("migrated_postgresql"))
    server.drop_database(name)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = open_database(url)
    yield database
    database.close()
