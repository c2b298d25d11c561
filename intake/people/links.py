"""One-time links: whoever opens one may choose a password, once and for some hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from intake.database.tables import LinkRow, PersonRow
from intake.people.errors import LinkUnusable
from intake.people.person import Person, person_of
from intake.people.tokens import digest_of, new_token
from schemas.people import LinkPurpose


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for; `person` is None for the first person, whom it makes."""

    purpose: LinkPurpose
    person: Person | None


def issue(session: Session, purpose: LinkPurpose, person_id: int | None, now: datetime, lasts: timedelta) -> str:
    """Make a link; returns its secret. Earlier ones for the same person end: the newest is the one that counts."""
    session.execute(delete(LinkRow).where(LinkRow.person_id == person_id, LinkRow.used_at.is_(None)))
    token = new_token()
    row = LinkRow(digest=digest_of(token), purpose=purpose, person_id=person_id, created_at=now, expires_at=now + lasts)
    session.add(row)
    session.flush()
    return token


def look(session: Session, token: str, now: datetime) -> Link:
    """What the link is for, without using it: programs that look at mail open links too. Raises LinkUnusable."""
    query = select(LinkRow).where(
        LinkRow.digest == digest_of(token), LinkRow.used_at.is_(None), LinkRow.expires_at > now
    )
    link = session.scalars(query).one_or_none()
    if link is None:
        raise _unusable()
    person = None if link.person_id is None else session.get(PersonRow, link.person_id)
    if person is not None and person.disabled_at is not None:
        raise _unusable()
    return Link(link.purpose, None if person is None else person_of(person))


def use_up(session: Session, token: str, now: datetime) -> None:
    """Use the link: of several who try at once, one succeeds. Raises LinkUnusable."""
    using = (
        update(LinkRow)
        .where(LinkRow.digest == digest_of(token), LinkRow.used_at.is_(None), LinkRow.expires_at > now)
        .values(used_at=now)
        .returning(LinkRow.id)
    )
    if session.execute(using).scalar_one_or_none() is None:
        raise _unusable()


def end_all_of(session: Session, person_id: int) -> None:
    """Make every link of a person useless."""
    session.execute(delete(LinkRow).where(LinkRow.person_id == person_id, LinkRow.used_at.is_(None)))


def _unusable() -> LinkUnusable:
    return LinkUnusable("This link has been used, has expired, or was replaced by a newer one.")
