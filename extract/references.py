"""References: the print of a blank form, and the patches of it that fix where a page lies."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.affine import Float
from extract.page import Grey
from extract.patches import PATCH, SEARCH
from extract.views import FINE_DPI, HALF_DPI, View, halved, resample, sketch, spare_of

# So many patches of about 12 mm, at 50 dpi, for the first look.
_SPOTS, _SPOT = 32, 24
_PATCH_STEP = 40
# The best few of every square inch, so that sparsely printed parts hold the map as well as dense text does.
_CELL = 100
_PATCHES_PER_CELL = 2
# Print this much weaker than the strongest still fixes a place: a few words, the corner of a box.
_DISTINCT_SHARE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """The little print of a blank form that is looked for first, at 50 dpi: it shows at once that a page is another.

    shape:   (height, width) of the blank form at 50 dpi.
    corners: (n, 2) int: left and top of each patch.
    prints:  (n, side, side) uint8: what is printed there.
    """

    shape: tuple[int, int]
    corners: NDArray[np.int32]
    prints: Grey


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The print of one page of an edition, prepared once for aligning many pages to it.

    shape:   (height, width) of the blank form in pixels at `dpi`.
    sketch:  blurred ink against its surroundings (float32) at 10 dpi.
    fine:    grey at 100 dpi.
    spots:   what is looked for first.
    patches: (n, 2) int: left and top of the patches of `fine` that hold distinct print.
    """

    shape: tuple[int, int]
    dpi: int
    sketch: Float
    fine: Grey
    spots: Spots
    patches: NDArray[np.int32]


def prepare(pixels: Grey, dpi: int) -> Reference:
    """Prepare the image of a blank form for aligning."""
    fine = resample(pixels, dpi, FINE_DPI)
    height, width = pixels.shape
    return reference((height, width), dpi, fine, _distinct_patches(fine))


def reference(shape: tuple[int, int], dpi: int, fine: Grey, patches: NDArray[np.int32]) -> Reference:
    """A reference of which the costly parts are known already; see `Reference`."""
    return Reference(shape, dpi, sketch(fine), fine, _spots(patches, halved(fine)), patches)


def seen(reference: Reference) -> View:
    """A blank form looked at as if it were a page."""
    fine = reference.fine
    return View(reference.dpi, reference.sketch, halved(fine), fine, spare_of(fine, reference.shape, reference.dpi))


def _distinct_patches(fine: Grey) -> NDArray[np.int32]:
    """Left and top of the patches whose print fixes a place in both directions, spread over the page.

    Corner strength is the smaller eigenvalue of the gradient's covariance (Shi and Tomasi 1994).
    """
    strength = cv2.cornerMinEigenVal(cv2.GaussianBlur(fine, (0, 0), 1.0), PATCH // 3)
    height, width = fine.shape
    cells: dict[tuple[int, int], list[tuple[float, int, int]]] = {}
    for top in range(SEARCH, height - PATCH - SEARCH, _PATCH_STEP):
        for left in range(SEARCH, width - PATCH - SEARCH, _PATCH_STEP):
            distinct = float(strength[top : top + PATCH, left : left + PATCH].mean())
            cells.setdefault((top // _CELL, left // _CELL), []).append((distinct, top, left))
    floor = max((place[0] for places in cells.values() for place in places), default=0.0) * _DISTINCT_SHARE
    kept = [
        (left, top)
        for places in cells.values()
        for distinct, top, left in sorted(places, reverse=True)[:_PATCHES_PER_CELL]
        if distinct > floor
    ]
    return np.array(kept, np.int32).reshape(-1, 2)


def _spots(patches: NDArray[np.int32], half: Grey) -> Spots:
    """Some of the patches, spread over the page as they are, at 50 dpi."""
    middles = (patches + PATCH / 2) * HALF_DPI / FINE_DPI
    corners = np.round(middles - _SPOT / 2).astype(np.int32)
    inside = (corners >= 0).all(axis=1) & (corners + _SPOT <= half.shape[::-1]).all(axis=1)
    corners = corners[inside]
    some = corners[np.linspace(0, len(corners) - 1, min(_SPOTS, len(corners))).astype(np.intp)]
    prints = [half[top : top + _SPOT, left : left + _SPOT] for left, top in some.tolist()]
    height, width = half.shape
    return Spots((height, width), some, np.array(prints, np.uint8).reshape(-1, _SPOT, _SPOT))
