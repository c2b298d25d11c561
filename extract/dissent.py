"""Dissent: what another reader saw of an answer that neither its reader nor a list of words can settle."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from extract.engines import OtherRead

# Specks look like these, so that a reader must be surer of them to be heard.
_THIN, _SURE_OF_THIN = frozenset("iIl1"), 0.98
_NUMBER = re.compile(r"(?<!\w)\d{2,}(?=[A-Za-z]?(?!\w))")


def missed(text: str, others: Sequence[OtherRead]) -> float:
    """The highest score (0 to 1) of a letter or figure that another reader saw where `text` has none; 0.0 for none.

    A reader rarely makes up a letter that it is sure of, but a network that answers step by step does lose one now and
    then, and what is left may well be a word.
    """
    scores = [0.0]
    for other in others:
        for begin, end, first, last in _changes(text, other.text):
            had = sum(character.isalnum() for character in text[begin:end])
            seen = [
                score
                for character, score in zip(other.text[first:last], other.characters[first:last], strict=True)
                if character.isalnum() and (character not in _THIN or score >= _SURE_OF_THIN)
            ]
            # Of more letters in place of fewer it is not known which is the one too many.
            if len(seen) > had:
                scores.append(min(seen) if had else max(seen))
    return max(scores)


def capital_for_figure(text: str, others: Sequence[OtherRead]) -> float:
    """The highest score (0 to 1) of a capital that another reader saw in place of a figure of a number in `text`.

    A flat is 4185 or 418S, and no list knows which. 0.0 for none.
    """
    numbers = [match.span() for match in _NUMBER.finditer(text)]
    scores = [0.0]
    for other in others:
        for begin, end, first, last in _changes(text, other.text):
            if end - begin != last - first:
                continue
            for place, character, score in zip(
                range(begin, end), other.text[first:last], other.characters[first:last], strict=True
            ):
                is_capital = character.isupper() and character not in _THIN
                if is_capital and any(start <= place < stop for start, stop in numbers):
                    scores.append(score)
    return max(scores)


def _changes(text: str, other: str) -> Iterator[tuple[int, int, int, int]]:
    """(begin, end, first, last): `text[begin:end]` is `other[first:last]` there."""
    for kind, begin, end, first, last in SequenceMatcher(None, text, other, autojunk=False).get_opcodes():
        if kind != "equal":
            yield begin, end, first, last
