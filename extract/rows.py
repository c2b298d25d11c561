"""Rows: the shapes of a zone as lines of writing, without the dirt that stands apart from them."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from extract.shapes import HEIGHT, LEFT, TOP, WIDTH, Flags, Labels
from schemas.geometry import Box

__all__ = ["ALONE_TALL", "rows_of"]

Members = NDArray[np.int64]

# All lengths in pixels at 300 dpi.
# The tallest shape of a line of writing is at least this tall (1.2 mm), a lone letter a little more; a dash this long.
_WRITING_TALL, ALONE_TALL = 14, 18
_DASH_LONG = 15
# A run taller than this may be several lines that touch. Between two lines is a row with at most so much of the ink
# that rows above and below it have, and a line, or what a printed rule left of it, is no lower than this.
_TALL_RUN, _TALL_LETTERS = 50, 1.9
_OVER_ONE_ANOTHER = 0.5
# A run taller than this holds two lines even where the second one is a short word.
_TWO_LINES = 64
_VALLEY = 0.2
_LINE_LOW = 12
# A shape so many times as tall as most of its run tells nothing about where the run's lines part.
_TALLER = 1.6
# Dirt: a shape or two, so far from other writing (in heights of the zone's capitals, of which so many in a hundred
# letters are no taller), and so much lower than they, or this thin for its height; a thin letter stands on the line
# and is as tall as the others, to this share of them.
_CAPITALS = 80
_APART, _LOWER, _THIN = 1.2, 0.5, 0.2
# A dash between words, so many times as wide as high, may stand farther from both.
_DASH_APART, _DASH_WIDE = 3.0, 1.5
_IN_LINE = 0.15
_DIRT_SHAPES = 2
# Other writing is of at least so many shapes; less tells nothing about the size of its letters.
_LETTERS = 4
# So many letters say how tall their row is, whatever runs through it; fewer may be small beside large ones.
_WORDS = 12
# No lone shape larger than this is a mere tail; one with writing so near beside it is part of that.
_LETTER_LARGE, _BESIDE = 64, 64
# A lone dash this near the top or foot of its zone is what is left of the rule there. A lone upright stroke so thin
# for its height and so straight (share of its box inked) was drawn by no hand: it is part of a crease.
_AT_THE_RULE, _CREASE_THIN, _STRAIGHT = 12, 0.15, 0.95
# A single shape with more than this share of its box outside the zone pokes in from elsewhere.
_POKES_IN = 0.25


def rows_of(stats: Labels, run: Labels, shapes: Members, zone: Box) -> list[Members]:
    """The shapes of a zone as lines, top to bottom; the numbers of those that are dirt are in none.

    stats, run: place and run of every shape of the page, as in `Answers`; shapes: those of the zone.
    """
    if shapes.size == 0:
        return []
    groups: list[Members] = []
    for number in np.unique(run[shapes]):
        groups.extend(_split_tall(stats, shapes[run[shapes] == number]))
    groups = _without_dirt(stats, groups, zone)
    every = [np.concatenate(row) for row in _side_by_side(stats, groups)]
    written = [row for row in every if _is_writing(stats[row])]
    # A lone dash is an answer; dashes above or below writing are dirt.
    return written or [row for row in every if _is_lone_dash(stats, row, zone) and len(every) == 1]


def _side_by_side(stats: Labels, groups: list[Members]) -> list[list[Members]]:
    rows: list[list[Members]] = []
    spans: list[tuple[int, int]] = []
    for group in sorted(groups, key=lambda group: -_box(stats, group).width):
        top, bottom = _span(stats, group)
        for index, (row_top, row_bottom) in enumerate(spans):
            shared = min(bottom, row_bottom) - max(top, row_top)
            if shared >= 0.5 * min(bottom - top, row_bottom - row_top):
                rows[index].append(group)
                break
        else:
            rows.append([group])
            spans.append((top, bottom))
    return [rows[index] for index in sorted(range(len(rows)), key=lambda index: sum(spans[index]))]


def _is_writing(stats: Labels) -> bool:
    tallest = int(stats[:, HEIGHT].max())
    if len(stats) == 1 and _is_crease(stats[0]):
        return False
    return tallest >= (ALONE_TALL if len(stats) == 1 else _WRITING_TALL)


def _is_crease(shape: Labels) -> bool:
    _, _, width, height, area = (int(value) for value in shape)
    return width <= _CREASE_THIN * height and area >= _STRAIGHT * width * height


def _is_lone_dash(stats: Labels, row: Members, zone: Box) -> bool:
    box = _box(stats, row)
    return _is_dash(stats, row) and box.top - zone.top >= _AT_THE_RULE and zone.bottom - box.bottom >= _AT_THE_RULE


def _is_dash(stats: Labels, row: Members) -> bool:
    _, _, width, height, area = (int(value) for value in stats[row[0]])
    return row.size == 1 and width >= _DASH_LONG and width > 2 * height and area > 0.5 * width * height


def _box(stats: Labels, group: Members) -> Box:
    of = stats[group]
    right, bottom = (of[:, LEFT] + of[:, WIDTH]).max(), (of[:, TOP] + of[:, HEIGHT]).max()
    return Box(int(of[:, LEFT].min()), int(of[:, TOP].min()), int(right), int(bottom))


def _split_tall(stats: Labels, group: Members) -> list[Members]:
    """A run as it is, or as several where it is lines of writing that touch each other."""
    box, of = _box(stats, group), stats[group]
    letter = _letter_height(of)
    if box.height <= max(_TALL_RUN, _TALL_LETTERS * letter) or group.size < _LETTERS:
        return [group]
    profile = np.zeros(box.height)
    for _, top, _, height, area in of[_is_usual(of)]:
        profile[top - box.top : top - box.top + height] += area / height
    found = _valleys(profile, max(_LINE_LOW, letter / 2))
    if not found and box.height > _TWO_LINES:
        found = _valleys(profile, _LINE_LOW, _VALLEY * float(profile.max()))
    valleys = np.array(found, np.float64) + box.top
    place = np.searchsorted(valleys, of[:, TOP] + of[:, HEIGHT] / 2)
    parts = [group[place == index] for index in range(len(valleys) + 1) if (place == index).any()]
    # Figures of a row that climbs or falls stand beside one another, not over one another.
    over = [_overlap(_box(stats, upper), _box(stats, lower)) for upper, lower in pairwise(parts)]
    return parts if all(share >= _OVER_ONE_ANOTHER for share in over) else [group]


def _overlap(upper: Box, lower: Box) -> float:
    """How much of the narrower of two boxes stands over or under the other."""
    return (min(upper.right, lower.right) - max(upper.left, lower.left)) / min(upper.width, lower.width)


def _valleys(profile: NDArray[np.float64], lowest: float, little: float = 0.0) -> list[float]:
    """The rows between lines of writing, given the ink of each row: few, with much more ink above and below."""
    profile = np.convolve(profile, np.ones(3) / 3, mode="same")
    before, after = np.maximum.accumulate(profile), np.maximum.accumulate(profile[::-1])[::-1]
    low = profile <= np.maximum(_VALLEY * np.minimum(before, after), little)
    edges = np.flatnonzero(np.diff(low.astype(np.int8)))
    valleys: list[float] = []
    line = 0
    for start, end in pairwise(edges):
        if low[start + 1] and start - line >= lowest and len(profile) - end > lowest:
            valleys.append((start + end) / 2)
            line = int(end)
    return valleys


def _is_usual(of: Labels) -> Flags:
    """Which shapes are no taller than letters: others run over several lines."""
    return np.asarray(of[:, HEIGHT] <= _TALLER * _letter_height(of), np.bool_)


def _span(stats: Labels, group: Members) -> tuple[int, int]:
    """Top and bottom of a group's letters, so that one long tail does not count."""
    usual = group[_is_usual(stats[group])]
    box = _box(stats, usual if usual.size >= _WORDS else group)
    return box.top, box.bottom


def _letter_height(stats: Labels) -> float:
    """The usual height of the shapes that may be letters; points and dashes are not."""
    heights = stats[:, HEIGHT]
    letters = heights[heights >= _WRITING_TALL]
    return float(np.median(letters if letters.size else heights))


def _without_dirt(stats: Labels, groups: list[Members], zone: Box) -> list[Members]:
    """The groups that are writing or may be; a lone group that lies within the zone always may."""
    if len(groups) == 1 and groups[0].size > 1:
        return groups
    boxes = [_box(stats, group) for group in groups]
    groups = [
        group
        for place, group in enumerate(groups)
        if group.size > 1 or not _pokes_in(boxes[place], boxes[:place] + boxes[place + 1 :], zone)
    ]
    words = [group for group in groups if group.size >= _LETTERS]
    if not words:
        return groups
    letters = stats[np.concatenate(words)]
    boxes = [_box(stats, group) for group in groups]
    clean = [
        group.size > _DIRT_SHAPES
        or not _is_dirt(stats, group, letters, [other for at, other in enumerate(boxes) if at != place])
        for place, group in enumerate(groups)
    ]
    return [group for group, is_clean in zip(groups, clean, strict=True) if is_clean]


def _is_dirt(stats: Labels, group: Members, letters: Labels, others: list[Box]) -> bool:
    """Whether a shape or two are much lower or thinner than letters and stand apart from all other writing."""
    of, box = stats[group], _box(stats, group)
    height = float(np.percentile(letters[:, HEIGHT], _CAPITALS))
    is_low = box.height < _LOWER * height
    is_thin = bool((of[:, WIDTH] <= _THIN * of[:, HEIGHT]).all())
    if not is_low and not is_thin:
        return False
    row = [other for other in others if min(box.bottom, other.bottom) > max(box.top, other.top)]
    if any(_gap(box, other) <= _APART * height for other in row):
        return False
    if is_low:
        near = [other for other in row if _gap(box, other) <= _DASH_APART * height]
        is_between = any(other.right <= box.left for other in near) and any(other.left >= box.right for other in near)
        return not (is_between and group.size == 1 and box.width > _DASH_WIDE * box.height)
    top, bottom = letters[:, TOP] - box.top, letters[:, TOP] + letters[:, HEIGHT] - box.bottom
    return not bool((np.maximum(np.abs(top), np.abs(bottom)) <= _IN_LINE * height).any())


def _pokes_in(box: Box, others: list[Box], zone: Box) -> bool:
    """Whether a lone shape lies across the zone's edge: the tail of a tick or of a letter beside the zone."""
    across = max(min(box.right, zone.right) - max(box.left, zone.left), 0)
    down = max(min(box.bottom, zone.bottom) - max(box.top, zone.top), 0)
    if max(box.width, box.height) > _LETTER_LARGE or across * down >= (1 - _POKES_IN) * box.area:
        return False
    row = [other for other in others if min(box.bottom, other.bottom) > max(box.top, other.top)]
    return not any(_gap(box, other) <= _BESIDE for other in row)


def _gap(one: Box, other: Box) -> int:
    return max(other.left - one.right, one.left - other.right)
