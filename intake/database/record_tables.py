"""Tables of what goes out: records, their revisions that never change, the outbox, and the order of publication."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import BIG, Base, Digest, JsonObject, Key, Prose


class RecordRow(Base):
    """The structured result of one document; what it says stands in its revisions.

    public_id: the `record_id` of the record as the receiving system gets it.
    """

    __tablename__ = "records"

    id: Mapped[Key]
    public_id: Mapped[str] = mapped_column(String(64), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), unique=True)
    latest_revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class RevisionRow(Base):
    """One revision of a record, byte for byte as published. The database refuses to change or delete it.

    sequence: the place in the order of publication, without gaps; a receiver's cursor.
    body:     the record as JSON text, the very bytes that `body_sha256` was taken of.
    """

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("record_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("length(body_sha256) = 64", name="body_sha256"),
    )

    id: Mapped[Key]
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"))
    number: Mapped[int]
    sequence: Mapped[int] = mapped_column(BIG, unique=True)
    status: Mapped[str] = mapped_column(String(20))
    body: Mapped[Prose]
    body_sha256: Mapped[Digest]
    published_at: Mapped[datetime]


_NOT_SENT = "sent_at IS NULL"


class OutboxRow(Base):
    """An event, written with what it tells of; `sent_at` is None until it is on its way to every receiver.

    public_id:     the id of the event, under which every receiver gets it however often it is sent.
    revision_id:   the revision it tells of; None for events of batches and pieces.
    subject, data: what it is about and what it carries; None where the revision says so.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_not_sent", "id", sqlite_where=text(_NOT_SENT), postgresql_where=text(_NOT_SENT)),
        CheckConstraint("(revision_id IS NULL) = (subject IS NOT NULL)", name="subject"),
    )

    id: Mapped[Key]
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True, default=uuid4)
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("revisions.id"), unique=True)
    event: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str | None] = mapped_column(String(200))
    data: Mapped[JsonObject | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class SequenceRow(Base):
    """A counter without gaps: whoever raises it holds it until the end of the transaction."""

    __tablename__ = "sequences"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(BIG, default=0)
