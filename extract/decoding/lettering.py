"""Capitals: how words are usually written with them."""

import re
from collections.abc import Iterator
from unicodedata import combining, normalize

# All small, all capitals, or one capital in front; names may hold one more.
_USUAL = re.compile(
    r"[a-zß-öø-ÿŵŷ'’]+"
    r"|[A-ZÀ-ÖØ-ÞŴŶ'’]+(?:['’]?s)?"
    r"|(?:Mc|Mac|[OD]['’]|De|Di|Da|Du|Del|La|Le|Van|Von|Fitz|St)?[A-ZÀ-ÖØ-ÞŴŶ][a-zß-öø-ÿŵŷ'’]*"
)


def has_usual_capitals(word: str) -> bool:
    """Whether the word is written with capitals in one of the usual ways; "AIl" and "lOWA" are not."""
    return _USUAL.fullmatch(word) is not None


def usual_capitals(word: str) -> Iterator[str]:
    """The word as it stands if its capitals are usual; else in small letters, with one capital, and in capitals."""
    if has_usual_capitals(word):
        yield word
        return
    yield from (word.lower(), word.capitalize(), word.upper())


def without_accents(word: str) -> str:
    """The word with plain letters, its capitals kept."""
    if word.isascii():
        return word
    return "".join(character for character in normalize("NFKD", word) if not combining(character))
