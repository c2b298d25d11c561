"""Screen: turns the dots by which a black-and-white scanner draws grey into that grey again.

A dithered page is grey paper, or grey writing, drawn in checkers of single pixels. Blurred by about one such pixel the
checkers are grey again while strokes, which are several pixels of solid black, stay dark. What is ink then is told by
the paper around it, as on any page with grey of its own: one level for all would lose writing that is itself screened.
"""

from dataclasses import replace

import cv2
import numpy as np

from extract.answers import has_two_levels
from extract.page import Grey, PageImage

_MIDDLE_GREY = 128
# Screened is where so many of neighbouring pixels differ, across and down alike, on average over so many pixels
# around. Of 119 archive pages in black and white, none but the one dithered page has more than 0.3 % of such places.
_TILE = 33
_CHECKERED = 0.25
# A page is searched for them where its rows, one in eight, change this often.
_ROWS_APART, _WORTH_A_SEARCH = 8, 0.06
# The blur, in pixels of the scan, that makes a checker grey.
_BLUR = 1.2


def without_screen(page: PageImage) -> PageImage:
    """The page with grey in place of the dots that stand for it; itself where nothing is screened or it is not in black
    and white."""
    pixels = page.pixels
    rows = pixels[::_ROWS_APART] < _MIDDLE_GREY
    if float((rows[:, 1:] != rows[:, :-1]).mean()) < _WORTH_A_SEARCH or not has_two_levels(pixels):
        return page
    screened = _screened(pixels)
    if not screened.any():
        return page
    grey = cv2.GaussianBlur(pixels, (0, 0), _BLUR)
    return replace(page, pixels=np.where(screened, grey, pixels).astype(np.uint8))


def _screened(pixels: Grey) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Where the page is drawn in dots, and a little around it."""
    # Shares of 255: a page in floating point takes 34 MB, and there would be four of them.
    ink = np.where(pixels < _MIDDLE_GREY, np.uint8(255), np.uint8(0))
    across, down = np.zeros_like(ink), np.zeros_like(ink)
    across[:, 1:] = ink[:, 1:] ^ ink[:, :-1]
    down[1:] = ink[1:] ^ ink[:-1]
    across, down = (np.asarray(cv2.boxFilter(change, -1, (_TILE, _TILE)), np.uint8) for change in (across, down))
    checkered = (np.minimum(across, down) > _CHECKERED * 255).astype(np.uint8)
    return np.asarray(cv2.dilate(checkered, np.ones((_TILE, _TILE), np.uint8)) > 0, np.bool_)
