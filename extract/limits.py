"""What one file may cost, and what stands in the place of a page that could not be had."""

from dataclasses import dataclass
from typing import Final

from schemas.errors import Cause, Unreadable

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. A file or page beyond them is refused with a reason, never cut short in silence.

    seconds_per_page, seconds_per_file: of unpacking alone.
    seconds_to_begin, seconds_to_read_page: all work on a file, once and for each of its pages. Far above what a slow
    machine needs, and above what unpacking may take: they end what would never end by itself.
    """

    file_bytes: int = 50 * _MEBIBYTE
    pages_per_file: int = 300
    pixels_per_page: int = 40_000_000
    seconds_per_page: float = 20.0
    seconds_per_file: float = 180.0
    memory_bytes: int = 1536 * _MEBIBYTE
    seconds_to_begin: float = 120.0
    seconds_to_read_page: float = 20.0

    def seconds_to_read(self, pages: int) -> float:
        """How long all work on a file may take of which so many pages were unpacked."""
        return self.seconds_to_begin + self.seconds_to_read_page * pages


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, eq=False)
class UnreadablePage:
    """A page that could not be turned into pixels: it is reported in its place, so that no page is lost."""

    number: int
    error: Unreadable


def too_many_bytes(size: int, limits: Limits) -> Unreadable:
    """The refusal of a file of `size` bytes."""
    return Unreadable(
        f"The file has {size / _MEBIBYTE:.1f} MiB, where at most {limits.file_bytes / _MEBIBYTE:g} MiB are allowed.",
        cause=Cause.TOO_LARGE,
        remedy="Split the file, or scan at 300 dpi with compression.",
    )
