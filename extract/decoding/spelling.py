"""Spelling: for words of a free line that are in no list, the words that the same steps could spell nearly as well.

People do write words that are in no list, and misspell those that are; what they wrote must stand. So a word is only
replaced where the pixels leave both open: where the word from the list is nearly as likely at the same steps as what
was read. That is judged by the ratio of the two probabilities, never by how alike the two words look.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from extract.decoding.alphabet import Floats
from extract.decoding.automaton import Constraint
from extract.decoding.beam import decode
from extract.decoding.candidate import Candidate, forward, free
from extract.decoding.lettering import has_usual_capitals, usual_capitals, without_accents
from extract.decoding.lexicon import Lexicon

# A word from the lists takes the place of one in none if it is less likely by no more nats than this, and not hopeless
# by itself. Measured on typed lines scanned in black and white (500 lines, small network): of 179 misread words 51 are
# put right, and of 486 misspelt ones that were read as written 7 are "put right" too; at 3 nats 45 and 3, at 6 nats
# 55 and 15.
MARGIN = 4.0
_HOPELESS = -6.0
# Where they differ only in whether letters are doubled: the network often sees one letter where there are two.
_DOUBLED_MARGIN = 1.5
_DOUBLED = re.compile(r"(.)\1+")
# Of shorter words too many look alike.
_SHORTEST = 4
WORD: Final = re.compile(r"[^\s\-/&.,;:()\"“”*#@+=<>•■□☑☒✓✔]+")
_QUOTES = "'‘’`"
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)
# At least so much of a word are letters: "Phi1ippines" is one, "B12" and "22nd" are none.
_LETTERS = 0.7
_TRIED = 3
_WIDEST_MARGIN = 8.0
_NEVER = 1e-30


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a line.

    text:        as it was read.
    begin, end:  its place in the text of the line.
    is_known:    whether it is in the lists, or is nothing that a list of words could hold (a number, two letters).
    alternative: the likeliest word of the lists at the same steps, with capitals as usual; "" if there is none.
    log_ratio:   natural logarithm of the alternative's probability over that of `text`; minus infinity for none.
    log_likely:  natural logarithm of the alternative's own probability.
    characters:  the scores of the alternative's characters.
    """

    text: str
    begin: int
    end: int
    is_known: bool
    alternative: str = ""
    log_ratio: float = -np.inf
    log_likely: float = -np.inf
    characters: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Spelling:
    """A line after its words were looked up.

    text:       the line, with every word replaced whose alternative is likely enough.
    characters: the score of each of its characters; of a replaced word those of the word that took its place.
    tokens:     what was found out of each word, replaced or not.
    """

    text: str
    characters: tuple[float, ...]
    tokens: tuple[Token, ...]


def spelled(
    steps: Floats, classes: str, words: Lexicon, *, margin: float = MARGIN, reading: Candidate | None = None
) -> Spelling:
    """The line with unknown words replaced by known ones that are less likely by at most `margin` nats.

    reading: what `free` made of the same steps, if the caller has it already.
    """
    reading = reading or free(steps, classes)
    tokens = respell(steps, classes, words, margin=margin, reading=reading)
    text, characters = "", []
    done = 0
    for token in tokens:
        if not _is_replaced(token, margin):
            continue
        text += reading.text[done : token.begin] + token.alternative
        characters += [*reading.characters[done : token.begin], *token.characters]
        done = token.end
    text += reading.text[done:]
    characters += reading.characters[done:]
    return Spelling(text, tuple(characters), tokens)


def _is_replaced(token: Token, margin: float) -> bool:
    if _single(token.text) == _single(token.alternative):
        margin = min(margin, _DOUBLED_MARGIN)
    return token.log_ratio >= -margin and token.log_likely >= _HOPELESS


def _single(word: str) -> str:
    """The word in small letters, doubled ones made one."""
    return _DOUBLED.sub(r"\1", word.lower())


def respell(
    steps: Floats, classes: str, words: Lexicon, *, margin: float = _WIDEST_MARGIN, reading: Candidate | None = None
) -> tuple[Token, ...]:
    """Every word of the line, and for those in no list the likeliest word of the lists at the same steps.

    margin: alternatives that must be less likely by more nats than this are not looked for.
    """
    reading = reading or free(steps, classes)
    constraint = Constraint(words, verbatim=True)
    found = []
    for token in _tokens(reading.text, words):
        if not token.is_known:
            own = _steps_of(token, reading, steps)
            token = _with_alternative(token, own, classes, constraint, margin)  # noqa: PLW2901
        found.append(token)
    return tuple(found)


def _tokens(text: str, words: Lexicon) -> Sequence[Token]:
    tokens = []
    for match in WORD.finditer(text):
        word = match[0].strip(_QUOTES)
        if word:
            begin = match.start() + match[0].index(word)
            tokens.append(Token(word, begin, begin + len(word), is_known(word, words)))
    return tokens


def is_known(word: str, words: Lexicon) -> bool:
    """Whether a word needs no looking into: it is in the lists, or is nothing that lists of words could hold."""
    letters = sum(character.isalpha() for character in word)
    if len(word) < _SHORTEST or letters < _LETTERS * len(word):
        return True
    # What is written with accents is looked into: specks make them, and lists do without them.
    if not has_usual_capitals(word) or word != without_accents(word):
        return False
    bare = _POSSESSIVE.sub("", word)
    return bare in words or bare.replace("'", "").replace("’", "") in words


def _steps_of(token: Token, reading: Candidate, steps: Floats) -> Floats:
    """The steps of one word, with the blanks on both of its sides."""
    first = reading.ranges[token.begin - 1][1] if token.begin else 0
    last = reading.ranges[token.end][0] if token.end < len(reading.ranges) else len(steps)
    return steps[first:last]


def _with_alternative(token: Token, steps: Floats, classes: str, constraint: Constraint, margin: float) -> Token:
    likely = forward(steps, classes, token.text)
    # All texts add up to 1, so no other can be likelier than what this one leaves.
    if np.log(max(-np.expm1(likely), _NEVER)) - likely < -margin:
        return token
    best = token
    for candidate in decode(steps, classes, constraint, best=_TRIED):
        for text in usual_capitals(without_accents(candidate.text)):
            if text == token.text:
                continue
            ratio = forward(steps, classes, text) - likely
            if ratio > best.log_ratio:
                best = replace(
                    token, alternative=text, log_ratio=ratio, log_likely=ratio + likely, characters=candidate.characters
                )
    return best
