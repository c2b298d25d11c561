"""The life of paper in an archive, and its way into a file: copied, thresholded, stretched, specked, mostly 1 bit."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from extract.page import Grey
from intake.synthetic.age import CLEAN_DPI, FAX_DPI, Scan, grained
from intake.synthetic.archive_wear import ArchiveWear
from intake.synthetic.people import chance
from intake.synthetic.receipts import Overprint
from intake.synthetic.wear import Colour, Scanner

_GRID = 32  # pixels between the knots of the map by which paper is bent
_BAND = 16 * _GRID
_PAPER, _INK = 246, 14
_GRAIN_KEPT_WHITE = 3.0  # in sigmas of the noise: one pixel in a thousand is black then


def archived(
    page: Grey, wear: ArchiveWear, scanner: Scanner, overprints: Sequence[Overprint], random: Generator
) -> Scan:
    """`page` (300 dpi, clean) as it comes out of the archive. `overprints` are added to the scan, not to the paper."""
    across, down = FAX_DPI if scanner.colour is Colour.FAX else (scanner.dpi, scanner.dpi)
    worn = _faded(page, wear.fading)
    worn = _swollen(worn, wear.spread)
    worn = _bent(worn, wear, (across, down), random)
    for _ in range(wear.copies):
        worn = _copied(worn, wear, random)
    scale = across / CLEAN_DPI
    worn = np.asarray(cv2.GaussianBlur(worn, (0, 0), wear.blur * (0.5 + 0.5 * scale)), dtype=np.uint8)
    if wear.bleed or wear.stains or wear.holes:
        worn = _dirtied_paper(worn, wear, random)
    for late in overprints:
        _overprint(worn, late, (across / CLEAN_DPI, down / CLEAN_DPI))
    worn = grained(worn, wear.noise, random)
    is_bilevel = scanner.colour is not Colour.GREY
    if is_bilevel:
        ink = float((page[::4, ::4] < 128).mean())
        worn = _dithered(worn) if wear.is_dithered else _thresholded(worn, wear, ink)
    _specked(worn, wear, random, is_bilevel=is_bilevel)
    worn = np.ascontiguousarray(np.rot90(worn, -(wear.turned // 90) % 4))
    dpi = (across, down) if wear.turned % 180 == 0 else (down, across)
    return Scan(worn, dpi, is_bilevel=is_bilevel)


def _faded(page: Grey, fading: float) -> Grey:
    """Paper is not white, ink not black, less so where it has faded."""
    black = _INK + 255 * fading
    levels = np.round(black + np.arange(256) * (_PAPER - black) / 255).astype(np.uint8)
    return np.asarray(cv2.LUT(page, levels), dtype=np.uint8)


def _swollen(page: Grey, spread: float) -> Grey:
    if abs(spread) < 0.15:
        return page
    kernel = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    moved = cv2.erode(page, kernel) if spread > 0 else cv2.dilate(page, kernel)
    share = min(spread, 1.0) if spread > 0 else min(-spread * 0.55, 0.5)
    return np.asarray(cv2.addWeighted(page, 1 - share, moved, share, 0), dtype=np.uint8)


def _bent(page: Grey, wear: ArchiveWear, dpi: tuple[int, int], random: Generator) -> Grey:
    """Drawn in askew, stretched, curled and bent in patches, at the scanner's resolution; beyond its edges is paper."""
    size = (round(page.shape[1] * dpi[0] / CLEAN_DPI), round(page.shape[0] * dpi[1] / CLEAN_DPI))
    if size != page.shape[::-1]:
        page = np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    matrix = _matrix(wear, size, dpi)
    if wear.warp < 0.15 and not wear.curl:
        return _warped(cv2.warpAffine(page, matrix, size, flags=cv2.INTER_LINEAR, borderValue=_PAPER))
    back = cv2.invertAffineTransform(matrix)
    columns, rows = (np.arange(-(-side // _GRID) + 2) * _GRID - _GRID / 2 for side in size)
    x, y = np.meshgrid(columns, rows)
    across = back[0, 0] * x + back[0, 1] * y + back[0, 2] + _patches(x.shape, wear.warp, random)
    level = back[1, 0] * x + back[1, 1] * y + back[1, 2] + _patches(x.shape, wear.warp, random)
    if wear.curl:
        # The sheet lifts off the glass towards one edge: lines there bow.
        side = x / size[0] if chance(random, 0.5) else 1 - x / size[0]
        level += wear.curl * np.clip(side, 0, 1) ** 3 * np.cos(y / size[1] * 2)
    return _mapped(page, across.astype(np.float32), level.astype(np.float32))


def _mapped(page: Grey, across: NDArray[np.float32], level: NDArray[np.float32]) -> Grey:
    """Every pixel fetched from the place that the knots around it name; band by band, as whole maps are large."""
    height, width = page.shape
    bent = np.empty_like(page)
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        knots = slice(top // _GRID, -(-bottom // _GRID) + 2)
        maps = [_between(values[knots])[: bottom - top, :width] for values in (across, level)]
        bent[top:bottom] = cv2.remap(page, maps[0], maps[1], cv2.INTER_LINEAR, borderValue=_PAPER)
    return bent


def _between(knots: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values between the knots, pixel by pixel, from the second knot's half on."""
    size = (knots.shape[1] * _GRID, knots.shape[0] * _GRID)
    return np.asarray(cv2.resize(knots, size, interpolation=cv2.INTER_LINEAR)[_GRID:, _GRID:], dtype=np.float32)


def _warped(page: cv2.typing.MatLike) -> Grey:
    return np.asarray(page, dtype=np.uint8)


def _matrix(wear: ArchiveWear, size: tuple[int, int], dpi: tuple[int, int]) -> NDArray[np.float64]:
    """Where a point of the paper comes to lie on the scan: two rows of an affine map."""
    angle, shear = np.deg2rad(wear.skew), np.tan(np.deg2rad(wear.shear))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.array([[1, shear], [0, 1]])
    matrix = np.diag(wear.stretch) @ turn
    middle = np.array(size) / 2
    shift = middle - matrix @ middle + np.array(wear.shift) * np.array(dpi) / CLEAN_DPI
    return np.column_stack([matrix, shift])


def _patches(shape: tuple[int, ...], amplitude: float, random: Generator) -> NDArray[np.float64]:
    """Smooth unevenness of about `amplitude` pixels, a few centimetres from hill to hill."""
    coarse = random.normal(0, amplitude, (max(shape[0] // 10, 3), max(shape[1] // 10, 3))).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), dtype=np.float64)


def _copied(page: Grey, wear: ArchiveWear, random: Generator) -> Grey:
    """Once through a photocopier: soft, grainy, then all contrast."""
    page = np.asarray(cv2.GaussianBlur(page, (0, 0), 0.5 + 0.5 * wear.blur), dtype=np.uint8)
    noise = 12 + wear.noise * 0.6
    page = grained(page, noise, random)
    middle = min(_level(wear) + float(random.normal(0, 8)), _PAPER - _GRAIN_KEPT_WHITE * noise)
    levels = 255 / (1 + np.exp(-(np.arange(256) - middle) / 14))
    levels = np.clip(levels, _INK, _PAPER)
    return np.asarray(cv2.LUT(page, levels.astype(np.uint8)), dtype=np.uint8)


def _dirtied_paper(page: Grey, wear: ArchiveWear, random: Generator) -> Grey:
    """Stains, the other side shining through, and punched holes, as greys that a scanner then makes black or white."""
    height, width = page.shape
    soft = np.zeros((height // 4, width // 4), np.uint8)
    if wear.bleed:
        small = cv2.resize(cv2.flip(page, 1), soft.shape[::-1], interpolation=cv2.INTER_AREA)
        soft = np.asarray(cv2.convertScaleAbs(cv2.bitwise_not(small), alpha=wear.bleed), dtype=np.uint8)
    for _ in range(wear.stains):
        middle = (int(random.integers(width // 4)), int(random.integers(height // 4)))
        axes = (int(random.integers(15, 80)), int(random.integers(10, 40)))
        mark = np.zeros_like(soft)
        cv2.ellipse(mark, middle, axes, random.uniform(0, 180), 0, 360, int(random.integers(40, 130)), -1)
        soft = np.asarray(cv2.add(soft, cv2.GaussianBlur(mark, (0, 0), 6)), dtype=np.uint8)
    full = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    page = np.asarray(cv2.subtract(page, full), dtype=np.uint8)
    if wear.holes:
        left = int(width * random.uniform(0.25, 0.75)) if chance(random, 0.5) else int(width * 0.03)
        for step in (-1, 1):
            centre = (left + step * round(width * 0.16), round(height * 0.03))
            if left < width * 0.1:
                centre = (left, round(height / 2 + step * height * 0.2))
            cv2.circle(page, centre, round(width * 0.0135), 15, -1, cv2.LINE_AA)
    return page


def _overprint(page: Grey, late: Overprint, scale: tuple[float, float]) -> None:
    """Put the office's line onto the scan in place, always level."""
    size = (max(round(late.cover.shape[1] * scale[0]), 1), max(round(late.cover.shape[0] * scale[1]), 1))
    cover = cv2.resize(late.cover, size, interpolation=cv2.INTER_AREA)
    left, top = round(late.left * scale[0]), round(late.top * scale[1])
    window = page[max(top, 0) : top + size[1], max(left, 0) : left + size[0]]
    dark = cv2.bitwise_not(np.ascontiguousarray(cover[: window.shape[0], : window.shape[1]]))
    np.minimum(window, np.asarray(dark, dtype=np.uint8), out=window)


def _level(wear: ArchiveWear) -> float:
    """The grey that parts black from white: scanners set it by the ink that they find."""
    black = _INK + 255 * wear.fading
    # So light that the grain of plain paper turned black nobody would have kept the scan.
    return min(black + (_PAPER - black) * wear.threshold, _PAPER - _GRAIN_KEPT_WHITE * wear.noise)


def _thresholded(page: Grey, wear: ArchiveWear, ink: float) -> Grey:
    """Black and white; the level moves where too little or too much of the `ink` (a share of the page) would be."""
    shares = np.cumsum(np.bincount(page[::4, ::4].ravel(), minlength=256)) / page[::4, ::4].size
    least, most = (int(np.searchsorted(shares, ink * bound)) for bound in wear.kept)
    level = min(max(_level(wear), least), most)
    return np.asarray(cv2.threshold(page, level, 255, cv2.THRESH_BINARY)[1], dtype=np.uint8)


def _dithered(page: Grey) -> Grey:
    """Greys as dots, the error carried on (Floyd and Steinberg, 1976)."""
    # Scanners that dither stretch the contrast first: else plain paper would be full of dots.
    levels = np.clip((np.arange(256) - 40.0) * 255 / 185, 0, 255).astype(np.uint8)
    dots = Image.fromarray(np.asarray(cv2.LUT(page, levels))).convert("1").convert("L")
    return np.array(dots, dtype=np.uint8)  # a copy: Pillow lends its own pixels read-only


def _specked(page: Grey, wear: ArchiveWear, random: Generator, *, is_bilevel: bool) -> None:
    """Dust, streaks and black borders, drawn in place."""
    height, width = page.shape
    dark = 0 if is_bilevel else 40
    places = (random.random((wear.specks, 2)) * [width, height]).astype(int)
    sizes = np.minimum(random.geometric(0.5, (wear.specks, 2)) + 1, 9)
    for (x, y), (wide, high) in zip(places.tolist(), sizes.tolist(), strict=True):
        page[y : y + high, x : x + wide] = dark
    # Where toner did not hold: small white holes in black.
    holes = (random.random((wear.specks * 4, 2)) * [width, height]).astype(int)
    for x, y in holes.tolist():
        page[y : y + 2, x : x + 2] = 255 if is_bilevel else 235
    for _ in range(wear.streaks):
        _streak(page, dark, random)
    for _ in range(wear.edges):
        _border(page, dark, random)


def _streak(page: Grey, dark: int, random: Generator) -> None:
    """A thin upright line, broken, mostly near the edges of the sheet."""
    height, width = page.shape
    near_edge = chance(random, 0.75)
    share = random.choice((random.uniform(0.005, 0.05), random.uniform(0.95, 0.995))) if near_edge else random.random()
    x, wide, y = int(share * (width - 4)), int(random.integers(1, 4)), int(random.integers(0, height // 2))
    end = int(random.integers(y, height))
    while y < end:
        run = int(random.geometric(0.012))
        page[y : min(y + run, end), x : x + wide] = dark
        y += run + int(random.geometric(0.02))


def _border(page: Grey, dark: int, random: Generator) -> None:
    """The scanner's black lid, seen beyond one edge of the sheet."""
    height, width = page.shape
    side, reach = int(random.integers(4)), random.uniform(0.002, 0.018) * width
    length = height if side < 2 else width
    depth = reach * np.linspace(random.uniform(0.1, 1), random.uniform(0.1, 1), length) + random.normal(0, 0.8, length)
    far = np.arange(max(int(depth.max()) + 1, 1))
    mask = far[None, :] < depth[:, None]
    if side == 0:
        page[:, : far.size][mask] = dark
    elif side == 1:
        page[:, width - far.size :][mask[:, ::-1]] = dark
    elif side == 2:
        page[: far.size, :][mask.T] = dark
    else:
        page[height - far.size :, :][mask.T[::-1]] = dark
