"""The one definition of "right": when a value that was read equals the true one, and how far a text is from it."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from schemas.extraction import Value
from schemas.field import FieldKind, FieldStatus


@dataclass(frozen=True, slots=True)
class Expected:
    """What one field really holds.

    value:     in normal form, as `schemas.extraction.FieldValue.value`; None or "" if nothing is written.
    text:      as written, "" if nothing is; None if nobody noted how it was written.
    handwritten: the answer was written by hand.
    missing:   the page it stands on was never scanned: nobody can know what it says.
    as_keyed:  `value` is what a person keyed from the paper and not a normal form: the text as read counts as well.
    uncounted: options of a choice that are neither right nor wrong.
    """

    kind: FieldKind
    value: Value
    text: str | None = None
    handwritten: bool = False
    missing: bool = False
    as_keyed: bool = False
    uncounted: frozenset[str] = frozenset()

    @property
    def is_filled(self) -> bool:
        """Something is written there; a signature that was not given and a choice without a tick are not."""
        return self.value not in (None, "", False, ())


@dataclass(frozen=True, slots=True)
class Read:
    """What a record says of one field; a field that the record does not have is (None, "", None)."""

    value: Value = None
    text: str = ""
    status: FieldStatus | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the value goes on without a person having looked, as an answer or as none."""
        return self.status in (FieldStatus.ACCEPTED, FieldStatus.BLANK)


def normalised(value: Value) -> str:
    """Letters and digits only, case folded, accents taken off: what is left must be equal."""
    apart = unicodedata.normalize("NFKD", "" if value is None else str(value))
    return re.sub(r"[\W_]+", "", apart).casefold()  # what is set over a letter is no word character either


def is_right(expected: Expected, read: Read) -> bool:
    """Whether what was read is what is written.

    A field left empty is read right if nothing was read; a field whose page is missing, if nobody claims to know it.
    """
    if expected.missing:
        return read.value is None and read.status is not FieldStatus.BLANK
    if expected.kind is FieldKind.CHOICE:
        counted = [_options(value) - _set(expected.uncounted) for value in (read.value, expected.value)]
        return counted[0] == counted[1]
    if expected.kind is FieldKind.SIGNATURE:
        return bool(read.value) == bool(expected.value)
    if expected.as_keyed:
        return _is_text_right(expected.value, [read.value, read.text])
    return _is_normal_form_right(expected, read.value)


def character_errors(expected: Expected, read: Read) -> tuple[int, int]:
    """(characters to insert, delete or replace to turn the text read into the true one, characters of the true one).

    Case, accents and punctuation count, the number of spaces in a row does not. (0, 0) if it is not known how the
    answer was written.
    """
    if expected.text is None:
        return 0, 0
    true = _as_compared(expected.text)
    return distance(true, _as_compared(read.text)), len(true)


def distance(one: str, other: str) -> int:
    """The Levenshtein distance, by bit vectors over the whole of `one` (Myers, J. ACM 46, 1999; Hyyrö 2003)."""
    if not one:
        return len(other)
    places: dict[str, int] = {}
    for place, letter in enumerate(one):
        places[letter] = places.get(letter, 0) | 1 << place
    everything, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    up, down, result = everything, 0, len(one)
    for letter in other:
        match = places.get(letter, 0)
        diagonal = (((match & up) + up) ^ up) | match | down
        left = down | ~(diagonal | up) & everything
        right = diagonal & up
        result += (left & last != 0) - (right & last != 0)
        left = (left << 1 | 1) & everything
        right = right << 1 & everything
        up = right | ~(diagonal | left) & everything
        down = left & diagonal
    return result


def _is_normal_form_right(expected: Expected, value: Value) -> bool:
    if not expected.is_filled:
        return not normalised(value)
    match expected.kind:
        case FieldKind.DATE:
            return value == expected.value
        case FieldKind.MONEY | FieldKind.INTEGER:
            return _number(value) == _number(expected.value)
    return _is_text_right(expected.value, [value])


def _as_compared(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _is_text_right(true: Value, seen: list[Value]) -> bool:
    """One of the answers seen must be the true one; where nothing is written, none may have seen anything."""
    answers = [normalised(value) for value in seen if not isinstance(value, tuple)]
    wanted = normalised(true)
    return wanted in answers if wanted else not any(answers)


def _options(value: Value) -> set[str]:
    """The options of a choice; words with commas between them are taken for a list of options."""
    if isinstance(value, tuple):
        return {normalised(option) for option in value}
    return {normalised(option) for option in re.split(r"[,;]\s*", str(value or "")) if option}


def _set(options: frozenset[str]) -> set[str]:
    return {normalised(option) for option in options}


def _number(value: Value) -> Decimal | None:
    """The number that `value` writes in figures; None if it is none."""
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
