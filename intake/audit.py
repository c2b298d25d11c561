"""The audit: what was done, by whom, to what; a chain in which each entry holds the hash of the one before.

A change, a deletion, an insertion or a swap breaks the chain where it was made. That somebody rewrote the whole, or its
end together with the head, shows against a head kept elsewhere: write `head` down daily where nobody here can reach it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from intake.database.tables import Base

BEGINNING: Final = "0" * 64  # what stands in the place of the hash before the first entry
_ENTRIES_AT_ONCE: Final = 5_000  # held in memory while the chain is verified

_TABLE: Final = Base.metadata.tables["audit"]
_END: Final = Base.metadata.tables["audit_head"]
_HEAD: Final = select(_END.c.length, _END.c.hash).where(_END.c.id == 1)
_LOCKED_HEAD: Final = _HEAD.with_for_update()
_ADDING: Final = insert(_TABLE)
_MOVING_HEAD: Final = (
    update(_END).where(_END.c.id == 1).values(length=bindparam("new_length"), hash=bindparam("new_hash"))
)

Details = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends: how many entries it has, and the hash of the last."""

    length: int
    hash: str


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the chain does not hold: `sequence` is the entry that should stand there."""

    sequence: int
    problem: str


def append(
    session: Session, at: datetime, actor: str, action: str, subject: str, details: Details | None = None
) -> Head:
    """Add an entry in the caller's transaction, and return the new head.

    subject: what it happened to, as kind and number: "piece:17".
    details: ids, counts and causes only, never what people wrote.

    The head stays locked until the transaction ends, so that two writers cannot fork the chain: append last, and only
    once nothing slow is left to do.
    """
    end = session.execute(_LOCKED_HEAD).one()
    text = _canonical(dict(details or {}))
    new = Head(end.length + 1, _hash_of(end.length + 1, at, actor, action, subject, text, end.hash))
    entry = _Entry(new.length, at, actor, action, subject, text, end.hash, new.hash)
    session.execute(_ADDING, entry._asdict())
    session.execute(_MOVING_HEAD, {"new_length": new.length, "new_hash": new.hash})
    return new


def head(session: Session) -> Head:
    """Where the chain ends now: to be kept outside."""
    end = session.execute(_HEAD).one()
    return Head(end.length, end.hash)


def verify(session: Session, kept: Sequence[Head] = ()) -> Break | None:
    """Follow the chain from its beginning; None if it holds, else the first place where it does not.

    kept: heads written down earlier outside the database: the chain must still pass through each of them.
    """
    outside = {head.length: head.hash for head in kept}
    end = Head(0, BEGINNING)
    while page := _entries_after(session, end.length):
        for entry in page:
            if problem := _problem_of(entry, end, outside):
                return Break(end.length + 1, problem)
            end = Head(entry.sequence, entry.hash)
    if head(session) != end:
        return Break(end.length + 1, "The end of the chain is missing.")
    if max(outside, default=0) > end.length:
        return Break(end.length + 1, f"There were {max(outside)} entries when a head was kept outside.")
    return None


class _Entry(NamedTuple):
    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: str
    prev_hash: str
    hash: str


def _problem_of(entry: _Entry, before: Head, outside: Mapping[int, str]) -> str:
    """Why `entry` cannot stand after `before`; "" if it can."""
    if entry.sequence != before.length + 1:
        return f"The entry is missing; the next that is there has number {entry.sequence}."
    if entry.prev_hash != before.hash:
        return "The entry does not follow from the one before it."
    if entry.hash != _hash_of(*entry[:-1]):
        return "The entry was changed after it was written."
    if outside.get(entry.sequence, entry.hash) != entry.hash:
        return "The entry is not the one whose hash was kept outside."
    return ""


def _entries_after(session: Session, sequence: int) -> list[_Entry]:
    columns = [_TABLE.c[name] for name in _Entry._fields]
    query = select(*columns).where(_TABLE.c.sequence > sequence).order_by(_TABLE.c.sequence).limit(_ENTRIES_AT_ONCE)
    return [_Entry(*row) for row in session.execute(query)]


def _hash_of(sequence: int, at: datetime, *texts: str) -> str:
    """SHA-256 of one entry: its number, its moment, then actor, action, subject, details and the hash before it."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(_canonical([sequence, moment, *texts]).encode("ascii")).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
