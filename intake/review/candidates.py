"""Candidates: what else may stand there, for a keyer to choose from instead of typing it."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from intake.database.tables import FieldRow
from intake.review.answers import Answer, understand
from intake.review.rules import Rules
from schemas.field import FieldKind, FieldSpec
from schemas.lexicon import folded, load_lexicon
from schemas.review import Act

AT_MOST: Final = 5
# Characters that are misread for one another, in print or by hand.
_ALIKE: Final = ("0OQD", "1I7L", "2Z", "3B8", "4A9", "5S", "6G", "UV", "CG", "MN", "EF", "PR", "HN", "XK")
_LONGEST_TRIED: Final = 24
_LEXICON_AT_MOST: Final = 2_000  # longer ones are no choice of answers
_LIKE: Final = 0.7
_WRITTEN: Final = frozenset({FieldKind.TEXT, FieldKind.DATE, FieldKind.INTEGER, FieldKind.MONEY, FieldKind.BARCODE})


def candidates(
    rules: Rules, form_type: str | None, fields: Mapping[str, FieldRow], name: str, doubtful: Sequence[int]
) -> list[str]:
    """Other answers, the likeliest first; none that is shown already. `doubtful`: places in the text to doubt first."""
    field = fields[name]
    if field.kind not in _WRITTEN or not field.text:
        return []
    spec = rules.spec_of(form_type, name, field.kind)
    found: dict[str, None] = {}
    for text in _all(rules, form_type, fields, spec, doubtful):
        if text and text != field.text:
            found.setdefault(text)
        if len(found) == AT_MOST:
            break
    return list(found)


def _all(
    rules: Rules, form_type: str | None, fields: Mapping[str, FieldRow], spec: FieldSpec, doubtful: Sequence[int]
) -> Iterator[str]:
    field = fields[spec.name]
    yield from (reading["text"] for reading in field.readings[1:])
    yield from _of_lexicons(spec, field.text)
    if spec.alphabet and any(not check["passed"] for check in field.decision.get("checks", [])):
        for text in _swapped(field.text, spec, doubtful):
            if not understand(rules, form_type, fields, spec.name, Answer(Act.VALUE, text)).doubts:
                yield text


def _of_lexicons(spec: FieldSpec, text: str) -> Iterator[str]:
    for name in spec.lexicons:
        entries = load_lexicon(name)
        if len(entries) <= _LEXICON_AT_MOST:
            by_fold = {folded(entry): entry for entry in entries}
            for match in get_close_matches(folded(text), by_fold, n=AT_MOST, cutoff=_LIKE):
                yield by_fold[match]


def _swapped(text: str, spec: FieldSpec, doubtful: Sequence[int]) -> Iterator[str]:
    """The text with one character replaced by one that looks like it, at the doubtful places first."""
    if len(text) > _LONGEST_TRIED:
        return
    rest = [place for place in range(len(text)) if place not in doubtful]
    for place in [*doubtful, *rest]:
        for group in _ALIKE:
            if text[place] in group:
                for other in group:
                    if other != text[place] and other in spec.alphabet:
                        yield text[:place] + other + text[place + 1 :]
