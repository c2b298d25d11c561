"""Receive: files become a batch that cannot be lost any more. Every way in ends here.

The bytes are made durable first, then their rows are committed, and only then is the batch acknowledged. A crash before
that leaves files without rows, which the store removes after a day; it never leaves rows without files.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import BinaryIO, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from intake import audit, steps
from intake.database.engine import Database
from intake.database.tables import BatchRow, FileRow, IdempotencyRow
from intake.events import announcing
from intake.store import Store, Stored
from intake.store.room import refuse_when_low
from schemas.errors import MailError, Unavailable
from schemas.states import StepName

# Rows written in one transaction: others must not wait long for the database.
_FILES_AT_ONCE: Final = 200
_LONGEST_NAME: Final = 1024


class KeyReused(MailError):
    """An Idempotency-Key came again with other files: answering either way would be wrong."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One file at the door: the name it came under, and its bytes to be read once."""

    name: str
    stream: BinaryIO


@dataclass(frozen=True, slots=True)
class Sender:
    """Who hands over, and how.

    channel:     "ingest", "api" and so on.
    received_on: the day the mail arrived, never changed afterwards; None for the day on which it is received here.
    key:         an Idempotency-Key of the sender's choosing; "" for none. The same key with the same files gives the
                 batch that is there already.
    """

    operator: str
    channel: str
    received_on: date | None = None
    name: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """One file that is kept.

    duplicates: under how many other files of any batch the very same bytes lie already.
    """

    id: UUID
    name: str
    sha256: str
    bytes: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The acknowledgement: all of it is durable. is_new is False where the batch had been received before."""

    batch_id: UUID
    received_at: datetime
    files: tuple[ReceivedFile, ...]
    is_new: bool = True


def receive(
    database: Database, store: Store, arrivals: Iterable[Arrival], sender: Sender, *, low_water_bytes: int = 0
) -> Receipt:
    """Take a batch in. What is returned is on disk and in the database.

    Raises ValueError for a batch without files, StoreFull if less than `low_water_bytes` would be left, KeyReused, and
    whatever the streams, the store or the database raise: then nothing was received.
    """
    kept = list(_kept(store, arrivals, low_water_bytes))
    if not kept:
        raise ValueError("a batch needs at least one file")
    request = _digest(sender, kept)
    begun = _begun(database, sender, request)
    if begun is not None and begun.closed_at is not None:
        return _receipt(database, begun.id, is_new=False)
    try:
        return _receipt(database, _write(database, sender, request, kept, begun))
    except IntegrityError as error:
        raise Unavailable("The same batch is just being received by another request: ask again in a moment.") from error


def received_before(database: Database, operator: str, key: str) -> Receipt | None:
    """The receipt of the batch that was received with that Idempotency-Key; None if none was, or not all of it."""
    with database.read() as session:
        batch = session.scalars(
            select(BatchRow)
            .join(IdempotencyRow, IdempotencyRow.batch_id == BatchRow.id)
            .where(IdempotencyRow.scope == operator, IdempotencyRow.key == key, BatchRow.closed_at.is_not(None))
        ).one_or_none()
    return None if batch is None else _receipt(database, batch.id, is_new=False)


def _kept(store: Store, arrivals: Iterable[Arrival], low_water_bytes: int) -> Iterator[tuple[str, Stored]]:
    for arrival in arrivals:
        refuse_when_low(store, 0, low_water_bytes=low_water_bytes)
        yield _safe_name(arrival.name), store.put(arrival.stream)


def _safe_name(name: str) -> str:
    """The name as received, for people only, cut to what a row holds and without what no terminal should be sent."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name)[-_LONGEST_NAME:]


def _digest(sender: Sender, kept: Sequence[tuple[str, Stored]]) -> str:
    """Of what was asked for: two requests of one digest want the same."""
    # A day that was not given is no part of what was asked for: asked again after midnight it is the same request.
    parts = [sender.channel, sender.received_on.isoformat() if sender.received_on else "", sender.name]
    parts += [part for name, stored in kept for part in (name, stored.sha256)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _begun(database: Database, sender: Sender, request: str) -> BatchRow | None:
    """The batch of an earlier request with the same key; not closed if that request died on the way."""
    if not sender.key:
        return None
    with database.read() as session:
        row = session.scalars(
            select(IdempotencyRow).where(IdempotencyRow.scope == sender.operator, IdempotencyRow.key == sender.key)
        ).one_or_none()
        if row is None or row.batch_id is None:
            return None
        if row.request_sha256 != request:
            raise KeyReused("This Idempotency-Key was used before, with other files.")
        return session.get_one(BatchRow, row.batch_id)


def _write(
    database: Database, sender: Sender, request: str, kept: Sequence[tuple[str, Stored]], begun: BatchRow | None
) -> int:
    """Write the batch and its files, some at a time; the batch is closed by the transaction that writes the last."""
    now = database.now()
    batch_id, done = (None, 0) if begun is None else (begun.id, begun.file_count)
    files = iter(list(enumerate(kept, 1))[done:])
    while part := list(islice(files, _FILES_AT_ONCE)):
        with database.write() as session:
            if batch_id is None:
                batch_id = _add_batch(session, sender, request, now)
            for position, (name, stored) in part:
                _add_file(session, batch_id, position, name, stored, now)
            batch = session.get_one(BatchRow, batch_id)
            batch.file_count += len(part)
            if part[-1][0] == len(kept):
                batch.closed_at = now
                session.flush()
                announcing.batch_received(session, batch_id, now)
                details: audit.Details = {"files": len(kept), "channel": sender.channel}
                audit.append(session, now, sender.operator, "batch received", f"batch:{batch_id}", details)
    assert batch_id is not None  # noqa: S101  # there is at least one file
    return batch_id


def _add_batch(session: Session, sender: Sender, request: str, now: datetime) -> int:
    batch = BatchRow(
        channel=sender.channel,
        operator=sender.operator,
        name=sender.name,
        received_on=sender.received_on or now.astimezone().date(),
        received_at=now,
        file_count=0,
    )
    session.add(batch)
    session.flush()
    if sender.key:
        session.add(
            IdempotencyRow(
                scope=sender.operator, key=sender.key, request_sha256=request, batch_id=batch.id, created_at=now
            )
        )
        session.flush()
    return batch.id


def _add_file(session: Session, batch_id: int, position: int, name: str, stored: Stored, now: datetime) -> None:
    file = FileRow(
        batch_id=batch_id,
        position=position,
        name=name,
        sha256=stored.sha256,
        size_bytes=stored.bytes,
        state_since=now,
    )
    session.add(file)
    session.flush()
    steps.add(session, StepName.UNPACK, steps.Subject(file_id=file.id), now)


def _receipt(database: Database, batch_id: int, *, is_new: bool = True) -> Receipt:
    with database.read() as session:
        batch = session.get_one(BatchRow, batch_id)
        rows = session.scalars(select(FileRow).where(FileRow.batch_id == batch_id).order_by(FileRow.position)).all()
        files = tuple(
            ReceivedFile(row.public_id, row.name, row.sha256, row.size_bytes, _duplicates(session, row)) for row in rows
        )
        return Receipt(batch.public_id, batch.received_at, files, is_new)


def _duplicates(session: Session, file: FileRow) -> int:
    same = select(FileRow.id).where(FileRow.sha256 == file.sha256, FileRow.id < file.id).limit(100)
    return len(session.scalars(same).all())
