"""Where on a blank an answer can stand: beside the printed label of its zone, or beneath it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.page import Grey
from intake.synthetic.fill import blank_page
from schemas.form_type import Zone
from schemas.geometry import Box

# In pixels at 300 dpi: the shortest printed line that is a rule, the least height of print that is a line of words,
# and the gap from which on print is another column.
_RULE = 60
_LINE_OF_WORDS = 12
_COLUMN_GAP = 140


@dataclass(frozen=True, slots=True)
class Slot:
    """Free paper for an answer, in pixels of the reference image.

    baseline: where a single line beside the label would stand; None beneath the label.
    is_beside: the answer stands to the right of the label, not beneath it.
    """

    box: Box
    baseline: int | None
    is_beside: bool


@dataclass(frozen=True, slots=True)
class Label:
    """One line of print in a zone: its box, and the level its letters stand on."""

    box: Box
    baseline: int


@lru_cache(maxsize=1024)
def slots(image: Path, zone: Zone) -> tuple[Slot, ...]:
    """The places for an answer in `zone`, those that are large enough to write in; the whole zone if there is none."""
    page = blank_page(image)
    box = zone.box.within(page.shape[1], page.shape[0])
    labels = printed_lines(np.asarray(page[box.top : box.bottom, box.left : box.right], dtype=np.uint8), box)
    if not labels:
        return (Slot(box, None, is_beside=False),)
    last = labels[-1]
    # Print that reaches further right above the last line's level leaves only what is under it.
    above = [label.box.bottom for label in labels[:-1] if label.box.right > last.box.right + _COLUMN_GAP // 2]
    found = []
    top = max(above, default=box.top)
    if box.right - last.box.right > max(160, box.width // 5):
        beside = Box(last.box.right + 8, min(top, last.box.top), box.right, box.bottom)
        found.append(Slot(beside, last.baseline, is_beside=True))
    if box.bottom - last.box.bottom >= 44 and not _has_rule_to_write_on(page, box, last):
        found.append(Slot(Box(labels[0].box.left, last.box.bottom, box.right, box.bottom), None, is_beside=False))
    return tuple(found) or (Slot(box, None, is_beside=False),)


def _has_rule_to_write_on(page: Grey, box: Box, label: Label) -> bool:
    """Whether a rule begins behind the label, at its foot: then the answer stands on that rule."""
    foot = page[label.baseline - 10 : min(label.box.bottom + 45, box.bottom - 14), label.box.right : box.right]
    return bool(foot.size) and float((foot < 128).mean(axis=1).max()) > 0.2


@dataclass(frozen=True, slots=True)
class Margin:
    """What is free on a blank beside its zones.

    open:  the tallest free band under the last zone for words, as for a question that has no zone; None if there is
           none worth writing in.
    below: the level under which nothing is printed.
    """

    open: Box | None
    below: int


_OPEN_BAND = 90


@lru_cache(maxsize=64)
def margin(image: Path, zones: tuple[Zone, ...]) -> Margin:
    """The free paper under `zones`, which are those of this page that words are written in."""
    page = blank_page(image)
    height, width = page.shape
    lowest = max((zone.box.bottom for zone in zones), default=height // 2)
    left = min((zone.box.left for zone in zones), default=width // 10)
    right = max((zone.box.right for zone in zones), default=width * 9 // 10)
    if lowest >= height - 20:
        return Margin(None, height - 20)
    box = Box(left, lowest, right, height)
    found = printed_lines(np.asarray(page[lowest:, left:right], dtype=np.uint8), box)
    levels = [lowest, *(label.box.bottom for label in found)]
    tops = [label.box.top for label in found]
    gaps = [(below - above, above) for above, below in zip(levels, tops, strict=False)]
    tallest, top = max(gaps, default=(0, 0))
    open_band = Box(left, top, right, top + tallest) if tallest >= _OPEN_BAND else None
    return Margin(open_band, min(levels[-1] + 12, height - 20))


def printed_lines(paper: Grey, box: Box) -> list[Label]:
    """The lines of words printed on `paper`, which lies at `box` of its page; rules are left out. Top to bottom."""
    words = _without_rules(np.where(paper < 128, 255, 0).astype(np.uint8))
    rows = np.flatnonzero(words.any(axis=1))
    labels = []
    for run in np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1):
        if run.size < _LINE_OF_WORDS:
            continue
        band = words[run[0] : run[-1] + 1]
        columns = np.flatnonzero(band.any(axis=0))
        # What stands far to the right on the same level is another question.
        breaks = np.flatnonzero(np.diff(columns) > _COLUMN_GAP)
        first = columns[: breaks[0] + 1] if breaks.size else columns
        around = Box(
            box.left + int(first[0]),
            box.top + int(run[0]),
            box.left + int(first[-1]) + 1,
            box.top + int(run[-1]) + 1,
        )
        labels.append(Label(around, box.top + int(run[0]) + _baseline(band)))
    return labels


def _baseline(band: NDArray[np.uint8]) -> int:
    """The row below which the ink falls off: most letters end there, few hang below."""
    ink = (band > 0).sum(axis=1).astype(np.int64)
    fall = ink - np.append(ink[1:], 0)
    lower = len(ink) // 2
    return int(lower + np.argmax(fall[lower:])) + 1


def _without_rules(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The ink without long level or upright lines, and without what is left of them at the edges."""
    level = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, _RULE), np.uint8))
    upright = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((_RULE, 1), np.uint8))
    rules = cv2.dilate(cv2.bitwise_or(level, upright), np.ones((5, 5), np.uint8))
    left = cv2.subtract(ink, rules)
    left[:6], left[-6:] = 0, 0
    left[:, :6], left[:, -6:] = 0, 0
    # A speck is no word.
    square = np.ones((2, 2), np.uint8)
    return np.asarray(cv2.dilate(cv2.erode(left, square, anchor=(0, 0)), square, anchor=(1, 1)), dtype=np.uint8)
