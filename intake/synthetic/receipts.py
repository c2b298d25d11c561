"""What the office that receives a form adds to it: receipt lines, rubber stamps, initials, numbers of pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import cv2
import numpy as np
from numpy.random import Generator

from extract.page import Grey
from intake.synthetic import strokes
from intake.synthetic.answers import Answer
from intake.synthetic.clerk import Clerk
from intake.synthetic.fonts import MORE_OFFICE, STAMPS, set_line
from intake.synthetic.hand import stamp
from intake.synthetic.people import chance, figures, letters, pick
from intake.synthetic.words import WORDS
from intake.synthetic.world import WORLD
from schemas.form_type import Zone
from schemas.geometry import Box

_PIXELS_PER_MM = 300 / 25.4
_PRINTED = 0.7
_OVERPRINTED = 0.5  # of printed lines: added to the scan, not to the paper


@dataclass(frozen=True, slots=True, eq=False)
class Overprint:
    """Ink that no scanner has seen: cover (height, width) 0 to 255, and where it lies on the page at 300 dpi."""

    cover: Grey
    left: int
    top: int


def receipt(
    page: Grey, zones: Sequence[Zone], day: date, print_below: int, random: Generator
) -> tuple[Answer, tuple[Overprint, ...]]:
    """Confirm on `page` that it came in on `day`: a printed line at an edge, or a rubber stamp where there is no such.

    print_below: the level under which nothing more is printed on the blank.
    """
    edges = [zone for zone in zones if zone.turn == 0]
    inside = [zone for zone in zones if zone.turn != 0]
    if edges and (not inside or chance(random, _PRINTED)):
        return _line(page, edges, day, print_below, random)
    return _rubber_stamp(page, pick(random, inside), day, random), ()


def _line(
    page: Grey, zones: Sequence[Zone], day: date, print_below: int, random: Generator
) -> tuple[Answer, tuple[Overprint, ...]]:
    hour = int(random.integers(1, 13))
    half = pick(random, ("AM", "PM"))
    written = f"{day:%m/%d/%Y}"
    clock = f"{hour}:{int(random.integers(60)):02d}:{int(random.integers(60)):02d} {half}"
    text = f"{pick(random, WORLD.receipt_lines)}  {written}  {clock}"
    face = pick(random, (MORE_OFFICE[2], MORE_OFFICE[2], MORE_OFFICE[1], MORE_OFFICE[3]))
    ink = set_line(face, round(random.uniform(46, 64)), text)
    zone = pick(random, (zones[-1], zones[-1], zones[-1], pick(random, zones)))
    top, bottom = zone.box.top, zone.box.bottom
    if top <= print_below < bottom - ink.ink.shape[0] - 20:
        top = print_below  # under the last line of print, where the paper is free
    spare = max(bottom - top - ink.ink.shape[0] - 24, 1)
    y = top + 12 + random.uniform(0, 1) ** 1.5 * spare
    x = random.uniform(0.05, 0.2) * page.shape[1]
    x = min(x, page.shape[1] - ink.ink.shape[1] - 20)
    if chance(random, _OVERPRINTED):
        return Answer(day.isoformat(), (written,)), (Overprint(ink.ink, round(x), round(y)),)
    stamp(page, ink.ink, round(x), round(y), 0.95, 0.0, random)
    return Answer(day.isoformat(), (written,)), ()


def _rubber_stamp(page: Grey, zone: Zone, day: date, random: Generator) -> Answer:
    """A date stamp, partly inked, askew, mostly set sideways, over whatever stands there."""
    month = WORDS.months[day.month - 1][:3].upper()
    number = f"{day.day}" if chance(random, 0.7) else f"-{day.day}"
    written = f"{day.year} {month} {number}"
    clock = f" {pick(random, ('AM', 'PM'))} {int(random.integers(1, 13))}: {int(random.integers(60)):02d}"
    rows = [pick(random, WORLD.stamp_lines), written + (clock if chance(random, 0.8) else "")]
    if chance(random, 0.5):
        rows.reverse()
    cover = _set_in_rubber(rows, random)
    quarter = pick(random, (1, 1, 3, 3, 0))
    cover = np.ascontiguousarray(np.rot90(cover, quarter))
    box = zone.box.within(page.shape[1], page.shape[0])
    right_half = box.left + box.width * (0.72 if quarter else 0.45)
    x = random.uniform(min(right_half, box.right - cover.shape[1] - 8), box.right - cover.shape[1] - 8)
    y = random.uniform(box.top, max(box.bottom - cover.shape[0], box.top + 1))
    stamp(page, cover, round(x), round(y), float(random.uniform(0.85, 1.0)), float(random.uniform(0.1, 0.5)), random)
    return Answer(day.isoformat(), (written,))


def _set_in_rubber(rows: Sequence[str], random: Generator) -> Grey:
    """The rows of a stamp under each other, each in its own type, tilted a little, weak on one side."""
    lines = []
    for row in rows:
        # The wheels of the date are larger and bolder than the name around them.
        is_date = row[:4].isdigit()
        size = round(random.uniform(52, 72) if is_date else random.uniform(38, 60))
        face = pick(random, STAMPS if not is_date else (STAMPS[0], STAMPS[0], *STAMPS[2:]))
        lines.append(set_line(face, size, row).ink)
    gap = round(random.uniform(8, 30))
    width = max(line.shape[1] for line in lines) + 40
    height = sum(line.shape[0] + gap for line in lines) + 40
    cover, top = np.zeros((height, width), np.uint8), 20
    for line in lines:
        left = int(random.integers(8, width - line.shape[1] - 7))
        cover[top : top + line.shape[0], left : left + line.shape[1]] = line
        top += line.shape[0] + gap
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(random.normal(0, 1.2)), 1.0)
    cover = np.asarray(cv2.warpAffine(cover, turn, (width, height)), dtype=np.uint8)
    # Pressed harder at one end than at the other.
    weak = random.uniform(0.6, 1.0)
    press = np.linspace(1.0, weak, width) if chance(random, 0.5) else np.linspace(weak, 1.0, width)
    return np.asarray(cover * press[None, :], dtype=np.uint8)


def clutter(page: Grey, within: Box, ticks: Sequence[Box], clerk: Clerk, random: Generator) -> None:
    """What offices leave on paper beside all this: initials, the number of a page or of a case.

    ticks: where nothing of it may lie, as nobody could tell it from an answer.
    """
    if chance(random, 0.1):
        height, width = int(random.integers(60, 120)), int(random.integers(120, 260))
        cover = strokes.signature(clerk.person + 1, height, width, clerk.pen.nib * _PIXELS_PER_MM, random)
        left = within.left + int(random.random() * max(within.width - width, 1))
        top = within.top + int(random.random() * max(within.height - height, 1))
        if not any(box.overlaps(Box(left, top, left + width, top + height)) for box in ticks):
            stamp(page, cover, left, top, 0.9, 0.2, random)
    if chance(random, 0.08):
        number = figures(random, 1)
        case = letters(random, 2, "ABCDEF") + figures(random, 6)
        ink = set_line(
            pick(random, MORE_OFFICE),
            int(random.integers(34, 50)),
            pick(random, (f"- {number} -", f"Page {number}", case)),
        )
        left = round(page.shape[1] * random.uniform(0.42, 0.9)) - ink.ink.shape[1]
        stamp(page, ink.ink, left, page.shape[0] - int(random.integers(60, 150)), 0.9, 0.0, random)
