"""Tables of people: accounts, sessions, one-time links, and failed attempts to sign in."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import Base, Digest, Key, words
from schemas.people import LinkPurpose, Role


class PersonRow(Base):
    """Somebody who signs in. Never deleted: the audit refers to them.

    name:          what they sign in with, in small letters.
    password_hash: Argon2id with its parameters; None until they have chosen a password.
    disabled_at:   since when they may not sign in any more; None while they may.
    """

    __tablename__ = "people"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    shown_as: Mapped[str] = mapped_column(String(100))
    role: Mapped[Role] = mapped_column(words(Role, "role"))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class SessionRow(Base):
    """A browser that is signed in; the row goes when it is signed out.

    digest:     SHA-256 of what the browser holds: whoever reads this table cannot sign in with it.
    seen_at:    when the person last did something, to within a minute.
    expires_at: when it ends, whatever the person does.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("length(digest) = 64", name="digest"),
        Index("ix_sessions_person_id", "person_id"),
    )

    id: Mapped[Key]
    digest: Mapped[Digest] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class LinkRow(Base):
    """A link that lets whoever opens it choose a password, once.

    person_id: whose password; None for the first person, whom it makes.
    """

    __tablename__ = "links"
    __table_args__ = (
        CheckConstraint("length(digest) = 64", name="digest"),
        CheckConstraint("(purpose = 'first_person') = (person_id IS NULL)", name="person"),
        Index("ix_links_person_id", "person_id"),
    )

    id: Mapped[Key]
    digest: Mapped[Digest] = mapped_column(unique=True)
    purpose: Mapped[LinkPurpose] = mapped_column(words(LinkPurpose, "purpose"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ThrottleRow(Base):
    """How often signing in failed, for one name or from one address; the row goes when it succeeds or grows old.

    key:      SHA-256 of the name or address: what was tried is nobody's business.
    until_at: when the next attempt is looked at.
    """

    __tablename__ = "throttles"
    __table_args__ = (CheckConstraint("failures >= 0", name="failures"),)

    key: Mapped[Digest] = mapped_column(primary_key=True)
    failures: Mapped[int]
    failed_at: Mapped[datetime]
    until_at: Mapped[datetime]
