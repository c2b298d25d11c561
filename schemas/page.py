"""What a page of a piece is: labelled, never dropped."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# What the Code 128 on a separator sheet says: the page itself is no mail, and a new piece begins after it.
SEPARATOR_PAYLOAD = "POSTROOM-SEPARATOR"


class PageLabel(StrEnum):
    """What a page is. Every page received has exactly one label at the end of its journey."""

    CONTENT = "content"
    BLANK = "blank"
    SEPARATOR = "separator"
    FAILED = "failed"  # it could not be turned into pixels; the reason stands beside it


@dataclass(frozen=True, slots=True)
class PageFact:
    """One page of a file and what became of it.

    number:    1 for the first page of the file.
    turned:    degrees (0, 90, 180, 270) the scan was turned clockwise to stand upright.
    skew:      degrees the page lay counter-clockwise off level before it was straightened.
    residual:  median distance, in pixels at 300 dpi, between page and reference print; None if not aligned.
    width, height: pixels of the page as scanned; None if it never became pixels.
    transform: six numbers (a, b, c, d, e, f) from the upright page (u, v in 0 to 1) to pixels as scanned:
               x = a*u + b*v + c, y = d*u + e*v + f; None if it never became pixels.
    quality:   how well the page can be read, by the names of `extract.quality`; empty if nobody looked.
    problems:  why the page is too poor to be read, in words; empty if it is not.
    """

    number: int
    label: PageLabel
    turned: int = 0
    skew: float = 0.0
    residual: float | None = None
    width: int | None = None
    height: int | None = None
    transform: tuple[float, ...] | None = None
    note: str = ""
    quality: Mapping[str, float] = field(default_factory=dict, hash=False)
    problems: tuple[str, ...] = ()
