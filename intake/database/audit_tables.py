"""Tables of the audit: a chain of entries in which each holds the hash of the one before."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import BIG, Base, Digest, Prose


class AuditRow(Base):
    """One thing that happened. The database refuses to change or delete it; the chain shows if somebody did.

    sequence: 1 for the first entry, without gaps.
    subject:  what it happened to, as kind and number: "piece:17".
    details:  canonical JSON, ids and counts only, never what people wrote.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_subject_sequence", "subject", "sequence"),
        CheckConstraint("length(hash) = 64 AND length(prev_hash) = 64", name="hashes"),
    )

    sequence: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(200))
    details: Mapped[Prose]
    prev_hash: Mapped[Digest]
    hash: Mapped[Digest]


class AuditHeadRow(Base):
    """Where the chain ends: one row, locked by whoever adds an entry until the transaction ends."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    length: Mapped[int] = mapped_column(BIG)
    hash: Mapped[Digest]
