"""What the journey asks of outside engines. Each engine answers in exactly one module of this package."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from extract.decoding.alphabet import Floats
from extract.decoding.automaton import Constraint
from extract.decoding.lexicon import Lexicon
from extract.page import Grey
from schemas.geometry import Box
from schemas.reading import RegionKind


@dataclass(frozen=True, slots=True)
class OtherRead:
    """What another reader saw in the same place: its text, a raw score for each character of it, and who it is."""

    text: str
    characters: tuple[float, ...]
    reader: str


@dataclass(frozen=True, slots=True)
class LineRead:
    """What a reader saw on one line image.

    text:       "" means blank paper.
    characters: the reader's raw score, 0 to 1, for each character of `text`.
    places:     the columns (start, end) of the image each character was seen in; empty if the reader cannot tell.
    agreement:  the share (0 to 1) of the characters on which a second reader said the same; None if none was asked.
    margin:     natural logarithm of how much likelier it is than the second best answer; None if none was looked for.
    likelihood: natural logarithm of its probability, at least -50; None if it was read under no constraint.
    fits:       whether it fits the constraint it was read under; None if it was read under none.
    known:      the share of its words that are in the lists; None if it was not looked up.
    respelled:  how many of its words were replaced by words of the lists.
    other:      what the reader saw that was asked first; None if it saw the same, or there was none.
    """

    text: str
    characters: tuple[float, ...]
    places: tuple[tuple[int, int], ...] = ()
    agreement: float | None = None
    margin: float | None = None
    likelihood: float | None = None
    fits: bool | None = None
    known: float | None = None
    respelled: int = 0
    other: OtherRead | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What is known of an answer before it is read.

    constraint: what the whole answer may be; None if any text may.
    words:      the words it is likely made of; None if there are no lists of them.
    twice:      whether so much hangs on it that a second reader must be asked, however sure the first is.
    """

    constraint: Constraint | None = None
    words: Lexicon | None = None
    twice: bool = False


ANYTHING = Expected()


@dataclass(frozen=True, slots=True)
class FoundRegion:
    """A region a layout model sees: its kind, raw score (0 to 1) and place in pixels."""

    kind: RegionKind
    score: float
    box: Box


class LineReader(Protocol):
    """Reads single lines of writing."""

    name: str  # engine, model and version, kept beside every value it read

    def read(self, lines: Sequence[Grey], alphabet: str = "", expected: Expected = ANYTHING) -> list[LineRead]:
        """One answer per line image, in the same order.

        Each image is (height, width) uint8, dark on light, one upright line with little margin.
        With an `alphabet`, only its characters (and the space, if it holds one) can be answered.
        A reader that cannot use what is `expected` reads without it.
        Raises Unavailable if the engine itself failed.
        """
        ...


class StepReader(Protocol):
    """Reads single lines of writing as the probabilities of every character at every step, for others to decode."""

    classes: str  # one character for each column; the first stands for "no character here"

    def probabilities(self, lines: Sequence[Grey]) -> list[Floats]:
        """For each line (steps, classes), 0 to 1, left to right. Raises Unavailable if the engine itself failed."""
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
