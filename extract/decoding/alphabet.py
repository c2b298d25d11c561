"""Which class of a network counts for which character of an answer."""

from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Folding:
    """How classes are added up to the characters of an alphabet.

    symbols: the characters, sorted; the columns after the first of what `matrix` makes, which is the blank.
    matrix:  (classes, 1 + symbols) of 0 and 1; a class that counts for nothing has zeros only.
    classes: for each symbol the classes that count for it.
    """

    symbols: str
    matrix: Floats
    classes: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=256)
def folding(classes: str, alphabet: str, ignores: str = "") -> Folding:
    """How the classes of a network count for an alphabet.

    A capital, small or accented twin that the alphabet does not hold counts for the letter it does hold. Characters
    that merely look alike (O and 0, I and 1) never do: which of them stands there is for the probabilities to say.
    An ignored character is as good as the blank: it ends the one before it, and leaves nothing.
    """
    symbols = "".join(sorted(set(alphabet) - set(ignores)))
    columns = {symbol: column for column, symbol in enumerate(symbols, 1)}
    matrix = np.zeros((len(classes), 1 + len(symbols)), np.float32)
    counted: list[list[int]] = [[] for _ in symbols]
    for index, character in enumerate(classes):
        if index == 0 or character in ignores:
            matrix[index, 0] = 1.0
            continue
        column = next((columns[twin] for twin in twins(character) if twin in columns), 0)
        if column:
            matrix[index, column] = 1.0
            counted[column - 1].append(index)
    return Folding(symbols, matrix, tuple(tuple(indices) for indices in counted))


def twins(character: str) -> tuple[str, ...]:
    """The character, then what it may stand for where it is not allowed itself, the nearest first."""
    plain = normalize("NFKD", character)[:1] if character.isalpha() else character
    return character, plain, character.swapcase(), plain.swapcase()
