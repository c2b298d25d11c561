"""Align: lay a page onto the reference print of an edition, and say how well it fits.

Three steps, coarse to fine. A correlation at 10 dpi over a few scales finds shift and size; a few dozen patches of
print looked for at 50 dpi add the turn, or show at once that the page is something else; small patches matched one by
one at 100 dpi, to a fraction of a pixel, give a smooth map that also follows paper that was fed unevenly. Answers,
stamps and stains only spoil the patches they lie on, and those are outvoted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.page import Grey, PageImage
from schemas.errors import NoFit

Float = NDArray[np.float32]
Affine = NDArray[np.float64]  # (2, 3): reference pixels -> page pixels

SKETCH_DPI, _HALF_DPI, FINE_DPI = 10, 50, 100
# Blur, in pixels at 10 dpi, that makes the correlation forgiving enough; surroundings are so many times as wide.
_SKETCH_BLUR = 1.0
_SURROUNDINGS = 6
# Scanners that "fit to page" shrink or enlarge a sheet by some per cent.
SCALES = (1.0, 0.96, 1.04, 0.92, 1.08, 1.12)
# A start whose correlation is below this shows another form: right ones have 0.4 and more.
_START_AT_LEAST = 0.25
# A start is good enough to stop looking at other sizes above this correlation.
_CERTAIN_START = 0.85
# A scanner stretches one way more than the other by a few per cent at most, and the start is near the right size.
_STRETCH_AT_MOST, _SIZE_AT_MOST = 1.05, 1.1

# The first look at 50 dpi: so many patches of about 12 mm, searched for within 6 mm, which also covers a turn by 4
# degrees in the middle of the page. A right start finds eight of ten where one map takes them, a wrong one one of ten.
_SPOTS, _SPOT, _SPOT_SEARCH = 32, 24, 12
_SPOT_FOUND = 0.4
_SPOT_ASTRAY = 2.5
_SPOTS_AT_LEAST = 0.2
# With fewer than this the map is not yet good enough for the closer look: look again from there.
_SPOTS_ENOUGH = 0.7
_LOOKS = 3

_PATCH = 48  # about 12 mm at 100 dpi: two lines of print
_PATCH_STEP = 40
_SEARCH = 9  # the affine map is right to about 2 mm
_SEARCH_AGAIN = 5  # the map through the patches to about 1 mm
# The best few of every square inch, so that sparsely printed parts hold the map as well as dense text does.
_CELL = 100
_PATCHES_PER_CELL = 2
# Print this much weaker than the strongest still fixes a place: a few words, the corner of a box.
_DISTINCT_SHARE = 0.02
# A patch that matches worse than this shows something else: an answer, a stamp, another edition's wording.
_PATCH_FOUND = 0.55
# Patches further than this from what their neighbours say are outliers (pixels at 100 dpi).
_OUTLIER_PIXELS = 2.5
# No paper is stretched further than this from the affine map (pixels at 100 dpi, 2 mm).
_STRAY_PIXELS = 8.0
# Paper is smooth: neighbours within about an inch agree on the remaining displacement.
_SMOOTH_INCHES = 1.2
_MESH_INCHES = 0.25
# A first glance at some patches, to better the map: another form shows hardly any of them.
_GLANCE_PATCHES = 40
_GLANCE_FOUND = 0.2
_GLANCED_AT_LEAST = 6
# With fewer than this the paper is crumpled or badly fed, and all patches are searched for as far as at first.
_GLANCE_ENOUGH = 0.75
_TILE_INCHES = 0.5
# Fewer matched patches than this, or a larger residual, is no fit.
_PATCHES_AT_LEAST = 12
_FOUND_AT_LEAST = 0.30
_RESIDUAL_AT_MOST = 4.0  # pixels at 300 dpi


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


@dataclass(frozen=True, slots=True)
class Start:
    """Roughly where a page lies on a reference: a point p of the one is at size * p + shift of the other, at 10 dpi."""

    size: float
    shift: tuple[float, float]


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


def prepare(pixels: Grey, dpi: int) -> Reference:
    """Prepare the image of a blank form for aligning."""
    fine = resample(pixels, dpi, FINE_DPI)
    height, width = pixels.shape
    return reference((height, width), dpi, fine, _distinct_patches(fine))


def reference(shape: tuple[int, int], dpi: int, fine: Grey, patches: NDArray[np.int32]) -> Reference:
    """A reference of which the costly parts are known already; see `Reference`."""
    return Reference(shape, dpi, sketch(fine), fine, _spots(patches, _halved(fine)), patches)


def seen(reference: Reference) -> View:
    """A blank form looked at as if it were a page."""
    fine = reference.fine
    return View(reference.dpi, reference.sketch, _halved(fine), fine, _spare(fine, reference.shape, reference.dpi))


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


def view(page: PageImage) -> View:
    """Prepare an upright page for aligning."""
    fine = resample(page.pixels, page.dpi, FINE_DPI)
    return View(page.dpi, sketch(fine), _halved(fine), fine, _spare(fine, page.pixels.shape, page.dpi))


def _spare(fine: Grey, shape: tuple[int, ...], dpi: int) -> tuple[float, float]:
    factor = FINE_DPI / dpi
    return fine.shape[1] - shape[1] * factor, fine.shape[0] - shape[0] * factor


def _halved(fine: Grey) -> Grey:
    height, width = fine.shape
    size = max(1, width // 2), max(1, height // 2)
    # An odd last row is left out, so that two pixels are always one.
    even = fine[: 2 * size[1], : 2 * size[0]]
    return np.asarray(cv2.resize(even, size, interpolation=cv2.INTER_AREA), np.uint8)


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


def align(page: View, reference: Reference, start: Start | None = None) -> Fit:
    """Lay a page onto `reference`, beginning at `start` where somebody has found it already.

    Raises NoFit if too little of the print is found or what is found does not agree on one map.
    """
    return refine(page, reference, roughly(page, reference.spots, start or _start(page, reference)))


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


def warp_fine(page: View, reference: Reference, fit: Fit) -> Grey:
    """The page in the frame of the reference at 100 dpi, by the affine map alone: right to about a pixel."""
    affine = _between(fit.affine, FINE_DPI / reference.dpi, FINE_DPI / page.dpi)
    return _warp_affine(page.fine, _shifted(affine, page, 1), reference.fine.shape)


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


def sketch(fine: Grey) -> Float:
    """A page at 100 dpi as blurred ink at 10 dpi, against its surroundings: no shadow, tint or grey back is print."""
    small = (255 - resample(fine, FINE_DPI, SKETCH_DPI)).astype(np.float32)
    near = cv2.GaussianBlur(small, (0, 0), _SKETCH_BLUR)
    return np.asarray(near - cv2.GaussianBlur(small, (0, 0), _SURROUNDINGS * _SKETCH_BLUR), np.float32)


def sized(picture: Float, scale: float) -> Float:
    """A sketch made `scale` times as large."""
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _distinct_patches(fine: Grey) -> NDArray[np.int32]:
    """Left and top of the patches whose print fixes a place in both directions, spread over the page.

    Corner strength is the smaller eigenvalue of the gradient's covariance (Shi and Tomasi 1994).
    """
    strength = cv2.cornerMinEigenVal(cv2.GaussianBlur(fine, (0, 0), 1.0), _PATCH // 3)
    height, width = fine.shape
    cells: dict[tuple[int, int], list[tuple[float, int, int]]] = {}
    for top in range(_SEARCH, height - _PATCH - _SEARCH, _PATCH_STEP):
        for left in range(_SEARCH, width - _PATCH - _SEARCH, _PATCH_STEP):
            distinct = float(strength[top : top + _PATCH, left : left + _PATCH].mean())
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
    middles = (patches + _PATCH / 2) * _HALF_DPI / FINE_DPI
    corners = np.round(middles - _SPOT / 2).astype(np.int32)
    inside = (corners >= 0).all(axis=1) & (corners + _SPOT <= half.shape[::-1]).all(axis=1)
    corners = corners[inside]
    some = corners[np.linspace(0, len(corners) - 1, min(_SPOTS, len(corners))).astype(np.intp)]
    prints = [half[top : top + _SPOT, left : left + _SPOT] for left, top in some.tolist()]
    height, width = half.shape
    return Spots((height, width), some, np.array(prints, np.uint8).reshape(-1, _SPOT, _SPOT))


def _start(page: View, reference: Reference) -> Start:
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


def roughly(page: View, spots: Spots, start: Start) -> Affine:
    """The map of the page at 100 dpi that some patches at 50 dpi agree on, right to about a millimetre.

    Raises NoFit if hardly any is found, or they agree on something that no scanner does to paper.
    """
    factor = _HALF_DPI / SKETCH_DPI
    at_first = np.array([[start.size, 0, start.shift[0]], [0, start.size, start.shift[1]]])
    moved = _between(at_first, factor, factor)
    for look in range(_LOOKS):
        warped = _warp_affine(page.half, moved, spots.shape, _SPOT_SEARCH)
        centres, moves, scores = _match(warped, spots.prints, spots.corners, _SPOT_SEARCH, _SPOT_SEARCH)
        likely = scores > _SPOT_FOUND
        if int(likely.sum()) < _GLANCED_AT_LEAST:
            raise NoFit("the page does not look like the form", residual_pixels=float("inf"))
        targets = _apply(moved, centres + moves)[likely].astype(np.float32)
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
    return _between(moved, FINE_DPI / _HALF_DPI, FINE_DPI / _HALF_DPI)


def _is_paper(affine: Affine) -> bool:
    """Whether a map stretches as a scanner may: hardly more one way than the other. Leaning on a shadow it would."""
    long, short = np.linalg.svd(affine[:, :2], compute_uv=False)
    return bool(long < _STRETCH_AT_MOST * short and short > 1 / _SIZE_AT_MOST and long < _SIZE_AT_MOST)


def _match(
    warped: Grey, prints: Sequence[Grey] | Grey, corners: NDArray[np.int32], search: int, margin: int = 0
) -> tuple[Float, Float, Float]:
    """Centres (n, 2), displacements (n, 2) and correlations (n,) of square patches of print, within `search` pixels.

    corners: left and top of each patch; `warped` has `margin` pixels more on every side.
    """
    count = len(corners)
    side = prints[0].shape[0] if count else 0
    moves = np.zeros((count, 2), np.float32)
    scores = np.zeros(count, np.float32)
    for index, (left, top) in enumerate(corners.tolist()):
        x, y = left + margin - search, top + margin - search
        window = warped[y : y + side + 2 * search, x : x + side + 2 * search]
        surface = cv2.matchTemplate(window, prints[index], cv2.TM_CCOEFF_NORMED)
        _, score, _, (x, y) = cv2.minMaxLoc(surface)
        scores[index] = score if np.isfinite(score) else 0.0
        moves[index] = np.subtract(_peak(surface, x, y), search)
    return (corners + side / 2).astype(np.float32).reshape(-1, 2), moves, scores


def _prints(fine: Grey, corners: NDArray[np.int32]) -> list[Grey]:
    return [fine[top : top + _PATCH, left : left + _PATCH] for left, top in corners.tolist()]


def _peak(surface: cv2.typing.MatLike, x: int, y: int) -> tuple[float, float]:
    """The peak to a fraction of a pixel, by a parabola through its neighbours."""

    def vertex(before: float, at: float, after: float) -> float:
        bend = before - 2 * at + after
        return 0.0 if bend >= 0 else 0.5 * (before - after) / bend

    last = surface.shape[0] - 1
    dx = vertex(*surface[y, x - 1 : x + 2].tolist()) if 0 < x < last else 0.0
    dy = vertex(*surface[y - 1 : y + 2, x].tolist()) if 0 < y < last else 0.0
    return x + dx, y + dy


def refine(page: View, reference: Reference, start: Affine) -> Fit:
    """Lay a page onto `reference`, beginning at a map that `roughly` gave.

    Patches are matched, an affine map is fitted to them, they are matched again, and what remains becomes a mesh.
    Raises NoFit if too little of the print is found or what is found does not agree on one map.
    """
    moved, seen = _glance(page, reference, start)
    warped = _warp_affine(page.fine, moved, reference.fine.shape)
    search = _SEARCH_AGAIN if seen >= _GLANCE_ENOUGH else _SEARCH
    prints = _prints(reference.fine, reference.patches)
    centres, moves, scores = _match(warped, prints, reference.patches, search)
    good = scores > _PATCH_FOUND
    if int(good.sum()) < _PATCHES_AT_LEAST:
        raise NoFit("too little of the form's print is on the page", residual_pixels=float("inf"))
    targets = _apply(moved, centres + moves)
    moved = _agreed(centres[good], targets[good])
    rest = (targets - _apply(moved, centres)).astype(np.float32)
    good, apart = _in_agreement(centres, rest, good)
    if int(good.sum()) < _PATCHES_AT_LEAST:
        raise NoFit("the print found on the page does not agree on one map", residual_pixels=float("inf"))
    found = float(good.mean())
    residual = float(np.median(apart[good])) * 300 / FINE_DPI
    if found < _FOUND_AT_LEAST or residual > _RESIDUAL_AT_MOST:
        raise NoFit(f"only {found:.0%} of the form's print fits, {residual:.1f} pixels off", residual_pixels=residual)
    return Fit(
        affine=_between(_shifted(moved, page, -1), reference.dpi / FINE_DPI, page.dpi / FINE_DPI),
        mesh=_mesh(centres[good], rest[good], reference) * np.float32(page.dpi / FINE_DPI),
        found=found,
        residual_pixels=residual,
        likeness=float(np.clip(scores, 0, 1).mean()),
    )


def _glance(page: View, reference: Reference, start: Affine) -> tuple[Affine, float]:
    """The map that a few patches spread over the page agree on, and the share of them that is there.

    Raises NoFit if hardly any is.
    """
    warped = _warp_affine(page.fine, start, reference.fine.shape)
    some = reference.patches[:: max(1, len(reference.patches) // _GLANCE_PATCHES)]
    centres, moves, scores = _match(warped, _prints(reference.fine, some), some, _SEARCH)
    good = scores > _PATCH_FOUND
    if int(good.sum()) < _GLANCED_AT_LEAST or float(good.mean()) < _GLANCE_FOUND:
        raise NoFit("too little of the form's print is on the page", residual_pixels=float("inf"))
    return _agreed(centres[good], _apply(start, centres + moves)[good]), float(good.mean())


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
        good = good & (apart < _OUTLIER_PIXELS)
    return good, apart


def _warp_affine(pixels: Grey, affine: Affine, shape: tuple[int, ...], margin: int = 0) -> Grey:
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


def _apply(affine: Affine, points: Float) -> NDArray[np.float64]:
    return points @ affine[:, :2].T + affine[:, 2]


def _shifted(affine: Affine, page: View, sign: int) -> Affine:
    """A map to `page.fine` as one to the paper at 100 dpi (sign -1), or the other way round (1)."""
    return np.column_stack([affine[:, :2], affine[:, 2] + sign * np.array(page.before)])


def _between(affine: Affine, into: float, out: float) -> Affine:
    """A map between two pictures as a map between the same pictures `into` and `out` times as large.

    Pixel centres keep their place on paper: the centre of pixel 0 lies half a pixel inside the edge.
    """
    linear = affine[:, :2] * (out / into)
    shift = (affine[:, :2] @ np.full(2, 0.5 / into - 0.5) + affine[:, 2] + 0.5) * out - 0.5
    return np.column_stack([linear, shift])


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
