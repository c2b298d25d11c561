"""Evenness: how much of a line's ink stands on one straight line, as type does and handwriting does not."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from extract.page import Grey
from extract.shapes import AREA, HEIGHT, LEFT, TOP, WIDTH, Labels

# All lengths in pixels at 300 dpi.
_INK: Final = 128
# What is lower or smaller is a dot, a comma or a dash, and stands on no line.
_LETTER_TALL, _LETTER_INK = 10, 25
# A letter alone stands on any line.
_LETTERS: Final = 2
# Type that was copied, scanned and laid straight keeps its feet within so much; letters that touch count by the width
# of their shape, up to that of a wide word: one long stroke of a pen must not speak for a whole line.
_REACH, _WIDEST = 3, 60
# How far a line of writing may still lean after the page was laid straight: 1.1 degrees.
_SLOPES: Final = np.linspace(-0.02, 0.02, 9)
# What reaches below the line by its nature, and what stands so high or is so low that it is not looked at. So many of a
# line's letters are believed to have tails; where there seem to be more, something was misread.
_WITH_TAILS, _NO_LETTERS, _TAILS_AT_MOST = frozenset("gjpqyQ()[]{}/|"), frozenset(" .,:;-–—_~'’\"“”`^°*·•"), 0.5


def evenness(lines: Sequence[Grey], texts: Sequence[str]) -> float | None:
    """The share (0 to 1) of the letters that stand on the foot of their line, of those that should.

    lines: pictures of lines of writing at 300 dpi, dark on white; texts: what was read on each. Of machine type more
    than nine in ten letters stand on the line, of handwriting about half. None where too few are told apart.
    """
    found = [
        (_of_line(letters) / (1.0 - _tails(text)), len(letters))
        for line, text in zip(lines, texts, strict=True)
        if len(letters := _letters(line)) >= _LETTERS
    ]
    every = sum(count for _, count in found)
    return sum(min(share, 1.0) * count for share, count in found) / every if every else None


def _tails(text: str) -> float:
    """The share of a text's letters that reach below the line."""
    tails = [character in _WITH_TAILS for character in text if character not in _NO_LETTERS]
    return min(sum(tails) / len(tails), _TAILS_AT_MOST) if tails else 0.0


def _letters(line: Grey) -> Labels:
    _, _, stats, _ = cv2.connectedComponentsWithStats((line < _INK).astype(np.uint8), connectivity=8)
    shapes = np.asarray(stats[1:], np.int32)
    return shapes[(shapes[:, HEIGHT] >= _LETTER_TALL) & (shapes[:, AREA] >= _LETTER_INK)]


def _of_line(letters: Labels) -> float:
    """The share of the letters' width that stands on the best straight line."""
    middles = letters[:, LEFT] + letters[:, WIDTH] / 2
    feet = letters[:, TOP] + letters[:, HEIGHT]
    widths = np.minimum(letters[:, WIDTH], _WIDEST)
    lean = feet - _SLOPES[:, None] * middles
    above = lean[:, None, :] - lean[:, :, None]
    best = (((above >= 0) & (above <= _REACH)) @ widths).max()
    return float(best / widths.sum())
