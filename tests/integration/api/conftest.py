"""A service of its own for every test, and somebody who calls its API."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from intake.api.app import create_app
from intake.database.engine import Database
from intake.service import Service, open_service
from intake.settings import Settings
from intake.store.opening import open_store
from tests.integration.api.caller import Caller

# Whoever asks for `database` or `both` is run twice: on SQLite, and on a real PostgreSQL server.
from tests.integration.database.conftest import (  # noqa: F401
    database,
    migrated_postgresql,
    migrated_sqlite,
    postgresql_server,
    url,
)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with all tables and nothing in them, to be copied: making them takes longer than most tests."""
    home = tmp_path_factory.mktemp("empty") / "home"
    open_service(Settings(home=home)).close()
    return home


@pytest.fixture
def service(tmp_path: Path, empty_home: Path) -> Iterator[Service]:
    shutil.copytree(empty_home, tmp_path / "home")
    service = open_service(Settings(home=tmp_path / "home", low_water_bytes=0))
    yield service
    service.close()


@pytest.fixture
def caller(service: Service) -> Caller:
    return Caller(create_app(service, fresh_seconds=0))


@pytest.fixture
def both(database: Database, tmp_path: Path) -> Iterator[Service]:  # noqa: F811
    """A service on either database."""
    settings = Settings(home=tmp_path / "home", low_water_bytes=0)
    service = Service(settings, database, open_store(str(tmp_path / "store")))
    yield service
    service.ends.close()
