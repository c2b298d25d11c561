"""Affine maps between pictures of one page, and pictures laid by them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.page import Grey

Float = NDArray[np.float32]
Affine = NDArray[np.float64]  # (2, 3): reference pixels -> page pixels


def warp_affine(pixels: Grey, affine: Affine, shape: tuple[int, ...], margin: int = 0) -> Grey:
    """The picture where an affine map takes a frame of this shape, with so many pixels more on every side."""
    shifted = np.column_stack([affine[:, :2], affine[:, 2] - affine[:, :2] @ np.full(2, margin)])
    warped = cv2.warpAffine(
        pixels,
        shifted,
        (shape[1] + 2 * margin, shape[0] + 2 * margin),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255,),
    )
    return np.asarray(warped, np.uint8)


def apply(affine: Affine, points: Float) -> NDArray[np.float64]:
    return points @ affine[:, :2].T + affine[:, 2]


def between(affine: Affine, into: float, out: float) -> Affine:
    """A map between two pictures as a map between the same pictures `into` and `out` times as large.

    Pixel centres keep their place on paper: the centre of pixel 0 lies half a pixel inside the edge.
    """
    linear = affine[:, :2] * (out / into)
    shift = (affine[:, :2] @ np.full(2, 0.5 / into - 0.5) + affine[:, 2] + 0.5) * out - 0.5
    return np.column_stack([linear, shift])
