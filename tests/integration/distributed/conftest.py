"""A database of its own on a real PostgreSQL server, and a Redis of its own, for every test that asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from intake.service import Service
from tests.integration.distributed.plant import Plant, planted
from tests.postgresql_server import PostgresqlServer, own_server
from tests.redis_server import RedisServer

_numbers = count(1)


@pytest.fixture(scope="module")
def postgresql_server() -> Iterator[PostgresqlServer]:
    yield from own_server()


@contextmanager
def new_plant(folder: Path, database_server: PostgresqlServer, broker_url: str) -> Iterator[Plant]:
    """Short leases, so that what is lost comes back soon."""
    name = f"post{next(_numbers)}"
    settings = {
        "database_url": database_server.create_database(name),
        "broker_url": broker_url,
        "store_url": str(folder / "store"),
        "workers": "2",
        "lease_seconds": "3",
        "sweep_seconds": "0.5",
    }
    (folder / "store").mkdir()
    with planted(folder, **settings) as plant:
        yield plant
    database_server.drop_database(name)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def plant(tmp_path: Path, postgresql_server: PostgresqlServer, redis_server: RedisServer) -> Iterator[Plant]:
    with redis_server.client() as client:
        client.flushall()
    with new_plant(tmp_path, postgresql_server, redis_server.url) as plant:
        yield plant


@pytest.fixture
def service(plant: Plant) -> Iterator[Service]:
    service = plant.open()
    yield service
    service.close()
