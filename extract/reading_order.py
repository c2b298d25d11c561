"""Puts boxes of lines on a page into the order a person reads them: rows, and columns one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from schemas.geometry import Box, hull

# Two boxes whose heights overlap by this share of the lower one stand in one row.
_SAME_ROW = 0.5
# A column of text holds at least this many lines; fewer side by side are cells of a form or a table, read by rows.
_LINES_OF_A_COLUMN = 4
# A column is at least so many line heights wide; the numbers before the items of a list are none.
_COLUMN_WIDTH = 8
# Lines of running text fill their column; the answers of a form leave most of theirs empty.
_FILLED = 0.6
# A gutter is at least this wide, in line heights. Between two words of one line it is about half as much.
_GUTTER = 0.8
# So few lines (as a share) may run across a gutter: headings and tables between two-column parts.
_CROSSING = 0.35


@dataclass(frozen=True, slots=True)
class Run:
    """Places of boxes that are read one after the other in one column, top to bottom and left to right."""

    places: tuple[int, ...]


def reading_order(boxes: Sequence[Box]) -> list[Run]:
    """The boxes, by their places in `boxes`, as runs in reading order; each box is in exactly one run."""
    return _ordered(boxes, list(range(len(boxes))))


def rows(boxes: Sequence[Box], places: Sequence[int]) -> list[list[int]]:
    """Those places as rows from top to bottom, each from left to right."""
    found: list[list[int]] = []
    for place in sorted(places, key=lambda place: boxes[place].centre[1]):
        if found and _in_row(boxes[place], boxes[found[-1][-1]]):
            found[-1].append(place)
        else:
            found.append([place])
    return [sorted(row, key=lambda place: boxes[place].left) for row in found]


def line_height(boxes: Sequence[Box]) -> float:
    """The usual height of a line, in pixels."""
    return median(box.height for box in boxes)


def _in_row(one: Box, other: Box) -> bool:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared >= _SAME_ROW * min(one.height, other.height)


def _ordered(boxes: Sequence[Box], places: list[int]) -> list[Run]:
    gutter = _gutter(boxes, places)
    if gutter is None:
        return _by_rows(boxes, places)
    runs: list[Run] = []
    between: list[int] = []  # what stands between two parts in columns is read by rows in one go
    for band in _bands(boxes, places, gutter):
        if not _parts_columns(boxes, band, gutter):
            between += band
            continue
        runs += _by_rows(boxes, between)
        between = []
        runs += _ordered(boxes, [place for place in band if boxes[place].right <= gutter])
        runs += _ordered(boxes, [place for place in band if boxes[place].left >= gutter])
    return runs + _by_rows(boxes, between)


def _by_rows(boxes: Sequence[Box], places: Sequence[int]) -> list[Run]:
    return [Run(tuple(place for row in rows(boxes, places) for place in row))] if places else []


def _bands(boxes: Sequence[Box], places: Sequence[int], gutter: float) -> list[list[int]]:
    """The places from top to bottom, cut above and below whatever runs across the gutter."""
    bands: list[list[int]] = [[]]
    across_before = False
    for place in sorted(places, key=lambda place: boxes[place].centre[1]):
        across = boxes[place].left < gutter < boxes[place].right
        if across != across_before:
            bands.append([])
        bands[-1].append(place)
        across_before = across
    return [band for band in bands if band]


def _gutter(boxes: Sequence[Box], places: Sequence[int]) -> float | None:
    """The middle, in pixels from the left, of the white strip between two columns; None if there is none.

    Of all strips that few lines cross it is the one that the fewest cross, and of those the widest.
    """
    if len(places) < 2 * _LINES_OF_A_COLUMN:
        return None
    around = hull(boxes[place] for place in places)
    edges = sorted({side for place in places for side in (boxes[place].left, boxes[place].right)})
    narrowest = _GUTTER * line_height([boxes[place] for place in places])
    candidates: list[tuple[int, int, float]] = []
    for start in edges:
        crossing = [place for place in places if boxes[place].left < start + narrowest and boxes[place].right > start]
        if start + narrowest >= around.right or len(crossing) > _CROSSING * len(places):
            continue
        end = min((boxes[p].left for p in places if p not in crossing and boxes[p].left > start), default=around.right)
        candidates.append((len(crossing), start - end, (start + end) / 2))
    for _, _, middle in sorted(candidates):
        if any(_parts_columns(boxes, band, middle) for band in _bands(boxes, places, middle)):
            return middle
    return None


def _parts_columns(boxes: Sequence[Box], band: Sequence[int], gutter: float) -> bool:
    left = [place for place in band if boxes[place].right <= gutter]
    right = [place for place in band if boxes[place].left >= gutter]
    return len(left) + len(right) == len(band) and _is_column(boxes, left) and _is_column(boxes, right)


def _is_column(boxes: Sequence[Box], places: Sequence[int]) -> bool:
    """Whether the places are lines of running text, one below the other."""
    if len(places) < _LINES_OF_A_COLUMN:
        return False
    width = hull(boxes[place] for place in places).width
    if width < _COLUMN_WIDTH * line_height([boxes[place] for place in places]):
        return False
    filled = [sum(boxes[place].width for place in row) / width for row in rows(boxes, places)]
    return len(filled) >= _LINES_OF_A_COLUMN and median(filled) >= _FILLED
