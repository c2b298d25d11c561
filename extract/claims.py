"""Claims: which zone a word belongs to, where it runs over an edge."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from extract.shapes import AREA, HEIGHT, LEFT, TOP, WIDTH, Labels
from schemas.geometry import Box, hull

__all__ = ["shapes_of_zones"]

# All lengths in pixels at 300 dpi.
# A word in no zone belongs to the line it stands beside if it is this near.
_OVERFLOW_GAP = 70
# A line runs over its zone's edge if so much of its height stands above it; the next line is no farther than this, in
# heights of a line.
_OVER_THE_EDGE, _NEXT_LINE = 0.15, 1.0


def shapes_of_zones(stats: Labels, run: Labels, zones: Sequence[Box]) -> list[NDArray[np.int64]]:
    """For each zone the numbers of its shapes; those of no run are in none, and no shape is in two.

    stats, run: place and run of every shape of the page; run 0 for none.
    """
    shapes = np.flatnonzero(run > 0)
    if shapes.size == 0 or not zones:
        return [np.zeros(0, np.int64) for _ in zones]
    x = stats[shapes, LEFT] + stats[shapes, WIDTH] / 2
    y = stats[shapes, TOP] + stats[shapes, HEIGHT] / 2
    area = stats[shapes, AREA].astype(np.float64)
    votes = np.zeros((int(run.max()) + 1, len(zones)))
    inside_any = np.zeros(len(shapes), np.bool_)
    for index, zone in enumerate(zones):
        inside = (x >= zone.left) & (x < zone.right) & (y >= zone.top) & (y < zone.bottom) & ~inside_any
        inside_any |= inside
        np.add.at(votes[:, index], run[shapes[inside]], area[inside])
    zone_of_run = np.where(votes.max(axis=1) > 0, votes.argmax(axis=1), -1)
    boxes = _run_boxes(stats, run)
    _claim_next_line(boxes, zones, zone_of_run)
    _claim_end_of_line(boxes, zones, zone_of_run)
    _claim_overflow(boxes, zone_of_run)
    zone_of_shape = zone_of_run[run[shapes]]
    return [shapes[zone_of_shape == index] for index in range(len(zones))]


def _claim_next_line(boxes: Mapping[int, Box], zones: Sequence[Box], zone_of_run: Labels) -> None:
    """Give a line that began in one zone and runs down over its edge to that zone if it continues what stands there."""
    held = {run: box for run, box in boxes.items() if zone_of_run[run] >= 0}
    for run, box in sorted(held.items(), key=lambda item: (item[1].left, item[1].top)):
        own = zones[zone_of_run[run]]
        if own.top - box.top < _OVER_THE_EDGE * box.height:
            continue
        above = [index for index, zone in enumerate(zones) if zone.contains((box.left + box.right) / 2, box.top)]
        if above and any(
            zone_of_run[other] == above[0] and other != run and _continues(place, box) for other, place in held.items()
        ):
            zone_of_run[run] = above[0]


def _claim_end_of_line(boxes: Mapping[int, Box], zones: Sequence[Box], zone_of_run: Labels) -> None:
    """Give a line's last word that lies over the edge of the zone on the right to the zone that holds the line."""
    held = {run: box for run, box in boxes.items() if zone_of_run[run] >= 0}
    for run, box in sorted(held.items(), key=lambda item: item[1].left):
        own = zones[zone_of_run[run]]
        if own.left - box.left < _OVER_THE_EDGE * box.width:
            continue
        row = {other: place for other, place in held.items() if other != run and _shares_row(place, box)}
        if any(
            zone_of_run[other] == zone_of_run[run] and 0 <= place.left - box.right <= _OVERFLOW_GAP
            for other, place in row.items()
        ):
            continue
        before = [index for index, zone in enumerate(zones) if zone.contains(box.left, (box.top + box.bottom) / 2)]
        if before and any(
            zone_of_run[other] == before[0] and 0 <= box.left - place.right <= _OVERFLOW_GAP
            for other, place in row.items()
        ):
            zone_of_run[run] = before[0]


def _shares_row(one: Box, other: Box) -> bool:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared >= 0.5 * min(one.height, other.height)


def _continues(before: Box, line: Box) -> bool:
    """Whether a run is of the line right below another, or stands beside it on the same line."""
    if _shares_row(before, line):
        return max(before.left, line.left) - min(before.right, line.right) <= _OVERFLOW_GAP
    over_one_another = min(before.right, line.right) > max(before.left, line.left)
    return over_one_another and 0 <= line.top - before.bottom <= _NEXT_LINE * line.height


def _claim_overflow(boxes: Mapping[int, Box], zone_of_run: Labels) -> None:
    """Give a run that lies in no zone to the zone of a run it continues on the same line."""
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


def _run_boxes(stats: Labels, run: Labels) -> dict[int, Box]:
    boxes: dict[int, Box] = {}
    for shape in np.flatnonzero(run > 0):
        left, top, width, height = (int(value) for value in stats[shape, :4])
        box = Box(left, top, left + width, top + height)
        number = int(run[shape])
        boxes[number] = hull([boxes[number], box]) if number in boxes else box
    return boxes
