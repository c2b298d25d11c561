"""Leaves out evidence that is given twice: what is counted must be independent, or its bounds promise too much.

Synthetic post of one seed says the same at every degree of ageing: what was fitted on in one part would be tested on,
in other wear, in another.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from intake.measure.match import Match, Matches

# Documents on which less is filled in may well say the same by chance.
_FILLED_AT_LEAST: Final = 5


def without_repeats(truths: Sequence[Matches]) -> tuple[list[Matches], int]:
    """The same without documents that repeat an earlier one, in this truth or in another; how many were left out.

    A document repeats another if all of its fields truly hold the same, or if it is the same paper, asked for the same
    fields. One without a record is no evidence: it neither repeats nor is repeated.
    """
    seen: set[Hashable] = set()
    kept, left_out = [], 0
    for given in truths:
        first = [match for match in given.matches if not _is_repeat(match, seen)]
        left_out += len(given.matches) - len(first)
        kept.append(replace(given, matches=tuple(first)))
    return kept, left_out


def _is_repeat(match: Match, seen: set[Hashable]) -> bool:
    """Whether any of what a document goes by was seen before; all of it is from now on."""
    own = set(_told_by(match))
    is_repeat = not own.isdisjoint(seen)
    seen |= own
    return is_repeat


def _told_by(match: Match) -> Iterator[Hashable]:
    """What a document goes by: its contents, if there are enough of them, and its paper, if that is known."""
    true, record = match.truth, match.record
    if record is None or not true.fields:
        return
    if sum(expected.is_filled for expected in true.fields.values()) >= _FILLED_AT_LEAST:
        yield true.form_type, frozenset((name, expected.value) for name, expected in true.fields.items())
    if record.source.sha256:
        yield record.source.sha256, tuple(record.source.pages), frozenset(true.fields)
