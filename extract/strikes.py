"""Strikes: a stroke drawn through writing, by which people take back what they wrote."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from extract.page import Grey

_INK: Final = 128
# In heights of the line: a stroke this long that runs level is none of a letter's own. Letters that touch make up runs
# of one height at most.
_LONG: Final = 1.25
# Over this share of its length writing stands above it and below it at once: a dash has neither, an underline no more
# than tails below.
_THROUGH: Final = 0.3
# How much of the line's height, from the top and from the foot, lies too far out to strike anything through.
_EDGE: Final = 0.15
# Of the line's height, so much beside the stroke may be its own ragged edge.
_AWAY: Final = 0.12


def longest_strike(lines: Sequence[Grey]) -> float:
    """The longest level stroke through writing, in heights of its line; 0.0 if there is none.

    lines: pictures of lines of writing at 300 dpi, dark on white.
    """
    return max((_longest(line) for line in lines), default=0.0)


def _longest(line: Grey) -> float:
    ink = line < _INK
    rows = np.flatnonzero(ink.any(axis=1))
    if not len(rows):
        return 0.0
    ink = ink[rows[0] : rows[-1] + 1]
    height, width = ink.shape
    long = round(_LONG * height)
    if width < long:
        return 0.0
    level = cv2.morphologyEx(
        ink.view(np.uint8), cv2.MORPH_OPEN, np.ones((1, long), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    away = round(_AWAY * height)
    level[: round(_EDGE * height)] = 0
    level[height - round(_EDGE * height) :] = 0
    _, _, stats, _ = cv2.connectedComponentsWithStats(level, connectivity=8)
    found = 0.0
    for left, top, across, down, _ in stats[1:]:
        part = ink[:, left : left + across]
        above = part[: max(top - away, 0)].any(axis=0)
        below = part[top + down + away :].any(axis=0)
        if across >= long and float((above & below).mean()) >= _THROUGH:
            found = max(found, across / height)
    return round(float(found), 4)
