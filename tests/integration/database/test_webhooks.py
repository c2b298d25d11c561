"""Events reach their receivers: signed, in order for each record, again until they are had, and nowhere else."""

import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from intake import audit
from intake.database.engine import Database
from intake.database.tables import Base, DeliveryRow, DocumentRow, OutboxRow, RevisionRow, WebhookRow
from intake.events import deliveries, webhooks
from intake.events.address import ForbiddenAddress, parse_allowed
from intake.events.deliverer import Deliverer
from intake.events.deliveries import Patience
from intake.events.sending import Answer, Sender
from intake.events.signing import PREFIX, SecretBox
from intake.events.webhooks import Office, Wanted
from intake.publication import next_in_order
from intake.store.keys import parse_keys
from schemas.delivery import DeliveryOutcome, DeliveryState, WebhookState
from schemas.events import EventType
from schemas.json_schema import event_schema
from tests.integration.database.receiver import Got, Receiver, receiving
from tests.integration.database.small_world import add_document, publish, receive_pieces
from tests.schema_check import faults_of

HERE = parse_allowed("127.0.0.1")
UNSEALED = SecretBox(None)
HERE_ONLY = Sender(HERE, 5.0)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEY = "2026a:" + "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU="


@dataclass
class Post:
    """A database with records that come out, a clock that is put forward by hand, and who delivers."""

    database: Database
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    box: SecretBox = UNSEALED
    sender: Sender = HERE_ONLY

    def __post_init__(self) -> None:
        self.database = self.database.with_clock(lambda: self.now)
        self.office = Office(HERE, self.box, DAY)

    @property
    def deliverer(self) -> Deliverer:
        chance = random.Random(7)  # noqa: S311  # spreads waits, no secret
        return Deliverer(self.database, self.sender, self.box, Patience(DAY, HOUR), 30 * DAY, "urn:test", chance=chance)

    def add(self, url: str, *types: EventType, with_record: bool = False) -> tuple[UUID, str]:
        """A webhook: its id and its secret."""
        with self.database.write() as session:
            made, secret = self.office.add(session, Wanted(url, "", types, with_record), "anna", self.now)
        return made.id, secret

    def publish(self, records: int = 1, revisions: int = 1) -> None:
        """So many records with so many revisions each, all first revisions first."""
        with self.database.write() as session:
            documents = [add_document(session, piece) for piece in receive_pieces(session, records)]
            for document in documents:
                publish(session, document)
            for _ in range(revisions - 1):
                for document in documents:
                    revise(session, document)

    def deliver(self, after: timedelta = timedelta(0)) -> int:
        self.now += after
        return self.deliverer.work_off()

    def keep_delivering(self, hours: float, every: timedelta = MINUTE) -> None:
        for _ in range(int(timedelta(hours=hours) / every)):
            self.deliver(every)

    def rows(self) -> list[DeliveryRow]:
        with self.database.read() as session:
            return list(session.scalars(select(DeliveryRow).order_by(DeliveryRow.id)))

    def webhook(self) -> WebhookRow:
        with self.database.read() as session:
            return session.scalars(select(WebhookRow)).one()


def revise(session: Any, document: DocumentRow) -> None:
    """A further revision of a record, as publication writes it."""
    records = Base.metadata.tables["records"]
    raised = (
        update(records)
        .where(records.c.document_id == document.id)
        .values(latest_revision=records.c.latest_revision + 1)
        .returning(records.c.id, records.c.latest_revision)
    )
    record, number = session.execute(raised).one()
    revision = RevisionRow(
        record_id=record, number=number, sequence=next_in_order(session), status="complete", body="{}",
        body_sha256="0" * 64, published_at=datetime.now(UTC),
    )  # fmt: skip
    session.add(revision)
    session.flush()
    session.add(OutboxRow(revision_id=revision.id, event="record.published", created_at=datetime.now(UTC)))
    session.flush()


@pytest.fixture
def post(database: Database) -> Post:
    return Post(database)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_an_event_is_a_cloud_event_signed_as_the_receivers_library_checks(post: Post, receiver: Receiver) -> None:
    _, secret = post.add(receiver.url)
    post.publish()
    assert post.deliver() == 1
    [got] = receiver.got
    assert got.is_signed_with(secret)
    assert not got.is_signed_with(PREFIX + "A" * 43 + "=")
    event = got.event
    assert got.headers["webhook-id"] == event["id"]
    assert got.headers["content-type"] == "application/cloudevents+json"
    assert (event["specversion"], event["type"], event["source"]) == ("1.0", "record.published", "urn:test")
    assert (event["subject"], event["sequence"]) == ("records/record-1", "1")
    assert event["dataschema"] == "urn:postroom:event:record.published:1"
    data = event["data"]
    assert faults_of(json.dumps(data), event_schema(EventType.RECORD_PUBLISHED)) == []
    assert (data["record_id"], data["revision"], data["sequence"], data["status"]) == ("record-1", 1, 1, "complete")
    assert (data["body_sha256"], data["link"]) == ("0" * 64, "/v1/records/record-1/revisions/1")
    assert "record" not in data
    assert [row.state for row in post.rows()] == [DeliveryState.DELIVERED]


def test_the_record_goes_with_its_event_to_whoever_asked_for_it(post: Post, receiver: Receiver) -> None:
    post.add(receiver.url, with_record=True)
    post.publish()
    post.deliver()
    assert receiver.events[0]["data"]["record"] == {}


def test_only_what_was_asked_for_is_sent(post: Post, receiver: Receiver) -> None:
    post.add(receiver.url, EventType.BATCH_COMPLETED)
    post.publish()
    assert post.deliver() == 0
    with post.database.read() as session:
        assert session.scalars(select(OutboxRow).where(OutboxRow.sent_at.is_(None))).all() == []


def test_a_receiver_that_is_down_for_an_hour_misses_nothing_and_gets_each_record_in_order(
    post: Post, receiver: Receiver
) -> None:
    post.add(receiver.url)
    receiver.answer = lambda handler, got: 503
    for _ in range(6):
        post.publish(2, revisions=3)
        for _ in range(10):
            post.deliver(MINUTE)
    tried = len(receiver.got)
    assert tried < 60  # it is not overrun while it is down
    receiver.got.clear()
    receiver.answer = lambda handler, got: 204
    post.keep_delivering(2.5)
    found: dict[str, list[int]] = {}
    for event in receiver.events:
        found.setdefault(event["data"]["record_id"], []).append(event["data"]["revision"])
    assert found == {f"record-{number}": [1, 2, 3] for number in range(1, 13)}
    assert {row.state for row in post.rows()} == {DeliveryState.DELIVERED}


def test_a_later_revision_waits_for_the_one_before_and_other_records_go_on(post: Post, receiver: Receiver) -> None:
    post.add(receiver.url)
    post.publish(2, revisions=2)
    failing = {"record-1"}
    receiver.answer = lambda handler, got: 400 if got.event["data"]["record_id"] in failing else 204
    post.deliver()
    assert [(event["data"]["record_id"], event["data"]["revision"]) for event in receiver.events] == [
        ("record-1", 1),
        ("record-2", 1),
        ("record-2", 2),
    ]
    failing.clear()
    post.keep_delivering(0.5)
    assert [(event["data"]["record_id"], event["data"]["revision"]) for event in receiver.events[-2:]] == [
        ("record-1", 1),
        ("record-1", 2),
    ]


def test_what_cannot_be_had_for_a_day_is_a_dead_letter_and_can_be_replayed(post: Post, receiver: Receiver) -> None:
    webhook, _ = post.add(receiver.url)
    post.publish(1, revisions=2)
    receiver.answer = lambda handler, got: 500
    post.keep_delivering(23, every=10 * MINUTE)
    assert {row.state for row in post.rows()} == {DeliveryState.WAITING}
    post.keep_delivering(4, every=10 * MINUTE)
    post.deliverer.sweep()
    assert {row.state for row in post.rows()} == {DeliveryState.DEAD}
    ids = {got.headers["webhook-id"] for got in receiver.got}
    receiver.got.clear()
    receiver.answer = lambda handler, got: 200
    with post.database.write() as session:
        assert webhooks.replay_dead(session, webhook, post.now - 2 * DAY, "anna", post.now) == 2
    post.deliver()
    assert [event["data"]["revision"] for event in receiver.events] == [1, 2]
    assert ids <= {got.headers["webhook-id"] for got in receiver.got}
    assert {row.state for row in post.rows()} == {DeliveryState.DELIVERED}


def test_a_receiver_that_is_gone_is_switched_off_where_it_can_be_seen(post: Post, receiver: Receiver) -> None:
    webhook, _ = post.add(receiver.url)
    post.publish(3)
    receiver.answer = lambda handler, got: 410
    post.deliver()
    assert len(receiver.got) == 1
    with post.database.read() as session:
        shown = webhooks.one(session, webhook)
        assert (shown.state, shown.reason) == (WebhookState.DISABLED, "It answered 410: it wants nothing more.")
        assert audit.verify(session) is None
    post.deliverer.sweep()
    outcomes = [(row.state, row.outcome) for row in post.rows()]
    assert outcomes[0] == (DeliveryState.DEAD, DeliveryOutcome.GONE)
    assert set(outcomes[1:]) == {(DeliveryState.DEAD, DeliveryOutcome.SWITCHED_OFF)}


def test_a_redirect_is_not_followed(post: Post, receiver: Receiver) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler, _: Got) -> None:
        handler.send_response(307)
        handler.send_header("Location", receiver.url + "&again=1")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    receiver.answer = elsewhere
    post.add(receiver.url)
    post.publish()
    assert post.deliver() == 1
    assert len(receiver.got) == 1
    assert [(row.state, row.outcome, row.status) for row in post.rows()] == [
        (DeliveryState.WAITING, DeliveryOutcome.REDIRECTED, 307)
    ]


def test_a_receiver_that_answers_a_byte_now_and_then_holds_nobody_up(post: Post, receiver: Receiver) -> None:
    free = threading.Event()

    def drip(handler: BaseHTTPRequestHandler, _: Got) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not free.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    receiver.answer = drip
    post.sender = Sender(HERE, 0.5)
    post.add(receiver.url)
    post.publish()
    assert post.deliver() == 1
    free.set()
    assert [row.outcome for row in post.rows()] == [DeliveryOutcome.TOO_SLOW]


def test_of_an_answer_without_end_a_little_is_read(post: Post, receiver: Receiver) -> None:
    written = 0

    def flood(handler: BaseHTTPRequestHandler, _: Got) -> None:
        nonlocal written
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(4096):
            try:
                written += handler.wfile.write(b"x" * 65536)
            except OSError:
                return

    receiver.answer = flood
    post.add(receiver.url)
    post.publish()
    assert post.deliver() == 1
    assert [row.state for row in post.rows()] == [DeliveryState.DELIVERED]
    assert written < 64 * 1024 * 1024


def test_while_a_secret_is_changed_the_old_one_signs_too_and_not_for_longer(post: Post, receiver: Receiver) -> None:
    webhook, old = post.add(receiver.url)
    with post.database.write() as session:
        _, new = post.office.rotate(session, webhook, "anna", post.now)
    assert old != new
    post.publish()
    post.deliver()
    assert [receiver.got[-1].is_signed_with(secret) for secret in (old, new)] == [True, True]
    assert receiver.got[-1].headers["webhook-signature"].count("v1,") == 2
    post.now += 2 * DAY
    post.publish()
    post.deliver()
    got = replace(receiver.got[-1], headers=receiver.got[-1].headers)
    assert got.headers["webhook-signature"].count("v1,") == 1


def test_secrets_lie_sealed_and_each_opens_for_its_own_webhook_only(database: Database, receiver: Receiver) -> None:
    post = Post(database, box=SecretBox(parse_keys(KEY)))
    webhook, secret = post.add(receiver.url)
    kept = post.webhook().secret
    assert kept.startswith("sealed:2026a:")
    assert secret not in kept
    assert post.box.open(kept, webhook) == secret
    post.publish()
    post.deliver()
    assert receiver.got[0].is_signed_with(secret)
    post.box = SecretBox(None)
    post.publish()
    post.deliver()
    assert len(receiver.got) == 1
    assert [row.outcome for row in post.rows()][-1] is DeliveryOutcome.CANNOT_SIGN


def test_what_a_dead_deliverer_held_is_sent_again_under_its_id_and_its_late_word_counts_nothing(
    post: Post, receiver: Receiver
) -> None:
    post.add(receiver.url)
    post.publish()
    deliveries.fan_out(post.database)
    with post.database.write() as session:
        [webhook] = deliveries.due(session, post.now)
        lost = deliveries.claim(session, webhook, post.now, MINUTE)
        assert lost is not None
        assert deliveries.claim(session, webhook, post.now, MINUTE) is None
    post.now += 2 * MINUTE
    assert deliveries.bring_back(post.database, post.now) == 1
    assert post.deliver() == 1
    with post.database.write() as session:
        late = Answer(DeliveryOutcome.REJECTED, 500)
        chance = random.Random(7)  # noqa: S311
        assert deliveries.settle(session, lost, late, post.now, Patience(DAY, HOUR), chance) is None
    assert [(row.state, row.attempts) for row in post.rows()] == [(DeliveryState.DELIVERED, 2)]


def test_many_deliverers_at_once_send_each_event_once_and_each_record_in_order(post: Post, receiver: Receiver) -> None:
    post.add(receiver.url)
    post.publish(10, revisions=3)
    deliverers = [threading.Thread(target=post.deliverer.work_off) for _ in range(4)]
    for each in deliverers:
        each.start()
    for each in deliverers:
        each.join()
    post.deliver()
    found: dict[str, list[int]] = {}
    for event in receiver.events:
        found.setdefault(event["data"]["record_id"], []).append(event["data"]["revision"])
    assert found == {f"record-{number}": [1, 2, 3] for number in range(1, 11)}


def test_deliveries_that_were_made_are_forgotten_after_a_while_and_dead_ones_are_not(
    post: Post, receiver: Receiver
) -> None:
    post.add(receiver.url)
    post.publish(2)
    receiver.answer = lambda handler, got: 204 if got.event["data"]["record_id"] == "record-1" else 410
    post.deliver()
    post.now += 29 * DAY
    post.deliverer.sweep()
    assert len(post.rows()) == 2
    post.now += 2 * DAY
    post.deliverer.sweep()
    assert [row.state for row in post.rows()] == [DeliveryState.DEAD]


def test_a_removed_webhook_gets_nothing_and_its_secret_is_forgotten(post: Post, receiver: Receiver) -> None:
    webhook, _ = post.add(receiver.url)
    post.publish()
    deliveries.fan_out(post.database)
    with post.database.write() as session:
        webhooks.remove(session, webhook, "anna", post.now)
        assert webhooks.all_of(session) == []
    assert post.deliver() == 0
    post.deliverer.sweep()
    assert (post.webhook().secret, post.rows()) == ("", [])


def test_a_name_that_leads_elsewhere_when_it_is_sent_to_leads_nowhere(database: Database, receiver: Receiver) -> None:
    """At creation the name led to a public address; the stub then changes its answer to this machine's own."""
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    closed = parse_allowed("", f"443,{receiver.port}")
    post = Post(database, sender=Sender(closed, 5.0, resolve))
    office = Office(closed, post.box, DAY, resolve)
    url = f"https://hooks.example.org:{receiver.port}/"
    office.judge(url)
    post.add(url)
    post.publish()
    post.deliver()
    assert asked == ["hooks.example.org"] * 2
    assert receiver.got == []
    assert [row.outcome for row in post.rows()] == [DeliveryOutcome.REFUSED_ADDRESS]


def test_nothing_is_asked_of_a_proxy_of_the_environment(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        post.add(receiver.url)
        post.publish()
        post.deliver()
        assert len(receiver.got) == 1


def test_the_service_delivers_by_itself(database: Database, receiver: Receiver) -> None:
    post = Post(database)
    post.add(receiver.url)
    post.publish(3)
    stop = threading.Event()
    running = threading.Thread(target=post.deliverer.run, args=(stop, 0.02))
    running.start()
    deadline = time.monotonic() + 30
    while len(receiver.got) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    running.join()
    assert [event["data"]["sequence"] for event in receiver.events] == [1, 2, 3]
    with database.read() as session:
        assert deliveries.standings(session)[0] == 0
        assert session.scalars(select(func.count()).select_from(DeliveryRow)).one() == 3


def test_an_address_that_is_refused_makes_no_webhook(post: Post) -> None:
    with pytest.raises(ForbiddenAddress):
        post.office.judge("https://10.0.0.1/")
