"""Answers: the ink on an aligned page that is not printed on the blank form, sorted into the lines of each zone.

Ink belongs to the zone that holds most of its word, so that a word may run over the edge of its box.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.claims import shapes_of_zones
from extract.page import Grey
from extract.printed import Print, prepare, without_print
from extract.rows import ALONE_TALL, rows_of
from extract.shapes import AREA, HEIGHT, LEFT, TOP, WIDTH, Labels, Shapes, around, groups, shapes_of
from extract.stacks import Stacks, stacks_of
from schemas.geometry import Box

__all__ = ["Answers", "InkLine", "Print", "find_answers", "lines_of_zones", "prepare", "stray_ink"]

# A page of two levels only, and the level between them.
_BLACK, _WHITE, _TWO_LEVELS, _MIDDLE_GREY = 16, 239, 0.97, 128
# Paper is the brightest within so many eighths of a pixel: wider than any stroke. Ink is darker than paper by at least
# so much, and by so many times the paper's own grain, up to what no pencil falls short of.
_PAPER_SEEN, _INK_DARKER, _GRAINS, _INK_AT_MOST = 9, 34, 4.0, 110
# All lengths in pixels at 300 dpi, the frame the pages are aligned in.
# Writing that belongs to a zone may overhang it by this much.
_OVERHANG = 60
# Gaps between the words of a line are about 14; between columns more than 30.
_WORD_GAP = 22
_SPECK_PIXELS = 12
# Specks are on every paper, as much as this share of it; where there are more they may be faint writing.
_CLEAN_PAPER = 0.001
_STRAY, _SPECK = np.uint8(1), np.uint8(2)
# A run of ink smaller than this is dirt: a full stop has 25, a dash 60, a letter more than 100.
_RUN_PIXELS = 45
# Smaller things count where they stand in a line of writing, so far above it or below, if they are no thinner than
# this share of its height: the dot of an i, an accent. Dirt is thinner.
_DOT_SIDE, _DOT_SHARE, _DOT_ABOVE, _DOT_BELOW = 3, 0.1, 9, 6
# On a dirty page they are dirt: more than this many times the line's other shapes.
_DOTS_AT_MOST = 1.0
# Nothing a pen or a typewriter makes in one piece is larger than this: two inches; it is the edge of something.
_HUGE_PIXELS = 600
# A stroke so long and so thin is a crease, the edge of a copy or an underline: no letter, and no answer by itself.
_CREASE_LONG, _CREASE_THIN = 110, 9
# The edge of a copy is longer than that, and may lie aslant by so much of its length: straight to so many pixels.
_EDGE_ASLANT, _EDGE_STRAIGHT, _EDGE_RAGGED = 0.025, 3, 3
# Where letters hang on one they are at most so tall, and so much of its length is bare.
_HANGING, _EDGE_BARE = 64, 0.8
# A crease through letters is straight and upright for so long and so thin; the figures of a large hand are not.
_THROUGH_LONG, _THROUGH_THIN = 150, 6
# The next line of an answer begins within so many heights of a line.
_NEXT_LINE = 1.5
# Other writing on the rows of a line, so far before it or behind it, may be a word of it: further than any gap that is
# bridged, nearer than most columns.
_BESIDE = 110
# What is lower is no letter: a dot, a comma, a dash.
_LETTER_TALL = 10
# A stamp that reaches so far beyond a zone was set across it, and is nobody's answer; pieces of its letters lie in its
# place or so near to it.
_STAMPED_ACROSS, _STAMP_PIECES = 20, 12
# Letters of a stamp are at least so high, pieces of them worth a look so large. Letters so near to one in its column
# show where it runs: so many stand within it, and what sticks out by more than this is no letter of it alone.
_LETTER_HIGH, _LETTER_SMALL, _PIECE_LARGE = 20, 14, 8
_COLUMN_ASTRAY, _COLUMN_SEEN, _USUAL, _STICKS_OUT = 40, 80, 0.8, 8
# What wears off print, and what blots it, is no thicker than this.
_WORN_THIN = 5
# A figure and the gap beside it, and how low a figure is at most, in heights of the line.
_FIGURE_WIDE, _FIGURE_TALL = 0.8, 0.5
# An upright rule runs on above and below a number: it is looked for so far (in heights of the line), is at least so
# long, and its edges are ragged by so much. No figure is so long.
_RULE_SEEN, _RULE_LONG, _RULE_RAGGED = 0.5, 1.5, 3
# A line's margin in its picture.
_MARGIN = 6


@dataclass(frozen=True, slots=True, eq=False)
class InkLine:
    """One line of writing: its picture (dark on white, only its own ink) and its place on the reference.

    shapes:   the numbers of its shapes.
    cut:      share (0 to 1) of its ink that had to be cut from print.
    overflow: share of its ink that stands outside the zone it belongs to.
    """

    pixels: Grey
    box: Box
    shapes: NDArray[np.int64]
    cut: float = 0.0
    overflow: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The ink of a page that is not print.

    pixels: the aligned page on white paper, print and all.
    level:  the grey level up to which a pixel of it is ink.
    labels: (height, width) int32: 0 for no answer ink, else the number of the shape.
    stats:  (shapes, 5) int32: left, top, width, height, area of each shape; row 0 is the paper.
    run:    for each shape the number of the run (word or tight group of words) it belongs to; 0 for a speck.
    sideways: for each shape whether it is part of a stamp set on its side.
    stamps: the places of such stamps.
    stray:  0 but where ink is that is neither print nor a shape of a run: `_STRAY`, or `_SPECK` in the smallest shapes.
    cut:    1 where ink of a shape is that had to be cut from print, else 0.
    edges:  1 where the edge of a copy runs on which letters hang, without these; None if there is none.
    worn:   for each shape whether it is as thin and as near to print as what wears off it. It may be a point or a dash
            all the same, and stays in the line it stands in; alone it is no writing.
    """

    pixels: Grey
    level: int
    labels: Labels
    stats: Labels
    run: Labels
    sideways: NDArray[np.bool_]
    stamps: tuple[Box, ...]
    stray: Grey
    cut: Grey
    worn: NDArray[np.bool_]
    edges: Grey | None = None


def has_two_levels(pixels: Grey) -> bool:
    """Whether a page as scanned is black and white only, with no grey between."""
    sample = pixels[::7, ::5]
    return float(((sample < _BLACK) | (sample > _WHITE)).mean()) > _TWO_LEVELS


def flattened(pixels: Grey) -> tuple[Grey, int]:
    """The page on white paper, and the grey level up to which a pixel is ink.

    Paper is what is brightest around; how much darker ink must be follows from the paper's own grain. So a stain, a
    shadow in the fold and faint pencil are told apart, which no one level for the whole page can do.
    """
    height, width = pixels.shape
    small = cv2.resize(pixels, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    paper = cv2.GaussianBlur(cv2.dilate(small, np.ones((_PAPER_SEEN,) * 2, np.uint8)), (0, 0), _PAPER_SEEN / 2)
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    darker = np.asarray(cv2.subtract(paper, pixels), np.uint8)
    grain = float(np.median(darker[::7, ::5]))
    return np.asarray(255 - darker, np.uint8), round(255 - min(max(_INK_DARKER, _GRAINS * grain), _INK_AT_MOST))


def find_answers(aligned: Grey, blank: Print, zones: Sequence[Box], *, two_levels: bool = False) -> Answers:
    """Separate answers from print on a page laid onto its reference (same size, 300 dpi).

    two_levels: the page was scanned in black and white only; what is grey in it now came from laying it down.

    Only the level strips of the page that hold a zone are looked at, with a little around them.
    """
    aligned, level = (aligned, _MIDDLE_GREY) if two_levels else flattened(aligned)
    remaining, stray, cut = (np.zeros(aligned.shape, np.uint8) for _ in range(3))
    for strip in _strips(zones, aligned.shape[0]):
        ink = (aligned[strip] <= level).view(np.uint8)
        remaining[strip], cut[strip] = without_print(ink, blank, strip)
        stray[strip] = ink & (1 - blank.beside(strip))
    shapes = shapes_of(remaining)
    if _cut_creases(remaining, shapes):
        shapes = shapes_of(remaining)
    stats = shapes.stats
    extent = stats[:, WIDTH : HEIGHT + 1].max(axis=1)
    is_crease = (extent >= _CREASE_LONG) & (stats[:, WIDTH : HEIGHT + 1].min(axis=1) <= _CREASE_THIN)
    edges: Grey | None = None
    for number, edge in _edges_in(shapes):
        if edge.all_of_it:
            is_crease[number] = True
            continue
        edges = np.zeros(aligned.shape, np.uint8) if edges is None else edges
        left, top, width, height = (int(value) for value in stats[number, :4])
        edges[top : top + height, left : left + width] |= edge.pixels
    keep = (stats[:, AREA] >= _SPECK_PIXELS) & (extent <= _HUGE_PIXELS) & ~is_crease
    keep[0] = False
    run = groups(shapes, keep, (_WORD_GAP, 3))
    small = np.bincount(run, weights=stats[:, AREA], minlength=int(run.max(initial=0)) + 1) < _RUN_PIXELS
    small[0] = True
    run = np.where(small[run], 0, run).astype(np.int32)
    stray *= _STRAY
    stray.reshape(-1)[shapes.places[stats[shapes.of, AREA] < _SPECK_PIXELS]] = _SPECK
    stray.reshape(-1)[shapes.places[((run > 0) | is_crease)[shapes.of]]] = 0
    worn = _wear_of_print(shapes, blank)
    flat = stray.reshape(-1)
    inked = np.flatnonzero(flat)
    labels = shapes.labels
    of = labels.reshape(-1)[inked]
    flat[inked[worn[of] | ((of == 0) & blank.is_worn(inked))]] = 0
    found: Stacks = stacks_of(stats, run)
    return Answers(aligned, level, labels, stats, run, found.sideways, found.places, stray, cut, worn, edges)


def _wear_of_print(shapes: Shapes, blank: Print) -> NDArray[np.bool_]:
    """Which shapes are so thin and so near to print, all of them, that they may be its blots and worn edges."""
    thin = shapes.stats[:, WIDTH : HEIGHT + 1].min(axis=1) <= _WORN_THIN
    away = shapes.count(~blank.is_worn(shapes.places))
    worn = np.asarray(thin & (away == 0), np.bool_)
    worn[0] = False
    return worn


def _cut_creases(remaining: Grey, shapes: Shapes) -> bool:
    """Take straight upright strokes longer than any letter off the writing they cross; whether there were any."""
    stats = shapes.stats
    found = False
    tall = (stats[:, HEIGHT] >= _THROUGH_LONG) & (stats[:, HEIGHT] <= _HUGE_PIXELS)
    for number in np.flatnonzero(tall & (stats[:, WIDTH] > _THROUGH_THIN)):
        left, top, width, height = (int(value) for value in stats[number, :4])
        window = slice(top, top + height), slice(left, left + width)
        shape = shapes.alone(int(number))
        stroke = _opened(shape, (_THROUGH_LONG, 1))
        if stroke.any():
            # Where letters cross it they stay whole.
            crossed = _opened(shape, (1, _THROUGH_THIN + 1))
            crease = (cv2.dilate(stroke, np.ones((3, 3), np.uint8)) > 0) & (shape > 0) & (crossed == 0)
            remaining[window][crease] = 0
            found = True
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Edge:
    """The pixels of a long, thin and straight stroke within a shape, and whether nothing hangs on it."""

    pixels: Grey
    all_of_it: bool


def _edges_in(shapes: Shapes) -> Iterator[tuple[int, _Edge]]:
    """The shapes that are edges of copies, or on which letters hang, by their numbers."""
    sides = shapes.stats[:, WIDTH : HEIGHT + 1]
    extent = sides.max(axis=1)
    aslant = (extent > _HUGE_PIXELS) & (sides.min(axis=1) <= _HANGING + _EDGE_ASLANT * extent)
    aslant[0] = False
    for number in np.flatnonzero(aslant):
        edge = _edge_in(shapes.alone(int(number)))
        if edge is not None:
            yield int(number), edge


def _edge_in(shape: Grey) -> _Edge | None:
    """The edge of a copy that a long shape is, or that letters hang on; None where it is anything else."""
    is_level = shape.shape[1] > shape.shape[0]
    ink = (shape if is_level else shape.T) > 0
    thick = ink.sum(axis=0)
    usual = float(np.median(thick))
    bare = thick <= min(_CREASE_THIN, usual + _EDGE_RAGGED)
    columns, rows = np.arange(len(thick)), np.arange(ink.shape[0])[:, np.newaxis]
    middle = (ink * rows).sum(axis=0) / np.maximum(thick, 1)
    straight = middle
    for _ in range(2):  # the second time without the arms of letters, which are as thin
        if bare.mean() < _EDGE_BARE:
            return None
        slope, start = np.polyfit(columns[bare], middle[bare], 1)
        straight = start + slope * columns
        bare &= np.abs(middle - straight) <= _EDGE_STRAIGHT
    if abs(slope) > _EDGE_ASLANT or bare.mean() < _EDGE_BARE:
        return None
    edge = ink & (np.abs(rows - straight) <= usual / 2 + _EDGE_STRAIGHT)
    return _Edge(np.asarray(edge if is_level else edge.T, np.uint8), bool(bare.all()))


def _opened(shape: Grey, rows_and_columns: tuple[int, int]) -> Grey:
    """A mask without what is smaller; outside of it is paper."""
    kernel = np.ones(rows_and_columns, np.uint8)
    return np.asarray(
        cv2.morphologyEx(shape, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0), np.uint8
    )


def stray_ink(answers: Answers, zone: Box, lines: Sequence[InkLine], *, with_edges: bool = True) -> int:
    """Pixels of ink in the zone that are neither print nor in a line of writing: dirt, or writing that was missed.

    Of a stamp that was set across the zone from another one nothing counts, nor of what lies beneath it. Without edges,
    nor does the edge of a copy on which letters hang; the letters, which are lost with it, do.
    """
    stray = answers.stray[_window(zone)].copy()
    if answers.edges is not None and not with_edges:
        stray[answers.edges[_window(zone)] > 0] = 0
    if not lines:
        stray[((answers.run > 0) & ~answers.worn)[answers.labels[_window(zone)]]] = _STRAY
    stray[_under_stamps(answers, zone)] = 0
    specks = int((stray == _SPECK).sum()) - round(zone.area * _CLEAN_PAPER)
    return int((stray == _STRAY).sum()) + max(specks, 0)


def foreign_ink(answers: Answers, zone: Box, lines: Sequence[InkLine]) -> int:
    """Pixels of writing in the zone that belong to no line of it: another zone's line reaches into it, or lost one.

    Of stamps set on their side what lies across a line counts: letters that it touched are lost with it. Pieces of a
    stamp that was set across the zone count there only, too.
    """
    others = (answers.run > 0) & ~answers.sideways & ~answers.worn
    for line in lines:
        others[line.shapes] = False
    foreign = others[answers.labels[_window(zone)]]
    near = [line.box.grown(_WORD_GAP).within(*answers.labels.shape[::-1]) for line in lines]
    beneath = _under_stamps(answers, zone)
    for box in near:
        beneath[_within(box, zone)] = False
    across = sum(int(answers.sideways[answers.labels[_window(box)]].sum()) for box in near)
    return int((foreign & ~beneath).sum()) + across


def _window(box: Box) -> tuple[slice, slice]:
    return slice(box.top, box.bottom), slice(box.left, box.right)


def _within(box: Box, zone: Box) -> tuple[slice, slice]:
    """The rows and columns of a zone's picture that a place takes."""
    rows = slice(max(box.top - zone.top, 0), max(box.bottom - zone.top, 0))
    return rows, slice(max(box.left - zone.left, 0), max(box.right - zone.left, 0))


def _under_stamps(answers: Answers, zone: Box) -> NDArray[np.bool_]:
    """(height, width) of the zone: where stamps on their side lie, with pieces of their letters, that reach beyond it.

    A stack of short words within one zone may be somebody's answer; what goes on above or below is none. Nor is a
    stamp alone in the zone where a shape sticks out of its column there, or letters stand in it that are none of it.
    """
    beneath = np.zeros((zone.height, zone.width), np.bool_)
    for stamp in answers.stamps:
        beyond = stamp.top < zone.top - _STAMPED_ACROSS or stamp.bottom > zone.bottom + _STAMPED_ACROSS
        if beyond and stamp.overlaps(zone) and not _holds_more(answers, stamp, zone):
            beneath[_within(stamp.grown(_STAMP_PIECES), zone)] = True
    return beneath


def _holds_more(answers: Answers, stamp: Box, zone: Box) -> bool:
    """Whether the part of a stamp that lies in a zone may hold writing as well: a short answer that it was set on."""
    stats = answers.stats
    x, y = stats[:, LEFT] + stats[:, WIDTH] / 2, stats[:, TOP] + stats[:, HEIGHT] / 2
    place = stamp.grown(_STAMP_PIECES)
    inside = (x >= place.left) & (x < place.right) & (y >= place.top) & (y < place.bottom)
    here = inside & (stats[:, TOP] < zone.bottom) & (stats[:, TOP] + stats[:, HEIGHT] > zone.top)
    others = here & ~answers.sideways & (answers.run > 0) & ~answers.worn
    if (others & (stats[:, WIDTH : HEIGHT + 1].min(axis=1) >= _LETTER_SMALL)).any():
        return True
    letters = inside & answers.sideways & (stats[:, WIDTH] >= _LETTER_HIGH)
    pieces = here & answers.sideways & (stats[:, WIDTH : HEIGHT + 1].min(axis=1) >= _PIECE_LARGE)
    for shape in np.flatnonzero(pieces):
        column = letters & (np.abs(x - x[shape]) <= _COLUMN_ASTRAY) & (np.abs(y - y[shape]) <= _COLUMN_SEEN)
        column[shape] = False
        if not column.any():
            return True
        # A stamp's letters lie on their side: what is their height is alike in all of a column.
        left = float(np.quantile(stats[column, LEFT], 1 - _USUAL))
        right = float(np.quantile(stats[column, LEFT] + stats[column, WIDTH], _USUAL))
        edge = int(stats[shape, LEFT])
        if edge < left - _STICKS_OUT or edge + int(stats[shape, WIDTH]) > right + _STICKS_OUT:
            return True
    return False


def adjacent_ink(answers: Answers, lines: Sequence[InkLine]) -> int:
    """Pixels of other writing right above the lines or below them: a line of theirs may be among it.

    An answer that runs on beyond its zone leaves its last line in the next zone, or in none.
    """
    if not lines:
        return 0
    left, right = min(line.box.left for line in lines), max(line.box.right for line in lines)
    top, bottom = min(line.box.top for line in lines), max(line.box.bottom for line in lines)
    reach = round(_NEXT_LINE * float(np.median([line.box.height for line in lines])))
    others = (answers.run > 0) & ~answers.sideways
    for line in lines:
        others[line.shapes] = False
    strips = slice(max(top - reach, 0), top), slice(bottom, bottom + reach)
    return sum(int(others[answers.labels[strip, max(left, 0) : right]].sum()) for strip in strips)


def beside_ink(answers: Answers, lines: Sequence[InkLine]) -> int:
    """Pixels of other writing on the rows of the lines, right before them or behind: a word of theirs may be among it.

    A wide gap, or the edge of a zone, parts the last word of a line from the rest.
    """
    if not lines:
        return 0
    others = (answers.run > 0) & ~answers.sideways
    for line in lines:
        others[line.shapes] = False
    width = answers.labels.shape[1]
    found = np.zeros(answers.labels.shape[0], np.int64)
    for line in lines:
        box = line.box
        sides = (slice(max(box.left - _BESIDE, 0), max(box.left, 0)), slice(box.right, min(box.right + _BESIDE, width)))
        for side in sides:
            ink = others[answers.labels[box.top : box.bottom, side]].sum(axis=1)
            # Lines that lie over one another are told of the same ink.
            found[box.top : box.bottom] = np.maximum(found[box.top : box.bottom], ink)
    return int(found.sum())


def end_ink(answers: Answers, lines: Sequence[InkLine]) -> int:
    """Pixels of other ink on the rows of the lines, nearer to their ends than one more figure: print, specks, writing.

    A figure that faded to specks, or that was typed into the print beside, is lost without a trace in what is read. An
    upright rule hides none as long as it is no thicker there than above and below.
    """
    height, width = answers.labels.shape
    found = 0
    for line in lines:
        # Specks that joined the line are no figures of it.
        tall = line.shapes[answers.stats[line.shapes, HEIGHT] >= _FIGURE_TALL * line.box.height]
        if not tall.size:
            continue
        box = around(answers.stats[tall]).within(width, height)
        reach = round(_FIGURE_WIDE * box.height)
        own = np.zeros(len(answers.stats), np.bool_)
        own[tall] = True
        for side in (slice(max(box.left - reach, 0), box.left), slice(box.right, min(box.right + reach, width))):
            top = max(box.top - round(_RULE_SEEN * box.height), 0)
            part = slice(top, box.bottom + round(_RULE_SEEN * box.height)), side
            ink = (answers.pixels[part] <= answers.level) & ~own[answers.labels[part]]
            rows = slice(box.top - top, box.bottom - top)
            found += int(ink[rows].sum()) - _of_rules(ink, rows, round(_RULE_LONG * box.height))
    return found


def _of_rules(ink: NDArray[np.bool_], rows: slice, long: int) -> int:
    """How much of the ink of some rows is that of upright rules, at least so long, that run through them."""
    inside = np.zeros(len(ink), np.bool_)
    inside[rows] = True
    if not ink.any() or inside.all():  # at the edge of the page there may be nothing beside, above or below
        return 0
    uprights = cv2.morphologyEx(ink.view(np.uint8), cv2.MORPH_OPEN, np.ones((long, 1), np.uint8))
    near = cv2.dilate(uprights.max(axis=0, keepdims=True), np.ones((1, 2 * _RULE_RAGGED + 1), np.uint8))
    _, numbers = cv2.connectedComponents(near.astype(np.uint8), connectivity=8)
    of_rules = 0
    for number in range(1, int(numbers.max(initial=0)) + 1):
        thick = ink[:, numbers[0] == number].sum(axis=1)
        usual = float(np.median(thick[~inside]))
        of_rules += round(min(usual * inside.sum(), float(thick[inside].sum())))
    return of_rules


def widest_gap(answers: Answers, lines: Sequence[InkLine]) -> float:
    """The widest blank between two figures that follow one another on a line, in heights of the line; 0.0 for one."""
    widest = 0.0
    for line in lines:
        stats = answers.stats[line.shapes]
        stats = stats[stats[:, HEIGHT] >= _FIGURE_TALL * line.box.height]
        order = np.argsort(stats[:, LEFT], kind="stable")
        ends = np.maximum.accumulate((stats[:, LEFT] + stats[:, WIDTH])[order])
        gaps = stats[order, LEFT][1:] - ends[:-1]
        widest = max(widest, float(gaps.max(initial=0)) / line.box.height)
    return widest


def tallest_shape(answers: Answers, lines: Sequence[InkLine]) -> float | None:
    """The tallest shape of the lines, in heights of a usual letter of its line; None where there is no letter.

    A word of the next line that hangs on a tail of this one makes one tall shape with it, and is lost in its picture.
    """
    found = []
    for line in lines:
        heights = answers.stats[line.shapes, HEIGHT]
        letters = heights[heights >= _LETTER_TALL]
        if letters.size:
            found.append(float(letters.max() / np.median(letters)))
    return max(found, default=None)


def is_stamped(answers: Answers, zone: Box) -> bool:
    """Whether a stamp set on its side reaches into the zone."""
    return any(stamp.overlaps(zone) for stamp in answers.stamps)


def _strips(zones: Sequence[Box], height: int) -> list[slice]:
    """The rows that hold zones, from top to bottom, joined where they meet."""
    strips: list[list[int]] = []
    for top, bottom in sorted((max(zone.top - _OVERHANG, 0), min(zone.bottom + _OVERHANG, height)) for zone in zones):
        if strips and top <= strips[-1][1]:
            strips[-1][1] = max(strips[-1][1], bottom)
        else:
            strips.append([top, bottom])
    return [slice(top, bottom) for top, bottom in strips]


def lines_of_zones(answers: Answers, zones: Sequence[Box]) -> list[list[InkLine]]:
    """The lines of writing of every zone, top to bottom; an empty list is blank paper. No shape is in two zones."""
    members = shapes_of_zones(answers.stats, np.where(answers.sideways, 0, answers.run), zones)
    return [
        [_picture(answers, line, zone) for line in rows_of(answers.stats, answers.run, shapes, zone)]
        for shapes, zone in zip(members, zones, strict=True)
    ]


def _picture(answers: Answers, shapes: NDArray[np.int64], zone: Box) -> InkLine:
    stats = answers.stats[shapes]
    height, width = answers.labels.shape
    box = around(stats)
    dots = _dots(answers, box)
    wanted = np.zeros(len(answers.stats), np.bool_)
    wanted[shapes] = True
    if dots.size <= _DOTS_AT_MOST * shapes.size:
        wanted[dots] = True
    room = box.grown(_MARGIN + _DOT_ABOVE).within(width, height)
    ink = wanted[answers.labels[room.top : room.bottom, room.left : room.right]]
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    seen = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1).grown(_MARGIN)
    seen = seen.within(room.width, room.height)
    ink = ink[seen.top : seen.bottom, seen.left : seen.right]
    top, left = room.top + seen.top, room.left + seen.left
    window = slice(top, top + seen.height), slice(left, left + seen.width)
    cut = float(answers.cut[window][ink].mean())
    # One pixel around the ink keeps its soft edge.
    own = cv2.dilate(ink.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    pixels = np.where(own, answers.pixels[window], 255).astype(np.uint8)
    return InkLine(pixels, box, shapes, round(cut, 4), round(_outside(stats, zone), 4))


def _dots(answers: Answers, line: Box) -> NDArray[np.int64]:
    """Small shapes of no run that stand within a line of writing or right above or below it."""
    stats = answers.stats
    x, y = stats[:, LEFT] + stats[:, WIDTH] / 2, stats[:, TOP] + stats[:, HEIGHT] / 2
    near = (x >= line.left) & (x < line.right) & (y >= line.top - _DOT_ABOVE) & (y < line.bottom + _DOT_BELOW)
    thin = max(_DOT_SIDE, _DOT_SHARE * line.height)
    near &= (answers.run == 0) & (stats[:, WIDTH : HEIGHT + 1].min(axis=1) >= thin) & (stats[:, WIDTH] < ALONE_TALL)
    near[0] = False
    return np.flatnonzero(near)


def _outside(stats: Labels, zone: Box) -> float:
    """The share of ink of shapes whose middles lie outside a zone."""
    x, y = stats[:, LEFT] + stats[:, WIDTH] / 2, stats[:, TOP] + stats[:, HEIGHT] / 2
    outside = (x < zone.left) | (x >= zone.right) | (y < zone.top) | (y >= zone.bottom)
    return float(stats[outside, AREA].sum() / max(int(stats[:, AREA].sum()), 1))
