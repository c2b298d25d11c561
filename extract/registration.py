"""Registration: lay a page onto the reference print of an edition, and say how well it fits.

Three steps, coarse to fine. A correlation at 10 dpi over a few scales finds shift and size; a few dozen patches of
print looked for at 50 dpi add the turn, or show at once that the page is something else (`extract.rough_map`); small
patches matched one by one at 100 dpi, to a fraction of a pixel, give a smooth map that also follows paper that was fed
unevenly. Answers, stamps and stains only spoil the patches they lie on, and those are outvoted.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.affine import Affine, Float, apply, between, warp_affine
from extract.fit import Fit
from extract.patches import HARDLY_ANY, SEARCH, match, prints_of
from extract.references import Reference
from extract.rough_map import Start, find_start, roughly
from extract.views import FINE_DPI, View, shifted
from schemas.errors import NoFit

_SEARCH_AGAIN = 5  # the map through the patches to about 1 mm
# A patch that matches worse than this shows something else: an answer, a stamp, another edition's wording.
_PATCH_FOUND = 0.55
# Patches further than this from the map of them all, or from what their neighbours say, are outliers (pixels at 100
# dpi). In a row of like cells each may be found a cell's part too far: three such neighbours, 4 pixels off, were 2.4
# from what all around them say, one 1.3.
_OUTLIER_PIXELS, _APART_PIXELS = 2.5, 1.25
# No paper is stretched further than this from the affine map (pixels at 100 dpi, 2 mm).
_STRAY_PIXELS = 8.0
# Paper is smooth: neighbours within about an inch agree on the remaining displacement.
_SMOOTH_INCHES = 1.2
_MESH_INCHES = 0.25
# A first glance at some patches, to better the map: another form shows hardly any of them.
_GLANCE_PATCHES = 40
_GLANCE_FOUND = 0.2
# With fewer than this the paper is crumpled or badly fed, and all patches are searched for as far as at first.
_GLANCE_ENOUGH = 0.75
# Fewer matched patches than this, or a larger residual, is no fit.
_PATCHES_AT_LEAST = 12
_FOUND_AT_LEAST = 0.30
_RESIDUAL_AT_MOST = 4.0  # pixels at 300 dpi


def align(page: View, reference: Reference, start: Start | None = None) -> Fit:
    """Lay a page onto `reference`, beginning at `start` where somebody has found it already.

    Raises NoFit if too little of the print is found or what is found does not agree on one map.
    """
    return refine(page, reference, roughly(page, reference.spots, start or find_start(page, reference)))


def refine(page: View, reference: Reference, start: Affine) -> Fit:
    """Lay a page onto `reference`, beginning at a map that `roughly` gave.

    Patches are matched, an affine map is fitted to them, they are matched again, and what remains becomes a mesh.
    Raises NoFit if too little of the print is found or what is found does not agree on one map.
    """
    moved, seen = _glance(page, reference, start)
    warped = warp_affine(page.fine, moved, reference.fine.shape)
    search = _SEARCH_AGAIN if seen >= _GLANCE_ENOUGH else SEARCH
    prints = prints_of(reference.fine, reference.patches)
    centres, moves, scores = match(warped, prints, reference.patches, search)
    good = scores > _PATCH_FOUND
    if int(good.sum()) < _PATCHES_AT_LEAST:
        raise NoFit("too little of the form's print is on the page", residual_pixels=float("inf"))
    targets = apply(moved, centres + moves)
    moved = _agreed(centres[good], targets[good])
    rest = (targets - apply(moved, centres)).astype(np.float32)
    good, apart = _in_agreement(centres, rest, good)
    if int(good.sum()) < _PATCHES_AT_LEAST:
        raise NoFit("the print found on the page does not agree on one map", residual_pixels=float("inf"))
    found = float(good.mean())
    residual = float(np.median(apart[good])) * 300 / FINE_DPI
    if found < _FOUND_AT_LEAST or residual > _RESIDUAL_AT_MOST:
        raise NoFit(f"only {found:.0%} of the form's print fits, {residual:.1f} pixels off", residual_pixels=residual)
    return Fit(
        affine=between(shifted(moved, page, -1), reference.dpi / FINE_DPI, page.dpi / FINE_DPI),
        mesh=_mesh(centres[good], rest[good], reference) * np.float32(page.dpi / FINE_DPI),
        found=found,
        residual_pixels=residual,
        likeness=float(np.clip(scores, 0, 1).mean()),
    )


def _glance(page: View, reference: Reference, start: Affine) -> tuple[Affine, float]:
    """The map that a few patches spread over the page agree on, and the share of them that is there.

    Raises NoFit if hardly any is.
    """
    warped = warp_affine(page.fine, start, reference.fine.shape)
    some = reference.patches[:: max(1, len(reference.patches) // _GLANCE_PATCHES)]
    centres, moves, scores = match(warped, prints_of(reference.fine, some), some, SEARCH)
    good = scores > _PATCH_FOUND
    if int(good.sum()) < HARDLY_ANY or float(good.mean()) < _GLANCE_FOUND:
        raise NoFit("too little of the form's print is on the page", residual_pixels=float("inf"))
    return _agreed(centres[good], apply(start, centres + moves)[good]), float(good.mean())


def _agreed(centres: Float, targets: NDArray[np.float64]) -> Affine:
    """The affine map most of the patches agree on. Raises NoFit if there is none."""
    fitted, _ = cv2.estimateAffine2D(
        centres, targets.astype(np.float32), method=cv2.RANSAC, ransacReprojThreshold=_OUTLIER_PIXELS
    )
    if fitted is None:
        raise NoFit("the print found on the page does not agree on one map", residual_pixels=float("inf"))
    return np.asarray(fitted, np.float64)


def _in_agreement(
    centres: Float, rest: Float, good: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which patches move as their neighbours do, and how far (pixels at 100 dpi) each is from what they say.

    An affine map alone would throw out a strip of paper that was fed unevenly; neighbours keep it.
    """
    good = good & (np.linalg.norm(rest, axis=1) < _STRAY_PIXELS)
    apart = np.zeros(len(good))
    for _ in range(2):
        neighbours = _smooth(centres[good], rest[good], centres, leave_out=True)
        apart = np.linalg.norm(rest - neighbours, axis=1)
        good = good & (apart < _APART_PIXELS)
    return good, apart


def _smooth(known: Float, values: Float, wanted: Float, *, leave_out: bool = False) -> Float:
    """Gaussian-weighted mean of `values` around each wanted point; with `leave_out`, never from the point itself."""
    distance = ((wanted[:, None, :] - known[None, :, :]) ** 2).sum(axis=2)
    weights = np.exp(-distance / (2 * (_SMOOTH_INCHES * FINE_DPI / 2) ** 2))
    if leave_out:
        weights[distance < 1] = 0
    # A little weight everywhere on "no displacement" keeps places far from any print on the affine map.
    total = weights.sum(axis=1, keepdims=True) + 0.05
    return np.asarray(weights @ values / total, np.float32)


def _mesh(centres: Float, rest: Float, reference: Reference) -> Float:
    height, width = reference.fine.shape
    step = _MESH_INCHES * FINE_DPI
    rows, columns = max(2, round(height / step)), max(2, round(width / step))
    xs, ys = np.meshgrid(np.linspace(0, width - 1, columns), np.linspace(0, height - 1, rows))
    points = np.stack([xs.ravel(), ys.ravel()], axis=1).astype(np.float32)
    return _smooth(centres, rest, points).reshape(rows, columns, 2)
