"""Puts answers into the places of any form: typed or written, well or badly placed, over the rules, struck out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator

from extract.page import Grey
from intake.synthetic import strokes
from intake.synthetic.clerk import Clerk, TypedTick
from intake.synthetic.digits import FIGURES, write_figures
from intake.synthetic.fonts import Typeface, set_line, size_for_capitals, writable
from intake.synthetic.hand import Hand, Ink, stamp, width_of, wrapped, write_line
from intake.synthetic.people import chance, pick
from intake.synthetic.slots import Slot
from schemas.form_type import Zone
from schemas.geometry import Box

PIXELS_PER_MM = 300 / 25.4

# How often each slip happens, per answer.
_CENTRED = 0.06
_DEEP_INSET = 0.06
_TOUCHES_LABEL = 0.1
_OVER_THE_EDGE = 0.03  # a line runs on beyond the right end of its box
_RUNS_ON_BELOW = 0.35  # of the answers that are too long: how many go on under their box
_UNDERLINED = 0.008
_STRUCK_OUT = 0.008
_FIGURES_BY_STROKES = 0.6  # of figures written by somebody who writes everything
_SMALLEST_HANDWRITING = 0.55
_SMALLEST_TYPE = 0.86
_KEEP_OFF_PAGE_EDGE = 24


@dataclass(frozen=True, slots=True)
class Block:
    """Lines as they will stand: capitals and pitch in pixels, the first line's start and level."""

    lines: tuple[str, ...]
    capital: float
    pitch: float
    left: float
    baseline: float


def in_this_face(text: str, hand: Hand) -> str:
    """What `text` becomes in this hand: capitals in a hand of capitals, without letters its face does not have."""
    return writable(hand.face, text.upper() if hand.is_capitals else text)


def line_of(text: str, hand: Hand, capital: float, random: Generator) -> Ink:
    """One line as ink; a printer's in one go, everybody else's letter by letter."""
    if not hand.is_typed or hand.patchy:
        return write_line(text, hand, capital, random)
    glyph = set_line(hand.face, size_for_capitals(hand.face, capital), text)
    return Ink(glyph.ink, -glyph.left, -glyph.top, glyph.advance)


def write_answer(
    page: Grey,
    lines: Sequence[str],
    places: Sequence[Slot],
    zone: Zone,
    clerk: Clerk,
    random: Generator,
    *,
    is_number: bool = False,
) -> bool:
    """Write the lines into one of `places`, the free paper of `zone`; returns whether it was done by hand.

    is_number: what an office gives out, and may write there by pen when everything else is typed.
    """
    text = " ".join(lines)
    is_figures = set(text) <= FIGURES
    if is_figures and is_number and clerk.numbers_by_pen and clerk.hand.is_typed:
        _write_number(page, text, places, zone, clerk, random)
        return True
    if is_figures and not clerk.hand.is_typed and chance(random, _FIGURES_BY_STROKES):
        _write_number(page, text, places, zone, replace(clerk, figures_height=0.32), random)
        return True
    slot = _chosen(places, lines, clerk, random)
    block = _laid_out(lines, slot, zone, clerk, random)
    _write_block(page, block, clerk, random)
    return not clerk.hand.is_typed


def _capital(clerk: Clerk) -> float:
    return clerk.hand.capital_height * PIXELS_PER_MM


def _chosen(places: Sequence[Slot], lines: Sequence[str], clerk: Clerk, random: Generator) -> Slot:
    """Beneath the label where the answer fits there, beside it where it does not; and some people do otherwise."""
    beside = [slot for slot in places if slot.is_beside]
    beneath = [slot for slot in places if not slot.is_beside]
    if not beside or not beneath:
        return places[0]
    capital = _capital(clerk) * (1.0 if clerk.hand.is_typed else _SMALLEST_HANDWRITING)
    needed = _lines_in(lines, beneath[0].box.width * 0.97, clerk.hand, capital)
    fits_beneath = len(needed) * clerk.pitch * capital <= beneath[0].box.height
    # Free paper that begins well above the label's own line is the better half of the box.
    is_tall = beside[0].baseline is not None and beside[0].baseline - beside[0].box.top > 70
    fits_beside = len(_lines_in(lines, beside[0].box.width * 0.97, clerk.hand, capital)) == 1
    share = clerk.beneath if fits_beneath else 0.25
    if is_tall or (fits_beside and not fits_beneath):
        share *= 0.25
    elif not fits_beside:
        share = max(share, 0.75)
    return beneath[0] if chance(random, share) else beside[0]


def _lines_in(lines: Sequence[str], width: float, hand: Hand, capital: float) -> tuple[str, ...]:
    return tuple(part for line in lines for part in wrapped(line, width, hand, capital))


def _laid_out(lines: Sequence[str], slot: Slot, zone: Zone, clerk: Clerk, random: Generator) -> Block:
    """The answer in its place: smaller, tighter, or over the edge if it is too long."""
    hand, box = clerk.hand, slot.box
    inset = random.uniform(0.3, 4.5 if not slot.is_beside else 3.0) * PIXELS_PER_MM
    if chance(random, _DEEP_INSET):
        inset += random.uniform(0, 0.25) * box.width
    width = max(box.width - inset - 6, box.width * 0.5)
    if chance(random, _OVER_THE_EDGE):
        width += random.uniform(20, 110)
    capital = _capital(clerk)
    smallest = capital * (_SMALLEST_TYPE if hand.is_typed else _SMALLEST_HANDWRITING)
    pitch = clerk.pitch
    while True:
        fitted = _lines_in(lines, width, hand, capital)
        room = zone.box.bottom - _first_top(slot, fitted, capital, pitch)
        if len(fitted) * pitch * capital <= room + 0.4 * capital or capital <= smallest:
            break
        pitch, capital = max(pitch * 0.93, 1.28), max(capital * 0.95, smallest)
    left = box.left + inset
    if chance(random, _CENTRED):
        widest = max(width_of(line, hand, capital) for line in fitted)
        left = max(left, box.left + (box.width - widest) / 2)
    level = _first_baseline(slot, zone, len(fitted), (capital, pitch * capital), clerk, random)
    return Block(fitted, capital, pitch * capital, left, level)


def _first_top(slot: Slot, lines: Sequence[str], capital: float, pitch: float) -> float:
    if slot.baseline is None or (len(lines) > 1 and slot.baseline - slot.box.top > 1.8 * pitch * capital):
        return slot.box.top
    return slot.baseline - capital


def _first_baseline(
    slot: Slot, zone: Zone, count: int, size: tuple[float, float], clerk: Clerk, random: Generator
) -> float:
    """The level of the first line; `size` is (capital, pitch) in pixels."""
    capital, pitch = size
    slip = random.normal(0, 0.1) * capital
    if slot.baseline is not None:
        above = slot.baseline - slot.box.top
        starts_high = count > 1 and above > 1.8 * pitch
        first = slot.box.top + capital * random.uniform(1.1, 1.5) if starts_high else slot.baseline + slip
    else:
        gap = random.uniform(0.05, 0.25) if chance(random, _TOUCHES_LABEL) else random.uniform(0.3, 0.75)
        first = slot.box.top + capital * (1 + gap) + (0 if clerk.hand.is_typed else abs(slip))
        spare = zone.box.bottom - 8 - (first + (count - 1) * pitch)
        if spare > 0 and chance(random, 0.35):
            first += spare * random.uniform(0.2, 1.0)
    beyond = first + (count - 1) * pitch - (zone.box.bottom - 5)
    if beyond > 0 and not chance(random, _RUNS_ON_BELOW):
        first = max(first - beyond, zone.box.top + capital + 3)
    return float(first)


def _write_block(page: Grey, block: Block, clerk: Clerk, random: Generator) -> None:
    hand, left = clerk.hand, block.left
    if len(block.lines) == 1 and chance(random, _STRUCK_OUT):
        left = _struck_out(page, block, clerk, random)
    slope = 0.0 if hand.is_typed else random.normal(0, 0.008)
    for row, line in enumerate(block.lines):
        ink = line_of(line, hand, block.capital, random)
        swerve = 0.0 if hand.is_typed else random.normal(0, 0.4) * PIXELS_PER_MM
        x = min(left + swerve, page.shape[1] - _KEEP_OFF_PAGE_EDGE - ink.reach)
        y = block.baseline + row * block.pitch
        cover = _sloped(ink.cover, slope)
        stamp(page, cover, round(x - ink.origin_x), round(y - ink.baseline), hand.ink, hand.patchy, random)
    if chance(random, _UNDERLINED):
        _underline(page, block, clerk, random)


def _sloped(cover: Grey, slope: float) -> Grey:
    if not slope:
        return cover
    matrix = np.array([[1.0, 0.0, 0.0], [slope, 1.0, -slope * cover.shape[1] / 2]])
    return np.asarray(cv2.warpAffine(cover, matrix, (cover.shape[1], cover.shape[0])), dtype=np.uint8)


def _struck_out(page: Grey, block: Block, clerk: Clerk, random: Generator) -> float:
    """A wrong word before the answer, struck out or typed over with x; returns where the answer begins then."""
    hand = clerk.hand
    wrong = block.lines[0].split()[0][::-1][:7]
    width = width_of(wrong, hand, block.capital)
    onward = block.left + width + block.capital
    if onward + width_of(block.lines[0], hand, block.capital) > page.shape[1] - 4 * _KEEP_OFF_PAGE_EDGE:
        return block.left
    for text in (wrong, "x" * len(wrong)) if hand.patchy and hand.is_typed else (wrong,):
        ink = line_of(text, hand, block.capital, random)
        place = (round(block.left - ink.origin_x), round(block.baseline - ink.baseline))
        stamp(page, ink.cover, *place, hand.ink, hand.patchy, random)
    middle = block.baseline - block.capital * 0.4
    for _ in range(int(random.integers(1, 3))):
        ends = np.array([[block.left - 4, middle], [block.left + width / 2, middle], [block.left + width + 4, middle]])
        _stroke(page, ends + random.normal(0, block.capital * 0.09, ends.shape), clerk.pen, random)
    return float(onward)


def _underline(page: Grey, block: Block, clerk: Clerk, random: Generator) -> None:
    level = block.baseline + 0.25 * block.capital
    right = block.left + width_of(block.lines[0], clerk.hand, block.capital)
    ends = np.array([[block.left, level], [(block.left + right) / 2, level], [right, level]])
    _stroke(page, ends + random.normal(0, 2.0, ends.shape), clerk.pen, random)


def _stroke(page: Grey, points: strokes.Points, pen: Hand, random: Generator) -> None:
    """One stroke of the pen through these points of the page."""
    low, high = points.min(axis=0) - 12, points.max(axis=0) + 12
    cover = np.zeros((int(high[1] - low[1]) + 1, int(high[0] - low[0]) + 1), np.uint8)
    strokes.draw(cover, strokes.smooth(points - low), pen.nib * PIXELS_PER_MM, random)
    stamp(page, cover, int(low[0]), int(low[1]), pen.ink, pen.patchy, random)


def _write_number(page: Grey, text: str, places: Sequence[Slot], zone: Zone, clerk: Clerk, random: Generator) -> None:
    """Figures drawn with the pen, large or small, anywhere in the box and over its edges."""
    box = zone.box
    height = max(float(np.clip(box.height * clerk.figures_height, 36, 150)) * random.uniform(0.85, 1.15), 32)
    ink = write_figures(text, height, clerk.pen.nib * PIXELS_PER_MM * random.uniform(0.9, 1.5), random)
    slot = pick(random, places)
    start = slot.box.left if slot.is_beside else box.left
    spare = max(box.right - start - ink.reach - 10, 10)
    x = start + 10 + random.uniform(0.0, 0.85) * spare
    level = box.centre[1] + height / 2 + random.normal(0, 0.16) * box.height
    if slot.is_beside and slot.baseline is not None and box.height < 110:
        level = slot.baseline + random.normal(0, 0.12) * height
    elif not slot.is_beside and box.height < 2.2 * height + 40:
        level = max(level, slot.box.top + height * 0.85)
    stamp(
        page, ink.cover, round(x - ink.origin_x), round(level - ink.baseline), clerk.pen.ink, clerk.pen.patchy, random
    )


def typed_tick(page: Grey, box: Box, tick: TypedTick, face: Typeface, random: Generator) -> None:
    """A tick made with a keyboard: inside its box, or a letter struck somewhere near its middle."""
    size = min(box.width, box.height)
    middle = np.array(box.centre)
    if tick is TypedTick.LETTER:
        glyph = set_line(face, round(size * random.uniform(0.8, 1.15)), pick(random, ("X", "X", "x")))
        at = middle + random.normal(0, 0.08, 2) * size - np.array(glyph.ink.shape[::-1]) / 2
        stamp(page, glyph.ink, round(float(at[0])), round(float(at[1])), 0.95, 0.0, random)
        return
    cover = np.zeros((2 * size, 2 * size), np.uint8)
    reach, width = size * random.uniform(0.28, 0.44), int(random.integers(2, 5))
    shapes = {
        TypedTick.CROSS: (((-1, -1), (1, 1)), ((1, -1), (-1, 1))),
        TypedTick.CHECK: (((-0.9, 0.1), (-0.3, 0.8), (0.95, -0.9)),),
        TypedTick.SQUARE: (((-0.55, 0), (0.55, 0)),),
    }
    for shape in shapes[tick]:
        points = np.round((np.array(shape) * reach + size) * 16).astype(np.int32)
        thick = round(reach * 1.1) if tick is TypedTick.SQUARE else width
        cv2.polylines(cover, [points], False, 255, thick, cv2.LINE_AA, 4)
    stamp(page, cover, round(middle[0]) - size, round(middle[1]) - size, 0.95, 0.0, random)
