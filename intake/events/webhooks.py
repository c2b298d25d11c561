"""Webhooks: who gets events, managed by whoever may. Every change of one stands in the audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intake import audit
from intake.database.tables import DeliveryRow, OutboxRow, WebhookRow
from intake.events import deliveries, outbox
from intake.events.address import Allowed, Resolve, addresses_of, judge_url, look_up
from intake.events.signing import SecretBox, new_secret, secret_box
from intake.settings import Settings
from intake.store.errors import KeyUnusable
from schemas.delivery import DeliveryOutcome, DeliveryState, WebhookState
from schemas.errors import MailError
from schemas.events import ANNOUNCED, EventType, WebhookTest

AT_MOST: Final = 100  # every round of the deliverer looks at each


class NoSuchWebhook(MailError):
    """There is no webhook, or no delivery, of that id."""


class Changed(MailError):
    """Somebody else changed it since it was looked at."""


class TooMany(MailError):
    """There are as many webhooks as there may be."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver as it is shown: never its secrets.

    types: the events it gets; all if empty.  version: raised by every change.
    failing_since: since when it does not answer; None if it does.
    """

    id: UUID
    url: str
    description: str
    types: tuple[EventType, ...]
    with_record: bool
    state: WebhookState
    reason: str
    version: int
    two_secrets_until: datetime | None
    failing_since: datetime | None
    paused_until: datetime | None
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants a webhook to be."""

    url: str
    description: str = ""
    types: tuple[EventType, ...] = ()
    with_record: bool = False
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one receiver. number: its key, for going on after it."""

    number: int
    id: UUID
    event_id: UUID
    event: str
    subject: str
    state: DeliveryState
    since: datetime
    attempts: int
    next_attempt_at: datetime | None
    outcome: DeliveryOutcome | None
    status: int | None


@dataclass(frozen=True, slots=True)
class Resealed:
    """secrets: how many lie under the newest key now.  left: the webhooks with a secret that does not open."""

    secrets: int
    left: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """What managing webhooks needs: where they may lead, and how secrets are kept."""

    allowed: Allowed
    box: SecretBox
    rotation: timedelta
    resolve: Resolve = look_up

    def judge(self, url: str) -> None:
        """Raise ForbiddenAddress or NoSuchName unless events may be sent there."""
        addresses_of(judge_url(url, self.allowed), self.allowed, self.resolve)

    def add(self, session: Session, wanted: Wanted, actor: str, now: datetime) -> tuple[Webhook, str]:
        """A new webhook, whose address was judged, and its secret, which is shown this once. Raises TooMany."""
        alive = WebhookRow.state != WebhookState.REMOVED
        if session.scalars(select(func.count()).select_from(WebhookRow).where(alive)).one() >= AT_MOST:
            raise TooMany(f"There are {AT_MOST} webhooks; remove one first.")
        row = WebhookRow(
            url=wanted.url, description=wanted.description, types=_words(wanted.types), with_record=wanted.with_record,
            secret="", created_by=actor, created_at=now,
        )  # fmt: skip
        row.state = WebhookState.ACTIVE if wanted.is_active else WebhookState.DISABLED
        row.reason = "" if wanted.is_active else _SWITCHED_OFF
        session.add(row)
        session.flush()
        secret = new_secret()
        row.secret = self.box.keep(secret, row.public_id)
        session.flush()
        audit.append(session, now, actor, "webhook added", f"webhook:{row.id}")
        return _shown(row), secret

    def rotate(self, session: Session, webhook: UUID, actor: str, now: datetime) -> tuple[Webhook, str]:
        """A new secret, shown this once; the one before signs beside it for a while. Raises NoSuchWebhook."""
        row = _locked(session, webhook)
        secret = new_secret()
        row.previous_secret, row.previous_until = row.secret, now + self.rotation
        row.secret, row.version = self.box.keep(secret, row.public_id), row.version + 1
        session.flush()
        audit.append(session, now, actor, "webhook secret rotated", f"webhook:{row.id}")
        return _shown(row), secret

    def reseal(self, session: Session, now: datetime) -> Resealed:
        """Bring the secrets of all webhooks under the newest key; one that no longer signs is forgotten instead.

        What does not open stays as it is, and so does the version: for those who manage it nothing changes.
        """
        query = select(WebhookRow).where(WebhookRow.state != WebhookState.REMOVED).order_by(WebhookRow.id)
        secrets, left = 0, []
        for row in session.scalars(query.with_for_update(key_share=True)):
            try:
                secrets += self._reseal_one(row, now)
            except KeyUnusable:
                left.append(row.public_id)
        session.flush()
        return Resealed(secrets, tuple(left))

    def _reseal_one(self, row: WebhookRow, now: datetime) -> int:
        """How many secrets it has. Changes none of them if one does not open."""
        previous = row.previous_secret
        if previous is not None and row.previous_until is not None and row.previous_until <= now:
            previous = None
        renewed = self.box.renew(row.secret, row.public_id)
        row.previous_secret = None if previous is None else self.box.renew(previous, row.public_id)
        row.secret = renewed
        return 1 if previous is None else 2


def office_of(settings: Settings) -> Office:
    """As this service is set up."""
    box = secret_box(settings.key.get_secret_value())
    return Office(settings.webhooks_allowed, box, timedelta(seconds=settings.webhook_rotation_seconds))


def all_of(session: Session) -> list[Webhook]:
    """All that were not removed, the oldest first."""
    query = select(WebhookRow).where(WebhookRow.state != WebhookState.REMOVED).order_by(WebhookRow.id)
    return list(map(_shown, session.scalars(query)))


def one(session: Session, webhook: UUID) -> Webhook:
    """Raises NoSuchWebhook."""
    return _shown(_found(session, webhook))


def change(session: Session, webhook: UUID, wanted: Wanted, expected: int, actor: str, now: datetime) -> Webhook:
    """Make it what is wanted; its address was judged. Raises NoSuchWebhook, or Changed if its version is another."""
    row = _locked(session, webhook)
    if row.version != expected:
        raise Changed("It was changed since you looked at it. Look at it again.")
    is_new_place = row.url != wanted.url
    row.url, row.description, row.with_record = wanted.url, wanted.description, wanted.with_record
    row.types = _words(wanted.types)
    if (row.state is WebhookState.ACTIVE) != wanted.is_active:
        row.state = WebhookState.ACTIVE if wanted.is_active else WebhookState.DISABLED
        row.reason = "" if wanted.is_active else _SWITCHED_OFF
    if wanted.is_active:
        # Whoever changes it wants it tried now.
        row.failures, row.failing_since, row.paused_until = 0, None, None
    row.version += 1
    session.flush()
    details: audit.Details = {"active": wanted.is_active, "new_address": is_new_place}
    audit.append(session, now, actor, "webhook changed", f"webhook:{row.id}", details)
    return _shown(row)


def switch(session: Session, webhook: UUID, expected: int, actor: str, now: datetime, *, on: bool) -> Webhook:
    """Switch it on or off, and leave all else as it is. Raises as `change` does."""
    found = one(session, webhook)
    wanted = Wanted(found.url, found.description, found.types, found.with_record, on)
    return change(session, webhook, wanted, expected, actor, now)


def remove(session: Session, webhook: UUID, actor: str, now: datetime) -> None:
    """Nothing is sent there any more, and its secrets are forgotten. Raises NoSuchWebhook."""
    row = _locked(session, webhook)
    row.state, row.reason, row.secret, row.previous_secret = WebhookState.REMOVED, "", "", None
    session.flush()
    audit.append(session, now, actor, "webhook removed", f"webhook:{row.id}")


def test(session: Session, webhook: UUID, actor: str, now: datetime) -> Delivery:
    """Send it an event that says nothing but that it is a test; the delivery. Raises NoSuchWebhook."""
    row = _locked(session, webhook)
    subject = f"webhooks/{row.public_id}"
    key = outbox.add(session, EventType.WEBHOOK_TEST, subject, WebhookTest(webhook_id=str(row.public_id)), now)
    deliveries.add(session, row.id, key, subject, now)
    # Whoever tries it does not want to wait until it would have been tried again.
    row.paused_until = None
    session.flush()
    audit.append(session, now, actor, "webhook tested", f"webhook:{row.id}")
    made = session.execute(_DELIVERIES.where(DeliveryRow.webhook_id == row.id, DeliveryRow.outbox_id == key)).one()
    return _delivery(made)


def deliveries_of(
    session: Session, webhook: UUID, state: DeliveryState | None = None, *, before: int | None = None, limit: int = 100
) -> list[Delivery]:
    """Of one webhook, the newest first, those before a number. Raises NoSuchWebhook."""
    row = _found(session, webhook)
    query = _DELIVERIES.where(DeliveryRow.webhook_id == row.id).order_by(DeliveryRow.id.desc()).limit(limit)
    if state is not None:
        query = query.where(DeliveryRow.state == state)
    if before is not None:
        query = query.where(DeliveryRow.id < before)
    return [_delivery(each) for each in session.execute(query)]


def replay_one(session: Session, webhook: UUID, delivery: UUID, actor: str, now: datetime) -> int:
    """Send an event again that is dead or was delivered; 0 if it is on its way. Raises NoSuchWebhook."""
    row = _locked(session, webhook)
    mine = select(DeliveryRow.id).where(DeliveryRow.webhook_id == row.id, DeliveryRow.public_id == delivery)
    if session.scalars(mine).first() is None:
        raise NoSuchWebhook("There is no such delivery.")
    return _replayed(session, row, deliveries.is_delivery(delivery), actor, now)


def replay_dead(session: Session, webhook: UUID, since: datetime, actor: str, now: datetime) -> int:
    """Send all again that were set aside since then, in their order; how many. Raises NoSuchWebhook."""
    return _replayed(session, _locked(session, webhook), deliveries.dead_since(since), actor, now)


def unsealed(session: Session) -> int:
    """How many webhooks have a secret that can be read by whoever reads the database."""
    query = select(func.count()).select_from(WebhookRow).where(WebhookRow.secret.startswith("plain:"))
    return session.scalars(query).one()


def _replayed(session: Session, row: WebhookRow, which: Any, actor: str, now: datetime) -> int:
    count = deliveries.replay(session, row.id, which, now)
    row.paused_until = None
    session.flush()
    audit.append(session, now, actor, "deliveries replayed", f"webhook:{row.id}", {"count": count})
    return count


def _found(session: Session, webhook: UUID) -> WebhookRow:
    query = select(WebhookRow).where(WebhookRow.public_id == webhook, WebhookRow.state != WebhookState.REMOVED)
    row = session.scalars(query).one_or_none()
    if row is None:
        raise NoSuchWebhook("There is no such webhook.")
    return row


def _locked(session: Session, webhook: UUID) -> WebhookRow:
    query = select(WebhookRow).where(WebhookRow.public_id == webhook, WebhookRow.state != WebhookState.REMOVED)
    row = session.scalars(query.with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise NoSuchWebhook("There is no such webhook.")
    return row


def _words(types: Sequence[EventType]) -> list[str]:
    return [kind.value for kind in ANNOUNCED if kind in types]


def _shown(row: WebhookRow) -> Webhook:
    return Webhook(
        row.public_id, row.url, row.description, tuple(map(EventType, row.types)), row.with_record, row.state,
        row.reason, row.version, None if row.previous_secret is None else row.previous_until, row.failing_since,
        row.paused_until, row.created_by, row.created_at,
    )  # fmt: skip


def _delivery(row: Any) -> Delivery:
    delivery, event_id, event = row
    waits = delivery.state is DeliveryState.WAITING
    return Delivery(
        delivery.id, delivery.public_id, event_id, event, delivery.subject, delivery.state, delivery.state_since,
        delivery.attempts, delivery.not_before if waits else None, delivery.outcome, delivery.status,
    )  # fmt: skip


_SWITCHED_OFF: Final = "Somebody switched it off."
_DELIVERIES: Final = select(DeliveryRow, OutboxRow.public_id, OutboxRow.event).join(
    OutboxRow, DeliveryRow.outbox_id == OutboxRow.id
)
