"""The deliverer: hands new events on to receivers and sends what is due, each receiver in a thread of its own.

Any number of them may run, in as many processes: the table of deliveries says who sends what.
"""

import logging
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from intake.database.engine import Database
from intake.database.tables import WebhookRow
from intake.event_log import tell, tell_error
from intake.events import deliveries
from intake.events.cloud_event import Message, message
from intake.events.deliveries import Claim, Patience
from intake.events.sending import Answer, Sender
from intake.events.signing import SecretBox, secret_box, signatures
from intake.settings import Settings
from intake.store.errors import KeyUnusable
from schemas.delivery import DeliveryOutcome, DeliveryState
from schemas.errors import MailError
from schemas.events import MEDIA_TYPE

POLL_SECONDS: Final = 1.0
_RECEIVERS_AT_ONCE: Final = 4
_MORE_THAN_TIMEOUT: Final = timedelta(seconds=60)  # looking up the name, and writing down how it went
_USER_AGENT: Final = "postroom"


class _Receiver(NamedTuple):
    """What is needed to send to it. secrets: the one it has now first; empty if they cannot be opened."""

    url: str
    with_record: bool
    secrets: tuple[str, ...]


class _Next(NamedTuple):
    """One claimed event, ready to be sent."""

    claim: Claim
    receiver: _Receiver
    message: Message


@dataclass
class Deliverer:
    """Delivers. chance: spreads the waits; the service's own need not be a secret."""

    database: Database
    sender: Sender
    box: SecretBox
    patience: Patience
    keep: timedelta
    source: str
    sweep_seconds: float = 10.0
    chance: random.Random = field(default_factory=random.Random)

    def run(self, stop: threading.Event, poll_seconds: float = POLL_SECONDS) -> None:
        """Deliver until `stop` is set; then end what is being sent. A database that is away is asked again."""
        at_work: dict[int, Future[int]] = {}
        next_sweep = 0.0
        with ThreadPoolExecutor(_RECEIVERS_AT_ONCE, thread_name_prefix="deliver") as pool:
            while not stop.is_set():
                try:
                    if next_sweep <= time.monotonic():
                        self.sweep()
                        next_sweep = time.monotonic() + self.sweep_seconds
                    is_busy = deliveries.fan_out(self.database) >= deliveries.AT_ONCE
                    at_work = _still_at_work(at_work)
                    for webhook in self._due():
                        if webhook not in at_work:
                            at_work[webhook] = pool.submit(self.serve, webhook, stop)
                except MailError as error:
                    tell_error("deliveries_wait", error)
                    is_busy = False
                stop.wait(0 if is_busy else poll_seconds)

    def work_off(self) -> int:
        """Deliver all that is due now, one after the other, and return how many were sent: for tests and commands."""
        sent = 0
        while deliveries.fan_out(self.database):
            pass
        for webhook in self._due():
            sent += self.serve(webhook, threading.Event())
        return sent

    def serve(self, webhook: int, stop: threading.Event) -> int:
        """Send one receiver all that is due; how many were sent. Each transaction ends one attempt and begins one."""
        sent, next_ = 0, self._claimed(webhook)
        while next_ is not None:
            answer = self._sent(next_)
            sent += 1
            next_ = self._settled(webhook, next_, answer, is_last=stop.is_set())
        return sent

    def sweep(self) -> None:
        """Bring back what dead deliverers held, set aside what is past hope, forget what is long done."""
        now = self.database.now()
        lost = deliveries.bring_back(self.database, now)
        given_up = deliveries.give_up_on_the_away(self.database, now, self.patience)
        deliveries.prune(self.database, now - self.keep)
        if lost or given_up:
            tell("deliveries_swept", logging.WARNING, returned=lost, count=given_up)

    def _due(self) -> Sequence[int]:
        with self.database.read() as session:
            return deliveries.due(session, self.database.now(session))

    def _claimed(self, webhook: int) -> _Next | None:
        with self.database.write() as session:
            return self._claim(session, webhook, self.database.now(session))

    def _settled(self, webhook: int, done: _Next, answer: Answer, *, is_last: bool) -> _Next | None:
        with self.database.write() as session:
            now = self.database.now(session)
            state = deliveries.settle(session, done.claim, answer, now, self.patience, self.chance)
            next_ = None if is_last else self._claim(session, webhook, now)
        _tell(done.claim, answer, state)
        return next_

    def _claim(self, session: Session, webhook: int, now: datetime) -> _Next | None:
        lease = timedelta(seconds=self.sender.timeout_seconds) + _MORE_THAN_TIMEOUT
        claim = deliveries.claim(session, webhook, now, lease)
        if claim is None:
            return None
        row = session.execute(_RECEIVER, {"of_webhook": webhook}).scalar_one()
        receiver = _Receiver(row.url, row.with_record, self._secrets(row, now))
        made = message(session, claim.outbox_id, self.source, with_record=row.with_record)
        return _Next(claim, receiver, made)

    def _secrets(self, row: WebhookRow, now: datetime) -> tuple[str, ...]:
        kept = [row.secret]
        if row.previous_secret is not None and row.previous_until is not None and row.previous_until > now:
            kept.append(row.previous_secret)
        try:
            return tuple(self.box.open(each, row.public_id) for each in kept)
        except KeyUnusable as error:
            tell_error("webhook_secret", error)
            return ()

    def _sent(self, next_: _Next) -> Answer:
        if not next_.receiver.secrets:
            return Answer(DeliveryOutcome.CANNOT_SIGN)
        timestamp = int(self.database.now().timestamp())
        headers = {
            "Content-Type": MEDIA_TYPE,
            "User-Agent": _USER_AGENT,
            "webhook-id": next_.message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures(next_.receiver.secrets, next_.message.id, timestamp, next_.message.body),
        }
        return self.sender.post(next_.receiver.url, headers, next_.message.body)


def deliverer_of(database: Database, settings: Settings) -> Deliverer:
    """As the settings say. Raises KeyUnusable for a key that is none."""
    return Deliverer(
        database,
        Sender(settings.webhooks_allowed, settings.webhook_timeout_seconds),
        secret_box(settings.key.get_secret_value()),
        Patience(
            timedelta(seconds=settings.webhook_give_up_seconds),
            timedelta(seconds=settings.webhook_longest_wait_seconds),
        ),
        timedelta(days=settings.webhook_keep_days),
        settings.event_source,
        settings.sweep_seconds,
    )


def _still_at_work(at_work: dict[int, Future[int]]) -> dict[int, Future[int]]:
    """Those that have not ended; what one of them failed with is raised unless the next round mends it."""
    for each in at_work.values():
        if each.done() and (error := each.exception()) is not None:
            if not isinstance(error, MailError):
                raise error
            tell_error("deliveries_wait", error)
    return {webhook: each for webhook, each in at_work.items() if not each.done()}


def _tell(claim: Claim, answer: Answer, state: DeliveryState | None) -> None:
    is_well = state is DeliveryState.DELIVERED
    tell(
        "delivery", logging.INFO if is_well else logging.WARNING, subject=f"delivery:{claim.delivery_id}",
        attempt=claim.attempt, outcome=answer.outcome.value, status=answer.status or 0,
        what="overtaken" if state is None else state.value,
    )  # fmt: skip


_RECEIVER: Final = select(WebhookRow).where(WebhookRow.id == bindparam("of_webhook"))
