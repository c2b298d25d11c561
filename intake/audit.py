"""The audit: what was done, by whom, to what; a chain in which each entry holds the hash of the one before.

A change, a deletion, an insertion or a swap breaks the chain where it was made. That somebody rewrote the whole, or its
end together with the head, shows against a head kept elsewhere only: write `head` down daily where nobody here can
reach it.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, String, bindparam, insert, select, type_coerce, update
from sqlalchemy.orm import Session

from intake.database.tables import Base

BEGINNING: Final = "0" * 64  # what stands in the place of the hash before the first entry
_ENTRIES_AT_ONCE: Final = 5_000  # held in memory while the chain is verified
_WRITTEN_HEAD: Final = re.compile(r"(?P<length>[0-9]{1,18}):(?P<hash>[0-9a-f]{64})")

_AS_TEXT: Final = "%Y-%m-%d %H:%M:%S.%f"  # how a moment stands in SQLite

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

    def __str__(self) -> str:
        """In one word, to be written down elsewhere; `parse_head` takes it."""
        return f"{self.length}:{self.hash}"


def parse_head(text: str) -> Head:
    """The head that was written down as LENGTH:HASH. Raises ValueError if this is none."""
    if not (found := _WRITTEN_HEAD.fullmatch(text.strip())):
        raise ValueError("A head is LENGTH:HASH, the hash of 64 small hexadecimal digits.")
    return Head(int(found["length"]), found["hash"])


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

    Without one, a chain that was written anew as a whole, or whose end was cut off together with the head, holds: there
    is nothing in the database that could tell it from a true one.
    """
    outside: dict[int, set[str]] = {}
    for each in kept:
        outside.setdefault(each.length, set()).add(each.hash)
    if outside.pop(0, {BEGINNING}) != {BEGINNING}:
        return Break(1, "The head kept outside of the empty chain is none.")
    end, last_read = Head(0, BEGINNING), None
    while page := _entries_after(session, last_read):
        for entry in page:
            if problem := _problem_of(entry, end, outside):
                return Break(end.length + 1, problem)
            end = Head(entry.sequence, entry.hash)
        last_read = end.length
    stored = [Head(*row) for row in session.execute(_HEAD)]
    if stored != [end]:
        return Break(end.length + 1, "The end of the chain is missing, or its head was changed.")
    if max(outside, default=0) > end.length:
        return Break(end.length + 1, f"There were {max(outside)} entries when a head was kept outside.")
    return None


class _Entry(NamedTuple):
    """An entry as it is stored. Nothing of it can be relied on: `at` is None where there stands no moment as we write
    it, and where text should be may be anything."""

    sequence: int
    at: datetime | None
    actor: str
    action: str
    subject: str
    details: str
    prev_hash: str
    hash: str


def _problem_of(entry: _Entry, before: Head, outside: Mapping[int, set[str]]) -> str:
    """Why `entry` cannot stand after `before`; "" if it can."""
    if entry.sequence <= before.length:
        return f"An entry with the number {entry.sequence} stands where there can be none."
    if entry.sequence != before.length + 1:
        return f"The entry is missing; the next that is there has number {entry.sequence}."
    if entry.prev_hash != before.hash:
        return "The entry does not follow from the one before it."
    if not _is_as_written(entry):
        return "The entry was changed after it was written."
    if outside.get(entry.sequence, {entry.hash}) != {entry.hash}:
        return "The entry is not the one whose hash was kept outside."
    return ""


def _is_as_written(entry: _Entry) -> bool:
    if entry.at is None or not all(isinstance(text, str) for text in entry[2:]):
        return False
    return entry.hash == _hash_of(entry.sequence, entry.at, *entry[2:-1])


def _entries_after(session: Session, sequence: int | None) -> list[_Entry]:
    """The next entries; from the very first if `sequence` is None, one with an impossible number too."""
    is_text = session.get_bind().dialect.name == "sqlite"  # in which a moment is text, and text can be anything
    moment: ColumnElement[Any] = type_coerce(_TABLE.c.at, String) if is_text else _TABLE.c.at
    columns = [moment if name == "at" else _TABLE.c[name] for name in _Entry._fields]
    query = select(*columns).order_by(_TABLE.c.sequence).limit(_ENTRIES_AT_ONCE)
    if sequence is not None:
        query = query.where(_TABLE.c.sequence > sequence)
    return [_Entry(number, _moment(at), *texts) for number, at, *texts in session.execute(query)]


def _moment(stored: object) -> datetime | None:
    """The moment as it is stored; None if it is not written as we write one."""
    if isinstance(stored, datetime):
        return stored
    try:
        moment = datetime.strptime(str(stored), _AS_TEXT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if moment.strftime(_AS_TEXT) == stored else None


def _hash_of(sequence: int, at: datetime, *texts: str) -> str:
    """SHA-256 of one entry: its number, its moment, then actor, action, subject, details and the hash before it."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(_canonical([sequence, moment, *texts]).encode("ascii")).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
