"""What the journey asks of outside engines. Each engine answers in exactly one module of this package."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from extract.page import Grey
from schemas.geometry import Box
from schemas.reading import RegionKind


@dataclass(frozen=True, slots=True)
class LineRead:
    """What a reader saw on one line image.

    text:       "" means blank paper.
    characters: the reader's raw score, 0 to 1, for each character of `text`.
    """

    text: str
    characters: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FoundRegion:
    """A region a layout model sees: its kind, raw score (0 to 1) and place in pixels."""

    kind: RegionKind
    score: float
    box: Box


class LineReader(Protocol):
    """Reads single lines of writing."""

    name: str  # engine, model and version, kept beside every value it read

    def read(self, lines: Sequence[Grey], alphabet: str = "") -> list[LineRead]:
        """One answer per line image, in the same order.

        Each image is (height, width) uint8, dark on light, one upright line with little margin.
        With an `alphabet`, only its characters (and the space, if it holds one) can be answered.
        Raises Unavailable if the engine itself failed.
        """
        ...


class LineFinder(Protocol):
    """Finds lines of text on a page of unknown layout."""

    name: str

    def find(self, pixels: Grey) -> list[Box]:
        """Boxes of text lines, top to bottom; an empty list means no text was found."""
        ...


class LayoutFinder(Protocol):
    """Finds regions (title, paragraph, table, picture ...) on a page of unknown layout."""

    name: str

    def find(self, pixels: Grey) -> list[FoundRegion]:
        """Regions in no particular order; an empty list means the model recognised nothing."""
        ...


class OrientationFinder(Protocol):
    """Tells which way up a page lies."""

    name: str

    def turn(self, pixels: Grey) -> tuple[int, float]:
        """(degrees 0, 90, 180 or 270 the image must be turned clockwise to stand upright, raw score 0 to 1)."""
        ...


@dataclass(frozen=True, slots=True)
class FoundBarcode:
    """A barcode: its symbology as zxing names it, its payload, and its place in pixels."""

    symbology: str
    text: str
    box: Box


class BarcodeFinder(Protocol):
    """Finds and reads barcodes."""

    name: str

    def find(self, pixels: Grey) -> list[FoundBarcode]:
        """Every barcode on the image; an empty list means none."""
        ...
