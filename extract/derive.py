"""Derive: the blank form from filled ones, for mailrooms that were never given a blank.

Filled pages of one edition are laid onto one of them, then onto the result, twice; what nearly all of them share is
print, what only some have is an answer, a stamp or dirt. A bright quantile, not the median, decides: an answer that
stands at the same spot on half of the pages ("N/A", a city) must not become print.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from extract import references, registration, views
from extract.fit import warp
from extract.page import Grey, PageImage
from schemas.errors import NoFit
from schemas.geometry import Box

REFERENCE_DPI = 300
# Rounds with the median, each of which sharpens the map of the next.
_ROUNDS = 3
# So many of the lightest pages are tried as the first to lay the others onto.
_ANCHORS = 5
# The shapes of the last median are print if they hold up in a brighter quantile too: an answer would have to stand on
# the same pixels of more than this share of the pages ...
_BRIGHT_QUANTILE = 0.85
# ... over at least this share of the shape; the rest of a shape's pixels is uneven paper and worn type.
_HOLDS_UP = 0.5
# With so few pages the brightest of them decides what holds up.
_FEW_PAGES = 4
# Ink below this grey level; the result is black and white, as the scans are.
_INK_BELOW = 128
# Specks smaller than this (pixels at 300 dpi; a full stop has about 25) are dirt that happened to coincide.
_SPECK_PIXELS = 9
# Rows worked on at a time, to keep a stack of a hundred pages within a few hundred megabytes.
_STRIP_ROWS = 256


# The pages that fit, laid onto the reference; their indices; their residuals; the indices of the others.
_Layers = tuple[list[Grey], tuple[int, ...], tuple[float, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """A derived blank and what it rests on.

    pixels:    (height, width) uint8, 0 or 255, at 300 dpi.
    used:      indices of the pages that fitted and were combined.
    residuals: their residuals in pixels at 300 dpi, in the order of `used`.
    refused:   indices of pages that did not fit: most likely another edition.
    """

    pixels: Grey
    used: tuple[int, ...]
    residuals: tuple[float, ...]
    refused: tuple[int, ...]


def derive_blank(pages: Sequence[PageImage]) -> Derived:
    """The blank form behind `pages`, all scans of the same page of one edition.

    Raises ValueError for fewer than two pages: from one page nothing tells print from answers.
    Raises NoFit if fewer than two of the pages fit each other.
    """
    if len(pages) < 2:
        raise ValueError("at least two filled pages are needed: one page cannot tell print from answers")
    layers, used, residuals, refused = _first_layers(pages)
    for _ in range(_ROUNDS - 1):
        blank = _quantile(layers, 0.5)
        layers, used, residuals, refused = _layers(pages, references.prepare(blank, REFERENCE_DPI))
        if len(used) < 2:
            raise NoFit("fewer than two of the pages show the same print", residual_pixels=float("inf"))
    blank = _quantile(layers, 0.5)
    blank = _shared_print(blank, _quantile(layers, _BRIGHT_QUANTILE, tolerant=True))
    return Derived(blank, used, residuals, refused)


def erase(blank: Grey, places: Sequence[Box]) -> Grey:
    """A blank with the given places (pixels) made white: for answers that no second page can tell from print."""
    cleaned = blank.copy()
    for place in places:
        cleaned[place.top : place.bottom, place.left : place.right] = 255
    return cleaned


def _anchors(pages: Sequence[PageImage]) -> list[PageImage]:
    """The pages with the least ink among those of the finest resolution: the fewest answers, stamps and stains."""
    finest = max(page.dpi for page in pages)
    lightest = sorted((page for page in pages if page.dpi == finest), key=lambda page: -float(page.pixels.mean()))
    return lightest[:_ANCHORS]


def _first_layers(pages: Sequence[PageImage]) -> _Layers:
    """The pages laid onto one of them: the first on which most fit, else that on which the most fit.

    The lightest page is the best anchor, unless it is a letter that has strayed among the forms.
    """
    best: _Layers | None = None
    for anchor in _anchors(pages):
        pixels = views.resample(anchor.pixels, anchor.dpi, REFERENCE_DPI)
        laid = _layers(pages, references.prepare(pixels, REFERENCE_DPI))
        if best is None or len(laid[1]) > len(best[1]):
            best = laid
        if 2 * len(best[1]) > len(pages):
            break
    if best is None or len(best[1]) < 2:
        raise NoFit("fewer than two of the pages show the same print", residual_pixels=float("inf"))
    return best


def _layers(pages: Sequence[PageImage], reference: references.Reference) -> _Layers:
    layers: list[Grey] = []
    used: list[int] = []
    residuals: list[float] = []
    refused: list[int] = []
    for index, page in enumerate(pages):
        try:
            fit = registration.align(views.view(page), reference)
        except NoFit:
            refused.append(index)
            continue
        layers.append(warp(page, reference, fit))
        used.append(index)
        residuals.append(round(fit.residual_pixels, 2))
    return layers, tuple(used), tuple(residuals), tuple(refused)


def _quantile(layers: Sequence[Grey], quantile: float, *, tolerant: bool = False) -> Grey:
    """The grey level that `quantile` of the layers are darker than, pixel by pixel.

    A tolerant quantile counts ink one pixel away as ink here: thin print survives maps that are a pixel apart.
    """
    height, width = layers[0].shape
    last = len(layers) - 1
    rank = last if quantile > 0.5 and last < _FEW_PAGES else int(quantile * last)
    if tolerant:
        layers = [np.asarray(cv2.erode(layer, np.ones((3, 3), np.uint8)), np.uint8) for layer in layers]
    result = np.empty((height, width), np.uint8)
    for top in range(0, height, _STRIP_ROWS):
        strip = np.stack([layer[top : top + _STRIP_ROWS] for layer in layers])
        result[top : top + _STRIP_ROWS] = np.partition(strip, rank, axis=0)[rank]
    return result


def _shared_print(median: Grey, bright: Grey) -> Grey:
    """The shapes of `median` that hold up in `bright`, black on white, without specks."""
    ink = (median < _INK_BELOW).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    area = stats[:, cv2.CC_STAT_AREA]
    lasting = np.bincount(labels[bright < _INK_BELOW], minlength=count)
    keep = (lasting >= _HOLDS_UP * area) & (area >= _SPECK_PIXELS)
    keep[0] = False
    return np.where(keep[labels], 0, 255).astype(np.uint8)
