"""Where an upload lies until all of it has come: one unnamed file on the disk, gone with the process at the latest."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from intake.store.errors import StoreFull

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SPOOL_FOLDER: Final = "uploads"  # below the data folder
_BUFFER_BYTES: Final = 256 * 1024
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Spool:
    """All files of one request, end to end. Not in the folder for temporary files: that may lie in memory."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=_BUFFER_BYTES)  # noqa: SIM115  # see close()
        self.length = 0

    def write(self, piece: bytes) -> None:
        """Add to the end. Raises StoreFull, here or in `finish`."""
        with full_disk_named():
            self._file.write(piece)
        self.length += len(piece)

    def finish(self) -> None:
        """Everything has been written: windows may be opened."""
        with full_disk_named():
            self._file.flush()

    def window(self, start: int, length: int) -> BinaryIO:
        """Those bytes, to be read once from the beginning; good until the spool is closed."""
        return BufferedReader(_Window(self._file.fileno(), start, start + length))

    def close(self) -> None:
        """Give its room back."""
        try:
            self._file.close()
        except OSError:
            pass  # what could not be written is not wanted any more, and the file is closed all the same


class _Window(RawIOBase):
    """A part of an open file, with a place of its own."""

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        self._descriptor, self._at, self._end = descriptor, start, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer).cast("B")[: self._end - self._at]
        count = os.preadv(self._descriptor, [room], self._at) if room else 0
        self._at += count
        return count


@contextmanager
def full_disk_named() -> Iterator[None]:
    """Turn what the system says of a full disk into StoreFull."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StoreFull("the disk that uploads pass through is full") from error
        raise
