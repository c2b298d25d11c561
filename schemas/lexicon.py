"""Lexicons: lists of words and names that ship as text files. Sources and licences: `lexicons/SOURCES.md`."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "lexicons"

# Letters that Unicode does not take apart into a plain letter and a mark, and the quotes of word processors.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "’": "'", "‘": "'"}
)
_MARKS = re.compile("[\u0300-\u036f]+")


def lexicon_names() -> frozenset[str]:
    """The names of all lexicons that ship."""
    return frozenset(path.stem for path in _FOLDER.glob("*.txt"))


def load_lexicon(name: str) -> tuple[str, ...]:
    """The entries of a lexicon as they are written, sorted by `folded`. Raises KeyError if there is none so named."""
    if name not in lexicon_names():
        raise KeyError(name)
    return tuple(_text_of(name).split("\n"))


@cache
def folded_lexicon(name: str) -> tuple[str, ...]:
    """The entries as `folded` makes them, sorted, each once. Raises KeyError if there is none so named."""
    if name not in lexicon_names():
        raise KeyError(name)
    # Folded as one text: entry by entry it takes ten times as long.
    return tuple(folded(_text_of(name)).split("\n"))


def is_entry(entries: Sequence[str], key: str) -> bool:
    """Whether a folded word is among folded entries, which are sorted."""
    place = bisect_left(entries, key)
    return place < len(entries) and entries[place] == key


def folded(text: str) -> str:
    """The text in small letters without accents, as entries are compared: "Côte d’Ivoire" is "cote d'ivoire"."""
    if text.isascii():
        return text.lower()
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.lower().translate(_PLAIN)))


def _text_of(name: str) -> str:
    return (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")
