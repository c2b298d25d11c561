"""Views: a page prepared once for being laid onto several references, at three resolutions."""

from dataclasses import dataclass

import cv2
import numpy as np

from extract.affine import Affine, Float
from extract.page import Grey, PageImage

SKETCH_DPI, HALF_DPI, FINE_DPI = 10, 50, 100
# Blur, in pixels at 10 dpi, that makes the correlation forgiving enough; surroundings are so many times as wide.
_SKETCH_BLUR = 1.0
_SURROUNDINGS = 6


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """An upright page prepared once for being laid onto several references.

    dpi:    of the page itself.
    sketch: blurred ink against its surroundings (float32) at 10 dpi.
    half, fine: grey at 50 and 100 dpi.
    spare:  (width, height) by which `fine` is larger than the paper, in its pixels, -0.5 to 0.5.
    before: (x, y) how much of that lies before the paper's left and top edge: none unless the page was turned.
    """

    dpi: int
    sketch: Float
    half: Grey
    fine: Grey
    spare: tuple[float, float] = (0.0, 0.0)
    before: tuple[float, float] = (0.0, 0.0)


def view(page: PageImage) -> View:
    """Prepare an upright page for aligning."""
    fine = resample(page.pixels, page.dpi, FINE_DPI)
    return View(page.dpi, sketch(fine), halved(fine), fine, spare_of(fine, page.pixels.shape, page.dpi))


def turned(seen: View, degrees: int) -> View:
    """The same page turned clockwise by 0, 90, 180 or 270 degrees."""
    if degrees == 0:
        return seen
    quarters = -degrees // 90
    drawn = np.ascontiguousarray(np.rot90(seen.sketch, quarters))
    half, fine = (np.ascontiguousarray(np.rot90(grey, quarters)) for grey in (seen.half, seen.fine))
    across, down = seen.spare
    spare = (across, down) if degrees == 180 else (down, across)
    # What lay at the bottom lies at the left after a quarter turn; what lay at the right, at the top after three.
    before = {90: (down, 0.0), 180: (across, down), 270: (0.0, across)}[degrees]
    return View(seen.dpi, drawn, half, fine, spare, before)


def resample(pixels: Grey, dpi: int, to_dpi: int) -> Grey:
    """The same picture at another resolution; shrinking averages, so that thin print survives."""
    if dpi == to_dpi:
        return pixels
    factor = to_dpi / dpi
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    if min(pixels.shape) * factor < 1:
        size = max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor))
        return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)
    # By the factor, not to a size: a size rounded to whole pixels stretches the page by up to 3 pixels at 300 dpi.
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=method), np.uint8)


def sketch(fine: Grey) -> Float:
    """A page at 100 dpi as blurred ink at 10 dpi, against its surroundings: no shadow, tint or grey back is print."""
    small = (255 - resample(fine, FINE_DPI, SKETCH_DPI)).astype(np.float32)
    near = cv2.GaussianBlur(small, (0, 0), _SKETCH_BLUR)
    return np.asarray(near - cv2.GaussianBlur(small, (0, 0), _SURROUNDINGS * _SKETCH_BLUR), np.float32)


def sized(picture: Float, scale: float) -> Float:
    """A sketch made `scale` times as large."""
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.float32)


def halved(fine: Grey) -> Grey:
    height, width = fine.shape
    size = max(1, width // 2), max(1, height // 2)
    # An odd last row is left out, so that two pixels are always one.
    even = fine[: 2 * size[1], : 2 * size[0]]
    return np.asarray(cv2.resize(even, size, interpolation=cv2.INTER_AREA), np.uint8)


def spare_of(fine: Grey, shape: tuple[int, ...], dpi: int) -> tuple[float, float]:
    factor = FINE_DPI / dpi
    return fine.shape[1] - shape[1] * factor, fine.shape[0] - shape[0] * factor


def shifted(affine: Affine, page: View, sign: int) -> Affine:
    """A map to `page.fine` as one to the paper at 100 dpi (sign -1), or the other way round (1)."""
    return np.column_stack([affine[:, :2], affine[:, 2] + sign * np.array(page.before)])
