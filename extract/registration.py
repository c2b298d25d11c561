"""Align: lay a page onto the reference print of an edition, and say how well it fits.

Three steps, coarse to fine. A correlation at 20 dpi over a few scales finds shift and size; an enhanced correlation
maximisation (Evangelidis and Psarakis 2008, OpenCV's ECC) adds the turn; small patches of print matched one by
one at 100 dpi, to a fraction of a pixel, give a smooth map that also follows paper that was fed unevenly. Answers,
stamps and stains only spoil the patches they lie on, and those are outvoted.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.page import Grey, PageImage
from schemas.errors import NoFit

Float = NDArray[np.float32]
Affine = NDArray[np.float64]  # (2, 3): reference pixels -> page pixels

_COARSE_DPI = 20
FINE_DPI = 100
# Blur, in pixels at 20 dpi, that makes the correlation forgiving enough to climb.
_COARSE_BLUR = 1.5
# Surroundings are this many times as wide.
_SURROUNDINGS = 6
# A start whose correlation is below this shows another form: right ones have 0.4 and more, wrong ones 0.15 to 0.3.
_START_AT_LEAST = 0.3
# Correlation at 20 dpi below which a closer look is wasted: the page shows another form.
_CORRELATION_AT_LEAST = 0.4
# Scanners that "fit to page" shrink or enlarge a sheet by some per cent.
_SCALES = (1.0, 0.96, 1.04, 0.92, 1.08)
_SCALE_STEP = 0.02
# A scanner stretches one way more than the other by a few per cent at most, and the start is near the right size.
_STRETCH_AT_MOST, _SIZE_AT_MOST = 1.05, 1.06
# A start is good enough to stop looking at other sizes above this correlation.
_CERTAIN_START = 0.8

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
# A first glance at some patches: another form shows hardly any of them.
_GLANCE_PATCHES = 30
_GLANCE_FOUND = 0.2
_TILE_INCHES = 0.5
# Fewer matched patches than this, or a larger residual, is no fit.
_PATCHES_AT_LEAST = 12
_FOUND_AT_LEAST = 0.30
_RESIDUAL_AT_MOST = 4.0  # pixels at 300 dpi


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The print of one page of an edition, prepared once for aligning many pages to it.

    pixels:  (height, width) uint8, the blank form, dark on light, at `dpi`.
    coarse:  blurred ink (float32, 0 to 255) at 20 dpi.
    fine:    grey at 100 dpi.
    patches: (n, 2) int: left and top of the patches of `fine` that hold distinct print.
    """

    pixels: Grey
    dpi: int
    coarse: Float
    fine: Grey
    patches: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """An upright page prepared once for being laid onto several references.

    dpi:    of the page itself.
    fine:   grey at 100 dpi.
    coarse: blurred ink (float32, 0 to 255) at 20 dpi.
    spare:  (width, height) by which `fine` is larger than the paper, in its pixels, -0.5 to 0.5.
    before: (x, y) how much of that lies before the paper's left and top edge: none unless the page was turned.
    """

    dpi: int
    fine: Grey
    coarse: Float
    spare: tuple[float, float] = (0.0, 0.0)
    before: tuple[float, float] = (0.0, 0.0)


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
    return Reference(
        pixels=pixels,
        dpi=dpi,
        coarse=ink_sketch(fine, FINE_DPI, _COARSE_DPI, _COARSE_BLUR),
        fine=fine,
        patches=_distinct_patches(fine),
    )


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
    factor = FINE_DPI / page.dpi
    spare = fine.shape[1] - page.width * factor, fine.shape[0] - page.height * factor
    return View(page.dpi, fine, ink_sketch(fine, FINE_DPI, _COARSE_DPI, _COARSE_BLUR), spare)


def turned(seen: View, degrees: int) -> View:
    """The same page turned clockwise by 0, 90, 180 or 270 degrees."""
    if degrees == 0:
        return seen
    quarters = -degrees // 90
    fine = np.ascontiguousarray(np.rot90(seen.fine, quarters))
    across, down = seen.spare
    spare = (across, down) if degrees == 180 else (down, across)
    # What lay at the bottom lies at the left after a quarter turn; what lay at the right, at the top after three.
    before = {90: (down, 0.0), 180: (across, down), 270: (0.0, across)}[degrees]
    return View(seen.dpi, fine, np.ascontiguousarray(np.rot90(seen.coarse, quarters)), spare, before)


def align(page: View, reference: Reference) -> Fit:
    """Lay a page onto `reference`.

    Raises NoFit if too little of the print is found or what is found does not agree on one map.
    """
    return _refine(page, reference, _climb(page, reference, _start(page, reference)))


def warp(page: PageImage, reference: Reference, fit: Fit) -> Grey:
    """The page as if it had been scanned exactly where the reference was: same size, same dpi, paper white outside.

    Tile by tile, each with the affine map of its corners: over half an inch paper bends less than a tenth of a pixel.
    """
    height, width = reference.pixels.shape
    warped = np.empty((height, width), np.uint8)
    tile = max(1, round(_TILE_INCHES * reference.dpi))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            local = _local(fit, reference, left, top, right, bottom)
            warped[top:bottom, left:right] = cv2.warpAffine(
                page.pixels,
                local,
                (right - left, bottom - top),
                flags=flags,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=(255,),
            )
    return warped


def warp_fine(page: View, reference: Reference, fit: Fit) -> Grey:
    """The page in the frame of the reference at 100 dpi, by the affine map alone: right to about a pixel."""
    height, width = reference.fine.shape
    affine = _between(fit.affine, FINE_DPI / reference.dpi, FINE_DPI / page.dpi)
    return _warp_affine(page.fine, _shifted(affine, page, 1), width, height)


def _local(fit: Fit, reference: Reference, left: int, top: int, right: int, bottom: int) -> Affine:
    """The affine map of one tile: its own pixels (from 0, 0) to page pixels."""
    points = np.array([[left, top], [right, top], [left, bottom]], np.float64)
    a, b, c = (np.array(to_page(fit, reference, x, y)) for x, y in points)
    return np.column_stack([(b - a) / (right - left), (c - a) / (bottom - top), a])


def to_page(fit: Fit, reference: Reference, x: float, y: float) -> tuple[float, float]:
    """Where a point of the reference (pixels) lies on the page (pixels)."""
    height, width = reference.pixels.shape
    rows, columns = fit.mesh.shape[:2]
    column = min(max(x / max(width - 1, 1) * (columns - 1), 0), columns - 1)
    row = min(max(y / max(height - 1, 1) * (rows - 1), 0), rows - 1)
    dx, dy = _interpolated(fit.mesh, row, column)
    a = fit.affine
    return (
        float(a[0, 0] * x + a[0, 1] * y + a[0, 2] + dx),
        float(a[1, 0] * x + a[1, 1] * y + a[1, 2] + dy),
    )


def _interpolated(mesh: Float, row: float, column: float) -> tuple[float, float]:
    top, left = min(int(row), mesh.shape[0] - 2), min(int(column), mesh.shape[1] - 2)
    down, across = row - top, column - left
    upper = mesh[top, left] * (1 - across) + mesh[top, left + 1] * across
    lower = mesh[top + 1, left] * (1 - across) + mesh[top + 1, left + 1] * across
    dx, dy = upper * (1 - down) + lower * down
    return float(dx), float(dy)


def ink_sketch(grey: Grey, dpi: int, to_dpi: int, blur: float) -> Float:
    """Blurred ink against its surroundings, so that a shadow, a tint or a grey back does not count as print."""
    small = (255 - resample(grey, dpi, to_dpi)).astype(np.float32)
    near, around = cv2.GaussianBlur(small, (0, 0), blur), cv2.GaussianBlur(small, (0, 0), _SURROUNDINGS * blur)
    return np.asarray(near - around, np.float32)


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


def _start(page: View, reference: Reference) -> tuple[float, float, float]:
    """(size, shift x, shift y) at 20 dpi that lays the reference, made that size, on the page.

    Raises NoFit if nothing of it looks like the reference.
    """
    found: dict[float, tuple[float, float, float]] = {}

    def look(scale: float) -> float:
        if scale not in found:
            found[scale] = _correlate(_sized(reference.coarse, scale), page.coarse)
        return found[scale][2]

    for scale in _SCALES:
        if look(scale) > _CERTAIN_START:
            break
    best = max(found, key=look)
    if look(best) < _START_AT_LEAST:
        raise NoFit("the page does not look like the form", residual_pixels=float("inf"))
    best = max((best, best - _SCALE_STEP, best + _SCALE_STEP), key=look)
    return best, found[best][0], found[best][1]


def _sized(picture: Float, scale: float) -> Float:
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _climb(page: View, reference: Reference, start: tuple[float, float, float]) -> Affine:
    """Add the turn, then the stretch, that a size and a shift at 20 dpi lack; the result is a map at 100 dpi.

    Raises NoFit if the page shows something else.
    """
    scale, x, y = start
    sized = _sized(reference.coarse, scale)
    try:
        correlation, moved = _ascend(sized, page.coarse, np.array([[1, 0, x], [0, 1, y]]), cv2.MOTION_EUCLIDEAN)
    except cv2.error as error:  # it did not converge
        raise NoFit("the page does not look like the form", residual_pixels=float("inf")) from error
    try:
        better, stretched = _ascend(sized, page.coarse, moved, cv2.MOTION_AFFINE)
        if better > correlation and _is_paper(stretched):
            correlation, moved = better, stretched
    except cv2.error:  # the turned map stands
        pass
    if correlation < _CORRELATION_AT_LEAST:
        raise NoFit("the page does not look like the form", residual_pixels=float("inf"))
    factor = FINE_DPI / _COARSE_DPI
    return _between(moved, factor / scale, factor)


def _ascend(reference: Float, page: Float, start: Affine, motion: int) -> tuple[float, Affine]:
    """(correlation, map) of the nearest best fit. Raises cv2.error if there is none."""
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    everywhere = np.ones(page.shape, np.uint8)
    correlation, moved = cv2.findTransformECC(reference, page, start.astype(np.float32), motion, stop, everywhere, 5)
    return correlation, np.asarray(moved, np.float64)


def _is_paper(affine: Affine) -> bool:
    """Whether a map stretches as a scanner may: hardly more one way than the other. Leaning on a shadow it would."""
    long, short = np.linalg.svd(affine[:, :2], compute_uv=False)
    return bool(long < _STRETCH_AT_MOST * short and short > 1 / _SIZE_AT_MOST and long < _SIZE_AT_MOST)


def _match_patches(
    warped: Grey, reference: Reference, patches: NDArray[np.int32], search: int
) -> tuple[Float, Float, Float]:
    """Centres (n, 2), displacements (n, 2) and correlations (n,) of every patch, at 100 dpi, within `search` pixels."""
    count = len(patches)
    centres = np.zeros((count, 2), np.float32)
    moves = np.zeros((count, 2), np.float32)
    scores = np.zeros(count, np.float32)
    for index, (left, top) in enumerate(patches):
        patch = reference.fine[top : top + _PATCH, left : left + _PATCH]
        window = warped[top - search : top + _PATCH + search, left - search : left + _PATCH + search]
        centres[index] = left + _PATCH / 2, top + _PATCH / 2
        surface = cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED)
        _, score, _, (x, y) = cv2.minMaxLoc(surface)
        scores[index] = score if np.isfinite(score) else 0.0
        moves[index] = np.subtract(_peak(np.asarray(surface, np.float32), x, y), search)
    return centres, moves, scores


def _peak(surface: Float, x: int, y: int) -> tuple[float, float]:
    """The peak to a fraction of a pixel, by a parabola through its neighbours."""

    def vertex(before: float, at: float, after: float) -> float:
        bend = before - 2 * at + after
        return 0.0 if bend >= 0 else 0.5 * (before - after) / bend

    last = surface.shape[0] - 1
    dx = vertex(surface[y, x - 1], surface[y, x], surface[y, x + 1]) if 0 < x < last else 0.0
    dy = vertex(surface[y - 1, x], surface[y, x], surface[y + 1, x]) if 0 < y < last else 0.0
    return x + dx, y + dy


def _refine(page: View, reference: Reference, start: Affine) -> Fit:
    """Match patches, fit an affine map to them, match again, and smooth what remains into a mesh."""
    height, width = reference.fine.shape
    moved = start
    for search in (_SEARCH, _SEARCH_AGAIN):
        warped = _warp_affine(page.fine, moved, width, height)
        if search == _SEARCH:
            _glance(warped, reference)
        centres, moves, scores = _match_patches(warped, reference, reference.patches, search)
        good = scores > _PATCH_FOUND
        if int(good.sum()) < _PATCHES_AT_LEAST:
            raise NoFit("too little of the form's print is on the page", residual_pixels=float("inf"))
        targets = _apply(moved, centres + moves)
        fitted, _ = cv2.estimateAffine2D(
            centres[good], targets[good].astype(np.float32), method=cv2.RANSAC, ransacReprojThreshold=_OUTLIER_PIXELS
        )
        if fitted is None:
            raise NoFit("the print found on the page does not agree on one map", residual_pixels=float("inf"))
        moved = fitted.astype(np.float64)
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


def _glance(warped: Grey, reference: Reference) -> None:
    """Look at a few patches spread over the page before all of them. Raises NoFit if hardly any is there."""
    some = reference.patches[:: max(1, len(reference.patches) // _GLANCE_PATCHES)]
    _, _, scores = _match_patches(warped, reference, some, _SEARCH)
    if float((scores > _PATCH_FOUND).mean()) < _GLANCE_FOUND:
        raise NoFit("too little of the form's print is on the page", residual_pixels=float("inf"))


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


def _warp_affine(fine: Grey, affine: Affine, width: int, height: int) -> Grey:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(
        fine, affine, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,)
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
