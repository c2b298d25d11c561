"""Places on paper: rectangles in pixels and in fractions of a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle on an image: whole pixels, origin top left, right and bottom edges excluded."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if not (self.left < self.right and self.top < self.bottom):
            raise ValueError(f"not a rectangle: {self}")

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) of the middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def grown(self, by: int) -> "Box":
        """The same place with `by` pixels added on every side (negative: taken away). May leave the page."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def within(self, width: int, height: int) -> "Box":
        """The part that lies on a page of that size. Raises ValueError if none does."""
        return Box(max(self.left, 0), max(self.top, 0), min(self.right, width), min(self.bottom, height))

    def scaled(self, factor: float) -> "Box":
        """The same place on an image `factor` times as large, at least one pixel each way."""
        left, top = round(self.left * factor), round(self.top * factor)
        return Box(left, top, max(round(self.right * factor), left + 1), max(round(self.bottom * factor), top + 1))

    def overlaps(self, other: "Box") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def contains(self, x: float, y: float) -> bool:
        return self.left <= x < self.right and self.top <= y < self.bottom


def hull(boxes: Iterable[Box]) -> Box:
    """The smallest box around all of them. Raises ValueError for none."""
    every = list(boxes)
    if not every:
        raise ValueError("no box to enclose")
    return Box(
        min(box.left for box in every),
        min(box.top for box in every),
        max(box.right for box in every),
        max(box.bottom for box in every),
    )


@dataclass(frozen=True, slots=True)
class PageArea:
    """A rectangle in fractions (0 to 1) of the upright page, so that it holds at any resolution."""

    left: float
    top: float
    right: float
    bottom: float

    def as_list(self) -> list[float]:
        """[x0, y0, x1, y1], each rounded to 5 digits (under 0.02 mm on A4) and kept within the page."""
        return [round(min(max(value, 0.0), 1.0), 5) for value in (self.left, self.top, self.right, self.bottom)]


def outline_in_scan(area: PageArea, transform: Sequence[float]) -> list[list[float]]:
    """The corners [x, y] of `area` in pixels of the page as scanned, from its top left clockwise, to a tenth.

    transform: (a, b, c, d, e, f) of `schemas.page.PageFact`. A page that lay askew makes it a slanted rectangle.
    """
    a, b, c, d, e, f = transform
    corners = (
        (area.left, area.top), (area.right, area.top), (area.right, area.bottom), (area.left, area.bottom)
    )  # fmt: skip
    return [[round(a * u + b * v + c, 1), round(d * u + e * v + f, 1)] for u, v in corners]


def fraction_of_page(box: Box, width: int, height: int) -> PageArea:
    """Where `box` lies on a page of `width` x `height` pixels, in fractions of it."""
    return PageArea(box.left / width, box.top / height, box.right / width, box.bottom / height)
