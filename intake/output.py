"""Records go to disk line by line; whatever happens, what was written stays valid JSON lines."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.errors import MailError


class CannotWrite(MailError):
    """The output cannot be written; the message says how far it came and what to do."""


class RecordFile:
    """A file of JSON lines, written at once and without a buffer; `-` is the standard output.

    records: how many are written whole.
    """

    def __init__(self, path: Path) -> None:
        """Create the file, replacing an earlier one. Raises CannotWrite if that is not possible."""
        self.path = path
        self.records = 0
        self._is_standard_output = str(path) == "-"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._file = sys.stdout.fileno() if self._is_standard_output else os.open(path, flags, 0o600)
        except OSError as error:
            raise CannotWrite(
                f"{path}: cannot be created: {error.strerror}. Name another file with --output."
            ) from error

    def write(self, record: bytes) -> None:
        """Write one record, given as JSON without a line end. Raises CannotWrite and leaves only whole lines."""
        line = memoryview(record + b"\n")
        begun = 0
        try:
            while begun < len(line):
                begun += os.write(self._file, line[begun:])
        except OSError as error:
            self._take_back(begun)
            raise self._full(error) from error
        self.records += 1

    def finish(self) -> None:
        """Make sure that everything is on the disk. Raises CannotWrite if it is not."""
        if self._is_standard_output:
            return
        try:
            os.fsync(self._file)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC:
                raise self._full(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._is_standard_output:
            os.close(self._file)

    def _take_back(self, begun: int) -> None:
        if begun and not self._is_standard_output:
            end = os.lseek(self._file, 0, os.SEEK_CUR) - begun
            os.ftruncate(self._file, end)
            os.lseek(self._file, end, os.SEEK_SET)

    def _full(self, error: OSError) -> CannotWrite:
        return CannotWrite(
            f"{self.path}: cannot be written: {error.strerror}. It holds {self.records} whole records, the rest is"
            " missing. Make room, or name a file on another disk with --output, and run the command again."
        )


_CANNOT_SYNC = (22, 38, 95)  # EINVAL, ENOSYS, ENOTSUP: pipes and special files know no sync
