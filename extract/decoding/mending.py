"""Mending: what spelling left of a line's unknown words, put right where they only differ by lookalike letters."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from extract.decoding.lettering import has_usual_capitals
from extract.decoding.lexicon import Lexicon
from extract.decoding.lookalikes import (
    BROKEN,
    is_doubtful,
    is_not_applicable,
    mended_beginning,
    mended_codes,
    mended_ending,
    mended_short_form,
    mended_word,
    with_capital,
    with_letter,
)
from extract.decoding.spelling import WORD, is_known

# Shorter words are in the lists by chance.
_LONG: Final = 4
_LONE_LOOKALIKES: Final = frozenset("O0oIl1")
_POSSESSIVE: Final = re.compile(r"['’]s$", re.IGNORECASE)
# A number, one with an ordinal's ending or a house's letter, or a lone initial.
_NUMBER: Final = re.compile(r"\d+(?:st|nd|rd|th|ST|ND|RD|TH|[A-Za-z])?|[A-Za-z]|'?\d\d")
_SMALL_LETTER: Final = re.compile(r"[a-z]{2}")
# Lists that hold this word are of prose, where "N/A" is a more likely answer than any name.
_PROSE: Final = "applicable"
# The words of such a list that are too short to be kept in it. They vouch for what was read; nothing is mended to them.
# fmt: off
_LITTLE: Final = frozenset({"an", "as", "at", "be", "by", "do", "he", "if", "in", "is", "it", "me", "my", "no", "of",
    "on", "or", "so", "to", "up", "us", "we"})
# fmt: on
# Shorter words within a name are often written small, such as "de la" and "and".
_SHORTEST_NAME: Final = 4
# Punctuation that nobody writes twice.
_DOUBLED: Final = re.compile(r"([.,;:])\s?[.,;:]*\1")


@dataclass(frozen=True, slots=True)
class Mended:
    """A line as it is taken to be.

    characters: the score of each of its characters; of a mended word the lowest of the word as it was read.
    known:      the share (0 to 1) of its words that are in the lists, as read or as mended; None if it has none.
    mended:     how many of its words were mended.
    """

    text: str
    characters: tuple[float, ...]
    known: float | None
    mended: int


def mended(text: str, characters: Sequence[float], words: Lexicon) -> Mended:
    """The line with unknown words, short forms and postal codes mended where lookalikes leave no choice."""
    if is_not_applicable(text) and _PROSE in words:
        return Mended("N/A", (min(characters),) * 3, None, 1)
    count = 0
    for broken in BROKEN.finditer(text):  # a letter for a mark: places stay as they are
        word = with_letter(broken[0], words)
        if word != broken[0]:
            begin, end = broken.span()
            text = text[:begin] + word + text[end:]
            characters = (*characters[:begin], *(min(characters[begin:end]),) * len(word), *characters[end:])
            count += 1
    written, scores = "", []  # type: tuple[str, list[float]]
    at = known = parts = 0
    # Among capitals alone an I is an I.
    has_small_letters = _SMALL_LETTER.search(text) is not None
    is_name = _is_in_capitals(text, words)
    for part in WORD.finditer(text):
        begin, end = part.span()
        word = mended_short_form(part[0]) if has_small_letters else part[0]
        if not is_known(word, words):
            word = mended_word(word, words)
        elif word not in words:
            word = mended_beginning(word)
        if is_name and (word not in words or with_capital(word) in words):
            word = with_capital(word)
        written += text[at:begin] + word
        scores += characters[at:begin]
        scores += characters[begin:end] if word == part[0] else [min(characters[begin:end])] * len(word)
        at = end
        parts += 1
        known += is_known(word, words)
        count += word != part[0]
    coded = mended_codes(mended_ending(written + text[at:]))
    count += coded != written + text[at:]
    return Mended(coded, (*scores, *characters[at:]), known / parts if parts else None, count)


def _is_in_capitals(text: str, words: Lexicon) -> bool:
    """Whether every longer word begins with a capital, or is of no list and begins with an l that may be one."""
    found = [part[0] for part in WORD.finditer(text)]
    plain = [word for word in found if with_capital(word) == word or (word in words and len(word) >= _SHORTEST_NAME)]
    return any(word[0].isupper() for word in plain) and all(
        not word[0].islower() for word in plain if len(word) >= _SHORTEST_NAME
    )


def is_plain(word: str, words: Lexicon | None) -> bool:
    """Whether nothing but its scores can speak against a word: it is known and looks like no other known one."""
    if words is None:
        return True
    if word.strip(".,;:#") in _LONE_LOOKALIKES:
        return False
    return all(is_known(part, words) and not is_doubtful(part, words) for part in WORD.findall(word))


def is_in_lists(word: str, words: Lexicon | None) -> bool:
    """Whether every part of a word is a longer word of the lists, which is no accident."""
    parts = WORD.findall(word)
    return words is not None and bool(parts) and all(len(part) >= _LONG and part in words for part in parts)


@dataclass(frozen=True, slots=True)
class Unlisted:
    """The words of a text that no list vouches for.

    weakest: the lowest score of a character in one of them, numbers included; 1.0 if there is none.
    odd:     how many of them are no numbers, and how often a stop or a comma stands twice.
    """

    weakest: float
    odd: int


def unlisted(text: str, characters: Sequence[float], words: Lexicon) -> Unlisted:
    """Look at the words of a text that the lists do not hold. `characters`: a score for each character of `text`."""
    weakest, odd = 1.0, 0
    for part in WORD.finditer(text):
        word = part[0].strip("'‘’`")
        if _is_vouched_for(word, words):
            continue
        weakest = min(weakest, *characters[part.start() : part.end()])
        odd += _NUMBER.fullmatch(word) is None
    return Unlisted(weakest, odd + len(_DOUBLED.findall(text)))


def _is_vouched_for(word: str, words: Lexicon) -> bool:
    bare = _POSSESSIVE.sub("", word)
    is_listed = bare in words or (bare.lower() in _LITTLE and _PROSE in words)
    return len(bare) > 1 and bare.isalpha() and has_usual_capitals(bare) and is_listed
