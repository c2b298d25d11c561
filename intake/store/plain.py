"""A store that keeps the bytes as they came, under their own digest."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO

from intake.store import Known, LeftOut, Stored, Survey, Swept, nobody
from intake.store.checked import checked, read_through
from intake.store.errors import BlobMissing
from intake.store.orphans import Shelved, remove_unneeded, survey
from intake.store.shelf import NotOnShelf, Shelf, checked_name, pieces


class PlainStore:
    """The store of an office that gave no key."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def put(self, stream: BinaryIO) -> Stored:
        """Keep what is left in `stream`; see Store."""
        digest, count = hashlib.sha256(), 0
        with self._shelf.draft() as draft:
            for piece in pieces(stream):
                digest.update(piece)
                draft.write(piece)
                count += len(piece)
            draft.keep(digest.hexdigest())
        return Stored(digest.hexdigest(), count, None)

    def open(self, sha256: str) -> BinaryIO:
        """The bytes, checked at their end; see Store."""
        try:
            return checked(self._shelf.open(checked_name(sha256)), sha256)
        except NotOnShelf as error:
            raise BlobMissing(sha256) from error

    def verify(self, sha256: str) -> None:
        """Read and hash it all; see Store."""
        read_through(self.open(sha256))

    def size(self, sha256: str) -> int:
        """As the shelf says; see Store."""
        try:
            return self._shelf.size(checked_name(sha256))
        except NotOnShelf as error:
            raise BlobMissing(sha256) from error

    def exists(self, sha256: str) -> bool:
        """Whether the shelf has it."""
        try:
            return self.size(sha256) >= 0
        except BlobMissing:
            return False

    def digests(self, left_out: LeftOut = nobody) -> Iterator[str]:
        """The names on the shelf are the digests; none is left out."""
        return (entry.name for entry in self._shelf.entries())

    def orphans(self, known: Known, *, older_than: datetime) -> Survey:
        """See Store."""
        return survey(self.shelved(lambda _: False), known, older_than=older_than)

    def remove_orphans(self, known: Known, *, older_than: datetime) -> Swept:
        """See Store."""
        return remove_unneeded(self.shelved(lambda _: False), known, older_than=older_than)

    def shelved(self, is_elsewhere: Callable[[str], bool]) -> Shelved:
        """What lies here. is_elsewhere: whether a store that has sealed it needs it here no more."""
        return Shelved(self._shelf, lambda name: name, self._shelf.size, lambda _, sha256: is_elsewhere(sha256))

    def rewrap(self, sha256: str) -> None:
        """There is no key. Raises BlobMissing all the same."""
        self.size(sha256)

    def remove(self, sha256: str, *, older_than: datetime) -> bool:
        """Take it away unless it was touched since `older_than`: only for a store that has just sealed it."""
        return self._shelf.remove(checked_name(sha256), older_than=older_than)

    def free_bytes(self) -> int:
        """See Store."""
        return self._shelf.free_bytes()
