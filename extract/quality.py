"""Quality: whether a page can be read at all. A page that is too poor says so instead of giving values.

The limits were set on synthetic post at three degrees of ageing and on real scans, each first whole and then ruined:
whole pages lie well on the one side, pages that a person would not read willingly on the other.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.fit import Fit
from extract.page import Grey, PageImage
from schemas.reading import Feature


class Quality(StrEnum):
    """The measures of a page, by the names records carry."""

    DPI = "dpi"  # dots per inch of the scan
    CONTRAST = Feature.CONTRAST.value  # between paper and ink, share of the range from black to white
    BLUR = Feature.BLUR.value  # width of the edges of strokes, pixels at 100 dpi; 1.0 is as sharp as can be
    SPECKLE = "speckle"  # share of neighbouring pixels along a row that differ: print has few, a half-tone many
    CUT_OFF = "cut_off"  # share of the form that lies beyond the edges of the scan
    RESIDUAL = Feature.RESIDUAL.value  # median misfit between page and blank form, pixels at 100 dpi


# Letters are a dozen pixels high at this resolution, and cannot be told apart at a lower one. The worst real scan of a
# known form has 144.
_DPI_AT_LEAST = 100
# The faintest page of the most aged post has 0.23; at 0.15 pencil cannot be told from paper.
_CONTRAST_AT_LEAST = 0.15
# Aged post has up to 2.4, real scans 1.3. Blurred so that letters run into one another they have 3.4 and more.
_BLUR_AT_MOST = 3.2
# Real pages of dense print have up to 0.07, half-tones and noise 0.07 to 0.24; half of these are stopped here, and
# of the others the readers themselves are not sure.
_SPECKLE_AT_MOST = 0.09
# More than this missing is no worn edge: answers are gone.
_CUT_OFF_AT_MOST = 0.25

# Paper is at least three quarters of a page, ink the darkest hundredth.
_PAPER_RANK, _INK_RANK = 0.75, 0.01
# Where the darkest two-thousandth is so many times as dark as ink should be, it is specks on an empty page.
_SPECK_RANK, _INKED = 0.0005, 0.5
# Among the steps from pixel to pixel the strongest of two hundred is the edge of a stroke.
_EDGE_RANK = 0.995
# Every so many rows are enough to see how speckled a page is.
_ROWS_APART = 16
_FEATURES: Final = (Quality.CONTRAST, Quality.BLUR, Quality.RESIDUAL)
_DIGITS = 4
_GRID = 16


def measure(page: PageImage, seen: Grey) -> dict[str, float]:
    """How well a page can be read. `seen`: the same page, (height, width) uint8 at 100 dpi.

    Without contrast and blur for a page with so little ink on it that they would speak of specks.
    """
    levels = _ranks(seen)
    paper, ink = _at_rank(levels, _PAPER_RANK), _at_rank(levels, _INK_RANK)
    steps = cv2.absdiff(seen[::2, 1:], seen[::2, :-1])
    edge = _at_rank(_ranks(np.asarray(steps, np.uint8)), _EDGE_RANK)
    darkest = _at_rank(levels, _SPECK_RANK)
    dark = page.pixels[_ROWS_APART // 2 :: _ROWS_APART] < (paper + ink) / 2
    speckle = float(np.count_nonzero(dark[:, 1:] != dark[:, :-1])) / max(dark.size, 1)
    found = {Quality.DPI.value: float(page.dpi), Quality.SPECKLE.value: round(speckle, _DIGITS)}
    if paper - ink <= _INKED * (paper - darkest):
        return found
    return found | {
        Quality.CONTRAST.value: round((paper - ink) / 255, _DIGITS),
        Quality.BLUR.value: round((paper - ink) / max(edge, 1), _DIGITS),
    }


def of_place(fit: Fit, form: tuple[int, ...], page: tuple[int, ...]) -> dict[str, float]:
    """How well a page lies on its form, and how much of the form is beyond the scan. form, page: (height, width)."""
    across, down = np.meshgrid(np.linspace(0, form[1], _GRID), np.linspace(0, form[0], _GRID))
    points = np.stack([across.ravel(), down.ravel(), np.ones(_GRID * _GRID)])
    x, y = fit.affine @ points
    # A sheet is often a little smaller than its form was drawn: its very edge is not missed.
    spare = 0.02 * max(page)
    beyond = (x < -spare) | (y < -spare) | (x > page[1] + spare) | (y > page[0] + spare)
    return {
        Quality.CUT_OFF.value: round(float(beyond.mean()), _DIGITS),
        Quality.RESIDUAL.value: round(fit.residual_pixels / 3, _DIGITS),
    }


def problems(quality: Mapping[str, float]) -> tuple[str, ...]:
    """Why the page is too poor to be read, in words for a person; empty if it is not. What was not measured is good."""
    found = []
    if quality.get(Quality.DPI, _DPI_AT_LEAST) < _DPI_AT_LEAST:
        found.append("The page was scanned too coarsely to be read: scan it again at 300 dots per inch.")
    if quality.get(Quality.CONTRAST, 1.0) < _CONTRAST_AT_LEAST:
        found.append("The page is too faint to be read: scan it again, darker.")
    if quality.get(Quality.BLUR, 0.0) > _BLUR_AT_MOST:
        found.append("The page is too blurred to be read: scan it again.")
    if quality.get(Quality.SPECKLE, 0.0) > _SPECKLE_AT_MOST:
        found.append("The page is too speckled to be read: scan it again in grey, not as a half-tone.")
    if quality.get(Quality.CUT_OFF, 0.0) > _CUT_OFF_AT_MOST:
        found.append("A large part of the page was cut off: scan it again.")
    return tuple(found)


def features(quality: Mapping[str, float]) -> dict[str, float]:
    """What decisions about the page's fields rest on, of all that was measured."""
    return {name.value: quality[name] for name in _FEATURES if name in quality}


def _ranks(pixels: Grey) -> NDArray[np.float64]:
    """For each grey level the share of pixels that are as dark or darker."""
    counts = cv2.calcHist([np.ascontiguousarray(pixels)], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    return np.asarray(np.cumsum(counts) / max(counts.sum(), 1.0), np.float64)


def _at_rank(ranks: NDArray[np.float64], share: float) -> int:
    return min(int((ranks < share).sum()), 255)
