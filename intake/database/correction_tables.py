"""The table of corrections: what of a published record somebody changed, and why."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import Base, JsonList, Key, Prose


class CorrectionRow(Base):
    """One correction: the revision it made, by whom, and why. The database refuses to change or delete it.

    actor:   as in the audit: "person:3", or the name of the caller.
    role:    the person's, or "caller".
    changes: one object per field, with `field`, and `old` and `new` as `status`, `value` and `text`.
    """

    __tablename__ = "corrections"
    __table_args__ = (Index("ix_corrections_document_id", "document_id", "id"),)

    id: Mapped[Key]
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"), unique=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    actor: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    reason: Mapped[Prose]
    changes: Mapped[JsonList]
