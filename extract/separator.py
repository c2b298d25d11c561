"""Separator: whether a page is a sheet that parts two pieces of mail, known by its barcode."""

import cv2
import numpy as np

from extract.engines import BarcodeFinder
from extract.page import Grey, PageImage
from extract.views import resample
from schemas.page import SEPARATOR_PAYLOAD

# Separator sheets carry bars (Code 128) an inch high: this is fine enough, and four times as quick.
_DPI = 150
# Looking for a barcode takes longer than all else done to such a page, so it is only looked for where bars may be:
# squares of so many pixels at 100 dpi in which grey levels change in one direction by so much from pixel to pixel, and
# in the other by less than a third of that, as they do up to a slant of 16 degrees. Of 43 aged sheets each has four
# squares with a change of 46 and more; of 74 other pages three have them with more than 30.
_SQUARE = 40
_CHANGE = 30.0
_OTHER_WAY = 0.3
_SQUARES = 4


def is_separator(page: PageImage, fine: Grey, barcodes: BarcodeFinder) -> bool:
    """Whether the page carries the separator's barcode. `fine`: the same page, (height, width) uint8 at 100 dpi."""
    if not _may_hold_bars(fine):
        return False
    small = resample(page.pixels, page.dpi, min(page.dpi, _DPI))
    return any(code.text == SEPARATOR_PAYLOAD for code in barcodes.find(small))


def _may_hold_bars(fine: Grey) -> bool:
    rows, columns = (side // _SQUARE for side in fine.shape)
    if not rows or not columns:
        return False
    whole = fine[: rows * _SQUARE, : columns * _SQUARE]
    # The last row and column have no neighbour; a fortieth less does not matter.
    across, down = np.zeros((2, *whole.shape), np.uint8)
    cv2.absdiff(whole[:, 1:], whole[:, :-1], across[:, 1:])
    cv2.absdiff(whole[1:], whole[:-1], down[1:])
    one, other = (
        cv2.resize(change, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
        for change in (across, down)
    )
    more, less = np.maximum(one, other), np.minimum(one, other)
    return int(((more >= _CHANGE) & (less <= _OTHER_WAY * more)).sum()) >= _SQUARES
