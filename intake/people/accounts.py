"""Accounts: who there is, what they are here for, and who may still sign in."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from intake import audit
from intake.database.tables import PersonRow
from intake.people import links, sessions
from intake.people.errors import LastAdmin, NameTaken, NoSuchPerson, UnfitName, UnfitShownName
from intake.people.person import Person, actor_of, person_of
from schemas.people import LinkPurpose, Role

FIRST_LINK_LASTS: Final = timedelta(hours=1)
LINK_LASTS: Final = timedelta(hours=48)  # a person who is invited on a Friday is there again on Sunday, or asks again
NOBODY_YET: Final = "first start"  # who acts while there is no person

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?")
_LONGEST_SHOWN: Final = 100
_TAKEN: Final = "Somebody has that name already. Choose another to sign in with."


@dataclass(frozen=True, slots=True)
class Account:
    """A person as whoever looks after people sees them."""

    person: Person
    created_at: datetime
    has_password: bool
    is_disabled: bool


def name_from(typed: str) -> str:
    """The name to sign in with, as it is kept. Raises UnfitName with what to do."""
    name = typed.strip().lower()
    if not _NAME.fullmatch(name):
        raise UnfitName(
            "Enter a name of up to 64 letters a to z and digits; points, dashes, underscores, + and @ may stand"
            " between them."
        )
    return name


def shown_from(typed: str) -> str:
    """The name others read, as it is kept. Raises UnfitShownName with what to do."""
    shown = " ".join(typed.split())
    if not shown or len(shown) > _LONGEST_SHOWN:
        raise UnfitShownName(f"Enter the name others will see, up to {_LONGEST_SHOWN} characters.")
    # Signs that turn the direction of writing or that cannot be seen would make one name look like another.
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co") for sign in shown):
        raise UnfitShownName("Enter the name others will see without signs that cannot be printed.")
    return shown


def listed(session: Session) -> list[Account]:
    """Everybody, by name."""
    return [_account(row) for row in session.scalars(select(PersonRow).order_by(PersonRow.name))]


def account(session: Session, person_id: int) -> Account:
    """The account of that number. Raises NoSuchPerson."""
    return _account(_row(session, person_id))


def named(session: Session, name: str) -> Account:
    """The account with that name. Raises NoSuchPerson."""
    row = session.scalars(select(PersonRow).where(PersonRow.name == name.strip().lower())).one_or_none()
    if row is None:
        raise NoSuchPerson("Nobody has that name.")
    return _account(row)


def shown_names(session: Session, ids: Collection[int]) -> dict[int, str]:
    """What others call the people of those numbers; who is not there has no name."""
    if not ids:
        return {}
    rows = session.execute(select(PersonRow.id, PersonRow.shown_as).where(PersonRow.id.in_(ids)))
    return {row.id: row.shown_as for row in rows}


def actor_named(session: Session, name: str) -> str | None:
    """How whoever signs in with that name stands in the audit; None if nobody does."""
    found = session.scalars(select(PersonRow.id).where(PersonRow.name == name.strip().lower())).one_or_none()
    return None if found is None else actor_of(found)


def first_link(session: Session, now: datetime) -> str | None:
    """A link with which the first person makes their account; None if there is a person already."""
    if session.scalars(select(func.count()).select_from(PersonRow)).one():
        return None
    token = links.issue(session, LinkPurpose.FIRST_PERSON, None, now, FIRST_LINK_LASTS)
    audit.append(session, now, NOBODY_YET, "first link made", "people")
    return token


def make(
    session: Session, name: str, shown_as: str, role: Role, actor: str, now: datetime, password_hash: str | None = None
) -> Person:
    """Make a person. Raises NameTaken or UnfitName."""
    kept = name_from(name)
    if session.scalars(select(PersonRow.id).where(PersonRow.name == kept)).one_or_none() is not None:
        raise NameTaken(_TAKEN)
    row = PersonRow(name=kept, shown_as=shown_from(shown_as), role=role, password_hash=password_hash, created_at=now)
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:  # somebody else just took it
        raise NameTaken(_TAKEN) from error
    audit.append(session, now, actor, "person made", actor_of(row.id), {"role": role.value})
    return person_of(row)


def invite(session: Session, name: str, shown_as: str, role: Role, actor: str, now: datetime) -> tuple[Person, str]:
    """Make a person who has no password yet, and the secret of the link with which they choose one."""
    person = make(session, name, shown_as, role, actor, now)
    return person, links.issue(session, LinkPurpose.INVITATION, person.id, now, LINK_LASTS)


def new_link(session: Session, person_id: int, actor: str, now: datetime) -> str:
    """A link with which a person chooses a password; the one they have goes on until they do. Raises NoSuchPerson."""
    row = _row(session, person_id)
    if row.disabled_at is not None:
        raise NoSuchPerson("This person may not sign in. Let them in again first.")
    purpose = LinkPurpose.INVITATION if row.password_hash is None else LinkPurpose.NEW_PASSWORD
    token = links.issue(session, purpose, person_id, now, LINK_LASTS)
    audit.append(session, now, actor, "link made", actor_of(person_id), {"purpose": purpose.value})
    return token


def change_role(session: Session, person_id: int, role: Role, actor: str, now: datetime) -> Person:
    """Give a person another role; what is open in their browsers follows it at once. Raises NoSuchPerson, LastAdmin."""
    row = _row(session, person_id)
    if row.role is role:
        return person_of(row)
    _require_another_admin(session, row)
    before, row.role = row.role, role
    session.flush()
    details = {"from": before.value, "to": role.value}
    audit.append(session, now, actor, "role changed", actor_of(person_id), details)
    return person_of(row)


def disable(session: Session, person_id: int, actor: str, now: datetime) -> Person:
    """Let a person in no more: all their sessions and links end. Raises NoSuchPerson, LastAdmin."""
    row = _row(session, person_id)
    if row.disabled_at is not None:
        return person_of(row)
    _require_another_admin(session, row)
    row.disabled_at = now
    session.flush()
    links.end_all_of(session, person_id)
    ended = sessions.end_all_of(session, person_id)
    audit.append(session, now, actor, "person disabled", actor_of(person_id), {"sessions_ended": ended})
    return person_of(row)


def enable(session: Session, person_id: int, actor: str, now: datetime) -> Person:
    """Let a person in again who was disabled. Raises NoSuchPerson."""
    row = _row(session, person_id)
    if row.disabled_at is not None:
        row.disabled_at = None
        session.flush()
        audit.append(session, now, actor, "person enabled", actor_of(person_id))
    return person_of(row)


def _account(row: PersonRow) -> Account:
    return Account(person_of(row), row.created_at, row.password_hash is not None, row.disabled_at is not None)


def _row(session: Session, person_id: int) -> PersonRow:
    row = session.get(PersonRow, person_id)
    if row is None:
        raise NoSuchPerson("There is no such person.")
    return row


def _require_another_admin(session: Session, row: PersonRow) -> None:
    """Raise LastAdmin if nobody but this person can look after people."""
    if row.role is not Role.ADMIN:
        return
    # Locked in one order, so that two admins who disable each other at once do not both succeed.
    query = (
        select(PersonRow.id)
        .where(PersonRow.role == Role.ADMIN, PersonRow.disabled_at.is_(None), PersonRow.password_hash.is_not(None))
        .order_by(PersonRow.id)
        .with_for_update()
    )
    others: Sequence[int] = [found for found in session.scalars(query) if found != row.id]
    if not others:
        raise LastAdmin("This is the only admin who can sign in. Make somebody else an admin first.")
