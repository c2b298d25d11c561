"""The rough map of a page onto a reference: a correlation at 10 dpi, then a few dozen patches at 50 dpi.

A correlation over a few scales finds shift and size; the patches add the turn, or show at once that the page is
something else.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from extract.affine import Affine, Float, apply, between, warp_affine
from extract.patches import HARDLY_ANY, match
from extract.references import Reference, Spots
from extract.views import FINE_DPI, HALF_DPI, SKETCH_DPI, View, sized
from schemas.errors import NoFit

# Scanners that "fit to page" shrink or enlarge a sheet by some per cent.
SCALES = (1.0, 0.96, 1.04, 0.92, 1.08, 1.12)
# A start whose correlation is below this shows another form: right ones have 0.4 and more.
_START_AT_LEAST = 0.25
# A start is good enough to stop looking at other sizes above this correlation.
_CERTAIN_START = 0.85
# A scanner stretches one way more than the other by a few per cent at most, and the start is near the right size.
_STRETCH_AT_MOST, _SIZE_AT_MOST = 1.05, 1.1

# The first look at 50 dpi: patches searched for within 6 mm, which also covers a turn by 4 degrees in the middle of the
# page. A right start finds eight of ten where one map takes them, a wrong one one of ten.
_SPOT_SEARCH = 12
_SPOT_FOUND = 0.4
_SPOT_ASTRAY = 2.5
_SPOTS_AT_LEAST = 0.2
# With fewer than this the map is not yet good enough for the closer look: look again from there.
_SPOTS_ENOUGH = 0.7
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Start:
    """Roughly where a page lies on a reference: a point p of the one is at size * p + shift of the other, at 10 dpi."""

    size: float
    shift: tuple[float, float]


def find_start(page: View, reference: Reference) -> Start:
    """Where the page lies on the reference at 10 dpi. Raises NoFit if nothing of it looks like the reference."""
    best, start = -1.0, Start(1.0, (0.0, 0.0))
    for scale in SCALES:
        x, y, likeness = _correlate(reference.sketch, sized(page.sketch, scale))
        if likeness > best:
            best, start = likeness, Start(1 / scale, (x / scale, y / scale))
        if best > _CERTAIN_START:
            break
    if best < _START_AT_LEAST:
        raise NoFit("the page does not look like the form", residual_pixels=float("inf"))
    return start


def roughly(page: View, spots: Spots, start: Start) -> Affine:
    """The map of the page at 100 dpi that some patches at 50 dpi agree on, right to about a millimetre.

    Raises NoFit if hardly any is found, or they agree on something that no scanner does to paper.
    """
    factor = HALF_DPI / SKETCH_DPI
    at_first = np.array([[start.size, 0, start.shift[0]], [0, start.size, start.shift[1]]])
    moved = between(at_first, factor, factor)
    for look in range(_LOOKS):
        warped = warp_affine(page.half, moved, spots.shape, _SPOT_SEARCH)
        centres, moves, scores = match(warped, spots.prints, spots.corners, _SPOT_SEARCH, _SPOT_SEARCH)
        likely = scores > _SPOT_FOUND
        if int(likely.sum()) < HARDLY_ANY:
            raise NoFit("the page does not look like the form", residual_pixels=float("inf"))
        targets = apply(moved, centres + moves)[likely].astype(np.float32)
        # A turn and a size are surer than a stretch while few agree.
        fit = cv2.estimateAffinePartial2D if look == 0 else cv2.estimateAffine2D
        fitted, agree = fit(centres[likely], targets, method=cv2.RANSAC, ransacReprojThreshold=_SPOT_ASTRAY)
        share = float(np.count_nonzero(agree)) / len(scores)
        moved = np.asarray(fitted, np.float64)
        # Without any agreement there is no map, and nobody agrees with it.
        if share < _SPOTS_AT_LEAST or not _is_paper(moved / start.size):
            raise NoFit("the page does not look like the form", residual_pixels=float("inf"))
        if share >= _SPOTS_ENOUGH:
            break
    return between(moved, FINE_DPI / HALF_DPI, FINE_DPI / HALF_DPI)


def _correlate(reference: Float, page: Float) -> tuple[float, float, float]:
    """(shift x, shift y, correlation) that best lays `reference` on `page`, by Fourier transform."""
    height = cv2.getOptimalDFTSize(max(reference.shape[0], page.shape[0]) * 5 // 4)
    width = cv2.getOptimalDFTSize(max(reference.shape[1], page.shape[1]) * 5 // 4)
    padded = np.zeros((2, height, width), np.float32)
    for plane, picture in zip(padded, (reference, page), strict=True):
        plane[: picture.shape[0], : picture.shape[1]] = picture - picture.mean()
    product = cv2.mulSpectrums(cv2.dft(padded[1]), cv2.dft(padded[0]), 0, conjB=True)
    surface = cv2.idft(product, flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT)
    _, peak, _, (x, y) = cv2.minMaxLoc(surface)
    norm = float(np.linalg.norm(padded[0]) * np.linalg.norm(padded[1])) or 1.0
    return (x - width if x > width // 2 else x), (y - height if y > height // 2 else y), peak / norm


def _is_paper(affine: Affine) -> bool:
    """Whether a map stretches as a scanner may: hardly more one way than the other. Leaning on a shadow it would."""
    long, short = np.linalg.svd(affine[:, :2], compute_uv=False)
    return bool(long < _STRETCH_AT_MOST * short and short > 1 / _SIZE_AT_MOST and long < _SIZE_AT_MOST)
