"""Sight: what is seen at one tick box, in numbers, before anybody judges it.

Everything is measured on a page laid onto its reference page: same frame, same resolution, a few pixels of misfit left.
All lengths below are written in pixels at 300 dpi and scaled to the page's own resolution.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.ink import (
    FAINT,
    STRONG,
    Mask,
    crop,
    ink_of,
    is_halftone,
    labelled,
    local_shift,
    moved,
    spread,
    without_halftone,
    without_shade,
)
from extract.page import Grey
from schemas.geometry import Box, PageArea, fraction_of_page

# What the align stage may leave behind locally, but never more than this share of the box's side: farther away the
# next box of a dense form could be taken for this one.
LOCAL_MISFIT, _LOCAL_MISFIT_OF_SIDE = 10, 0.3
# Print whose lines lie this far off, as a share of the reach above, may be faint print: then looking for faint ink
# brings the misfit well down, to this share of it.
_PERHAPS_FAINT, _WELL_DOWN = 0.13, 0.7
# How far from its zone a printed box may stand, and how wide a gap the removed box line leaves in a stroke.
_ZONE_MISFIT = 6
# Print spreads by a pixel or two from one scanner to the next: this much around printed lines is not counted as ink.
PRINT_SPREAD = 2
# A box's line may reach this much farther in than on the blank; more than that is somebody's pen along the line.
_LINE_THICKENING = 6
# A box line covers this share of its side even when broken; the arms of a cross cover two thirds of it near the edge.
_LINE_COVER = 0.85
# A mark reaches the middle of the box, this share of its width and height; remains of the box's own lines do not.
_CORE = 0.6
# A piece of ink shorter than this, or than this share of the box's side, is dirt.
DIRT, _DIRT_OF_SIDE = 8, 0.18
# A pen that skips leaves gaps of this many pixels; wider ones part two things, unless print was removed between them.
_SKIP = 1
# What is slimmer than this share of the box is a level or an upright line, as scanners and folds make them. Ticks are
# 0.45 and wider.
SLIM = 0.22
# How far around the box, in sides, strokes are followed.
_AROUND = 1.5


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen at one tick box.

    share:  fraction of the inside that is new ink, dirt left out.
    span:   extent of the new ink, as a share of the inside's width or height, whichever is larger.
    slim:   the same, whichever is smaller: a level or an upright line is slim, a slanted one is not.
    bulk:   spread of the ink across its own main direction, as a share of the inside's shorter side: a third of the
            thickness of a straight stroke, at whatever angle; several times as much for a hook or a cross.
    gap:    radius of the widest round spot without ink, as a share of the inside's shorter side.
    inside: fraction of the strokes' ink that lies inside the box; 1.0 without ink.
    faint:  extent, as `span`, of ink too light to count.
    misfit: how badly the print around the box fits the blank form's, 0.0 to 1.0.
    area:   where the box was found.
    """

    share: float
    span: float
    slim: float
    bulk: float
    gap: float
    inside: float
    faint: float
    misfit: float
    area: PageArea


def look(aligned: Grey, reference: Grey, box: Box, dpi: int) -> Sight:
    """Measure the ink in and around one tick box.

    aligned, reference: (height, width) uint8 of one size, dark on light; the filled page laid onto the blank one.
    box: the printed square, its lines included, give or take 6 pixels at 300 dpi; it need not be printed at all.
    """
    unit = dpi / 300
    around = round(_AROUND * max(box.width, box.height))
    outer = box.grown(around)
    blank = ink_of(crop(reference, outer), STRONG)
    reach = max(1, round(min(LOCAL_MISFIT * unit, _LOCAL_MISFIT_OF_SIDE * min(box.width, box.height))))
    dx, dy, misfit = _print_lies(aligned, outer, blank, reach)
    seen = crop(aligned, moved(outer, dx, dy))
    dotted = is_halftone(seen, unit)
    if dotted:
        seen = without_halftone(seen, unit)
    inside = _inside_the_lines(blank, around, unit)
    square = Box(around, around, around + box.width, around + box.height)
    printed = spread(blank, round(PRINT_SPREAD * unit))
    strong = ink_of(seen, STRONG)
    # What dots of a screen leave behind is as faint as pencil: there the faint says nothing.
    faint = np.zeros_like(strong) if dotted else ink_of(without_shade(seen, unit), FAINT) & ~printed
    free = _without_box_lines(strong, inside, unit)
    kept = _pieces(strong & ~printed, free, unit)
    span, slim = _extents(kept, inside)
    height, width = aligned.shape
    return Sight(
        share=float(kept.sum()) / free.area,
        span=span,
        slim=slim,
        bulk=_bulk(kept, free),
        gap=_widest_gap(kept, free),
        inside=_share_inside(strong & ~printed, kept, square, printed, unit),
        faint=_faint_extent(_faint_pieces(faint, inside, unit), inside),
        misfit=misfit,
        area=fraction_of_page(moved(box, dx, dy), width, height),
    )


def _print_lies(aligned: Grey, outer: Box, blank: Mask, reach: int) -> tuple[int, int, float]:
    """(dx, dy, misfit) as `local_shift` has them, by the faint print where the strong print is hardly there."""
    found = local_shift(aligned, outer, blank, reach)
    if found[2] <= _PERHAPS_FAINT:
        return found
    by_faint = local_shift(aligned, outer, blank, reach, FAINT)
    return by_faint if by_faint[2] < _WELL_DOWN * found[2] else found


def _inside_the_lines(blank: Mask, around: int, unit: float) -> Box:
    """The inside of the square printed `around` pixels from every edge; the expected one where none is printed."""
    reach, gap = round(_ZONE_MISFIT * unit), max(1, round(PRINT_SPREAD * unit))
    height, width = blank.shape
    columns = blank[around : height - around].mean(axis=0)
    rows = blank[:, around : width - around].mean(axis=1)
    left = _line_end(columns, around, reach, 1) + 1 + gap
    right = _line_end(columns, width - around - 1, reach, -1) - gap
    top = _line_end(rows, around, reach, 1) + 1 + gap
    bottom = _line_end(rows, height - around - 1, reach, -1) - gap
    return Box(left, top, max(right, left + 1), max(bottom, top + 1))


def _line_end(profile: NDArray[np.float64], expected: int, reach: int, inwards: int) -> int:
    """The innermost pixel of the printed line near `expected`, looking from inside; `expected` if there is none."""
    for step in range(reach, -reach - 1, -1):
        place = expected + inwards * step
        if 0 <= place < len(profile) and profile[place] >= 0.5:
            return place
    return expected


def _without_box_lines(ink: Mask, inside: Box, unit: float) -> Box:
    """`inside` less what lies on or beyond a line along one of its edges: the printed box, thick or out of place."""
    depth = min(round(_LINE_THICKENING * unit), inside.width // 5, inside.height // 5)
    area = ink[inside.top : inside.bottom, inside.left : inside.right]
    left, top = _line_depth(area.T, depth), _line_depth(area, depth)
    right, bottom = _line_depth(area.T[::-1], depth), _line_depth(area[::-1], depth)
    return Box(inside.left + left, inside.top + top, inside.right - right, inside.bottom - bottom)


def _line_depth(rows: Mask, depth: int) -> int:
    """How many of the first `depth` rows a line along them takes, a little crooked perhaps; 0 if there is none."""
    for last in range(depth, 0, -1):
        if rows[max(last - 2, 0) : last].any(axis=0).mean() >= _LINE_COVER:
            return last
    return 0


def _pieces(ink: Mask, inside: Box, unit: float) -> Mask:
    """The connected pieces of the ink inside that are longer than dirt and reach the middle."""
    here = (slice(inside.top, inside.bottom), slice(inside.left, inside.right))
    kept = np.zeros_like(ink)
    if not ink[here].any():
        return kept
    labels, longest = labelled(ink[here])
    dirt = max(DIRT * unit, _DIRT_OF_SIDE * min(inside.width, inside.height))
    edge_x, edge_y = (round(side * (1 - _CORE) / 2) for side in (inside.width, inside.height))
    core = labels[edge_y : inside.height - edge_y, edge_x : inside.width - edge_x]
    wanted = (longest >= dirt) & (np.bincount(core.ravel(), minlength=len(longest)) > 0)
    wanted[0] = False
    kept[here] = wanted[labels]
    return kept


def _faint_pieces(faint: Mask, inside: Box, unit: float) -> Mask:
    """The same for faint ink, well away from the box's lines: their soft edges are faint, too."""
    free = _without_box_lines(faint, inside, unit)
    edge = max(1, round(PRINT_SPREAD * unit))
    if min(free.width, free.height) < 4 * edge:
        return np.zeros_like(faint)
    return _pieces(faint, free.grown(-edge), unit)


def _extents(kept: Mask, inside: Box) -> tuple[float, float]:
    """(the larger, the smaller) extent of the ink as a share of the inside's; both 0.0 without ink."""
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    if not len(rows):
        return 0.0, 0.0
    high, wide = (rows[-1] - rows[0] + 1) / inside.height, (columns[-1] - columns[0] + 1) / inside.width
    return float(min(1.0, max(high, wide))), float(min(1.0, high, wide))


def _faint_extent(faint: Mask, inside: Box) -> float:
    """The larger extent of faint ink; 0.0 for a level or an upright line: a fold, or a fault of the scanner."""
    span, slim = _extents(faint, inside)
    return span if slim >= SLIM else 0.0


def _bulk(kept: Mask, inside: Box) -> float:
    rows, columns = np.nonzero(kept)
    if len(rows) < 3:
        return 0.0
    smallest = float(np.linalg.eigvalsh(np.cov(np.stack([rows, columns]).astype(np.float64)))[0])
    return float(max(smallest, 0.0) ** 0.5 / min(inside.width, inside.height))


def _widest_gap(kept: Mask, inside: Box) -> float:
    paper = ~kept[inside.top : inside.bottom, inside.left : inside.right]
    if paper.all():
        return 1.0
    radius = cv2.distanceTransform(paper.astype(np.uint8), cv2.DIST_L2, 5).max()
    return float(radius) / min(inside.width, inside.height)


def _share_inside(ink: Mask, kept: Mask, square: Box, printed: Mask, unit: float) -> float:
    """Fraction of the ink of whole strokes that lies within the printed square; 1.0 without strokes."""
    if not kept.any():
        return 1.0
    labels, longest = labelled(ink)
    ink = np.asarray((longest >= DIRT * unit)[labels], np.bool_) | kept
    # Strokes are cut where they cross the box's line; bridging that gap shows how much of them lies outside. Over
    # bare paper only a skip of the pen is bridged: what merely stands beside the box is no part of the mark.
    over_print = spread(ink, round(_ZONE_MISFIT * unit)) & printed
    bridged, _ = labelled(over_print | spread(ink, max(1, round(_SKIP * unit))))
    whole = ink & np.isin(bridged, np.unique(bridged[kept]))
    return float(whole[square.top : square.bottom, square.left : square.right].sum() / whole.sum())
