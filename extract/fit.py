"""Fit: how a page lies on a reference, and the page brought to where the reference is."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.affine import Affine, Float, between, warp_affine
from extract.page import Grey, PageImage
from extract.references import Reference
from extract.views import FINE_DPI, View, shifted

_TILE_INCHES = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How a page lies on a reference.

    affine:   (2, 3) float64, reference pixels (at the reference's dpi) to page pixels.
    mesh:     (rows, columns, 2) float32: what to add to the affine map, in page pixels, on an even grid of the page.
    found:    share (0 to 1) of the reference's distinct print that is seen on the page where it should be.
    residual_pixels: median distance, at 300 dpi, between print and map after smoothing.
    likeness: mean correlation (-1 to 1) over all patches, found or not: the figure that tells editions apart.
    """

    affine: Affine
    mesh: Float
    found: float
    residual_pixels: float
    likeness: float


def warp(page: PageImage, reference: Reference, fit: Fit) -> Grey:
    """The page as if it had been scanned exactly where the reference was: same size, same dpi, paper white outside.

    Tile by tile, each with the affine map of its corners: over half an inch paper bends less than a tenth of a pixel.
    """
    height, width = reference.shape
    warped = np.empty((height, width), np.uint8)
    tile = max(1, round(_TILE_INCHES * reference.dpi))
    tops, lefts = list(range(0, height, tile)), list(range(0, width, tile))
    xs, ys = np.array([*lefts, width], np.float64), np.array([*tops, height], np.float64)
    corners = _to_page(fit, reference, *np.meshgrid(xs, ys))
    across, down = corners[:-1, 1:] - corners[:-1, :-1], corners[1:, :-1] - corners[:-1, :-1]
    # For each tile the affine map from its own pixels (from 0, 0) to page pixels.
    local = np.stack(
        [across / np.diff(xs)[None, :, None], down / np.diff(ys)[:, None, None], corners[:-1, :-1]], axis=3
    )
    for row, top in enumerate(tops):
        for column, left in enumerate(lefts):
            part = warped[top : top + tile, left : left + tile]
            _warp_into(part, page.pixels, local[row, column])
    return warped


def warp_fine(page: View, reference: Reference, fit: Fit) -> Grey:
    """The page in the frame of the reference at 100 dpi, by the affine map alone: right to about a pixel."""
    affine = between(fit.affine, FINE_DPI / reference.dpi, FINE_DPI / page.dpi)
    return warp_affine(page.fine, shifted(affine, page, 1), reference.fine.shape)


def to_page(fit: Fit, reference: Reference, x: float, y: float) -> tuple[float, float]:
    """Where a point of the reference (pixels) lies on the page (pixels)."""
    place = _to_page(fit, reference, np.array([x], np.float64), np.array([y], np.float64))[0]
    return float(place[0]), float(place[1])


def _to_page(fit: Fit, reference: Reference, x: Affine, y: Affine) -> NDArray[np.float64]:
    """(..., 2): where points of the reference (pixels) lie on the page (pixels)."""
    height, width = reference.shape
    rows, columns = fit.mesh.shape[:2]
    column = np.clip(x / max(width - 1, 1) * (columns - 1), 0, columns - 1)
    row = np.clip(y / max(height - 1, 1) * (rows - 1), 0, rows - 1)
    top, left = np.minimum(row.astype(np.intp), rows - 2), np.minimum(column.astype(np.intp), columns - 2)
    below, beside = (row - top)[..., None], (column - left)[..., None]
    upper = fit.mesh[top, left] * (1 - beside) + fit.mesh[top, left + 1] * beside
    lower = fit.mesh[top + 1, left] * (1 - beside) + fit.mesh[top + 1, left + 1] * beside
    moved = np.stack([x, y], axis=-1) @ fit.affine[:, :2].T + fit.affine[:, 2]
    return np.asarray(moved + upper * (1 - below) + lower * below, np.float64)


def _warp_into(part: Grey, pixels: Grey, affine: Affine) -> None:
    height, width = part.shape
    part[:] = cv2.warpAffine(
        pixels,
        affine,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255,),
    )
