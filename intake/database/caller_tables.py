"""Tables of programs that call: their keys."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import Base, Digest, JsonList, Key

_IN_USE = text("revoked_at IS NULL")


class ApiKeyRow(Base):
    """A key of a program: a digest, never the key itself. Rows are kept when it is revoked.

    name:   of the caller it stands for; a caller may have several, so that a key can be changed without interruption.
    scopes: the words of `schemas.scopes`, sorted.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("ix_api_keys_in_use", "name", sqlite_where=_IN_USE, postgresql_where=_IN_USE),
        CheckConstraint("length(digest) = 64", name="digest"),
    )

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[Digest] = mapped_column(unique=True)
    scopes: Mapped[JsonList]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
