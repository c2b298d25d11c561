"""Clean: a page upright, level, free of the scanner's black edges; what was done is told, so it can be undone."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.page import Grey, PageImage

# Below this a rotation only blurs: at 300 dpi it moves the end of an A4 line by about 2 px.
_SKEW_WORTH_FIXING_DEGREES = 0.05
# Feeders skew by a degree or two; more than this is a picture, not a skewed page of text.
_SKEW_AT_MOST_DEGREES = 5.0
_SKEW_STEP_DEGREES = 0.5
_SKEW_DPI = 75
_SHADOW_DPI = 50
_SHADOW_LEVEL = 100
_SHADOW_THICK = 6  # pixels at 50 dpi, 3 mm: no pen is so thick, no printed rule either
# Shares of the page's side. What touches the edge may be short; a little inside, it must run all along, which the
# printed bar at the head of a form does not.
_SHADOW_TOUCHES, _SHADOW_ALONG = 0.006, 0.15
_SHADOW_WITHIN, _SHADOW_ALL_ALONG = 0.04, 0.97
# Ink share of a page's inside below which nothing a person wrote can be there: at 300 dpi on A4 about 700 pixels,
# half a square millimetre of ink per dozen specks; a lone signature has ten times as much.
_BLANK_INK = 0.0002
_BLANK_MARGIN = 0.03
_BLANK_DPI = 100


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """A page made upright and level.

    page:   the cleaned page.
    turned: degrees (0, 90, 180, 270) it was turned clockwise.
    skew:   degrees it lay off level, counter-clockwise positive, before it was straightened.
    to_scan: (2, 3) float64: pixels of the cleaned page to pixels of the page as scanned.
    """

    page: PageImage
    turned: int
    skew: float
    to_scan: NDArray[np.float64]


_UNTOUCHED = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def turn(page: PageImage, degrees: int) -> Cleaned:
    """The page turned clockwise by 0, 90, 180 or 270 degrees."""
    if degrees == 0:
        return Cleaned(page, 0, 0.0, _UNTOUCHED.copy())
    code = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}[degrees]
    width, height = page.width - 1, page.height - 1
    to_scan = {
        90: [[0.0, 1.0, 0.0], [-1.0, 0.0, height]],
        180: [[-1.0, 0.0, width], [0.0, -1.0, height]],
        270: [[0.0, -1.0, width], [1.0, 0.0, 0.0]],
    }[degrees]
    pixels = np.asarray(cv2.rotate(page.pixels, code), np.uint8)
    return Cleaned(replace(page, pixels=pixels), degrees, 0.0, np.array(to_scan))


def straighten(cleaned: Cleaned) -> Cleaned:
    """Rotate the page so that text lines are level; a page already level is returned as it is."""
    page = cleaned.page
    angle = skew_degrees(page)
    if abs(angle) < _SKEW_WORTH_FIXING_DEGREES:
        return cleaned
    back = np.asarray(cv2.getRotationMatrix2D((page.width / 2, page.height / 2), angle, 1.0), np.float64)
    level = cv2.warpAffine(
        page.pixels,
        back,
        (page.width, page.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255,),
    )
    straight = replace(page, pixels=np.asarray(level, np.uint8))
    return Cleaned(straight, cleaned.turned, round(angle, 3), _compose(cleaned.to_scan, back))


def _compose(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def skew_degrees(page: PageImage) -> float:
    """How far the lines of text lie off level, counter-clockwise positive; 0.0 if the page shows no lines.

    The angle whose row sums change most from row to row wins (Postl 1986), first in half degrees, then finely.
    """
    ink = (255 - _small(page, _SKEW_DPI)).astype(np.float32)
    if float(ink.mean()) < 255 * _BLANK_INK:
        return 0.0
    coarse = np.arange(-_SKEW_AT_MOST_DEGREES, _SKEW_AT_MOST_DEGREES + 0.1, _SKEW_STEP_DEGREES)
    best = _steepest(ink, coarse)
    best = _steepest(ink, best + np.arange(-0.4, 0.41, 0.1))
    return float(_steepest(ink, best + np.arange(-0.08, 0.081, 0.02)))


def _steepest(ink: NDArray[np.float32], angles: NDArray[np.float64]) -> float:
    """The angle at which the row sums of `ink` change most; the middle one wins a tie."""
    height, width = ink.shape
    middle = width / 2
    columns = np.arange(0, width, 1) - middle
    best, best_change = 0.0, -1.0
    for angle in sorted(angles, key=abs):
        # For small angles a shear of whole columns is a rotation, and cheap: each column slides up or down.
        slide = np.round(columns * np.tan(np.radians(angle))).astype(np.int32)
        rows = np.zeros(height + 2 * int(np.abs(slide).max() + 1), np.float32)
        offset = int(np.abs(slide).max() + 1)
        for shift in np.unique(slide):
            rows[offset + shift : offset + shift + height] += ink[:, slide == shift].sum(axis=1)
        change = float((np.diff(rows) ** 2).sum())
        if change > best_change * 1.0001:
            best, best_change = float(angle), change
    return best


def without_shadow(page: PageImage) -> PageImage:
    """The page with the scanner's solid black margins made white; nothing is cut away, so places stay.

    A margin is solid ink thicker than any stroke or rule that reaches the outer edge of the page and runs along it.
    """
    # Every so many pixels will do: a margin is no stroke to be missed between two of them.
    step = max(1, page.dpi // (2 * _SHADOW_DPI))
    small = _small(PageImage(page.pixels[::step, ::step], page.dpi // step, page.number), _SHADOW_DPI)
    dark = np.where(small < _SHADOW_LEVEL, np.uint8(255), np.uint8(0))
    # Where the mean is full black all pixels around are: far quicker than an erosion.
    around = cv2.blur(dark, (_SHADOW_THICK, _SHADOW_THICK), borderType=cv2.BORDER_REPLICATE)
    core = (around == 255).view(np.uint8)
    if not core.any():
        return page
    solid = cv2.dilate(core, np.ones((_SHADOW_THICK, _SHADOW_THICK), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    height, width = small.shape
    shadow = np.zeros(count, np.bool_)
    for number in range(1, count):
        left, top, wide, high, _ = (int(value) for value in stats[number])
        beside = _is_margin(min(left, width - left - wide) / width, high / height)
        across = _is_margin(min(top, height - top - high) / height, wide / width)
        shadow[number] = beside or across
    if not shadow.any():
        return page
    mask = cv2.dilate(shadow[labels].astype(np.uint8), np.ones((5, 5), np.uint8))
    full = cv2.resize(mask, (page.width, page.height), interpolation=cv2.INTER_NEAREST)
    return replace(page, pixels=np.where(full > 0, 255, page.pixels).astype(np.uint8))


def _is_margin(from_edge: float, along: float) -> bool:
    """Whether solid ink that far from an edge and that long beside it (shares of the page) is the scanner's."""
    touching = from_edge <= _SHADOW_TOUCHES and along >= _SHADOW_ALONG
    return touching or (from_edge <= _SHADOW_WITHIN and along >= _SHADOW_ALL_ALONG)


def _small(page: PageImage, dpi: int) -> Grey:
    if page.dpi == dpi:
        return page.pixels
    factor = dpi / page.dpi
    size = max(1, round(page.width * factor)), max(1, round(page.height * factor))
    return np.asarray(cv2.resize(page.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def is_blank(page: PageImage) -> bool:
    """Whether nothing a person wrote or printed can be on the page: no ink but specks inside its margins."""
    small = _small(page, _BLANK_DPI)
    height, width = small.shape
    across, down = round(width * _BLANK_MARGIN), round(height * _BLANK_MARGIN)
    inside = small[down : height - down, across : width - across]
    if inside.size == 0:
        return True
    # Every seventh pixel tells the paper's grey as well as all of them.
    paper = float(np.percentile(inside[::7, ::7], 90))
    ink = (inside < paper * 0.6).astype(np.uint8)
    return float(ink.mean()) < _BLANK_INK
