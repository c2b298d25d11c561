"""Tables of what is told to other systems: their webhooks, and every event that is to get there."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import Base, JsonList, Key, Prose
from schemas.delivery import DeliveryOutcome, DeliveryState, WebhookState


class CompletionRow(Base):
    """That a batch is, or was, complete: nothing of it is in work or in review.

    number: how often that has come to be so.  completed_at: since when; None once something was opened again.
    """

    __tablename__ = "completions"

    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"), primary_key=True, autoincrement=False)
    number: Mapped[int]
    completed_at: Mapped[datetime | None]


class WebhookRow(Base):
    """A receiver of events.

    types:           the events it gets; all if empty.
    with_record:     whether events of records carry the record itself.
    reason:          why it is not active; "" if it is.
    secret:          as `intake.events.secrets` keeps it.
    previous_secret: signs too until `previous_until`; None if there is none.
    version:         raised by every change that somebody made.
    failures:        attempts that failed since the last that did not.  failing_since: the first of them.
    paused_until:    nothing is sent there until then; None if it answers.
    """

    __tablename__ = "webhooks"

    id: Mapped[Key]
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True, default=uuid4)
    url: Mapped[str] = mapped_column(String(2000))
    description: Mapped[str] = mapped_column(String(200), default="")
    types: Mapped[JsonList]
    with_record: Mapped[bool] = mapped_column(default=False)
    state: Mapped[WebhookState] = mapped_column(default=WebhookState.ACTIVE, index=True)
    reason: Mapped[str] = mapped_column(String(200), default="")
    secret: Mapped[Prose]
    previous_secret: Mapped[Prose | None]
    previous_until: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]


class DeliveryRow(Base):
    """One event on its way to one receiver.

    subject:    what the event is about; those of one subject go out in order.
    attempts:   counted before each is made.  fence: tells one claim from the next.
    since:      when it was last put into the queue; it is given up a day after that.
    not_before: when it is tried, at the earliest.
    outcome:    of the last attempt; status: what the receiver answered, None if nothing.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "outbox_id"),
        # The next to be sent; the one before it of the same subject; what a dead deliverer held.
        Index(
            "ix_deliveries_waiting",
            "webhook_id",
            "not_before",
            "id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_deliveries_open",
            "webhook_id",
            "subject",
            "id",
            sqlite_where=text("state IN ('waiting', 'sending')"),
            postgresql_where=text("state IN ('waiting', 'sending')"),
        ),
        Index(
            "ix_deliveries_sending",
            "lease_until",
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
        Index("ix_deliveries_webhook_id_state", "webhook_id", "state", "state_since"),
        Index("ix_deliveries_state", "state", "state_since"),
        CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name="lease"),
    )

    id: Mapped[Key]
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True, default=uuid4)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id"))
    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox.id"), index=True)
    subject: Mapped[str] = mapped_column(String(200))
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.WAITING)
    state_since: Mapped[datetime]
    since: Mapped[datetime]
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    outcome: Mapped[DeliveryOutcome | None]
    status: Mapped[int | None]
    created_at: Mapped[datetime]
