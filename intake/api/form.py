"""Reads a multipart form as it comes in (RFC 7578): files go into the spool, fields are kept.

The parser that comes with the framework keeps a part of every file in memory, and takes a form that was cut off for a
whole one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from extract.limits import DEFAULT_LIMITS
from intake.api.problem import Fault, ProblemCode, Refused
from intake.api.spool import Spool

FILES: Final = "files"
FIELDS: Final = frozenset({"name", "received_on"})
_MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What one request may bring. More is refused with 413, and nothing of it is received."""

    files_per_request: int = 1_000
    bytes_per_file: int = DEFAULT_LIMITS.file_bytes
    bytes_per_request: int = 2048 * _MEBIBYTE
    bytes_per_field: int = 4096
    seconds_without_a_byte: float = 60.0


@dataclass(frozen=True, slots=True)
class SpooledFile:
    """One file of the form: the name it came under, and where it lies in the spool."""

    name: str
    start: int
    length: int


class Form:
    """A form while it is read. Feed it, then take what is in it with `finish`. All methods may raise Refused."""

    def __init__(self, content_type: str, spool: Spool, limits: UploadLimits, fields: Collection[str] = FIELDS) -> None:
        """fields: the names there may be beside those of files, each once."""
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise _broken("Send the files as multipart/form-data.")
        self._spool, self._limits, self._known = spool, limits, fields
        self._fields: dict[str, str] = {}
        self._files: list[SpooledFile] = []
        self._header_name, self._header_value, self._disposition = b"", b"", b""
        self._field: str | None = None  # the field that is being read, None while it is a file
        self._value = bytearray()
        self._file_name, self._file_start = "", 0
        self._bytes, self._is_whole = 0, False
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header_name,
                    "on_header_value": self._add_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _broken("Send the files as multipart/form-data.") from error

    def feed(self, piece: bytes) -> None:
        """The next bytes of the body. Blocks while they are written. Raises StoreFull too."""
        self._bytes += len(piece)
        if self._bytes > self._limits.bytes_per_request:
            raise too_large(f"A request may have at most {self._limits.bytes_per_request} bytes.")
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _broken("The form is broken: a boundary or a header is not where it should be.") from error

    def finish(self) -> tuple[dict[str, str], Sequence[SpooledFile]]:
        """The fields by name, and the files in their order, once the whole body was fed."""
        if not self._is_whole:
            raise _broken("The form is cut off: its last boundary is missing.")
        if not self._files:
            detail = f"A batch needs at least one file: parts with the name `{FILES}` and a file name."
            raise Refused(422, ProblemCode.NO_FILE, detail)
        self._spool.finish()
        return self._fields, self._files

    def _begin_part(self) -> None:
        self._disposition = b""

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name, self._header_value = b"", b""

    def _end_headers(self) -> None:
        kind, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or not name:
            raise _broken("A part of the form has no name.")
        if b"filename" in options:
            self._begin_file(name, options[b"filename"])
        elif name in self._known and name not in self._fields:
            self._field, self._value = name, bytearray()
        else:
            raise unknown_field()

    def _begin_file(self, field: str, file_name: bytes) -> None:
        if field != FILES:
            raise unknown_field()
        if len(self._files) == self._limits.files_per_request:
            raise too_large(f"A request may bring at most {self._limits.files_per_request} files.")
        self._field = None
        self._file_name, self._file_start = file_name.decode("utf-8", "replace"), self._spool.length

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            if self._spool.length - self._file_start + end - start > self._limits.bytes_per_file:
                raise too_large(f"A file may have at most {self._limits.bytes_per_file} bytes.")
            self._spool.write(data[start:end])
        else:
            self._value += data[start:end]
            if len(self._value) > self._limits.bytes_per_field:
                raise too_large(f"A field may have at most {self._limits.bytes_per_field} bytes.")

    def _end_part(self) -> None:
        if self._field is not None:
            self._fields[self._field] = self._value.decode("utf-8", "replace")
            return
        length = self._spool.length - self._file_start
        # A browser sends a part without name and bytes for a file nobody chose.
        if self._file_name or length:
            self._files.append(SpooledFile(self._file_name, self._file_start, length))

    def _end(self) -> None:
        self._is_whole = True


def too_large(detail: str) -> Refused:
    return Refused(413, ProblemCode.TOO_LARGE, f"{detail} Nothing was received.")


def unknown_field() -> Refused:
    fault = Fault(place="body", problem=f"The form may have files named `{FILES}`, and once `name` and `received_on`.")
    return Refused(422, ProblemCode.INVALID_REQUEST, "The form has a part that is not known here.", faults=[fault])


def _broken(detail: str) -> Refused:
    return Refused(400, ProblemCode.BROKEN_BODY, detail)
