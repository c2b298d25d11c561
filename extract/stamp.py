"""Stamp: the date of a rubber stamp set on its side across a form, or of a badly printed line of receipt.

A stamp lies over print, rules and writing, is inked in part and never quite straight. It is cut out with room around,
turned, set level by its own tilt and read on several pictures that differ in what is done to the print beneath it;
then every date is laid against what was read (`extract.receipt_dates`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import cv2
import numpy as np

from extract.answers import Answers
from extract.engines import LineFinder, StepReader
from extract.page import Grey
from extract.printed import Print
from extract.receipt_dates import MONTHS, DateFit, Layout, Span, likeliest_dates
from extract.stamp_cut import DOUBTFUL, Cut, cut_out
from schemas.form_type import Zone
from schemas.geometry import Box, hull

# All lengths in pixels at 300 dpi.
# Stacks of letters nearer than this to each other (across the page, down the page) are the lines of one stamp.
_LINES_APART, _WORDS_APART = 90, 60
_MOST_STAMPS = 2
# A line of a stamp: how high, and how long at least; pieces of it nearer than the gap belong together.
_LINE_LOW, _LINE_HIGH, _LINE_LONG, _LINE_GAP = 22, 95, 120, 70
# What the finder draws too short, and how far the beginning or end of a line may be hidden under other writing.
_LINE_MARGIN, _LINE_HIDDEN = 6, 60
_MOST_LINES = 6
# Lines are looked for in a picture so many times smaller: still 18 pixels to a letter.
_FOUND_AT = 2
# A row of a line holds its letters if it has this share of the ink of the line's fullest rows.
_LETTER_ROW = 0.2
# The reader tells narrow figures better apart when they are drawn wider.
_WIDENED = 1.6
# A date that fits worse than this is there by chance: in a stamp, in a printed line, at a quick look.
_FITS, _FITS_PRINTED, _FITS_QUICKLY = -13.0, -9.0, -40.0
# Letters stand in no longer a row on a stamp; it is a line printed along the edge.
_PRINTED_LONG = 750
_WRITTEN = (Layout.YEAR_MONTH_DAY,)
_OTHERWISE_WRITTEN = (Layout.MONTH_DAY_YEAR, Layout.DAY_MONTH_YEAR)
# Another line of the same stamp is read carefully too if its date fits nearly as well at a quick look.
_RIVAL = 4.0
_INK = 128


@dataclass(frozen=True, slots=True)
class StampReaders:
    """Who reads: `finder` finds a stamp's lines, `quick` looks which of them is a date, `careful` reads it."""

    finder: LineFinder
    quick: StepReader
    careful: StepReader


@dataclass(frozen=True, slots=True)
class StampRead:
    """The date of a stamp, and what speaks for it.

    text:    the date as such stamps show it: "2009 APR 15", or in figures "04/15/2009".
    fit:     logarithm: 0 is a perfect reading, -6 about one character that cannot be seen (`DateFit`).
    margin:  by how much the next date fits worse (logarithm); over 3 is plain.
    share:   0 to 1: of all dates' likelihood, this one's.
    box:     around the stamp, in the frame of the reference.
    """

    text: str
    fit: float
    margin: float
    share: float
    box: Box

    @property
    def score(self) -> float:
        """The reader's raw score, 0 to 1: how plainly this date and no other is seen."""
        return self.share * exp(min(self.fit, 0.0) / 10.0)


def read_stamp(ink: Answers, blank: Print, zone: Zone, readers: StampReaders, days: Span) -> StampRead | None:
    """The date of the stamp on its side, or of the line printed along an edge, in a zone; None if none can be seen.

    Nothing is done without a stack of letters in the zone (`Answers.stamps`). A zone of unknown turn is read both ways.
    """
    turns = (zone.turn,) if zone.turn in (90, 270) else (270, 90)
    places = [place for place in ink.stamps if _is_in(place, zone.box)]
    seen: list[tuple[list[DateFit], Box]] = []
    for place in _joined(places)[:_MOST_STAMPS]:
        if place.height > _PRINTED_LONG and place.width < _LINE_HIGH:
            continue
        cut = cut_out(ink.pixels, ink.level, place, blank)
        for line in _date_lines(cut, turns, readers, days):
            readings = readers.careful.probabilities(_pictures(cut, line))
            fits = likeliest_dates(readings, readers.careful.classes, days, _WRITTEN)
            if not fits or fits[0].fit < _FITS:
                fits = likeliest_dates(readings, readers.careful.classes, days, _OTHERWISE_WRITTEN)
            seen.append((fits, place))
    return _chosen(seen, day_first=None) or _along_the_edge(ink, places, turns, readers, days)


def _along_the_edge(
    ink: Answers, places: Sequence[Box], turns: Sequence[int], readers: StampReaders, days: Span
) -> StampRead | None:
    """Lines of receipt printed down or up the page's edge."""
    height, width = ink.pixels.shape
    lines = []
    for place in places:
        if place.height <= _PRINTED_LONG or place.width >= _LINE_HIGH:
            continue
        room = place.grown(_LINE_MARGIN).within(width, height)
        picture = ink.pixels[room.top : room.bottom, room.left : room.right]
        lines += [(np.ascontiguousarray(np.rot90(picture, -turn // 90)), place) for turn in turns]
    return read_printed_receipts(lines, readers.careful, days) if lines else None


def _is_in(place: Box, zone: Box) -> bool:
    return zone.contains((place.left + place.right) / 2, (place.top + place.bottom) / 2)


def read_printed_receipts(
    lines: Sequence[tuple[Grey, Box]], careful: StepReader, days: Span, *, day_first: bool = False
) -> StampRead | None:
    """The date in figures that several badly printed lines of receipt show together; None if none can be seen.

    lines: pictures of single lines, dark on light, with their places. Lines without a date are left out.
    """
    layouts = (Layout.NUMERIC_DAY_MONTH_YEAR if day_first else Layout.NUMERIC_MONTH_DAY_YEAR,)
    readings = careful.probabilities([picture for picture, _ in lines])
    alone = [likeliest_dates([reading], careful.classes, days, layouts) for reading in readings]
    dated = [index for index, fits in enumerate(alone) if fits and fits[0].fit >= _FITS_PRINTED]
    if not dated:
        return None
    fits = likeliest_dates([readings[index] for index in dated], careful.classes, days, layouts)
    best = max(dated, key=lambda index: alone[index][0].fit)
    return _chosen([(fits, lines[best][1])], day_first=day_first)


def _chosen(seen: Sequence[tuple[list[DateFit], Box]], *, day_first: bool | None) -> StampRead | None:
    """The best date over all lines; the margin is to the best other date on any. `day_first` None: month as a word."""
    fits: dict[DateFit, Box] = {}
    for found, box in seen:
        fits |= dict.fromkeys(found[:20], box)
    order = sorted(fits, key=lambda fit: (-fit.fit, fit.value))
    if not order or order[0].fit < _FITS:
        return None
    first = order[0]
    others = {fit.value: fit.fit for fit in reversed(order) if fit.value != first.value}
    margin = first.fit - max(others.values(), default=first.fit - 20.0)
    share = 1.0 / (1.0 + sum(exp(fit - first.fit) for fit in others.values()))
    day = first.value
    if day_first is None:
        text = f"{day.year} {MONTHS[day.month - 1]} {day.day}"
    else:
        text = f"{day:%d/%m/%Y}" if day_first else f"{day:%m/%d/%Y}"
    return StampRead(text, first.fit, margin, share, fits[first])


def _joined(places: Sequence[Box]) -> list[Box]:
    """Stacks that stand beside or over one another as one place; the longest first."""
    left = list(places)
    joined: list[Box] = []
    while left:
        box = left.pop()
        near = [other for other in left if _are_near(box, other)]
        if near:
            left = [other for other in left if other not in near]
            left.append(hull([box, *near]))
        else:
            joined.append(box)
    return sorted(joined, key=lambda box: (-box.height, box.top, box.left))


def _are_near(one: Box, other: Box) -> bool:
    across = max(one.left, other.left) - min(one.right, other.right)
    down = max(one.top, other.top) - min(one.bottom, other.bottom)
    return across < _LINES_APART and down < _WORDS_APART


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a stamp in its cut; `upside_down` if the cut must be turned by 180 degrees to read it."""

    box: Box
    upside_down: bool
    fit: float


def _date_lines(cut: Cut, turns: Sequence[int], readers: StampReaders, days: Span) -> list[_Line]:
    """The line that most likely holds a date, and any that comes near it, at a quick look."""
    boxes = _lines(cut, readers.finder)
    places = [(box, turn == 90) for box in boxes for turn in turns]
    readings = readers.quick.probabilities([_pictures(cut, _Line(box, down, 0.0))[0] for box, down in places])
    found: list[_Line] = []
    for (box, upside_down), reading in zip(places, readings, strict=True):
        fits = likeliest_dates([reading], readers.quick.classes, days, _WRITTEN)
        if fits and fits[0].fit > _FITS_QUICKLY:
            found.append(_Line(box, upside_down, fits[0].fit))
    found.sort(key=lambda line: (-line.fit, line.box.top))
    return [line for line in found[:2] if line.fit > found[0].fit - _RIVAL]


def _lines(cut: Cut, finder: LineFinder) -> list[Box]:
    """Lines of writing in the cut, each in one piece, as far as they can be a stamp's."""
    shown = np.where(cut.without_print >= DOUBTFUL, 255, cut.without_print).astype(np.uint8)
    size = shown.shape[1] // _FOUND_AT, shown.shape[0] // _FOUND_AT
    small = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    pieces = [
        Box(*(_FOUND_AT * side for side in (box.left, box.top, box.right, box.bottom)))
        for box in finder.find(np.asarray(small, np.uint8))
    ]
    lines: list[Box] = []
    for piece in sorted(pieces, key=lambda box: box.left):
        if not _LINE_LOW <= piece.height <= _LINE_HIGH or piece.width < piece.height:
            continue
        before = next((line for line in lines if _goes_on(line, piece)), None)
        if before is None:
            lines.append(piece)
        else:
            lines[lines.index(before)] = Box(
                before.left,
                min(before.top, piece.top),
                max(before.right, piece.right),
                max(before.bottom, piece.bottom),
            )
    long = sorted((line for line in lines if line.width >= _LINE_LONG), key=lambda line: (-line.width, line.top))
    return long[:_MOST_LINES]


def _goes_on(line: Box, piece: Box) -> bool:
    shared = min(line.bottom, piece.bottom) - max(line.top, piece.top)
    return shared > 0.5 * min(line.height, piece.height) and piece.left - line.right < _LINE_GAP


def _pictures(cut: Cut, line: _Line) -> list[Grey]:
    """The line as the reader gets it: without rules; without any print and widened; as it stands."""
    height, width = cut.without_rules.shape
    box = line.box
    columns = slice(max(0, box.left - _LINE_HIDDEN), min(width, box.right + _LINE_HIDDEN))
    top, bottom = max(0, box.top - _LINE_MARGIN), min(height, box.bottom + _LINE_MARGIN)
    inked = (cut.without_print[top:bottom, box.left : min(box.right, width)] < _INK).sum(axis=1).astype(np.float64)
    full = np.convolve(inked, np.ones(3) / 3, mode="same")
    held = np.flatnonzero(full > _LETTER_ROW * np.sort(full)[-min(5, len(full))])
    if held.size:
        top, bottom = max(0, top + int(held[0]) - 4), min(height, top + int(held[-1]) + 5)
    pictures = []
    for picture, widened in ((cut.without_rules, 1.0), (cut.without_print, _WIDENED)):
        part = picture[top:bottom, columns]
        part = np.ascontiguousarray(np.rot90(part, 2)) if line.upside_down else part
        pictures.append(_widened(part, widened) if widened != 1.0 else part)
    return pictures


def _widened(picture: Grey, times: float) -> Grey:
    wide = cv2.resize(picture, None, fx=times, fy=1.0, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), 1.0), np.uint8)
