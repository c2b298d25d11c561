"""A whole batch as one archive: originals, records, and a manifest with the SHA-256 of everything, as it is streamed.

Nothing of it lies on a disk or in memory as a whole. What is damaged in the store breaks the stream off: an archive
that ends is whole.
"""

import hashlib
import io
import json
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, BinaryIO, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import published
from intake.database.engine import Database
from intake.database.tables import BatchRow, FileRow
from intake.exports import reading
from intake.published import Wanted
from intake.store import Store

FORMAT: Final = "postroom-batch/1"
RECORDS, MANIFEST, SUMS = "records.jsonl", "manifest.json", "SHA256SUMS"
_PIECE_BYTES: Final = 256 * 1024
_LONGEST_NAME: Final = 120  # characters; the longest file name of most systems is 255 bytes
_NOT_IN_NAMES: Final = frozenset('<>:"/\\|?*')
_OURS_ALONE: Final = 0o100600 << 16  # whoever unpacks it may read it, nobody else


@dataclass(frozen=True, slots=True)
class Original:
    """A file of the batch. path: where it lies in the archive."""

    id: UUID
    path: str
    name: str
    sha256: str
    bytes: int
    state: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into the archive of a batch, as it was at one moment. until: the last number published by then."""

    id: int
    batch: UUID
    name: str
    received_on: date
    received_at: datetime
    is_received: bool
    originals: Sequence[Original]
    until: int


def contents_of(session: Session, batch_id: UUID) -> Contents | None:
    """What goes into the archive of that batch; None if there is none."""
    batch = session.scalars(select(BatchRow).where(BatchRow.public_id == batch_id)).one_or_none()
    if batch is None:
        return None
    rows = session.scalars(select(FileRow).where(FileRow.batch_id == batch.id).order_by(FileRow.position))
    return Contents(
        id=batch.id,
        batch=batch.public_id,
        name=batch.name,
        received_on=batch.received_on,
        received_at=batch.received_at,
        is_received=batch.closed_at is not None,
        originals=[_original(row) for row in rows],
        until=published.latest(session),
    )


def check(store: Store, contents: Contents) -> None:
    """Whether every original is there. Raises BlobMissing or Unavailable."""
    for original in contents.originals:
        store.size(original.sha256)


def stream(database: Database, store: Store, contents: Contents, made_at: datetime) -> Iterator[bytes]:
    """The archive, some of it at a time. Raises BlobMissing or BlobDamaged on the way if an original is not as it was.

    It is a zip file (with zip64 where it is large) that needs no seeking to be written or read.
    """
    sink = _Sink()
    sums: list[tuple[str, str]] = []
    when = contents.received_at.astimezone(UTC)
    with zipfile.ZipFile(sink, "w") as archive:
        members = _Members(archive, sink, sums, when)
        for original in contents.originals:
            yield from members.add(original.path, _read(store, original.sha256))
        counted = [0]
        yield from members.add(RECORDS, _records(database, contents, counted), is_text=True)
        manifest = _manifest(contents, made_at, members.listed, counted[0])
        yield from members.add(MANIFEST, [json.dumps(manifest, ensure_ascii=False, indent=1).encode()], is_text=True)
        lines = "".join(f"{sha256}  {path}\n" for path, sha256 in sums)
        yield from members.add(SUMS, [lines.encode()], is_text=True)
    yield sink.take()


def safe_name(position: int, name: str) -> str:
    """A name for a file on any system: one of a kind by its number, and no way out of the folder it is unpacked in."""
    composed = unicodedata.normalize("NFC", name)
    plain = "".join("_" if sign in _NOT_IN_NAMES or not sign.isprintable() else sign for sign in composed)
    stem = plain[-_LONGEST_NAME:].strip(". ")
    return f"{position:04}-{stem or 'file'}"


class _Sink(io.RawIOBase):
    """Takes what is written and gives it away again; it can tell its place but not go to another."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._place = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        return self._place

    def write(self, piece: Any) -> int:
        self._waiting += piece
        self._place += len(piece)
        return len(piece)

    def take(self) -> bytes:
        """All that waits."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


class _Members:
    """Adds files to the archive and keeps their hashes. listed: path, SHA-256 and size of each, in their order."""

    def __init__(self, archive: zipfile.ZipFile, sink: _Sink, sums: list[tuple[str, str]], when: datetime) -> None:
        self._archive, self._sink, self._sums = archive, sink, sums
        self._when = (max(when.year, 1980), when.month, when.day, when.hour, when.minute, when.second)
        self.listed: dict[str, dict[str, Any]] = {}

    def add(self, path: str, pieces: Iterable[bytes], *, is_text: bool = False) -> Iterator[bytes]:
        """Yields what can be sent already."""
        info = zipfile.ZipInfo(path, self._when)
        info.external_attr = _OURS_ALONE
        # Scans are compressed already.
        info.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
        digest, size = hashlib.sha256(), 0
        with self._archive.open(info, "w", force_zip64=True) as member:
            for piece in pieces:
                member.write(piece)
                digest.update(piece)
                size += len(piece)
                yield self._sink.take()
        yield self._sink.take()
        self._sums.append((path, digest.hexdigest()))
        self.listed[path] = {"path": path, "sha256": digest.hexdigest(), "bytes": size}


def _original(row: FileRow) -> Original:
    path = f"originals/{safe_name(row.position, row.name)}"
    return Original(row.public_id, path, row.name, row.sha256, row.size_bytes, row.state.value)


def _read(store: Store, sha256: str) -> Iterator[bytes]:
    """The bytes of an original, which are proven by their end to be those that were received."""
    opened: BinaryIO = store.open(sha256)
    with closing(opened) as original:
        while piece := original.read(_PIECE_BYTES):
            yield piece


def _records(database: Database, contents: Contents, counted: list[int]) -> Iterator[bytes]:
    read = reading.pages(database, Wanted(batch=contents.batch), until=contents.until)
    for part in reading.as_lines(read):
        counted[0] += part.records
        yield part.content


def _manifest(contents: Contents, made_at: datetime, listed: dict[str, dict[str, Any]], records: int) -> dict[str, Any]:
    originals = [
        {**listed[each.path], "id": str(each.id), "name": each.name, "state": each.state} for each in contents.originals
    ]
    return {
        "format": FORMAT,
        "made_at": made_at.astimezone(UTC).isoformat(),
        "batch": {
            "id": str(contents.batch),
            "name": contents.name,
            "received_on": contents.received_on.isoformat(),
            "received_at": contents.received_at.astimezone(UTC).isoformat(),
            "is_received": contents.is_received,
        },
        "originals": originals,
        "records": {**listed[RECORDS], "revisions": records, "cursor": contents.until},
    }
