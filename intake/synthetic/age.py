"""Turns a clean page into a scan of a worn one: paper damage first, then the way through the scanner."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from extract.page import Grey
from intake.synthetic.wear import Colour, Scanner, Wear

CLEAN_DPI = 300
_PIXELS_PER_MM = CLEAN_DPI / 25.4
FAX_DPI = (204, 196)  # across, down: ITU-T T.4 in the fine mode
_NOISE_SIDE = 1400
_BLACK_BACKING = 18


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A page as the scanner delivers it: pixels (only 0 and 255 when bilevel) and dots per inch across and down."""

    pixels: Grey
    dpi: tuple[int, int]
    is_bilevel: bool


def _noise_square() -> NDArray[np.int16]:
    """Grain of one grey level (times 16) from which every page takes its own piece: drawing anew is too slow."""
    random = Generator(PCG64(771))
    fine = random.standard_normal((_NOISE_SIDE, _NOISE_SIDE), dtype=np.float32)
    soft = cv2.GaussianBlur(random.standard_normal((_NOISE_SIDE, _NOISE_SIDE), dtype=np.float32), (0, 0), 1.1) * 2.4
    return np.asarray(np.round((fine * 0.7 + soft * 0.7) * 16), dtype=np.int16)


_NOISE = _noise_square()


def age(page: Grey, back: Grey | None, wear: Wear, scanner: Scanner, random: Generator) -> Scan:
    """`page` (300 dpi, clean) after its life on paper and its way through `scanner`.

    back: the other side of the sheet, which may shine through; None if there is nothing on it.
    """
    worn = page
    if wear.bleed and back is not None:
        worn = _shine_through(worn, back, wear.bleed)
    worn = _swell(worn, wear.spread)
    worn = _toned(worn, wear)
    worn = _damaged(worn, wear, random)
    across, down = FAX_DPI if scanner.colour is Colour.FAX else (scanner.dpi, scanner.dpi)
    scanned = _fed(worn, wear, scanner, (across, down))
    if wear.blur > 0.35:
        softened = cv2.GaussianBlur(scanned, (0, 0), wear.blur * across / CLEAN_DPI + 0.15)
        scanned = np.asarray(softened, dtype=np.uint8)
    scanned = _lit(scanned, wear)
    scanned = grained(scanned, wear.noise, random)
    scanned = _dirtied(scanned, wear, random)
    scanned = np.ascontiguousarray(np.rot90(scanned, -(wear.turned // 90) % 4))
    if scanner.colour is Colour.GREY:
        return Scan(scanned, (across, down), is_bilevel=False)
    dpi = (across, down) if wear.turned % 180 == 0 else (down, across)
    return Scan(_thresholded(scanned, wear, random), dpi, is_bilevel=True)


def _shine_through(page: Grey, back: Grey, strength: float) -> Grey:
    """The back of the sheet, mirrored and blurred, through thin paper. Worked at a quarter size: it is soft anyway."""
    small = cv2.resize(cv2.flip(back, 1), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    faint = cv2.GaussianBlur(cv2.convertScaleAbs(cv2.bitwise_not(small), alpha=strength), (0, 0), 0.8)
    full = cv2.resize(faint, (page.shape[1], page.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.subtract(page, full), dtype=np.uint8)


def _swell(page: Grey, spread: float) -> Grey:
    """Ink running into the paper, or a starved copy: part of one step of erosion or dilation."""
    if abs(spread) < 0.15:
        return page
    kernel = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    moved = cv2.erode(page, kernel) if spread > 0 else cv2.dilate(page, kernel)
    share = min(abs(spread), 1.0) if spread > 0 else min(abs(spread) * 0.6, 0.55)
    return np.asarray(cv2.addWeighted(page, 1 - share, moved, share, 0), dtype=np.uint8)


def _toned(page: Grey, wear: Wear) -> Grey:
    """Paper is not white, and toner fades: black and white move towards each other."""
    black = 12 + 255 * wear.fading * 0.45
    levels = black + np.arange(256) * (wear.paper - black) / 255
    return np.asarray(cv2.LUT(page, np.round(levels).astype(np.uint8)), dtype=np.uint8)


def _damaged(page: Grey, wear: Wear, random: Generator) -> Grey:
    """Folds, stains and punched holes of the paper itself."""
    if not (wear.folds or wear.stains or wear.holes):
        return page
    height, width = page.shape
    # Soft damage is drawn at a quarter size as a factor 0 to 255 and laid over the page in one go.
    soft = np.full((height // 4, width // 4), 255, np.uint8)
    for fold in range(wear.folds):
        _fold(soft, (fold + 1) / (wear.folds + 1), random)
    for _ in range(wear.stains):
        _stain(soft, random)
    page = np.asarray(
        cv2.multiply(page, cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), scale=1 / 255),
        dtype=np.uint8,
    )
    if wear.holes:
        _punch(page, random)
    return page


def _fold(soft: Grey, share: float, random: Generator) -> None:
    """A crease across the sheet: a thin dark line with a soft shadow on one side."""
    height, width = soft.shape
    level = (share + random.normal(0, 0.01)) * height
    rise = random.normal(0, 0.006) * width
    knots = np.linspace(0, width, 12)
    line = np.column_stack([knots, level + rise * knots / width + random.normal(0, 0.5, 12)])
    whole = np.round(line * 16).astype(np.int32)
    # One side of the crease leans towards the light, the other away from it: the shadow falls off to one side only.
    reach, side = random.uniform(4, 22), 1 if random.random() < 0.5 else -1
    beyond = side * (np.arange(height)[:, None] - (level + rise * np.arange(width)[None, :] / width))
    fall = np.where(beyond >= 0, np.exp(-np.maximum(beyond, 0) / reach), 0.0) * random.uniform(18, 75)
    shadow = fall.astype(np.uint8)
    cv2.polylines(shadow, [whole], False, int(random.integers(40, 110)), 1, cv2.LINE_AA, 4)
    np.subtract(soft, np.minimum(shadow, soft), out=soft)


def _stain(soft: Grey, random: Generator) -> None:
    """The ring of a cup, or a smudge."""
    height, width = soft.shape
    middle = (int(random.uniform(0.05, 0.95) * width), int(random.uniform(0.05, 0.95) * height))
    mark = np.zeros_like(soft)
    if random.random() < 0.5:
        radius = int(random.uniform(32, 44) * _PIXELS_PER_MM / 4)
        axes = (radius, round(radius * random.uniform(0.93, 1.0)))
        start, sweep = random.uniform(0, 360), random.uniform(160, 360)
        cv2.ellipse(
            mark, middle, axes, 0, start, start + sweep, int(random.integers(45, 100)), int(random.integers(4, 9))
        )
        if random.random() < 0.5:
            cv2.ellipse(mark, middle, axes, 0, 0, 360, 14, -1)
        spread = 2.2
    else:
        axes = (int(random.integers(20, 90)), int(random.integers(10, 50)))
        cv2.ellipse(mark, middle, axes, random.uniform(0, 180), 0, 360, int(random.integers(25, 70)), -1)
        spread = 9.0
    mark = np.asarray(cv2.GaussianBlur(mark, (0, 0), spread), dtype=np.uint8)
    np.subtract(soft, np.minimum(mark, soft), out=soft)


def _punch(page: Grey, random: Generator) -> None:
    """Two holes of 6 mm, 80 mm apart, 12 mm from the left edge (ISO 838): black where the scanner's lid is black."""
    height = page.shape[0]
    left = round((12 + random.normal(0, 1)) * _PIXELS_PER_MM)
    middle = height / 2 + random.normal(0, 3) * _PIXELS_PER_MM
    shade = int(random.integers(10, 60)) if random.random() < 0.7 else int(random.integers(200, 235))
    for side in (-1, 1):
        centre = (left, round(middle + side * 40 * _PIXELS_PER_MM))
        cv2.circle(page, centre, round(3 * _PIXELS_PER_MM), shade, -1, cv2.LINE_AA)
        cv2.circle(page, centre, round(3 * _PIXELS_PER_MM), 120, 2, cv2.LINE_AA)


def _fed(page: Grey, wear: Wear, scanner: Scanner, dpi: tuple[int, int]) -> Grey:
    """The sheet drawn in askew, at the scanner's resolution; beyond its edges lies the backing."""
    size = (round(page.shape[1] * dpi[0] / CLEAN_DPI), round(page.shape[0] * dpi[1] / CLEAN_DPI))
    if dpi != (CLEAN_DPI, CLEAN_DPI):
        # Averaged over areas, as a sensor does: else thin strokes would come out broken.
        page = np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    angle, shear = np.deg2rad(wear.skew), np.tan(np.deg2rad(wear.shear))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.array([[1, shear], [0, 1]])
    matrix = np.diag(wear.stretch) @ turn
    shift = np.array(size) / 2 - matrix @ np.array(size) / 2 + np.array(wear.shift) / 25.4 * np.array(dpi)
    return np.asarray(
        cv2.warpAffine(
            page,
            np.column_stack([matrix, shift]),
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=_BLACK_BACKING if scanner.black_backing else min(wear.paper + 3, 255),
        ),
        dtype=np.uint8,
    )


def _lit(page: Grey, wear: Wear) -> Grey:
    """A shadow along the left or top edge, where the sheet does not lie flat on the glass."""
    if not wear.edge_shadow:
        return page
    width = page.shape[1]
    fall = np.exp(-np.arange(width) / (width * 0.05)) * wear.edge_shadow * 255
    row = np.round(fall).astype(np.uint8)[None, :]
    return np.asarray(cv2.subtract(page, np.ascontiguousarray(np.broadcast_to(row, page.shape))), dtype=np.uint8)


def grained(page: Grey, sigma: float, random: Generator) -> Grey:
    """Sensor noise and paper grain, added in place."""
    down, across = (int(start) for start in random.integers(0, _NOISE_SIDE // 2, 2))
    grain = np.round(_NOISE * np.float32(sigma / 16)).astype(np.int16)
    # Every other square is mirrored, so that no seam shows and no two squares of a page look alike at a glance.
    for row, top in enumerate(range(-down, page.shape[0], _NOISE_SIDE)):
        for column, left in enumerate(range(-across, page.shape[1], _NOISE_SIDE)):
            square = grain[:: -1 if row % 2 else 1, :: -1 if column % 2 else 1]
            window = page[max(top, 0) : top + _NOISE_SIDE, max(left, 0) : left + _NOISE_SIDE]
            piece = square[max(-top, 0) :, max(-left, 0) :][: window.shape[0], : window.shape[1]]
            window[:] = cv2.add(window, np.ascontiguousarray(piece), dtype=cv2.CV_8U)
    return page


def _dirtied(page: Grey, wear: Wear, random: Generator) -> Grey:
    """Specks of dust, and the vertical streaks of dirt on the scanner's glass."""
    height, width = page.shape
    places = random.random((wear.specks, 2)) * [width - 1, height - 1]
    for place, shade, size in zip(
        places, random.integers(0, 150, wear.specks), random.random(wear.specks), strict=True
    ):
        radius = 1 if size < 0.8 else 2
        cv2.circle(page, (int(place[0]), int(place[1])), radius - 1, int(shade), -1)
    for _ in range(wear.streaks):
        left, wide = int(random.integers(0, width - 4)), int(random.integers(1, 3))
        band = page[:, left : left + wide]
        band[:] = cv2.subtract(np.ascontiguousarray(band), np.full_like(band, int(random.integers(40, 150))))
    return page


def _thresholded(page: Grey, wear: Wear, random: Generator) -> Grey:
    """Black and white, by one level for the page or by each place's surroundings, as scanners' drivers do."""
    if random.random() < 0.5:
        fixed = wear.paper * random.uniform(0.68, 0.82)
        return np.asarray(cv2.threshold(page, fixed, 255, cv2.THRESH_BINARY)[1], dtype=np.uint8)
    small = cv2.resize(page, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    around = cv2.resize(cv2.blur(small, (9, 9)), (page.shape[1], page.shape[0]), interpolation=cv2.INTER_LINEAR)
    level = cv2.convertScaleAbs(around, alpha=float(random.uniform(0.77, 0.88)))
    return np.asarray(cv2.compare(page, level, cv2.CMP_GT), dtype=np.uint8)
