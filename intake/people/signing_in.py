"""Signing in and out, and choosing a password: what a stranger can ask for, each with its line in the audit."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import audit
from intake.api_keys import NOBODY
from intake.database.engine import Database
from intake.database.tables import PersonRow
from intake.people import accounts, devices, links, passwords, sessions, throttle
from intake.people.errors import LinkUnusable, WrongPassword
from intake.people.person import Person, actor_of, person_of
from intake.people.sessions import Lifetimes
from schemas.people import LinkPurpose, Role


@dataclass(frozen=True, slots=True)
class SignedIn:
    """It worked.

    token:  the secret of the session, for the browser.
    proofs: what the browser holds from now on, to be known another time; see `devices`.
    """

    person: Person
    token: str
    proofs: str


@dataclass(frozen=True, slots=True)
class Changed:
    """The password is another. proofs: as of whoever is signed in."""

    proofs: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Name and password do not belong together, or their person may not sign in. Which of them is not told."""


@dataclass(frozen=True, slots=True)
class Paused:
    """Too many attempts failed: nothing was looked at. seconds: until the next will be."""

    seconds: float


def sign_in(
    database: Database, name: str, password: str, address: str, lifetimes: Lifetimes, proofs: str = ""
) -> SignedIn | Refused | Paused:
    """Sign somebody in. A name that is nobody's takes as long to refuse as a wrong password.

    proofs: what the browser holds from earlier times; "" for nothing.
    """
    name = name.strip().lower()
    proof = _proof(database, name, proofs)
    if paused := _counted(database, name, address, proof):
        return paused
    with database.read() as session:
        row = session.scalars(select(PersonRow).where(PersonRow.name == name)).one_or_none()
    kept = None if row is None else row.password_hash
    is_right = passwords.is_right(kept, password)
    renewed = passwords.hashed(password) if is_right and kept and passwords.is_out_of_date(kept) else kept
    with database.write() as session:
        now = database.now(session)
        # Asked for again: meanwhile they may have been disabled, or have chosen another password.
        current = None if row is None else session.get(PersonRow, row.id)
        if row is None or current is None or not is_right or current.password_hash != kept:
            cause = "unknown name" if row is None else "wrong password"
            return _refuse(session, now, row, cause)
        if current.disabled_at is not None:
            return _refuse(session, now, row, "disabled")
        throttle.forgive(session, name, address, now, proof)
        current.password_hash = renewed
        token = sessions.begin(session, current.id, now, lifetimes)
        audit.append(session, now, actor_of(current.id), "signed in", actor_of(current.id))
        return SignedIn(person_of(current), token, devices.with_proof_of(current, proofs, now, proof))


def sign_out(database: Database, token: str) -> None:
    """End the session with that secret, if there still is one."""
    with database.write() as session:
        person_id = sessions.end(session, token)
        if person_id is not None:
            audit.append(session, database.now(session), actor_of(person_id), "signed out", actor_of(person_id))


def make_first_person(
    database: Database, token: str, name: str, shown_as: str, password: str, lifetimes: Lifetimes, proofs: str = ""
) -> SignedIn:
    """Make the first admin with the link of the first start, and sign them in.

    Raises LinkUnusable, UnfitName or UnfitPassword; the link then still works, unless it was the matter.
    """
    passwords.require_fit(password, accounts.name_from(name))
    kept = passwords.hashed(password)
    with database.write() as session:
        now = database.now(session)
        links.use_up(session, token, now)
        if accounts.listed(session):
            raise LinkUnusable("There is an admin already. Ask them for an invitation.")
        person = accounts.make(session, name, shown_as, Role.ADMIN, accounts.NOBODY_YET, now, kept)
        return _let_in(session, person, now, lifetimes, proofs)


def choose_password(database: Database, token: str, password: str, lifetimes: Lifetimes, proofs: str = "") -> SignedIn:
    """Give the person of the link that password, end all their sessions, and sign them in.

    Raises LinkUnusable or UnfitPassword; the link then still works, unless it was the matter.
    """
    with database.read() as session:
        link = links.look(session, token, database.now(session))
    if link.person is None or link.purpose is LinkPurpose.FIRST_PERSON:
        raise LinkUnusable("This link is for something else.")
    passwords.require_fit(password, link.person.name)
    kept = passwords.hashed(password)
    with database.write() as session:
        now = database.now(session)
        link = links.look(session, token, now)
        links.use_up(session, token, now)
        assert link.person is not None  # noqa: S101 - the same link as above
        _keep(session, link.person.id, kept, now)
        return _let_in(session, link.person, now, lifetimes, proofs)


def let_in(database: Database, person: Person, lifetimes: Lifetimes, by: str) -> SignedIn:
    """Sign in whoever proved who they are to the caller. by: the way they came, for the audit."""
    with database.write() as session:
        return _let_in(session, person, database.now(session), lifetimes, by=by)


def turn_away(database: Database, cause: str) -> None:
    """Write down that somebody came by a way that leads to nobody."""
    with database.write() as session:
        _refuse(session, database.now(session), None, cause)


def change_password(
    database: Database, person: Person, current: str, new: str, token: str, address: str, proofs: str = ""
) -> Paused | Changed:
    """Give a person who is signed in another password; every other session of theirs ends.

    Raises UnfitPassword if the new one is unfit, WrongPassword if the current one is wrong; guessing it is slowed down
    like signing in.
    """
    passwords.require_fit(new, person.name)
    proof = _proof(database, person.name, proofs)
    if paused := _counted(database, person.name, address, proof):
        return paused
    with database.read() as session:
        row = session.get_one(PersonRow, person.id)
    if not passwords.is_right(row.password_hash, current):
        with database.write() as session:
            now, cause = database.now(session), {"cause": "wrong password"}
            audit.append(session, now, person.actor, "password change failed", person.actor, cause)
        raise WrongPassword("The current password is not right.")
    kept = passwords.hashed(new)
    with database.write() as session:
        now = database.now(session)
        throttle.forgive(session, person.name, address, now, proof)
        _keep(session, person.id, kept, now, but=token)
        return Changed(devices.with_proof_of(session.get_one(PersonRow, person.id), proofs, now, proof))


def _proof(database: Database, name: str, proofs: str) -> str | None:
    """What shows that this browser is known as that of whoever has the name; None if it is not."""
    if not proofs:
        return None
    with database.read() as session:
        row = session.scalars(select(PersonRow).where(PersonRow.name == name)).one_or_none()
        return devices.proof_of(row, proofs, database.now(session))


def _counted(database: Database, name: str, address: str, proof: str | None) -> Paused | None:
    """Count the attempt; how long to wait if it may not be looked at."""
    with database.write() as session:
        now = database.now(session)
        until = throttle.attempt(session, name, address, now, proof)
    return None if until is None else Paused((until - now).total_seconds())


def _keep(session: Session, person_id: int, kept: str, now: datetime, but: str | None = None) -> None:
    session.get_one(PersonRow, person_id).password_hash = kept
    session.flush()
    links.end_all_of(session, person_id)
    ended = sessions.end_all_of(session, person_id, but)
    who = actor_of(person_id)
    audit.append(session, now, who, "password chosen", who, {"sessions_ended": ended})


def _let_in(
    session: Session, person: Person, now: datetime, lifetimes: Lifetimes, proofs: str = "", by: str = "link"
) -> SignedIn:
    token = sessions.begin(session, person.id, now, lifetimes)
    audit.append(session, now, person.actor, "signed in", person.actor, {"by": by})
    return SignedIn(person, token, devices.with_proof_of(session.get_one(PersonRow, person.id), proofs, now))


def _refuse(session: Session, now: datetime, row: PersonRow | None, cause: str) -> Refused:
    subject = "people" if row is None else actor_of(row.id)
    audit.append(session, now, NOBODY, "sign-in failed", subject, {"cause": cause})
    return Refused()
