"""A database of its own on a real PostgreSQL server, and a Redis of its own, for every test that asks."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from intake.service import Service
from tests.integration.distributed.plant import Plant, planted
from tests.postgresql_server import PostgresqlServer, find_binaries
from tests.redis_server import RedisServer

_numbers = count(1)


@pytest.fixture(scope="module")
def postgresql_server() -> Iterator[PostgresqlServer]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed here: apt-get install postgresql")
    server = PostgresqlServer(binaries)
    yield server
    server.close()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def plant(tmp_path: Path, postgresql_server: PostgresqlServer, redis_server: RedisServer) -> Iterator[Plant]:
    """Short leases, so that what is lost comes back soon."""
    name = f"post{next(_numbers)}"
    settings = {
        "database_url": postgresql_server.create_database(name),
        "broker_url": redis_server.url,
        "store_url": str(tmp_path / "store"),
        "workers": "2",
        "lease_seconds": "3",
        "sweep_seconds": "0.5",
    }
    (tmp_path / "store").mkdir()
    with planted(tmp_path, **settings) as plant:
        yield plant
    postgresql_server.drop_database(name)


@pytest.fixture
def service(plant: Plant) -> Iterator[Service]:
    service = plant.open()
    yield service
    service.close()
