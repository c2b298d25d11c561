"""Judge marks: which tick boxes hold an answer, and whether somebody signed.

What is seen at a tick box comes from `extract.sight`; here it is weighed, alone and against the boxes beside it.
All lengths below are written in pixels at 300 dpi and scaled to the page's own resolution.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    local_shift,
    moved,
    spread,
    without_halftone,
    without_shade,
)
from extract.page import Grey
from extract.sight import DIRT, LOCAL_MISFIT, PRINT_SPREAD, SLIM, Sight, look
from schemas.geometry import Box, PageArea, fraction_of_page
from schemas.reading import Mark, MarkState

# Print whose lines lie this far off, as a share of the reach it is looked for in, is not the print of the blank form:
# well aligned boxes stay below 0.13, pages laid down wrongly lie above 0.24. Ink in a box between the two may be its
# own line, off its place.
_NOT_THE_PRINT, _OFF_ITS_PLACE = 0.22, 0.145
# All pieces of ink together must span this share of the box to be a mark. Real crosses and ticks span 0.6 to 1.0.
_SPAN_MARK, _SPAN_NOTHING = 0.45, 0.27
# A stroke that has less than this share of its ink inside the box belongs to something else. Real crosses that
# leave the box keep 0.41 and more of it inside, lines that run through it 0.33 at most.
_INSIDE_SHARE = 0.36
# But who ticks with a flourish leaves more outside than in. That is no straight line, and is drawn boldly in the box:
# its ink inside bends or crosses, and covers this share of it. The `Sight.bulk` of a straight stroke from side to side
# is 0.24 to 0.28 of its share, that of hooks and crosses 0.48 and more.
_BENDS, _BENDS_PLAINLY, _BOLD = 0.40, 0.60, 0.15
# Pen ticks fill 0.10 of a box and more; less than this may be the worn edge of the box itself (0.06 was seen).
_THIN = 0.075
# Scribbled out beside a tick: this full and this many times as full as the tick, or solid where the tick is open.
# Pen crosses fill 0.10 to 0.30 of a box, a thick pen in a small box 0.80; scribbles fill 0.46 to 1.00.
_FULL, _FULLER_THAN_A_TICK = 0.42, 1.7
# The widest spot without ink is 0.15 to 0.37 of the side wide in crosses, up to 0.23 in scribbles and solid fills.
# From `_OPEN` on it is a cross, however thick the pen.
_SOLID_GAP, _MORE_OPEN, _SOMEWHAT_FULLER, _OPEN = 0.18, 0.08, 1.25, 0.26
# A spot or a line with less than this share of the ink of the tick beside it is no second answer.
_SPOT_OF_A_TICK = 0.25
# A solid mark with this share of its ink over the edge may be a cancelled answer even when no other box is ticked.
_OVERFLOW = 0.15
# What a plain tick measures: nothing on this side of it makes it any surer.
_PLAIN_SHARE, _PLAIN_SPAN, _PLAIN_INSIDE, _PLAIN_SLIM, _PLAIN_MISFIT = 0.22, 0.80, 0.75, 0.60, 0.03
# The most a tick counts for that lies mostly outside its box.
_FLOURISH_SCORE = 0.25


def judge_mark(aligned: Grey, reference: Grey, box: Box, *, option: str, dpi: int) -> Mark:
    """Judge one tick box by itself; `judge_choice` also weighs it against its neighbours.

    aligned, reference: (height, width) uint8 of one size, dark on light; the filled page laid onto the blank one.
    box: the printed square, its lines included, give or take 6 pixels at 300 dpi; it need not be printed at all.
    """
    return _judged(look(aligned, reference, box, dpi), option)


def judge_choice(
    aligned: Grey, reference: Grey, zones: Sequence[tuple[str, Box]], dpi: int, *, several: bool
) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    """Judge all boxes of one question: a mark for every zone, in order, and the options that are answers.

    A box much fuller than another ticked one was scribbled out; where several answers may be ticked that is only a
    doubt. Without `several`, two plain ticks are both doubtful. A stroke that lies mostly outside its box is an answer
    only where no other box of the question holds one.
    No option chosen means: no box is surely ticked; the marks say whether that is blank paper or doubt.
    """
    sights = [look(aligned, reference, box, dpi) for _, box in zones]
    alone = [_judged(sight, option) for sight, (option, _) in zip(sights, zones, strict=True)]
    answers = sum(mark.state is MarkState.TICKED for mark in alone)
    alone = [
        _doubtful(mark, _from_outside(sight)) if answers > 1 and _is_mostly_outside(mark, sight) else mark
        for mark, sight in zip(alone, sights, strict=True)
    ]
    plain = [sight for sight, mark in zip(sights, alone, strict=True) if mark.state is MarkState.TICKED]
    light = min(plain, key=lambda sight: sight.share, default=None)
    marks = [
        mark if light is None else _beside_a_tick(mark, sight, light, several=several)
        for mark, sight in zip(alone, sights, strict=True)
    ]
    ticked = [mark for mark in marks if mark.state is MarkState.TICKED]
    if len(ticked) <= 1 or several:
        return tuple(marks), tuple(mark.option for mark in ticked)
    reason = f"{len(ticked)} boxes are ticked where one answer is asked."
    return tuple(_doubtful(mark, reason) if mark in ticked else mark for mark in marks), ()


def _is_mostly_outside(mark: Mark, sight: Sight) -> bool:
    return mark.state is MarkState.TICKED and sight.inside < _INSIDE_SHARE


def _doubtful(mark: Mark, reason: str) -> Mark:
    return replace(mark, state=MarkState.DOUBTFUL, reason=reason, score=0.0)


def _beside_a_tick(mark: Mark, sight: Sight, light: Sight, *, several: bool) -> Mark:
    """The mark, judged once more now that the lightest tick of the question shows how this person ticks."""
    if mark.state is MarkState.EMPTY or sight is light or sight.misfit > _NOT_THE_PRINT:
        return mark
    is_written = sight.span >= _SPAN_NOTHING
    if _is_scribbled_out(sight, light):
        mark = _scribbled_out(mark, sight, light, several=several)
    elif is_written and sight.share < _SPOT_OF_A_TICK * light.share:
        ink = f"{sight.share:.0%} of the box, against {light.share:.0%} for the tick beside it"
        score = round(_margin(sight.share / light.share, _SPOT_OF_A_TICK, 0.05), 4)
        if sight.slim < SLIM:
            mark = replace(mark, state=MarkState.STRAY, reason=f"A stray line of {ink}.", score=score)
        elif sight.span < _SPAN_MARK or sight.share < _THIN:
            mark = replace(mark, state=MarkState.EMPTY, reason=f"A spot of {ink}.", score=score)
    return mark


def _scribbled_out(mark: Mark, sight: Sight, light: Sight, *, several: bool) -> Mark:
    if several:
        return _doubtful(mark, f"{sight.share:.0%} of the box is ink: filled in as a second answer, or scribbled out?")
    reason = f"Scribbled out: {sight.share:.0%} of the box is ink, the tick beside it fills {light.share:.0%}."
    score = round(min(_margin(sight.share, _FULL, 0.9), _margin(sight.gap, _OPEN, 0.05)), 4)
    return replace(mark, state=MarkState.CANCELLED, reason=reason, score=score)


def _is_scribbled_out(sight: Sight, light: Sight) -> bool:
    much_fuller = sight.gap < _OPEN and sight.share >= max(_FULL, _FULLER_THAN_A_TICK * light.share)
    solid = sight.gap <= _SOLID_GAP and light.gap >= sight.gap + _MORE_OPEN
    return much_fuller or (solid and sight.share >= max(_FULL, _SOMEWHAT_FULLER * light.share))


def _judged(sight: Sight, option: str) -> Mark:
    doubt = _doubt(sight)
    if doubt:
        return _mark(option, MarkState.DOUBTFUL, sight, doubt, 0.0)
    ink = f"{sight.share:.0%} of the box is ink"
    if sight.span < _SPAN_NOTHING:
        score = min(_margin(sight.span, _SPAN_NOTHING, 0.0), _margin(sight.faint, _SPAN_MARK, 0.0))
        return _mark(option, MarkState.EMPTY, sight, f"Nothing but paper: {ink}.", min(score, _fit(sight)))
    looks = "Filled solid" if sight.gap <= _SOLID_GAP else f"A mark that spans {sight.span:.0%} of the box"
    return _mark(option, MarkState.TICKED, sight, f"{looks}; {ink}.", _tick_score(sight))


def _doubt(sight: Sight) -> str:
    """Why a person must look at this box, whatever stands in the boxes beside it; "" if nobody must."""
    ink = f"{sight.share:.0%} of the box is ink"
    doubts = (
        (
            sight.misfit > _NOT_THE_PRINT,
            f"The printed box was not found where the blank form has it; {ink}.",
        ),
        (
            sight.span < _SPAN_NOTHING and sight.faint >= _SPAN_MARK,
            f"A mark too faint to be sure of: it spans {sight.faint:.0%} of the box.",
        ),
    )
    return next((reason for applies, reason in (*doubts, *_doubts_of_ink(sight, ink)) if applies), "")


def _doubts_of_ink(sight: Sight, ink: str) -> Sequence[tuple[bool, str]]:
    """(whether it applies, the reason) of what may be wrong with the ink in a box; none for a box without."""
    if sight.span < _SPAN_NOTHING:
        return ()
    return (
        (
            sight.misfit > _OFF_ITS_PLACE,
            f"The printed box lies off its place: what is in it may be its own line; {ink}.",
        ),
        (sight.inside < _INSIDE_SHARE and not _is_flourish(sight), _from_outside(sight)),
        (
            sight.span < _SPAN_MARK,
            f"A spot that spans {sight.span:.0%} of the box; a tick spans at least {_SPAN_MARK:.0%}.",
        ),
        (sight.share < _THIN, f"So little ink that it may be dirt: {ink}."),
        (
            sight.slim < SLIM,
            f"A straight level or upright line, which may be a fold or a fault of the scanner; {ink}.",
        ),
        (
            sight.gap <= _SOLID_GAP and 1 - sight.inside > _OVERFLOW,
            f"{ink} and it runs over the edge: it may be a scribble that cancels the answer.",
        ),
    )


def _from_outside(sight: Sight) -> str:
    return f"A stroke from outside: only {sight.inside:.0%} of its ink lies in the box."


def _is_flourish(sight: Sight) -> bool:
    return sight.share >= _BOLD and sight.bulk >= _BENDS * sight.share and sight.span >= _SPAN_MARK


def _tick_score(sight: Sight) -> float:
    score = min(
        _margin(sight.share, _THIN, _PLAIN_SHARE),
        _margin(sight.span, _SPAN_MARK, _PLAIN_SPAN),
        _margin(sight.slim, SLIM, _PLAIN_SLIM),
        _fit(sight),
    )
    if sight.inside < _INSIDE_SHARE:
        return min(score, _FLOURISH_SCORE * _margin(sight.bulk / sight.share, _BENDS, _BENDS_PLAINLY))
    if sight.gap <= _SOLID_GAP:
        score = min(score, _margin(1 - sight.inside, _OVERFLOW, 0.0))
    return min(score, max(_FLOURISH_SCORE, _margin(sight.inside, _INSIDE_SHARE, _PLAIN_INSIDE)))


def _fit(sight: Sight) -> float:
    limit = _NOT_THE_PRINT if sight.span < _SPAN_NOTHING else _OFF_ITS_PLACE
    return _margin(sight.misfit, limit, _PLAIN_MISFIT)


def _margin(value: float, threshold: float, plain: float) -> float:
    """How far a value is from the threshold, as a share of the way to what is plain: 0.0 on it, 1.0 there or beyond."""
    return min(max((value - threshold) / (plain - threshold), 0.0), 1.0)


def _mark(option: str, state: MarkState, sight: Sight, reason: str, score: float) -> Mark:
    return Mark(option, state, round(sight.share, 4), reason, sight.area, round(score, 4))


# A name written by hand has at least one joined stroke this long (10 mm), or this high (7 mm) where it is all loops.
# Figures and print letters of a date stay below 6 mm each.
_STROKE_LENGTH, _STROKE_HEIGHT = 120, 83
# A pen skips within a stroke: gaps below this (0.25 mm) do not end it.
_PEN_GAP = 3
# Writing longer than this in all (12 mm) is worth a look even if no stroke of it is long.
_WRITING_LENGTH = 140
# Ruled lines and edges of shadows: no thicker than this on average, and no higher than this share of their length.
_RULED_THICKNESS, _RULED_SLANT = 8, 0.06
# Of what was drawn with a pen at least this share stays when all that is wider than a pen's stroke is made paper; of a
# shadow, a fold or the ring of a cup nearly nothing does.
_DRAWN_BY_PEN = 0.5
# A name takes more ink than this, in pixels at 300 dpi: of 2,435 synthetic signatures the lightest has twice as much.
# What a scan in black and white keeps of a cup's ring may have less.
_SIGNED_INK = 1500
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
    dx, dy, _ = local_shift(aligned, box, blank, round(LOCAL_MISFIT * unit))
    grey = crop(aligned, moved(box, dx, dy))
    seen = ink_of(without_halftone(grey, unit) if is_halftone(grey, unit) else grey, STRONG)
    new = seen & ~spread(blank, round((PRINT_SPREAD + 1) * unit))
    joined = cv2.morphologyEx(new.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((max(1, round(_PEN_GAP * unit)),) * 2))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    wide, high = stats[:, cv2.CC_STAT_WIDTH] / unit, stats[:, cv2.CC_STAT_HEIGHT] / unit
    longest, shortest = np.maximum(wide, high), np.minimum(wide, high)
    thickness = stats[:, cv2.CC_STAT_AREA] / unit**2 / longest
    is_long = (longest >= _STROKE_LENGTH) | (high >= _STROKE_HEIGHT)
    ruled = is_long & (thickness <= _RULED_THICKNESS) & (shortest <= _RULED_SLANT * longest + _RULED_THICKNESS)
    writing = (longest >= DIRT) & ~ruled
    writing[0] = False
    kept = np.asarray(writing[labels] & new, np.bool_)
    height, width = aligned.shape
    area = fraction_of_page(moved(_extent(kept, box), dx, dy), width, height)
    long = np.asarray((writing & is_long)[labels] & new, np.bool_)
    doubt = _doubt_of_a_name(long, grey, float(kept.sum()), unit) if long.any() else ""
    is_signed = bool(long.any()) and not doubt
    seen_as = _signature(longest[writing] * _MM, area, signed=is_signed, share=float(kept.mean()))
    return replace(seen_as, doubtful=True, reason=doubt) if doubt else seen_as


def _doubt_of_a_name(long: Mask, grey: Grey, ink: float, unit: float) -> str:
    """Why long strokes in a box for a signature may be no name; "" if they are. `ink`: of all writing, in pixels."""
    if float(ink_of(without_shade(grey, unit), FAINT)[long].mean()) < _DRAWN_BY_PEN:
        return "What is dark here is wider than any pen: a shadow, or a stain."
    return "Too little ink for a name: one stroke, or dirt." if ink / unit**2 < _SIGNED_INK else ""


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
