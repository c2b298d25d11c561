"""Answers: the ink on an aligned page that is not printed on the blank form, sorted into the lines of each zone.

What stands on the blank is removed shape by shape, not pixel by pixel: a letter that merely touches a rule stays whole.
Ink belongs to the zone that holds most of its word, so that a word may run over the edge of its box.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.page import Grey
from schemas.geometry import Box, hull

Labels = NDArray[np.int32]

# A page of two levels only, and the level between them.
_BLACK, _WHITE, _TWO_LEVELS, _MIDDLE_GREY = 16, 239, 0.97, 128
# Paper is the brightest within so many eighths of a pixel: wider than any stroke. Ink is darker than paper by at least
# so much, and by so many times the paper's own grain, up to what no pencil falls short of.
_PAPER_SEEN, _INK_DARKER, _GRAINS, _INK_AT_MOST = 9, 34, 4.0, 110
# All lengths in pixels at 300 dpi, the frame the pages are aligned in.
# Print on the page lies within this of print on the reference, after alignment (its residual is about 1).
_NEAR_PRINT = 4
# A shape with at least this share of its ink near print is print; with at most that share it only touches some.
_IS_PRINT = 0.8
# Print also lies exactly on print with this share of its ink; a letter that merely stands beside a label does not.
_EXACTLY = 0.25
_ONLY_TOUCHES = 0.12
# A printed rule is at least this long, may lie this far from where the reference has it, and pieces of it this long
# are still known for what they are: no stroke of writing is so straight for so long.
_RULE = 150
_RULE_ASTRAY = 11
_RULE_PIECE = 36
# A piece of a rule's worn edge is no thicker than this.
_SLIVER = 9
# A rule is no thicker than this where a stroke crosses it.
_CROSSING = 15
# Writing that belongs to a zone may overhang it by this much.
_OVERHANG = 60
# What is left of a shape that was wiped in part must be larger than this to be an answer and not an edge of print.
_SCRAP_PIXELS = 40
# Gaps between the words of a line are about 14; between columns more than 30.
_WORD_GAP = 22
_SPECK_PIXELS = 12
# A run of ink smaller than this is dirt: a full stop has 25, a dash 60, a letter more than 100.
_RUN_PIXELS = 45
# A word in no zone belongs to the line it stands beside if it is this near.
_OVERFLOW_GAP = 70
# A narrow stack of shapes this tall that stand in no level row is a rubber stamp set on its side.
_STAMP_TALL = 150
_STAMP_NARROW = 0.45  # width in proportion to height
_STAMP_GAP = 70  # the blanks between a stamp's words included
_STAMP_SHAPES = 4
# Writing is level where a row of at least so many shapes is so many times as wide as high.
_ROW_SHAPES = 4
_ROW_WIDE = 1.8
# The tallest shape of a line of writing is at least this tall (1.2 mm); a dash this long.
_WRITING_TALL = 14
_DASH_LONG = 15
# Nothing a pen or a typewriter makes in one piece is larger than this: two inches; it is the edge of something.
_HUGE_PIXELS = 600
# A line's margin in its picture.
_MARGIN = 6
# A run taller than this may be several lines that touch.
_TALL_RUN = 64
_VALLEY = 0.18


@dataclass(frozen=True, slots=True, eq=False)
class InkLine:
    """One line of writing: its picture (dark on white, only its own ink) and its place on the reference."""

    pixels: Grey
    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The ink of a page that is not print.

    pixels: the aligned page on white paper, print and all.
    level:  the grey level up to which a pixel of it is ink.
    labels: (height, width) int32: 0 for no answer ink, else the number of the shape.
    stats:  (shapes, 5) int32: left, top, width, height, area of each shape; row 0 is the paper.
    run:    for each shape the number of the run (word or tight group of words) it belongs to.
    sideways: for each shape whether it is part of a stamp set on its side.
    stray:  1 where ink is that is neither print nor one of the shapes; specks and edges, else 0.
    """

    pixels: Grey
    level: int
    labels: Labels
    stats: Labels
    run: Labels
    sideways: NDArray[np.bool_]
    stray: Grey


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


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """What is printed on a blank form, prepared once for taking it off many pages; masks are 0 or 1, uint8.

    exact:  print and the pixel around it.
    near:   print and all that lies within a misfit of it.
    level_rules, upright_rules: where pieces and worn edges of long rules may lie.
    """

    exact: Grey
    near: Grey
    level_rules: Grey
    upright_rules: Grey


def prepare(reference: Grey) -> Print:
    """Prepare a blank form, (height, width) uint8 dark on light at 300 dpi."""
    print_ = (reference < 128).astype(np.uint8)
    astray, misfit = 2 * _RULE_ASTRAY + 1, 2 * _NEAR_PRINT + 1
    return Print(
        exact=_spread(print_, 3, 3),
        near=_spread(print_, misfit, misfit),
        level_rules=_spread(_opened(print_, _RULE, 1), 1, astray),
        upright_rules=_spread(_opened(print_, 1, _RULE), astray, 1),
    )


def find_answers(aligned: Grey, blank: Print, zones: Sequence[Box], *, two_levels: bool = False) -> Answers:
    """Separate answers from print on a page laid onto its reference (same size, 300 dpi).

    two_levels: the page was scanned in black and white only; what is grey in it now came from laying it down.

    Only the level strips of the page that hold a zone are looked at, with a little around them.
    """
    ink = np.zeros(aligned.shape, np.uint8)
    aligned, level = (aligned, _MIDDLE_GREY) if two_levels else flattened(aligned)
    strips = _strips(zones, aligned.shape[0])
    for strip in strips:
        ink[strip] = aligned[strip] <= level
    remaining = np.zeros_like(ink)
    for strip in strips:
        part = Print(*(mask[strip] for mask in (blank.exact, blank.near, blank.level_rules, blank.upright_rules)))
        remaining[strip] = _without_print(ink[strip], part)
    shapes = _shapes(remaining)
    extent = shapes.stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
    shapes = shapes.only((shapes.area >= _SPECK_PIXELS) & (extent <= _HUGE_PIXELS))
    run = _groups(shapes, (_WORD_GAP, 3))
    small = np.bincount(run, weights=shapes.area, minlength=int(run.max(initial=0)) + 1) < _RUN_PIXELS
    small[0] = True
    run = np.where(small[run], 0, run).astype(np.int32)
    shapes = shapes.only(run > 0)
    beside = blank.near | blank.level_rules | blank.upright_rules
    stray = ink & (1 - beside) & (shapes.labels == 0)
    return Answers(aligned, level, shapes.labels, shapes.stats, run, _sideways(shapes, run), stray.astype(np.uint8))


def stray_ink(answers: Answers, zone: Box, lines: Sequence[InkLine]) -> int:
    """Pixels of ink in the zone that are neither print nor in a line of writing: dirt, or writing that was missed."""
    window = slice(zone.top, zone.bottom), slice(zone.left, zone.right)
    unread = 0 if lines else int((answers.labels[window] > 0).sum())
    return int(answers.stray[window].sum()) + unread


@dataclass(frozen=True, slots=True, eq=False)
class _Shapes:
    """Connected shapes of a mask, held by their pixels: a page of writing is nineteen parts paper.

    labels: (height, width) int32, 0 for paper.
    places: index into the flattened page of every inked pixel, rising; `of`: the shape each belongs to.
    stats:  (shapes, 5) int32: left, top, width, height, area; row 0 is the paper.
    """

    labels: Labels
    places: NDArray[np.int64]
    of: Labels
    stats: Labels

    @property
    def area(self) -> Labels:
        return self.stats[:, cv2.CC_STAT_AREA]

    def only(self, keep: NDArray[np.bool_]) -> "_Shapes":
        """The same without the shapes that are not to be kept; the numbers of the others stay."""
        stay = keep[self.of]
        labels = self.labels.copy()
        labels.reshape(-1)[self.places[~stay]] = 0
        return _Shapes(labels, self.places[stay], self.of[stay], self.stats)

    def mask(self) -> Grey:
        mask = np.zeros(self.labels.shape, np.uint8)
        mask.reshape(-1)[self.places] = 1
        return mask

    def share_on(self, mask: Grey) -> NDArray[np.float64]:
        """For each shape, the share (0 to 1) of its ink that lies on a mask of 0 and 1."""
        on = np.bincount(self.of, weights=mask.reshape(-1)[self.places], minlength=len(self.stats))
        return np.asarray(on / np.maximum(self.area, 1), np.float64)


def _shapes(mask: Grey) -> _Shapes:
    count, found = cv2.connectedComponents(mask, connectivity=8, ltype=cv2.CV_32S)
    labels = np.asarray(found, np.int32)
    places = np.flatnonzero(mask)
    of = labels.reshape(-1)[places]
    rows, columns = np.divmod(places, mask.shape[1])
    first, last = np.zeros((2, count), np.int64), np.zeros((2, count), np.int64)
    for axis, along in ((1, rows), (0, columns)):
        # Of several assignments to one place the last one counts: the smallest when the largest come first.
        order = slice(None) if axis == 1 else np.argsort(along, kind="stable")
        first[axis, of[order][::-1]] = along[order][::-1]
        last[axis, of[order]] = along[order] + 1
    area = np.bincount(of, minlength=count)
    stats = np.stack([first[0], first[1], last[0] - first[0], last[1] - first[1], area], axis=1).astype(np.int32)
    return _Shapes(labels, places, of, stats)


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
    members = _shapes_of_zones(answers, zones)
    return [[_picture(answers, line) for line in _into_lines(answers, shapes)] for shapes in members]


def _without_print(ink: Grey, blank: Print) -> Grey:
    """The ink that is not print: whole shapes where the print only touches them."""
    rules = _rules(ink, blank)
    free = ink & (1 - rules)
    shapes = _shapes(free)
    overlap = shapes.share_on(blank.near)
    on_print = shapes.share_on(blank.exact)
    whole = (overlap <= _ONLY_TOUCHES) | ((on_print < _EXACTLY) & (shapes.area >= _SCRAP_PIXELS))
    whole &= ~_slivers_beside_rules(shapes.stats, blank)
    in_part = ~whole & (overlap < _IS_PRINT)
    whole[0] = in_part[0] = False
    remaining = shapes.only(whole).mask()
    if in_part.any():
        cut = shapes.only(in_part).mask()
        pieces = _shapes(cut & (1 - blank.near))
        kept = pieces.only(pieces.area >= _SCRAP_PIXELS).mask()
        # The wiped letters get back the ink that hid in the halo of the print, but not the print itself.
        grown = _spread(kept, 2 * _NEAR_PRINT + 1, 2 * _NEAR_PRINT + 1)
        remaining |= kept | (grown & cut & (1 - blank.exact))
    # Where a stroke crossed a rule it gets its crossing back.
    crossing = np.asarray(cv2.morphologyEx(remaining, cv2.MORPH_CLOSE, np.ones((_CROSSING, 3), np.uint8)), np.uint8)
    return np.asarray(remaining | (crossing & rules & ink), np.uint8)


def _rules(ink: Grey, blank: Print) -> Grey:
    """Printed rules where they really lie on the page: worn and bent ones miss the reference by a millimetre."""
    level = _opened(ink & blank.level_rules, _RULE_PIECE, 1)
    upright = _opened(ink & blank.upright_rules, 1, _RULE_PIECE)
    thick_level = _spread(level, 3, 5) & blank.level_rules
    thick_upright = _spread(upright, 5, 3) & blank.upright_rules
    return np.asarray(ink & (thick_level | thick_upright), np.uint8)


def _spread(mask: Grey, across: int, down: int) -> Grey:
    return np.asarray(cv2.dilate(mask, np.ones((down, across), np.uint8)), np.uint8)


def _opened(mask: Grey, across: int, down: int) -> Grey:
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((down, across), np.uint8)), np.uint8)


def _slivers_beside_rules(stats: Labels, blank: Print) -> NDArray[np.bool_]:
    """Which shapes are thin slivers that lie along a printed rule: its worn edge."""
    left, top, width, height = (stats[:, side] for side in range(4))
    rows, columns = blank.near.shape
    middle = np.minimum(top + height // 2, rows - 1), np.minimum(left + width // 2, columns - 1)
    level = (height <= _SLIVER) & (blank.level_rules[middle] > 0)
    upright = (width <= _SLIVER) & (blank.upright_rules[middle] > 0)
    result = level | upright
    result[0] = False
    return np.asarray(result, np.bool_)


def _groups(shapes: _Shapes, gap: tuple[int, int]) -> Labels:
    """For each shape, the number of the group of shapes nearer than `gap` (across, down) it belongs to; 0 for none."""
    joined = cv2.dilate(shapes.mask(), np.ones((gap[1], gap[0]), np.uint8))
    _, group_labels = cv2.connectedComponents(joined, connectivity=8, ltype=cv2.CV_32S)
    group = np.zeros(len(shapes.stats), np.int32)
    group[shapes.of] = group_labels.reshape(-1)[shapes.places]
    return group


def _sideways(shapes: _Shapes, run: Labels) -> NDArray[np.bool_]:
    """Which shapes belong to a narrow, tall stack: a stamp whose writing runs down or up the page.

    Shapes in a level row of writing are taken out first: lines of an address stand in columns too.
    """
    stats = shapes.stats
    result = np.zeros(len(stats), np.bool_)
    candidates = (run > 0) & ~_in_level_rows(stats, run)
    if not candidates.any():
        return result
    stack = _groups(shapes.only(candidates), (3, _STAMP_GAP))
    numbers = np.flatnonzero(stack)
    of = stack[numbers]
    left, top, right, bottom = _extents(stats[numbers], of, int(stack.max()) + 1)
    members = np.bincount(of, minlength=len(left))
    tall = (bottom - top >= _STAMP_TALL) & (right - left < _STAMP_NARROW * (bottom - top)) & (members >= _STAMP_SHAPES)
    result[numbers] = tall[of]
    return result


def _in_level_rows(stats: Labels, run: Labels) -> NDArray[np.bool_]:
    """Which shapes stand in a row of at least a few, wider than it is high."""
    numbers = np.flatnonzero(run)
    of = run[numbers]
    left, top, right, bottom = _extents(stats[numbers], of, int(run.max()) + 1)
    members = np.bincount(of, minlength=len(left))
    level = (members >= _ROW_SHAPES) & (right - left > _ROW_WIDE * (bottom - top))
    result = np.zeros(len(run), np.bool_)
    result[numbers] = level[of]
    return result


def _extents(
    stats: Labels, group: Labels, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Left, top, right and bottom of every group of shapes."""
    left, top = np.full(size, 1 << 30, np.int64), np.full(size, 1 << 30, np.int64)
    right, bottom = np.zeros(size, np.int64), np.zeros(size, np.int64)
    np.minimum.at(left, group, stats[:, cv2.CC_STAT_LEFT])
    np.minimum.at(top, group, stats[:, cv2.CC_STAT_TOP])
    np.maximum.at(right, group, stats[:, cv2.CC_STAT_LEFT] + stats[:, cv2.CC_STAT_WIDTH])
    np.maximum.at(bottom, group, stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT])
    return left, top, right, bottom


def _shapes_of_zones(answers: Answers, zones: Sequence[Box]) -> list[NDArray[np.int64]]:
    stats, run = answers.stats, answers.run
    shapes = np.flatnonzero((run > 0) & ~answers.sideways)
    if shapes.size == 0 or not zones:
        return [np.zeros(0, np.int64) for _ in zones]
    x = stats[shapes, cv2.CC_STAT_LEFT] + stats[shapes, cv2.CC_STAT_WIDTH] / 2
    y = stats[shapes, cv2.CC_STAT_TOP] + stats[shapes, cv2.CC_STAT_HEIGHT] / 2
    area = stats[shapes, cv2.CC_STAT_AREA].astype(np.float64)
    votes = np.zeros((int(run.max()) + 1, len(zones)))
    inside_any = np.zeros(len(shapes), np.bool_)
    for index, zone in enumerate(zones):
        inside = (x >= zone.left) & (x < zone.right) & (y >= zone.top) & (y < zone.bottom) & ~inside_any
        inside_any |= inside
        np.add.at(votes[:, index], run[shapes[inside]], area[inside])
    zone_of_run = np.where(votes.max(axis=1) > 0, votes.argmax(axis=1), -1)
    _claim_overflow(answers, zone_of_run)
    zone_of_shape = zone_of_run[run[shapes]]
    return [shapes[zone_of_shape == index] for index in range(len(zones))]


def _claim_overflow(answers: Answers, zone_of_run: Labels) -> None:
    """Give a run that lies in no zone to the zone of a run it continues on the same line."""
    boxes = _run_boxes(answers)
    free = [run for run in boxes if zone_of_run[run] < 0]
    held = [run for run in boxes if zone_of_run[run] >= 0]
    for run in sorted(free, key=lambda number: boxes[number].left):
        box = boxes[run]
        for other in held:
            neighbour = boxes[other]
            shared = min(box.bottom, neighbour.bottom) - max(box.top, neighbour.top)
            gap = max(box.left - neighbour.right, neighbour.left - box.right)
            if gap <= _OVERFLOW_GAP and shared >= 0.5 * min(box.height, neighbour.height):
                zone_of_run[run] = zone_of_run[other]
                held.append(run)
                break


def _run_boxes(answers: Answers) -> dict[int, Box]:
    stats, run = answers.stats, answers.run
    boxes: dict[int, Box] = {}
    for shape in np.flatnonzero((run > 0) & ~answers.sideways):
        left, top, width, height = (int(value) for value in stats[shape, :4])
        box = Box(left, top, left + width, top + height)
        number = int(run[shape])
        boxes[number] = hull([boxes[number], box]) if number in boxes else box
    return boxes


def _into_lines(answers: Answers, shapes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The shapes of a zone as lines, top to bottom."""
    if shapes.size == 0:
        return []
    groups: list[NDArray[np.int64]] = []
    for run in np.unique(answers.run[shapes]):
        groups.extend(_split_tall(answers, shapes[answers.run[shapes] == run]))
    lines: list[list[NDArray[np.int64]]] = []
    spans: list[tuple[int, int]] = []
    for group in sorted(groups, key=lambda group: -_span_width(answers, group)):
        top, bottom = _span(answers, group)
        for index, (line_top, line_bottom) in enumerate(spans):
            shared = min(bottom, line_bottom) - max(top, line_top)
            if shared >= 0.5 * min(bottom - top, line_bottom - line_top):
                lines[index].append(group)
                break
        else:
            lines.append([group])
            spans.append((top, bottom))
    order = sorted(range(len(lines)), key=lambda index: sum(spans[index]))
    every = [np.concatenate(lines[index]) for index in order]
    written = [line for line in every if int(answers.stats[line, cv2.CC_STAT_HEIGHT].max()) >= _WRITING_TALL]
    # A lone dash is an answer; dashes above or below writing are dirt.
    return written or [line for line in every if _is_dash(answers, line) and len(every) == 1]


def _is_dash(answers: Answers, line: NDArray[np.int64]) -> bool:
    _, _, width, height, area = (int(value) for value in answers.stats[line[0]])
    return line.size == 1 and width >= _DASH_LONG and width > 2 * height and area > 0.5 * width * height


def _span(answers: Answers, group: NDArray[np.int64]) -> tuple[int, int]:
    """Top and bottom of the body of a group: its inner nine tenths by ink, so that one long tail does not count."""
    stats = answers.stats[group]
    return int(stats[:, 1].min()), int((stats[:, 1] + stats[:, 3]).max())


def _span_width(answers: Answers, group: NDArray[np.int64]) -> int:
    stats = answers.stats[group]
    return int((stats[:, 0] + stats[:, 2]).max() - stats[:, 0].min())


def _split_tall(answers: Answers, group: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """A run as it is, or as several where it is lines of writing that touch each other."""
    top, bottom = _span(answers, group)
    if bottom - top <= _TALL_RUN or group.size < 4:
        return [group]
    stats = answers.stats[group]
    profile = np.zeros(bottom - top)
    for _, shape_top, _, height, area in stats:
        profile[shape_top - top : shape_top - top + height] += area / height
    profile = np.convolve(profile, np.ones(5) / 5, mode="same")
    low = profile < _VALLEY * profile.max()
    edges = np.flatnonzero(np.diff(low.astype(np.int8)))
    valleys = [
        (start + end) / 2 + top
        for start, end in pairwise(edges)
        if low[start + 1] and start > 18 and len(profile) - end > 18
    ]
    if not valleys:
        return [group]
    middle = stats[:, 1] + stats[:, 3] / 2
    place = np.searchsorted(np.array(valleys), middle)
    return [group[place == index] for index in range(len(valleys) + 1) if (place == index).any()]


def _picture(answers: Answers, shapes: NDArray[np.int64]) -> InkLine:
    stats = answers.stats[shapes]
    height, width = answers.labels.shape
    left, top = int(stats[:, 0].min()), int(stats[:, 1].min())
    right, bottom = int((stats[:, 0] + stats[:, 2]).max()), int((stats[:, 1] + stats[:, 3]).max())
    box = Box(left, top, right, bottom)
    room = box.grown(_MARGIN).within(width, height)
    window = slice(room.top, room.bottom), slice(room.left, room.right)
    wanted = np.zeros(len(answers.stats), np.bool_)
    wanted[shapes] = True
    own = wanted[answers.labels[window]]
    # One pixel around the ink keeps its soft edge.
    own = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    pixels = np.where(own, answers.pixels[window], 255).astype(np.uint8)
    return InkLine(pixels, box)
