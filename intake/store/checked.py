"""Reading a stored file so that damage is found, whatever the shelf and whether or not the file is sealed."""

import hashlib
import io
from typing import TYPE_CHECKING, BinaryIO, cast

from intake.store.errors import BlobDamaged
from intake.store.shelf import PIECE_BYTES, pieces

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Checked(io.RawIOBase):
    """Hashes what passes through and compares at the end."""

    def __init__(self, source: BinaryIO, sha256: str) -> None:
        self._source = source
        self._sha256 = sha256
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """As io.RawIOBase says. Raises BlobDamaged at the end if what passed through is not what was received."""
        room = memoryview(buffer).cast("B")
        piece = self._source.read(len(room))
        if not piece and room and self._hash.hexdigest() != self._sha256:
            raise BlobDamaged(self._sha256, "its bytes are not those that were received")
        self._hash.update(piece)
        room[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._source.close()
        super().close()


def checked(source: BinaryIO, sha256: str) -> BinaryIO:
    """The same bytes, read forward; the end of them raises BlobDamaged if their SHA-256 is another. Closes `source`."""
    return as_stream(_Checked(source, sha256))


def as_stream(raw: io.RawIOBase) -> BinaryIO:
    """A raw stream with a buffer before it, so that a short read means the end."""
    return cast(BinaryIO, io.BufferedReader(raw, buffer_size=PIECE_BYTES))


def read_through(stream: BinaryIO) -> None:
    """Read to the end, for the errors that reading raises."""
    with stream:
        for _ in pieces(stream):
            pass
