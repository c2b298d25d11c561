"""Lookalikes: letters that many typefaces and most fax scans draw alike, so that only the word tells them apart."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from extract.decoding.lettering import has_usual_capitals
from extract.decoding.lexicon import Lexicon

# Either may stand for the other. Sans-serif faces draw I and l with the same stroke; r and n, c and l grow together.
_ALIKE = (
    ("rn", "m"),
    ("l", "I"),
    ("l", "i"),
    ("l", "1"),
    ("I", "1"),
    ("I", "i"),
    ("O", "0"),
    ("o", "0"),
    ("cl", "d"),
    ("fil", "fl"),
)
_BOTH_WAYS = tuple((one, other) for pair in _ALIKE for one, other in (pair, pair[::-1]))
_SWAPS_AT_MOST = 3
# A word with more places to swap than this is no word.
_VARIANTS_AT_MOST = 150
# No word begins so, nor goes on so after an apostrophe: an l before any consonant but another l.
_NO_BEGINNING = re.compile(r"(?<![^'’])l(?=[bcdfghjkmnpqrstvwxz])")
# Short forms that end in an l and would be capitals with an I instead, and the first of all.
_SHORT_FORMS = {"PI": "Pl", "FI": "Fl", "F1": "Fl", "BIvd": "Blvd", "B1vd": "Blvd", "InteI": "Intel"}
_SHORT_FORMS |= {"lst": "1st", "Ist": "1st"}
# The Spanish and the Arabic article before a name, its l taken for a capital or a one: "El Salvador", "Al-Hayat".
_ARTICLE = re.compile(r"\b(?:E[I1](?=[ -][A-ZÀ-Þ][a-zß-ÿ])|A[I1](?=-[A-ZÀ-Þ][a-zß-ÿ]))")
# What nobody joins to a country by "or": its f is worn. "Government or Kenya", but "Embassy or Consulate" may be.
_OFFICES = "government|embassy|republic|ministry|kingdom|consulate|commonwealth"
_WORN_OF = re.compile(rf"(?i:\b(?:{_OFFICES})) (?:o[rt]|O[RT])(?= (?i:the )?[A-ZÀ-Þ])(?! (?i:{_OFFICES})\b)")
# "56IH" is the fifty-sixth.
_WORN_TH = re.compile(r"\b(\d+)[Il](?=[Hh]\b)")
# How names of companies end, in capitals that were written by hand: a C is often closed to a G.
_ENDING = re.compile(r"(?<=[,&] )(?:[I1l]NG|GO|GORP|LLG|CORF|ITD)(?=\.?$)")
_ENDINGS = {"GO": "CO", "GORP": "CORP", "CORF": "CORP", "LLG": "LLC", "ITD": "LTD"}
# Steep sevens of a typeface, taken for strokes: nobody writes two strokes within a number.
_STROKES = re.compile(r"(?<![\w/])#?[\d/]*//[\d/]*(?![\w/])")
_STROKE_IN_NUMBER = re.compile(r"(?<=\d)/(?=\d)")
# "N/A" for "not applicable", the stroke taken for a letter.
_NOT_APPLICABLE = re.compile(r"N[I1l|]A\.?")
# Floors and flats in Spanish and Portuguese are counted with a small raised o: "6º Izq.".
_ORDINAL = re.compile(r"(?<=\d)°(?=$|,| (?![CFNSEW]\b))")

# A thin letter with a gap in its stroke, taken for a mark: nobody sets one between the letters of a word.
BROKEN: Final = re.compile(r"[^\W\d_]+(?:[:;!|][a-zß-öø-ÿ]+)+")
_BROKEN_LETTER = re.compile(r"[:;!|]")
_THIN_LETTERS, _A_WORD = "ilt", 3

_FIGURES = str.maketrans("OoQDIlSBZ", "000011582")
_FIGURE = "[0-9OoQDIlSBZ]"
# Codes in which letters and figures alternate as their countries lay down. At least half of a code's figures must have
# been read as figures. Canada: Canada Post, Addressing Guidelines; United States: USPS Publication 28.
_NUMBER = re.compile(rf"(?<![\w./#-]){_FIGURE}{{4,}}(?![\w/])")
_COUNTED = re.compile(r"(?<![\w./#-])(?=[OIl]*\d)[\dOIl]{1,4}(?=(?:TH|th)\b)")  # "1OTH" is the tenth
_IN_A_WORD = re.compile(r"(?<=[a-z]{2})[01](?=[a-z]|\b)")
_SMALL_LETTERS = str.maketrans("01", "ol")
_CANADIAN = re.compile(rf"\b(?P<a>[A-Z])(?P<b>{_FIGURE})(?P<c>[A-Z]) (?P<d>{_FIGURE})(?P<e>[A-Z])(?P<f>{_FIGURE})\b")
_ZIP = re.compile(rf"(?<=\b[A-Z]{{2}} ){_FIGURE}{{5}}(?:-{_FIGURE}{{4}})?(?!\w)")


def variants(word: str) -> Sequence[str]:
    """The words that look like `word`, itself left out: up to three swaps of lookalikes."""
    found = {word}
    latest = {word}
    for _ in range(_SWAPS_AT_MOST):
        latest = {other for each in latest for other in _swapped(each)} - found
        found |= latest
        if len(found) > _VARIANTS_AT_MOST:
            break
    return sorted(found - {word})


def _swapped(word: str) -> Iterator[str]:
    for one, other in _BOTH_WAYS:
        start = word.find(one)
        while start >= 0:
            yield word[:start] + other + word[start + len(one) :]
            start = word.find(one, start + 1)


def known_variants(word: str, words: Lexicon) -> list[str]:
    """The words of the lists, in usual capitals, that look like `word`; itself left out."""
    return [other for other in variants(word) if has_usual_capitals(other) and other.isalpha() and other in words]


def mended_word(word: str, words: Lexicon) -> str:
    """A word of no list as the one word of the lists that looks like it; as it is where there is none or a choice."""
    found = known_variants(word, words)
    if found and len({other.lower() for other in found}) == 1:
        return found[0]  # of two the one with a capital: a small l at the beginning is more often an I than an i
    return mended_beginning(word)


def with_letter(broken: str, words: Lexicon) -> str:
    """What `BROKEN` finds, with its marks made the thin letter that makes it a word of the lists, if one alone does."""
    parts = _BROKEN_LETTER.split(broken)
    # Two words and a mark between them, or one and a speck.
    if all(len(part) >= _A_WORD and part in words for part in parts) or "".join(parts) in words:
        return broken
    found = [word for letter in _THIN_LETTERS if (word := _BROKEN_LETTER.sub(letter, broken)) in words]
    return found[0] if len(found) == 1 else broken


def mended_beginning(word: str) -> str:
    """A word that begins as no word does with the capital that its l must be; any other word as it is."""
    return _NO_BEGINNING.sub("I", word)


def with_capital(word: str) -> str:
    """A word of a name that begins with a small l with the capital which that must be; any other word as it is."""
    return "I" + word[1:] if re.match(r"l[a-zß-öø-ÿ]", word) else word


def mended_short_form(word: str) -> str:
    """A short form that no list would know without its l; any other word as it is."""
    return _SHORT_FORMS.get(word, word)


def mended_codes(text: str) -> str:
    """The text with letters made figures where a number or a postal code leaves room for nothing else.

    And the other way round: a figure between small letters is the letter that looks like it. No text gets longer.
    """
    text = _ORDINAL.sub("º", text)
    text = _ARTICLE.sub(lambda found: found[0][0] + "l", text)
    text = _WORN_OF.sub(lambda found: found[0][:-1] + ("F" if found[0][-1].isupper() else "f"), text)
    text = _WORN_TH.sub(lambda found: found[1] + ("T" if text[found.end()] == "H" else "t"), text)
    if _STROKES.search(text) and "://" not in text:
        text = _STROKE_IN_NUMBER.sub("7", _STROKES.sub(lambda found: found[0].replace("/", "7"), text))
    text = _NUMBER.sub(lambda found: found[0].translate(_FIGURES) if _is_number(found[0]) else found[0], text)
    text = _COUNTED.sub(lambda found: found[0].translate(_FIGURES), text)
    text = _IN_A_WORD.sub(lambda found: found[0].translate(_SMALL_LETTERS), text)
    text = _CANADIAN.sub(lambda found: _mended(found[0], (1, 4, 6)), text)
    return _ZIP.sub(lambda found: _mended(found[0], range(len(found[0]))), text)


def mended_ending(text: str) -> str:
    """The name of a company with its legal form, where a letter of that was taken for another: "NEXUS, ING."."""
    return _ENDING.sub(lambda found: _ENDINGS.get(found[0], "INC"), text)


def is_not_applicable(text: str) -> bool:
    """Whether a whole answer looks like "N/A"."""
    return _NOT_APPLICABLE.fullmatch(text) is not None


def _is_number(word: str) -> bool:
    """Whether most of a word are figures, so that the rest must be."""
    return 2 * sum(character.isdigit() for character in word) > len(word)


def _mended(code: str, figures: Sequence[int]) -> str:
    read = sum(code[place].isdigit() for place in figures)
    if 2 * read < len(figures):
        return code
    return "".join(
        character.translate(_FIGURES) if place in figures else character for place, character in enumerate(code)
    )


def is_doubtful(word: str, words: Lexicon) -> bool:
    """Whether a known word is one swap from another known one: "fling" and "filing", "modem" and "modern"."""
    return any(other.isalpha() and other.lower() != word.lower() and other in words for other in _swapped(word))
