"""Ready means: workers live, the work goes on, and the books balance."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete

from intake.api.app import create_app
from intake.database.tables import StepRow, WorkerRow
from intake.events.address import parse_allowed
from intake.events.deliverer import Deliverer
from intake.events.deliveries import Patience
from intake.events.sending import Sender
from intake.events.signing import SecretBox
from intake.events.webhooks import Office, Wanted
from intake.presence import Presence
from intake.reconciliation import reconcile
from intake.service import Service
from schemas.events import EventType
from tests.integration.api.caller import Caller, problem_of

PATIENCE_SECONDS = 120.0
NEAR, DAY = parse_allowed("127.0.0.1"), timedelta(days=1)


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


def test_events_that_nobody_tries_to_deliver_are_told_and_without_receivers_there_are_none(world: World) -> None:
    world.here.upload()
    world.wait(PATIENCE_SECONDS + 1)
    assert "deliveries" not in world.faults()
    deliverer(world.service).work_off()
    add_webhook(world.service)
    world.here.upload()
    assert "deliveries" not in world.faults()
    world.wait(PATIENCE_SECONDS + 1)
    assert "deliveries" in world.faults()
    deliverer(world.service).work_off()  # the receiver does not answer: that is its fault and none of ours
    assert "deliveries" not in world.faults()


def test_metrics_tell_what_waits_for_receivers_and_how_attempts_ended(world: World) -> None:
    add_webhook(world.service)
    world.here.upload()
    deliverer(world.service).work_off()
    world.wait(60)
    text = world.here.get("/metrics").text
    assert 'postroom_webhook_deliveries{state="waiting"} 1.0' in text
    assert 'postroom_webhook_deliveries{state="dead"} 0.0' in text
    assert "postroom_webhook_oldest_seconds 60.0" in text
    assert 'postroom_webhook_attempts_total{outcome="no_connection"} 1.0' in text
    assert 'postroom_webhook_attempts_total{outcome="delivered"} 0.0' in text


def add_webhook(service: Service) -> None:
    """A receiver that listens nowhere."""
    wanted = Wanted("http://127.0.0.1:9/", "", (EventType.BATCH_RECEIVED,), False)
    with service.database.write() as session:
        Office(NEAR, SecretBox(None), DAY).add(session, wanted, "anna", service.database.now(session))


def deliverer(service: Service) -> Deliverer:
    patience = Patience(DAY, timedelta(hours=1))
    return Deliverer(service.database, Sender(NEAR, 5.0), SecretBox(None), patience, DAY, "urn:test")
