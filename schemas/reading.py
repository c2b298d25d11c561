"""What engines saw: text readings, marks, and regions of free pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.geometry import PageArea


class Feature(StrEnum):
    """The measures a decision may rest on, by the names records carry: features, never thresholds. Any may be absent.

    A share is a number from 0 to 1. What a reader cannot know is absent and never set to a number that means nothing.
    """

    # Of writing.
    WEAKEST = "weakest"  # lowest score of a character of the final reading, 0 to 1
    MEAN = "mean"  # mean score of its characters, 0 to 1
    MARGIN = "margin"  # natural logarithm of the best candidate's probability over the second one's, at most 20
    AGREEMENT = "agreement"  # share of the characters on which an independent second reader said the same
    FAMILY_AGREEMENT = "family_agreement"  # the same for a reader of another family
    MISSED = "missed"  # highest score, 0 to 1, of a letter or figure that another reader saw and the reading lacks
    CAPITAL = "capital"  # highest score, 0 to 1, of a capital that another reader saw for a figure of a number
    LIKELIHOOD = "likelihood"  # natural logarithm of the probability of an answer that fits its grammar, at least -50
    GRAMMAR = "grammar"  # 1 if the reading fits the grammar declared for the field, 0 if not; absent if none is
    KNOWN = "known"  # share of the words that are found in the lexicons
    UNLISTED = (
        "unlisted"  # lowest score of a character in a word that no list holds, numbers included; 1 if there is none
    )
    ODD = "odd"  # words that no list holds and that are no numbers, a count
    RESPELLED = "respelled"  # words that a lexicon changed, a count
    STRAY = "stray"  # pixels (at 300 dpi) of ink in the zone that are neither print nor part of what was read
    CUT = "cut"  # share of the answer's ink that had to be cut from print
    OVERFLOW = "overflow"  # share of the answer's ink that lies outside its zone
    FOREIGN = "foreign"  # pixels (at 300 dpi) of writing in the zone that was taken for another zone's
    ADJACENT = "adjacent"  # pixels (at 300 dpi) of other writing as near above it or below as its next line
    BESIDE = "beside"  # pixels (at 300 dpi) of other writing on the rows of its lines, right before them or behind
    HEMMED = "hemmed"  # of a number: pixels (at 300 dpi) of any other ink where one more figure of it would stand
    GAP = "gap"  # of a number: widest blank between two of its figures, in heights of the line
    UNREAD = "unread"  # pixels (at 300 dpi) of ink in lines of writing that were read as nothing
    STAMPED = "stamped"  # 1 where a stamp set on its side reaches into the zone, else 0
    # Of the letters and figures read, the share the field's pattern left out before its find, or figures behind it.
    UNUSED = "unused"
    LENGTH = "length"  # characters of the reading, a count
    LINES = "lines"  # lines of writing, a count
    ANSWERS = "answers"  # lines of writing of which each is a whole answer by the field's list or grammar, a count
    HEIGHT = "height"  # of the ink of a line, pixels at 300 dpi
    TALLEST = "tallest"  # height of its tallest shape, in heights of a usual letter of that line
    EVENNESS = "evenness"  # share of the letters that stand on the foot of their line: near 1 for type, half by hand
    STRUCK = "struck"  # longest level stroke through the writing, in heights of its line; 0 if there is none
    INKED = "inked"  # 1 where nothing was read although ink stands there that may be an answer, else 0
    FAINT = "faint"  # of a place taken for empty: fields of its page where ink stands that could not be read, a count
    # Of tick boxes and signatures.
    FAINTEST = "faintest"  # least ink of a box taken for ticked or signed, share of its inside; absent if none is
    FULLEST = "fullest"  # most ink of a box taken for empty, share of its inside; absent if none is empty
    CANCELLED = "cancelled"  # boxes taken for scribbled out, a count
    PLAIN = "plain"  # least score of the boxes of a question: how far each is from being taken for something else
    # Of the page.
    RESIDUAL = "residual"  # median misfit between page and blank form, pixels at 100 dpi
    CONTRAST = "contrast"  # between paper and ink, share of the range from black to white
    BLUR = "blur"  # width of the edges of strokes, pixels at 100 dpi


FEATURE_DIGITS = 6  # features are rounded to so many, so that a decision can be taken again from the record


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader saw for one field.

    text:       as written, lines joined by one space; "" means it saw blank paper.
    characters: the reader's own raw score (0 to 1) for each character of `text`, joining spaces as 1.0.
                Raw scores are over-sure: they are features, never thresholds.
    reader:     engine, model and version, so that a value can be traced and replayed.
    area:       where the ink was; None if there was none.
    features:   what else is known of the reading, by `Feature`; any may be absent.
    """

    text: str
    characters: tuple[float, ...]
    reader: str
    area: PageArea | None = None
    features: Mapping[str, float] = field(default_factory=dict, hash=False)

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
    STRAY = "stray"  # a line or a spot that is no answer beside the tick of the same question
    DOUBTFUL = "doubtful"  # perhaps a stray stroke, or a faint mark: a person must look


@dataclass(frozen=True, slots=True)
class Mark:
    """One tick box, judged; it explains itself.

    ink_share: fraction (0 to 1) of the box's inside that is ink and is not printed on the blank form.
    reason:    one sentence a caseworker understands.
    score:     raw score (0 to 1): how far what was measured is from where the state would change; 0.0 if doubtful.
    """

    option: str
    state: MarkState
    ink_share: float
    reason: str
    area: PageArea
    score: float = 0.0


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
