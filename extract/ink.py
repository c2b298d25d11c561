"""Ink on a page laid onto its blank form: where it is, and how far the print lies off its place."""

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.page import Grey
from schemas.geometry import Box

Mask = NDArray[np.bool_]

# Share of the way from paper to the darkest ink: what is darker than `STRONG` is ink; pencil on grey lies between.
STRONG, FAINT = 0.40, 0.14
# Ink fainter than this many grey levels is paper grain.
_GRAIN_LEVELS = 18
# Dots of a half-tone screen, in pixels at 300 dpi: blurring by this makes them grey and leaves a pen's strokes black;
# ink this near to something solid may be its ragged edge; tones change over distances longer than this.
_DOT, _BESIDE_SOLID, _TONE = 1.6, 2, 25
_BLACK, _WHITE = 128, 255
# Grain of paper is finer than this, strokes of a pen are narrower than that (1.4 mm), in pixels at 300 dpi.
_GRAIN, _WIDEST_STROKE = 1.0, 16
# Share of a picture that loose dots cover: 0.06 to 0.12 under a screen, at most 0.026 on dirty and worn scans.
_DOTTED = 0.04


def moved(box: Box, dx: int, dy: int) -> Box:
    """The same size of box, `dx` pixels to the right and `dy` down."""
    return Box(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy)


def crop(page: Grey, box: Box) -> Grey:
    """The part of the page in `box`, white where the box leaves the page."""
    height, width = page.shape
    part = np.full((box.height, box.width), 255, np.uint8)
    left, top, right, bottom = max(box.left, 0), max(box.top, 0), min(box.right, width), min(box.bottom, height)
    if left < right and top < bottom:
        part[top - box.top : bottom - box.top, left - box.left : right - box.left] = page[top:bottom, left:right]
    return part


def ink_of(grey: Grey, darkness: float) -> Mask:
    """Where it is darker than paper by `darkness` (0 to 1) of the contrast found here."""
    # Counting levels is much faster than sorting pixels, and this is asked for every box of every page.
    darker = np.cumsum(np.bincount(grey.ravel(), minlength=256))
    black, paper = (float(np.searchsorted(darker, share * grey.size)) for share in (0.01, 0.90))
    # Half of full contrast is the least assumed, so that the grain of an empty sheet does not become ink.
    return grey < paper - max(darkness * max(paper - black, 128.0), _GRAIN_LEVELS)


def spread(mask: Mask, by: int) -> Mask:
    """The mask grown by `by` pixels on every side."""
    if by < 1:
        return mask
    kernel = np.ones((2 * by + 1, 2 * by + 1), np.uint8)
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(np.bool_)


def is_halftone(grey: Grey, unit: float) -> bool:
    """Whether a scanner turned grey into black dots here: much ink that is no part of anything solid.

    unit: pixels of this picture in one at 300 dpi.
    """
    ink = (grey < _BLACK).astype(np.uint8)
    solid = spread(_softened(grey, unit) < _BLACK, max(1, round(_BESIDE_SOLID * unit)))
    return float((ink.astype(np.bool_) & ~solid).mean()) >= _DOTTED


def without_halftone(grey: Grey, unit: float) -> Grey:
    """The same with the dots smoothed to the grey they stood for, and that grey made paper."""
    smooth = _softened(grey, unit)
    side = 2 * round(_TONE * unit) + 1
    tone = cv2.medianBlur(smooth, min(side, 255))
    return np.asarray(255 - cv2.subtract(tone, smooth), np.uint8)


def without_shade(grey: Grey, unit: float) -> Grey:
    """The same on even paper: what is wider than a pen's stroke, such as a shadow or a stain, is made paper."""
    # Paper that is plain white has no grain; softening would only turn the specks of a page in black and white grey.
    is_plain = np.count_nonzero(grey == _WHITE) > grey.size // 2
    soft = grey if is_plain else np.asarray(cv2.GaussianBlur(grey, (0, 0), _GRAIN * unit), np.uint8)
    stroke = 2 * round(_WIDEST_STROKE * unit / 2) + 1
    shade = cv2.morphologyEx(soft, cv2.MORPH_CLOSE, np.ones((stroke, stroke), np.uint8))
    return np.asarray(255 - cv2.subtract(shade, soft), np.uint8)


def _softened(grey: Grey, unit: float) -> Grey:
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), _DOT * unit), np.uint8)


def local_shift(aligned: Grey, outer: Box, blank: Mask, reach: int, darkness: float = STRONG) -> tuple[int, int, float]:
    """(dx, dy) in pixels by which the print lies off its place here, at most `reach`, and the misfit that is left.

    darkness: what is darker than paper by this share of the contrast is taken for print.
    The misfit is the mean distance from the blank's print to ink, as a share of `reach`: 0.0 perfect, or nothing
    printed here; 1.0 nothing found.
    """
    if not blank.any():
        return 0, 0, 0.0
    ink = ink_of(crop(aligned, outer.grown(reach)), darkness)
    if not ink.any():
        return 0, 0, 1.0
    far = cv2.distanceTransform((~ink).astype(np.uint8), cv2.DIST_L1, 3)
    # Beyond the reach all misses are equally bad: a line that the scanner lost must not pull the others away.
    misses = np.minimum(far, float(reach)).astype(np.float32)
    cost = cv2.matchTemplate(misses, blank.astype(np.float32), cv2.TM_CCORR) / float(blank.sum())
    offsets = np.abs(np.arange(-reach, reach + 1))
    # Of equal fits the nearest: a solid fill says nothing about where the lines are.
    nearest = cost + 0.02 * (offsets[:, None] + offsets[None, :])
    row, column = divmod(int(np.argmin(nearest)), cost.shape[1])
    return column - reach, row - reach, float(cost[row, column]) / reach


def labelled(ink: Mask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(label of every pixel, extent in pixels of every label) of the connected pieces; label 0 is paper."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    longest = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    longest[0] = 0
    return np.asarray(labels, np.int32), np.asarray(longest, np.int32)
