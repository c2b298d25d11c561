"""What a store stands on: a place that keeps bytes under a name and shows nothing that is half-written."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

# Large enough that the calls cost nothing beside the bytes, small enough that a hundred uploads at once fit in memory.
PIECE_BYTES = 256 * 1024

_NAME = re.compile(r"[0-9a-f]{64}")


class NotOnShelf(LookupError):
    """Nothing lies under this name. A store turns it into BlobMissing, which names the digest and not the name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on a shelf. touched_at: when it was last put or put again, by the shelf's own clock, in UTC."""

    name: str
    touched_at: datetime


@dataclass(frozen=True, slots=True)
class NewHead:
    """How the first bytes of a thing are to change without anyone finding them half-changed; all of one length.

    expected: what they are now; if they are not, nobody touches them.
    interim:  good for everyone who can read `expected` or `final`.
    final:    what they are in the end.
    name:     the name it all goes by in the end.
    """

    expected: bytes
    interim: bytes
    final: bytes
    name: str


class Draft(Protocol):
    """Something being written. Nobody sees it until it is kept; what is not kept is gone."""

    def write(self, piece: bytes) -> None:
        """Append. Raises StoreFull where there is no room."""
        ...

    def set_head(self, head: bytes) -> None:
        """Overwrite the first bytes, which were written as a placeholder."""
        ...

    def keep(self, name: str, *, over_unsound: bool = False) -> None:
        """Show it under `name`, once and for all and durably, as the last thing done to a draft.

        Where something of the same size lies under that name it is taken for the same: it is touched, and this draft
        is dropped. (To compare them byte by byte is what `verify` is for.) Raises StoreFull where there is no room.

        over_unsound: the caller has looked, and what lies there, if anything, is to be replaced.
        """
        ...


class Shelf(Protocol):
    """A name is 64 hexadecimal digits in lower case. Every method may raise Unavailable."""

    def draft(self) -> AbstractContextManager[Draft]:
        """A new draft; leaving the context drops it unless it was kept."""
        ...

    def open(self, name: str) -> BinaryIO:
        """The bytes, to be read forward. Raises NotOnShelf."""
        ...

    def head(self, name: str, length: int) -> bytes:
        """The first `length` bytes, fewer where there are no more. Raises NotOnShelf."""
        ...

    def size(self, name: str) -> int:
        """In bytes. Raises NotOnShelf."""
        ...

    def touch(self, name: str, *, size: int) -> bool:
        """Make it young again, durably there, if it is there and of this size in bytes; say whether it was."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Everything kept here. What comes or goes meanwhile may or may not be among it."""
        ...

    def remove(self, name: str, *, older_than: datetime) -> bool:
        """Take it away unless it was touched since `older_than`; say whether it was taken away."""
        ...

    def change_head(self, name: str, new: NewHead) -> bool:
        """Change the first bytes and the name; False if they were not as expected. Raises NotOnShelf."""
        ...

    def remove_unfinished(self, *, older_than: datetime) -> int:
        """Take away what dead writers left, as far as it does not vanish by itself; say how many."""
        ...

    def free_bytes(self) -> int:
        """How much can still be written here."""
        ...


def checked_name(name: str) -> str:
    """`name`, if it is 64 hexadecimal digits in lower case. Raises ValueError: it must never become part of a path."""
    if not _NAME.fullmatch(name):
        raise ValueError("not a SHA-256 in hexadecimal")
    return name


def pieces(stream: BinaryIO) -> Iterator[bytes]:
    """What is left in `stream`, a piece at a time."""
    while piece := stream.read(PIECE_BYTES):
        yield piece
