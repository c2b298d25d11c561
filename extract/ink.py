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


def local_shift(aligned: Grey, outer: Box, blank: Mask, reach: int) -> tuple[int, int, float]:
    """(dx, dy) in pixels by which the print lies off its place here, at most `reach`, and the misfit that is left.

    The misfit is the mean distance from the blank's print to ink, as a share of `reach`: 0.0 perfect, or nothing
    printed here; 1.0 nothing found.
    """
    if not blank.any():
        return 0, 0, 0.0
    ink = ink_of(crop(aligned, outer.grown(reach)), STRONG)
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
