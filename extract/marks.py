"""Judge marks: which tick boxes hold an answer, and whether somebody signed.

Everything is measured on a page laid onto its reference page: same frame, same resolution, a few pixels of misfit left.
All lengths below are written in pixels at 300 dpi and scaled to the page's own resolution.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.ink import FAINT, STRONG, Mask, crop, ink_of, labelled, local_shift, moved, spread
from extract.page import Grey
from schemas.geometry import Box, PageArea, fraction_of_page
from schemas.reading import Mark, MarkState

# What the align stage may leave behind locally, but never more than this share of the box's side: farther away the
# next box of a dense form could be taken for this one.
_LOCAL_MISFIT, _LOCAL_MISFIT_OF_SIDE = 10, 0.3
# Print whose lines lie this far off, as a share of the reach above, is not the print of the blank form: well aligned
# boxes stay below 0.13, pages laid down wrongly lie above 0.29.
_NOT_THE_PRINT = 0.22
# How far from its zone a printed box may stand, and how wide a gap the removed box line leaves in a stroke.
_ZONE_MISFIT = 6
# Print spreads by a pixel or two from one scanner to the next: this much around printed lines is not counted as ink.
_PRINT_SPREAD = 2
# A box's line may reach this much farther in than on the blank; more than that is somebody's pen along the line.
_LINE_THICKENING = 6
# A box line covers this share of its side even when broken; the arms of a cross cover two thirds of it near the edge.
_LINE_COVER = 0.85
# A mark reaches the middle of the box, this share of its width and height; remains of the box's own lines do not.
_CORE = 0.6
# A piece of ink shorter than this, or than this share of the box's side, is dirt ...
_DIRT, _DIRT_OF_SIDE = 8, 0.18
# ... and all pieces together must span this share of it to be a mark. Real crosses and ticks span 0.6 to 1.0.
_SPAN_MARK, _SPAN_NOTHING = 0.45, 0.27
# A stroke that has less than this share of its ink inside the box belongs to something else. Real crosses that
# leave the box keep 0.41 and more of it inside, lines that run through it 0.33 at most.
_INSIDE_SHARE = 0.36
# How far around the box, in sides, strokes are followed.
_AROUND = 1.5
# Pen ticks fill 0.10 of a box and more; less than this may be the worn edge of the box itself (0.06 was seen).
_THIN = 0.075
# Scribbled out beside a tick: this full and this many times as full as the tick, or solid where the tick is open.
# Pen crosses fill 0.10 to 0.30 of a box, a thick pen in a small box 0.80; scribbles fill 0.46 to 1.00.
_FULL, _FULLER_THAN_A_TICK = 0.42, 1.7
# The widest spot without ink is 0.15 to 0.37 of the side wide in crosses, up to 0.16 in scribbles and solid fills.
_SOLID_GAP, _MORE_OPEN, _SOMEWHAT_FULLER = 0.18, 0.08, 1.25
# A spot with less than this share of the ink of the tick beside it is no second answer.
_SPOT_OF_A_TICK = 0.25
# A solid mark with this share of its ink over the edge may be a cancelled answer even when no other box is ticked.
_OVERFLOW = 0.15


@dataclass(frozen=True, slots=True)
class _Sight:
    """What is seen at one tick box, before it is judged.

    share:  fraction of the inside that is new ink, dirt left out.
    span:   extent of the new ink, as a share of the inside's width or height, whichever is larger.
    gap:    radius of the widest round spot without ink, as a share of the inside's shorter side.
    inside: fraction of the strokes' ink that lies inside the box; 1.0 without ink.
    faint:  extent, as `span`, of ink too light to count.
    misfit: how badly the print around the box fits the blank form's, 0.0 to 1.0.
    area:   where the box was found.
    """

    share: float
    span: float
    gap: float
    inside: float
    faint: float
    misfit: float
    area: PageArea


def judge_mark(aligned: Grey, reference: Grey, box: Box, *, option: str, dpi: int) -> Mark:
    """Judge one tick box by itself; `judge_choice` also weighs it against its neighbours.

    aligned, reference: (height, width) uint8 of one size, dark on light; the filled page laid onto the blank one.
    box: the printed square, its lines included, give or take 6 pixels at 300 dpi; it need not be printed at all.
    """
    return _judged(_look(aligned, reference, box, dpi), option)


def judge_choice(
    aligned: Grey, reference: Grey, zones: Sequence[tuple[str, Box]], dpi: int, *, several: bool
) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    """Judge all boxes of one question: a mark for every zone, in order, and the options that are answers.

    A box much fuller than another ticked one was scribbled out; where several answers may be ticked that is only a
    doubt. Without `several`, two plain ticks are both doubtful.
    No option chosen means: no box is surely ticked; the marks say whether that is blank paper or doubt.
    """
    sights = [_look(aligned, reference, box, dpi) for _, box in zones]
    alone = [_judged(sight, option) for sight, (option, _) in zip(sights, zones, strict=True)]
    light = min(
        (sight for sight, mark in zip(sights, alone, strict=True) if mark.state is MarkState.TICKED),
        key=lambda sight: sight.share,
        default=None,
    )
    if light is None:
        return tuple(alone), ()
    marks = [_beside_a_tick(mark, sight, light, several=several) for mark, sight in zip(alone, sights, strict=True)]
    ticked = [mark for mark in marks if mark.state is MarkState.TICKED]
    if len(ticked) == 1 or several:
        return tuple(marks), tuple(mark.option for mark in ticked)
    reason = f"{len(ticked)} boxes are ticked where one answer is asked."
    return tuple(
        replace(mark, state=MarkState.DOUBTFUL, reason=reason) if mark in ticked else mark for mark in marks
    ), ()


def _beside_a_tick(mark: Mark, sight: _Sight, light: _Sight, *, several: bool) -> Mark:
    """The mark, judged once more now that the lightest tick of the question shows how this person ticks."""
    if mark.state is MarkState.EMPTY or sight is light or sight.misfit > _NOT_THE_PRINT:
        return mark
    if _is_scribbled_out(sight, light):
        if several:
            reason = f"{sight.share:.0%} of the box is ink: filled in as a second answer, or scribbled out?"
            return replace(mark, state=MarkState.DOUBTFUL, reason=reason)
        reason = f"Scribbled out: {sight.share:.0%} of the box is ink, the tick beside it fills {light.share:.0%}."
        return replace(mark, state=MarkState.CANCELLED, reason=reason)
    is_spot = _SPAN_NOTHING <= sight.span < _SPAN_MARK
    if is_spot and sight.share < _SPOT_OF_A_TICK * light.share:
        reason = f"A spot of {sight.share:.0%} of the box, against {light.share:.0%} for the tick beside it."
        return replace(mark, state=MarkState.EMPTY, reason=reason)
    return mark


def _is_scribbled_out(sight: _Sight, light: _Sight) -> bool:
    much_fuller = sight.share >= max(_FULL, _FULLER_THAN_A_TICK * light.share)
    solid = sight.gap <= _SOLID_GAP and light.gap >= sight.gap + _MORE_OPEN
    return much_fuller or (solid and sight.share >= max(_FULL, _SOMEWHAT_FULLER * light.share))


def _judged(sight: _Sight, option: str) -> Mark:
    state, reason = _state_and_reason(sight)
    return Mark(option, state, round(sight.share, 4), reason, sight.area)


def _state_and_reason(sight: _Sight) -> tuple[MarkState, str]:
    ink = f"{sight.share:.0%} of the box is ink"
    span = f"spans {sight.span:.0%} of the box"
    state = MarkState.DOUBTFUL
    if sight.misfit > _NOT_THE_PRINT:
        reason = f"The printed box was not found where the blank form has it; {ink}."
    elif sight.span < _SPAN_NOTHING and sight.faint >= _SPAN_MARK:
        reason = f"A mark too faint to be sure of: it spans {sight.faint:.0%} of the box."
    elif sight.span < _SPAN_NOTHING:
        state, reason = MarkState.EMPTY, f"Nothing but paper: {ink}."
    elif sight.inside < _INSIDE_SHARE:
        reason = f"A stroke from outside: only {sight.inside:.0%} of its ink lies in the box."
    elif sight.span < _SPAN_MARK:
        reason = f"A spot that {span}; a tick spans at least {_SPAN_MARK:.0%}."
    elif sight.share < _THIN:
        reason = f"So little ink that it may be dirt: {ink}."
    elif sight.gap <= _SOLID_GAP and 1 - sight.inside > _OVERFLOW:
        reason = f"{ink} and it runs over the edge: it may be a scribble that cancels the answer."
    else:
        state, reason = MarkState.TICKED, f"A mark that {span}; {ink}."
    return state, reason


def _look(aligned: Grey, reference: Grey, box: Box, dpi: int) -> _Sight:
    unit = dpi / 300
    around = round(_AROUND * max(box.width, box.height))
    outer = box.grown(around)
    blank = ink_of(crop(reference, outer), STRONG)
    reach = max(1, round(min(_LOCAL_MISFIT * unit, _LOCAL_MISFIT_OF_SIDE * min(box.width, box.height))))
    dx, dy, misfit = local_shift(aligned, outer, blank, reach)
    seen = crop(aligned, moved(outer, dx, dy))
    inside = _inside_the_lines(blank, around, unit)
    square = Box(around, around, around + box.width, around + box.height)
    printed = spread(blank, round(_PRINT_SPREAD * unit))
    strong, faint = ink_of(seen, STRONG), ink_of(seen, FAINT) & ~printed
    free = _without_box_lines(strong, inside, unit)
    kept = _pieces(strong & ~printed, free, unit)
    height, width = aligned.shape
    return _Sight(
        share=float(kept.sum()) / free.area,
        gap=_widest_gap(kept, free),
        span=_span(kept, inside),
        inside=_share_inside(strong & ~printed, kept, square, unit),
        faint=_span(_faint_pieces(faint, inside, unit), inside),
        misfit=misfit,
        area=fraction_of_page(moved(box, dx, dy), width, height),
    )


def _inside_the_lines(blank: Mask, around: int, unit: float) -> Box:
    """The inside of the square printed `around` pixels from every edge; the expected one where none is printed."""
    reach, gap = round(_ZONE_MISFIT * unit), max(1, round(_PRINT_SPREAD * unit))
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
    dirt = max(_DIRT * unit, _DIRT_OF_SIDE * min(inside.width, inside.height))
    edge_x, edge_y = (round(side * (1 - _CORE) / 2) for side in (inside.width, inside.height))
    core = labels[edge_y : inside.height - edge_y, edge_x : inside.width - edge_x]
    wanted = (longest >= dirt) & (np.bincount(core.ravel(), minlength=len(longest)) > 0)
    wanted[0] = False
    kept[here] = wanted[labels]
    return kept


def _faint_pieces(faint: Mask, inside: Box, unit: float) -> Mask:
    """The same for faint ink, well away from the box's lines: their soft edges are faint, too."""
    free = _without_box_lines(faint, inside, unit)
    edge = max(1, round(_PRINT_SPREAD * unit))
    if min(free.width, free.height) < 4 * edge:
        return np.zeros_like(faint)
    return _pieces(faint, free.grown(-edge), unit)


def _span(kept: Mask, inside: Box) -> float:
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    if not len(rows):
        return 0.0
    high, wide = (rows[-1] - rows[0] + 1) / inside.height, (columns[-1] - columns[0] + 1) / inside.width
    return float(min(1.0, max(high, wide)))


def _widest_gap(kept: Mask, inside: Box) -> float:
    paper = ~kept[inside.top : inside.bottom, inside.left : inside.right]
    if paper.all():
        return 1.0
    radius = cv2.distanceTransform(paper.astype(np.uint8), cv2.DIST_L2, 5).max()
    return float(radius) / min(inside.width, inside.height)


def _share_inside(ink: Mask, kept: Mask, square: Box, unit: float) -> float:
    """Fraction of the ink of whole strokes that lies within the printed square; 1.0 without strokes."""
    if not kept.any():
        return 1.0
    labels, longest = labelled(ink)
    ink = np.asarray((longest >= _DIRT * unit)[labels], np.bool_) | kept
    # Strokes are cut where they cross the box's line; bridging that gap shows how much of them lies outside.
    bridged, _ = labelled(spread(ink, round(_ZONE_MISFIT * unit)))
    whole = ink & np.isin(bridged, np.unique(bridged[kept]))
    return float(whole[square.top : square.bottom, square.left : square.right].sum() / whole.sum())


# A name written by hand has at least one joined stroke this long (10 mm), or this high (7 mm) where it is all loops.
# Figures and print letters of a date stay below 6 mm each.
_STROKE_LENGTH, _STROKE_HEIGHT = 120, 83
# A pen skips within a stroke: gaps below this (0.25 mm) do not end it.
_PEN_GAP = 3
# Writing longer than this in all (12 mm) is worth a look even if no stroke of it is long.
_WRITING_LENGTH = 140
# Ruled lines and edges of shadows: no thicker than this on average, and no higher than this share of their length.
_RULED_THICKNESS, _RULED_SLANT = 8, 0.06
# Millimetres in a pixel at 300 dpi.
_MM = 25.4 / 300


@dataclass(frozen=True, slots=True)
class SignatureSeen:
    """Whether somebody signed in a box; it explains itself.

    present:   handwriting like a name was seen. It says nothing about whose.
    doubtful:  ink was seen that may or may not be a signature; a person must look.
    ink_share: fraction (0 to 1) of the box that is ink and is not printed on the blank form, dirt left out.
    reason:    one sentence a caseworker understands.
    area:      where the writing is; where the box is if there is none.
    """

    present: bool
    doubtful: bool
    ink_share: float
    reason: str
    area: PageArea


def judge_signature(aligned: Grey, reference: Grey, box: Box, dpi: int) -> SignatureSeen:
    """Whether `box` holds a signature: ink that is not the blank form's, and more than a date, a line or dirt.

    aligned, reference: (height, width) uint8 of one size, dark on light; the filled page laid onto the blank one.
    """
    unit = dpi / 300
    blank = ink_of(crop(reference, box), STRONG)
    dx, dy, _ = local_shift(aligned, box, blank, round(_LOCAL_MISFIT * unit))
    seen = ink_of(crop(aligned, moved(box, dx, dy)), STRONG)
    new = seen & ~spread(blank, round((_PRINT_SPREAD + 1) * unit))
    joined = cv2.morphologyEx(new.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((max(1, round(_PEN_GAP * unit)),) * 2))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    wide, high = stats[:, cv2.CC_STAT_WIDTH] / unit, stats[:, cv2.CC_STAT_HEIGHT] / unit
    longest, shortest = np.maximum(wide, high), np.minimum(wide, high)
    thickness = stats[:, cv2.CC_STAT_AREA] / unit**2 / longest
    is_long = (longest >= _STROKE_LENGTH) | (high >= _STROKE_HEIGHT)
    ruled = is_long & (thickness <= _RULED_THICKNESS) & (shortest <= _RULED_SLANT * longest + _RULED_THICKNESS)
    writing = (longest >= _DIRT) & ~ruled
    writing[0] = False
    kept = np.asarray(writing[labels] & new, np.bool_)
    height, width = aligned.shape
    area = fraction_of_page(moved(_extent(kept, box), dx, dy), width, height)
    return _signature(longest[writing] * _MM, area, signed=bool((writing & is_long).any()), share=float(kept.mean()))


def _signature(lengths_mm: NDArray[np.float64], area: PageArea, *, signed: bool, share: float) -> SignatureSeen:
    share = round(share, 4)
    if signed:
        return SignatureSeen(
            True, False, share, f"Joined writing, up to {lengths_mm.max():.0f} mm in one stroke.", area
        )
    if lengths_mm.sum() >= _WRITING_LENGTH * _MM:
        reason = f"Only separate characters, none over {lengths_mm.max():.0f} mm: perhaps a date or a printed name."
        return SignatureSeen(False, True, share, reason, area)
    if len(lengths_mm):
        return SignatureSeen(False, False, share, f"Only specks, {lengths_mm.sum():.0f} mm in all.", area)
    return SignatureSeen(False, False, share, "Nothing is written in the box.", area)


def _extent(ink: Mask, box: Box) -> Box:
    """The part of `box` that holds the ink, which was cut out of it; the whole box without ink."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return box
    return Box(
        box.left + int(columns[0]), box.top + int(rows[0]), box.left + int(columns[-1]) + 1, box.top + int(rows[-1]) + 1
    )
