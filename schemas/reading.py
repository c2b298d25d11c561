"""What engines saw: text readings, marks, and regions of free pages."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.geometry import PageArea


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader saw for one field.

    text:       as written, lines joined by one space; "" means it saw blank paper.
    characters: the reader's own raw score (0 to 1) for each character of `text`, joining spaces as 1.0.
                Raw scores are over-sure: they are features, never thresholds.
    reader:     engine, model and version, so that a value can be traced and replayed.
    area:       where the ink was; None if there was none.
    """

    text: str
    characters: tuple[float, ...]
    reader: str
    area: PageArea | None = None

    def __post_init__(self) -> None:
        if len(self.text) != len(self.characters):
            raise ValueError("one score per character")

    @property
    def weakest(self) -> float:
        """The lowest character score; 1.0 for an empty text."""
        return min(self.characters, default=1.0)

    @property
    def mean(self) -> float:
        """The mean character score; 1.0 for an empty text."""
        return sum(self.characters) / len(self.characters) if self.characters else 1.0


class MarkState(StrEnum):
    """What a tick box holds. Only TICKED counts as an answer."""

    EMPTY = "empty"
    TICKED = "ticked"
    CANCELLED = "cancelled"  # ticked, then scribbled out or filled solid beside another tick
    DOUBTFUL = "doubtful"  # a stray stroke or a faint mark: a person must look


@dataclass(frozen=True, slots=True)
class Mark:
    """One tick box, judged; it explains itself.

    ink_share: fraction (0 to 1) of the box's inside that is ink and is not printed on the blank form.
    reason:    one sentence a caseworker understands.
    """

    option: str
    state: MarkState
    ink_share: float
    reason: str
    area: PageArea


class RegionKind(StrEnum):
    """What a part of a free page is. `OTHER` is an honest answer."""

    TITLE = "title"
    TEXT = "text"
    LIST = "list"
    TABLE = "table"
    FIGURE = "figure"
    HEADER = "header"
    FOOTER = "footer"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text on a free page, with the reader's raw score (0 to 1) and its place."""

    text: str
    score: float
    area: PageArea


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a free page in reading order: `lines` from top to bottom, empty for a picture."""

    kind: RegionKind
    score: float
    area: PageArea
    page: int
    lines: tuple[TextLine, ...]
