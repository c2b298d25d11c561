"""A file that is there whole or not at all: what is written lies under another name until it is finished."""

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from intake.output import CannotWrite

_OURS_ALONE: Final = 0o600  # records are about people


class WholeFile:
    """Write to it, then `finish`; left without that, nothing is there and an earlier file stays as it was."""

    def __init__(self, path: Path) -> None:
        """Raises CannotWrite if nothing can be written there."""
        self._path = path
        self._part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._file = os.fdopen(os.open(self._part, flags, _OURS_ALONE), "wb")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise CannotWrite(f"{path}: cannot be created: {reason}. Name another file with --output.") from error

    def write(self, content: bytes) -> None:
        """Raises CannotWrite."""
        try:
            self._file.write(content)
        except OSError as error:
            raise self._full(error) from error

    def finish(self) -> None:
        """Put it in its place, on the disk. Raises CannotWrite."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._full(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._file.close()
        except OSError:
            pass  # of a disk that is full: whoever wrote was told
        self._part.unlink(missing_ok=True)

    def _full(self, error: OSError) -> CannotWrite:
        reason = error.strerror or type(error).__name__
        return CannotWrite(
            f"{self._path}: cannot be written: {reason}. Nothing was exported. Make room, or name a file on another"
            " disk with --output, and run the command again."
        )
