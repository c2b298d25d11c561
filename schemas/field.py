"""What a form asks, and what we believe the answer is."""

from dataclasses import dataclass
from enum import StrEnum

STAMP = "stamp"  # the family of fields that the receiving office fills, not the sender


class FieldKind(StrEnum):
    TEXT = "text"
    DATE = "date"
    INTEGER = "integer"
    MONEY = "money"
    CHOICE = "choice"
    SIGNATURE = "signature"
    BARCODE = "barcode"


class FieldStatus(StrEnum):
    """What is known of a value. Blank, unreadable and not found are three different things."""

    ACCEPTED = "accepted"  # no person needs to look
    REVIEW = "review"  # a person must look
    CONFIRMED = "confirmed"  # a person looked and agreed
    CORRECTED = "corrected"  # a person looked and changed it
    BLANK = "blank"  # nothing was written there
    UNREADABLE = "unreadable"  # something is written there that cannot be read
    NOT_FOUND = "not_found"  # the place itself is missing: a page too few, a strip cut off


@dataclass(frozen=True, slots=True)
class Rule:
    """One declared check of a form type: a name known to `extract.validate`, with its arguments."""

    name: str
    fields: tuple[str, ...]
    arguments: tuple[tuple[str, str], ...] = ()

    def argument(self, key: str, default: str = "") -> str:
        return dict(self.arguments).get(key, default)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One thing a form asks.

    label:    the words printed on the form, shown to caseworkers.
    family:   the class of field for calibration and policy ("name", "address", "identifier", "date", "tick" ...).
    alphabet: the characters an answer may hold; "" means any of the reader's.
    patterns: regular expressions; when given, the value is the first match's group (or whole match) in the text
              read, tried in order: for zones that hold more than the answer ("Received by ... 04/24/2018").
              No match means: not this field's answer.
    pattern_full: the whole text must match this, else a check fails; "" for no demand.
    day_first: how a date of figures only is read: True 03/11 is 3 November, False March 11.
    required: an empty answer is a failed check, not a plain blank.
    options:  for a choice, in printed order.
    several:  for a choice: more than one tick is a valid answer.
    erase:    regular expressions removed from the text read before anything else (a printed prefix, say).
    grammar:  how the whole answer is written: the name of one of `schemas.grammar`, or a regular expression; ""
              for no demand. Applied while the answer is being read, unlike patterns, which look at what was read.
    lexicons: names of `schemas.lexicon`, one of whose entries the whole answer is; not together with a grammar.
    soft:     the grammar or the lexicons say what is likely only, and another answer may be right.
    words:    names of `schemas.lexicon`, of whose words the answer is likely made; any other word may stand too.
    """

    name: str
    kind: FieldKind
    label: str = ""
    family: str = ""
    alphabet: str = ""
    patterns: tuple[str, ...] = ()
    pattern_full: str = ""
    day_first: bool = True
    required: bool = False
    options: tuple[str, ...] = ()
    several: bool = False
    erase: tuple[str, ...] = ()
    grammar: str = ""
    lexicons: tuple[str, ...] = ()
    soft: bool = False
    words: tuple[str, ...] = ()

    @property
    def field_class(self) -> str:
        """The class of field for calibration: the family if one is named, else the kind."""
        return self.family or self.kind.value


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One rule or look-up applied to one value; `message` is what a caseworker reads when it failed."""

    name: str
    passed: bool
    message: str = ""
