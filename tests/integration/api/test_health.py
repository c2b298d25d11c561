"""Ready means: workers live, the work goes on, and the books balance."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete

from intake.api.app import create_app
from intake.database.tables import StepRow, WorkerRow
from intake.presence import Presence
from intake.reconciliation import reconcile
from intake.service import Service
from tests.integration.api.caller import Caller, problem_of

PATIENCE_SECONDS = 120.0


class World:
    """A service whose clock the test moves, asked from elsewhere: anybody may ask for health."""

    def __init__(self, service: Service) -> None:
        self.started = self.now = service.database.now()
        database = service.database.with_clock(lambda: self.now)
        self.service = Service(service.settings, database, service.store)
        app = create_app(self.service, stalled_seconds=PATIENCE_SECONDS, fresh_seconds=0)
        self.caller = Caller(app, "192.0.2.7", "http://192.0.2.1")
        self.here = Caller(app)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def faults(self) -> list[str]:
        answer = self.caller.get("/health/ready")
        if answer.status_code == 200:
            assert answer.json() == {"status": "ready"}
            return []
        return [fault["place"] for fault in problem_of(answer, 503, "not_ready")["errors"]]


@pytest.fixture
def world(service: Service) -> World:
    return World(service)


def add_worker(world: World, idle_since: datetime | None) -> None:
    with world.service.database.write() as session:
        session.add(WorkerRow(name="w", started_at=world.started, seen_at=world.now, idle_since=idle_since))


def test_a_service_without_workers_is_not_ready_once_they_had_time_to_start(world: World) -> None:
    assert world.faults() == []
    world.wait(PATIENCE_SECONDS + 1)
    assert world.faults() == ["workers"]
    assert world.caller.get("/health/live").status_code == 200
    Presence(world.service.database, "worker-1", 10.0).beat()
    assert world.faults() == []
    world.wait(PATIENCE_SECONDS + 1)
    assert world.faults() == ["workers"]


def test_a_worker_idle_beside_work_that_waits_is_not_ready(world: World) -> None:
    world.here.upload()
    world.wait(PATIENCE_SECONDS + 1)
    add_worker(world, idle_since=world.started)
    assert world.faults() == ["progress"]


def test_a_difference_in_the_books_is_told_until_they_balance_again(world: World) -> None:
    world.here.upload()
    reconcile(world.service.database, "anna")
    assert world.faults() == []
    with world.service.database.write() as session:
        session.execute(delete(StepRow).where(StepRow.file_id == 1))
    assert world.faults() == []  # nobody has counted yet
    reconcile(world.service.database, "anna")
    assert world.faults() == ["conservation"]
    text = world.caller.get("/health/ready").text
    assert "files_without_step" not in text


def test_an_answer_is_given_again_for_a_moment(service: Service) -> None:
    caller = Caller(create_app(service, stalled_seconds=0, fresh_seconds=3600))
    first = caller.get("/health/ready").status_code
    (service.settings.home / "uploads").rmdir()
    assert caller.get("/health/ready").status_code == first
