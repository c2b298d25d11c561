"""A service of its own for every test, and somebody who calls its API."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from intake.api.app import create_app
from intake.service import Service, open_service
from intake.settings import Settings
from tests.integration.api.caller import Caller


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
