"""Pages that are no form of ours: letters, separator sheets, empty sheets."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.random import Generator

from extract.page import Grey
from intake.synthetic import strokes
from intake.synthetic.barcode import bars
from intake.synthetic.fonts import OFFICE
from intake.synthetic.hand import Hand, stamp, wrapped, write_line
from intake.synthetic.people import TODAY, Person, chance, day_between, pick
from intake.synthetic.words import WORDS
from schemas.page import SEPARATOR_PAYLOAD

_PIXELS_PER_MM = 300 / 25.4
_HEIGHT, _WIDTH = 3508, 2480  # A4 at 300 dpi


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """A letter page: pixels at 300 dpi, clean, and its lines from top to bottom as written."""

    page: Grey
    lines: tuple[str, ...]


def empty_page() -> Grey:
    return np.full((_HEIGHT, _WIDTH), 255, np.uint8)


def separator_page(printer: Hand, random: Generator) -> Grey:
    """A sheet that parts two pieces: a large barcode, and words for the person at the scanner."""
    page = empty_page()
    cover = bars(SEPARATOR_PAYLOAD, round(150 * _PIXELS_PER_MM), round(45 * _PIXELS_PER_MM))
    left = (_WIDTH - cover.shape[1]) // 2
    for top in (round(40 * _PIXELS_PER_MM), round(205 * _PIXELS_PER_MM)):
        stamp(page, cover, left, top, 0.97, 0.0, random)
    for text, level, capital in (("SEPARATOR", 130, 14.0), ("The next sheet begins a new piece of mail.", 150, 4.0)):
        ink = write_line(text, printer, capital * _PIXELS_PER_MM, random)
        left = round((_WIDTH - ink.reach) / 2) - ink.origin_x
        stamp(page, ink.cover, left, round(level * _PIXELS_PER_MM) - ink.baseline, 0.97, 0.0, random)
    return page


def letter_page(person: Person, hand: Hand, pen: Hand, random: Generator) -> Letter:
    """One page of a private letter: sender, date, subject, paragraphs, signature."""
    page, lines = empty_page(), []
    capital = min(hand.capital_height, 2.6) * _PIXELS_PER_MM
    pitch = capital * (2.4 if hand.is_typed else 2.7)
    left, right = 25 * _PIXELS_PER_MM, _WIDTH - 20 * _PIXELS_PER_MM
    level = random.uniform(25, 40) * _PIXELS_PER_MM
    for words, indent in _lines_of(person, hand, capital, right - left, random):
        level += pitch
        if not words:
            continue
        text = words.upper() if hand.is_capitals else words
        ink = write_line(text, hand, capital, random)
        stamp(
            page,
            ink.cover,
            round(left + indent - ink.origin_x),
            round(level - ink.baseline),
            hand.ink,
            hand.patchy,
            random,
        )
        lines.append(text)
    scrawl = strokes.signature(person.number, 190, 620, pen.nib * _PIXELS_PER_MM, random)
    stamp(page, scrawl, round(left), round(level - 3.2 * pitch), pen.ink, pen.patchy, random)
    return Letter(page, tuple(lines))


def _lines_of(person: Person, hand: Hand, capital: float, width: float, random: Generator) -> list[tuple[str, float]]:
    """(text, indent in pixels) of every line; an empty text is a blank line."""
    indent = width * 0.58
    name = f"{person.title} {person.forenames} {person.surname}"
    head = [(part, indent) for part in (name, *person.address, person.postcode)]
    written_on = day_between(random, date(2025, 1, 5), TODAY)
    to = ["Vehicle and Licence Registry", "Postbox 100"]
    rows = [*head, ("", 0.0), (f"{written_on:%d/%m/%Y}", indent), ("", 0.0), *((part, 0.0) for part in to), ("", 0.0)]
    rows += [(pick(random, WORDS.subjects), 0.0), ("", 0.0), ("Dear Sir or Madam,", 0.0), ("", 0.0)]
    order = random.permutation(len(WORDS.sentences))[: int(random.integers(5, 10))]
    paragraphs = np.array_split(order, int(random.integers(2, 4)))
    for paragraph in paragraphs:
        text = " ".join(_writable(WORDS.sentences[place], hand) for place in paragraph)
        rows += [(row, 0.0) for row in wrapped(text.upper() if hand.is_capitals else text, width, hand, capital)]
        rows.append(("", 0.0))
    closing = "Yours faithfully," if chance(random, 0.7) else "With kind regards,"
    return [*rows, (closing, 0.0), *[("", 0.0)] * 4, (f"{person.forenames} {person.surname}", 0.0)]


def _writable(sentence: str, hand: Hand) -> str:
    """Some handwriting fonts have no pound sign; their writers spell it."""
    return sentence if hand.face in OFFICE or hand.is_typed else sentence.replace("£35.00", "35 pounds")
