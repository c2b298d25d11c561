"""Files as received, kept for good under the SHA-256 of their bytes: what a store promises, whoever keeps it.

A store is two things laid on each other. A *shelf* (`shelf.py`: a local folder, an S3-compatible service) keeps bytes
under a name and knows nothing of what they mean. On it stands either `PlainStore`, which keeps the bytes as they came,
or `SealedStore`, which encrypts them. `opening.open_store` chooses both from the settings.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

from schemas.errors import MailError

# A file is put first and its row is committed after: a file younger than this may still be waiting for its row.
ORPHAN_AGE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Stored:
    """What was put, for the row and for the receipt.

    sha256: of the bytes as received, in hexadecimal; the address of the file in every store.
    bytes:  how many were received.
    key_id: the key the file is sealed with; None where it is kept as it came.
    """

    sha256: str
    bytes: int
    key_id: str | None


@dataclass(frozen=True, slots=True)
class Swept:
    """What one round of removing orphans did.

    orphans:    files that were removed: with no row, or a second copy of a file that has one.
    unfinished: what writers that have died left half-written, removed.
    unknown:    files left alone since no key at hand opens them, so that nobody can say whose they are.
    """

    orphans: int
    unfinished: int
    unknown: int

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(self.orphans + other.orphans, self.unfinished + other.unfinished, self.unknown + other.unknown)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A file that has no row. touched_at: when it was put, or put again, by the clock of the store."""

    sha256: str
    bytes: int
    touched_at: datetime


@dataclass(frozen=True, slots=True)
class Survey:
    """What a round of removing orphans would find.

    files:   how many there are in all, needed or not.
    orphans: those that have no row and are old enough.
    copies:  second copies of files that have one.
    unknown: files that no key at hand opens, so that nobody can say whose they are.
    """

    files: int
    orphans: tuple[Orphan, ...]
    copies: int
    unknown: int

    def __add__(self, other: "Survey") -> "Survey":
        return Survey(
            self.files + other.files,
            self.orphans + other.orphans,
            self.copies + other.copies,
            self.unknown + other.unknown,
        )


# Given some digests, those of them that have a row. Asked in pages, so that ten million rows need not fit in memory.
Known = Callable[[Sequence[str]], Collection[str]]
LeftOut = Callable[[MailError], None]


def nobody(_: MailError) -> None:
    """Nobody wants to be told."""


class Store(Protocol):
    """Where originals lie. `sha256` is always of the bytes as received, 64 hexadecimal digits in lower case.

    Every method may raise Unavailable where the disk or the service does not answer, and ValueError for a `sha256`
    that is none.
    """

    def put(self, stream: BinaryIO) -> Stored:
        """Keep what is left in `stream`, read in pieces. When it returns, a power cut loses nothing of it.

        Putting the same bytes again changes nothing but the age of the file. What `stream` raises passes through, and
        nothing is kept. Raises StoreFull where there is no room.
        """
        ...

    def open(self, sha256: str) -> BinaryIO:
        """The bytes, to be read forward only; the caller closes it.

        Damage is found as far as it was read, and by the end at the latest: a reader must have met the end before it
        believes anything. Raises BlobMissing here, BlobDamaged here or while reading.
        """
        ...

    def verify(self, sha256: str) -> None:
        """Read it all. Raises BlobMissing or BlobDamaged; returning means that every byte is as it was received."""
        ...

    def size(self, sha256: str) -> int:
        """How many bytes were received, without reading them. Raises BlobMissing."""
        ...

    def exists(self, sha256: str) -> bool:
        """Whether something lies under this address; whether it is sound, only `verify` says."""
        ...

    def digests(self, left_out: LeftOut = nobody) -> Iterator[str]:
        """The address of everything that is here, in no order that means anything, a few at a time from the shelf.

        A sealed file that no key at hand opens is left out: to whoever compares with the rows it is missing. `left_out`
        is told why, by its name on the shelf, for its digest nobody knows. A file that is just being sealed may come
        twice.
        """
        ...

    def orphans(self, known: Known, *, older_than: datetime) -> Survey:
        """What `remove_orphans` would remove now. Takes nothing away."""
        ...

    def remove_orphans(self, known: Known, *, older_than: datetime) -> Swept:
        """Remove files that have no row, and what dead writers left. The only method that takes anything away.

        older_than: nothing put or touched after this moment is removed; the caller passes now less `ORPHAN_AGE`.
        """
        ...

    def rewrap(self, sha256: str) -> str | None:
        """Bring a file under the key that is used for writing now, and return the id of that key.

        None in a store without keys, where there is nothing to do. Running it twice, or on two machines, is harmless.
        """
        ...

    def free_bytes(self) -> int:
        """How much can still be written, in bytes: on the disk of a local store, on the disk an upload passes through
        on its way to a service (which itself does not tell)."""
        ...
