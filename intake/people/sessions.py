"""Sessions: which browser is signed in as whom, and until when. All that counts is kept here, not in the browser."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from intake.database.tables import PersonRow, SessionRow
from intake.people.person import Person, person_of
from intake.people.tokens import digest_of, new_token

# That somebody was there is written at most so often: most requests only read.
_SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session lasts: without the person doing anything, and at all."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class Visit:
    """Who a session belongs to. is_due: whether it is time to write down that they were there."""

    session_id: int
    person: Person
    is_due: bool


def begin(session: Session, person_id: int, now: datetime, lifetimes: Lifetimes) -> str:
    """Begin a session; returns the secret for the browser. Those that have ended are cleared away."""
    ended = or_(SessionRow.expires_at <= now, SessionRow.seen_at <= now - lifetimes.idle)
    session.execute(delete(SessionRow).where(ended))
    token = new_token()
    row = SessionRow(
        digest=digest_of(token),
        person_id=person_id,
        created_at=now,
        seen_at=now,
        expires_at=now + lifetimes.absolute,
    )
    session.add(row)
    session.flush()
    return token


def whose(session: Session, token: str, now: datetime, lifetimes: Lifetimes) -> Visit | None:
    """Who holds the session with that secret; None if it has ended, or its person may not sign in any more."""
    query = (
        select(SessionRow, PersonRow)
        .join(PersonRow, PersonRow.id == SessionRow.person_id)
        .where(
            SessionRow.digest == digest_of(token),
            SessionRow.expires_at > now,
            SessionRow.seen_at > now - lifetimes.idle,
            PersonRow.disabled_at.is_(None),
        )
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    held, person = found
    return Visit(held.id, person_of(person), now - held.seen_at >= _SEEN_EVERY)


def note_seen(session: Session, session_id: int, now: datetime) -> None:
    """The person did something just now."""
    session.execute(update(SessionRow).where(SessionRow.id == session_id).values(seen_at=now))


def end(session: Session, token: str) -> int | None:
    """End the session with that secret; returns the number of its person, None if there was none."""
    ending = delete(SessionRow).where(SessionRow.digest == digest_of(token)).returning(SessionRow.person_id)
    return session.execute(ending).scalar_one_or_none()


def end_all_of(session: Session, person_id: int, but: str | None = None) -> int:
    """End all sessions of a person; returns how many there were. but: the secret of one that goes on."""
    ending = delete(SessionRow).where(SessionRow.person_id == person_id)
    if but is not None:
        ending = ending.where(SessionRow.digest != digest_of(but))
    return len(session.execute(ending.returning(SessionRow.id)).all())
