"""Where pictures are made: originals are decoded in the sandbox, a page at a time, and never in this process."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Self

from extract.limits import DEFAULT_LIMITS, Limits, UnreadablePage
from intake.pictures.upright import Transform, as_jpeg, as_scanned, at_reading_size
from intake.sandbox import Page, Sandbox
from schemas.errors import Unreadable


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A picture that was just made; `dpi` is of the paper."""

    number: int
    jpeg: bytes
    width: int
    height: int
    dpi: int


@dataclass(frozen=True, slots=True)
class NoPicture:
    """A page that cannot become one, and why."""

    number: int
    error: Unreadable


class Workbench:
    """Makes pictures, for one thread at a time: others wait. The sandbox is started when it is first needed."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._sandbox: Sandbox | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox, if there is one."""
        with self._lock:
            if self._sandbox is not None:
                self._sandbox.close()
                self._sandbox = None

    def make(self, content: bytes, wanted: Mapping[int, Transform | None]) -> Iterator[NewPicture | NoPicture]:
        """Pictures of those pages of a file, in order; None stands for a page nobody knows the upright of.

        Never raises for the file's sake. Raises Unavailable if there can be no sandbox here.
        """
        with self._lock:
            if self._sandbox is None:
                self._sandbox = Sandbox()
            yield from self._made(self._sandbox, content, wanted)

    def _made(
        self, sandbox: Sandbox, content: bytes, wanted: Mapping[int, Transform | None]
    ) -> Iterator[NewPicture | NoPicture]:
        left = sorted(wanted)
        try:
            with closing(sandbox.open_pages(content, self._limits, first=left[0])) as pages:
                for page in pages:
                    if page.number in wanted:
                        left.remove(page.number)
                        yield _picture(page, wanted[page.number])
                    if not left:
                        return
        except Unreadable as error:
            yield from (NoPicture(number, error) for number in list(left))


def _picture(page: Page, transform: Transform | None) -> NewPicture | NoPicture:
    if isinstance(page, UnreadablePage):
        return NoPicture(page.number, page.error)
    pixels, dpi = at_reading_size(page.pixels, transform or as_scanned(page.pixels), page.dpi)
    height, width = pixels.shape
    return NewPicture(page.number, as_jpeg(pixels), width, height, dpi)
