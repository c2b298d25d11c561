"""A page's pixels become the picture of it as it stands upright, and bytes that a browser shows."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from extract.page import Grey

# Small print and handwriting are as legible as on the paper, and a page is about a third of a megabyte.
PICTURE_DPI: Final = 200
_JPEG_QUALITY: Final = 72
_WHITE: Final = 255
_LEAST_PIXELS: Final = 8

Transform = Sequence[float]  # (a, b, c, d, e, f) of schemas.page.PageFact


def as_scanned(pixels: Grey) -> Transform:
    """The transform of a page of which nobody knows yet how it stands upright."""
    height, width = pixels.shape
    return (float(width), 0.0, 0.0, 0.0, float(height), 0.0)


def upright(pixels: Grey, transform: Transform, width: int) -> Grey:
    """The page as it stands upright, `width` pixels wide; what the scanner cut off is white."""
    height = max(1, round(width * height_per_width(transform)))
    a, b, c, d, e, f = transform
    # Shrink first, by area: warping alone would skip pixels and tear thin strokes.
    factor = min(1.0, width / float(np.hypot(a, d)))
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else pixels
    across, down = small.shape[1] / pixels.shape[1], small.shape[0] / pixels.shape[0]
    to_scan = np.array(
        [[a * across / width, b * across / height, c * across], [d * down / width, e * down / height, f * down]]
    )
    warped = cv2.warpAffine(
        small,
        to_scan,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(_WHITE,),
    )
    return np.asarray(warped, dtype=np.uint8)


def height_per_width(transform: Transform) -> float:
    """How high the upright page is, in widths of it."""
    a, b, _, d, e, _ = transform
    return float(np.hypot(b, e) / np.hypot(a, d))


def at_reading_size(pixels: Grey, transform: Transform, scan_dpi: int) -> tuple[Grey, int]:
    """The upright page at `PICTURE_DPI`, or at the scan's own resolution if that is lower; and which of them it is."""
    dpi = min(PICTURE_DPI, scan_dpi)
    a, _, _, d, _, _ = transform
    width = round(float(np.hypot(a, d)) * dpi / scan_dpi)
    return upright(pixels, transform, max(width, _LEAST_PIXELS)), dpi


def as_jpeg(pixels: Grey) -> bytes:
    """The picture as grey JPEG."""
    return _encoded(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])


def as_png(pixels: Grey) -> bytes:
    """The picture as grey PNG, without loss."""
    return _encoded(".png", pixels, [])


def of_jpeg(jpeg: bytes) -> Grey:
    """The pixels of a picture that `as_jpeg` made: never for bytes of a sender."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def thumbnail(jpeg: bytes, width: int) -> bytes:
    """A small JPEG of a picture that `as_jpeg` made, `width` pixels wide."""
    pixels = of_jpeg(jpeg)
    height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
    return as_jpeg(np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8))


def _encoded(format: str, pixels: Grey, options: Sequence[int]) -> bytes:
    _, encoded = cv2.imencode(format, pixels, options)
    return encoded.tobytes()
