"""Writes a person's answers onto the blank form, with the slips people make, and says exactly what is there now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from extract.page import Grey
from intake.synthetic import strokes
from intake.synthetic.answers import EMPTY, Answer, Answers
from intake.synthetic.barcode import bars
from intake.synthetic.hand import Hand, stamp, width_of, wrapped, write_line
from intake.synthetic.people import chance, pick
from intake.synthetic.strokes import TickStyle
from intake.synthetic.truth import BoxTruth
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import Edition, FormType, Zone
from schemas.geometry import Box

PIXELS_PER_MM = 300 / 25.4

# How often each slip happens, per field, box or line.
_CANCELLED_TICK = 0.05
_STRAY_IN_EMPTY_BOX = 0.012
_OUTSIDE_THE_BOX = 0.1
_STRUCK_OUT_START = 0.02
_NEVER_SMALLER = 0.08  # who does not write smaller when the box gets short

# By how much others write smaller to fit, before they too go over the edge.
_SMALLEST = 0.66


@dataclass(frozen=True, slots=True)
class FieldTruth:
    """What one field of a filled form really holds.

    boxes:      every tick box by its option; empty for other kinds.
    is_missing: the side it stands on was never scanned, and nobody can know what it says.
    """

    answer: Answer
    is_handwritten: bool
    boxes: tuple[tuple[str, BoxTruth], ...] = ()
    is_missing: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FilledForm:
    """The pages of one filled form, 300 dpi, clean, and the truth of its fields in the form type's order."""

    pages: tuple[Grey, ...]
    fields: Mapping[str, FieldTruth]


@dataclass(frozen=True, slots=True)
class Writer:
    """Who fills the form: `hand` for the words, `pen` for ticks and signature (typists have a pen too)."""

    person: int
    hand: Hand
    pen: Hand
    ticks: TickStyle


@lru_cache(maxsize=16)
def blank_page(image: Path) -> Grey:
    """The reference image of a blank page. Shared: copy before writing on it."""
    pixels = cv2.imread(str(image), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise FileNotFoundError(image)
    return np.asarray(pixels, dtype=np.uint8)


def fill(form: FormType, edition: Edition, answers: Answers, writer: Writer, random: Generator) -> FilledForm:
    """Write `answers` onto `edition`. A field without an answer in `answers` is printed on the blank itself."""
    pages = {page.number: blank_page(page.image).copy() for page in edition.pages}
    truth: dict[str, FieldTruth] = {}
    for spec in form.fields:
        zones = edition.zones_of(spec.name)
        if spec.name not in answers:
            truth[spec.name] = _printed(spec, edition)
            continue
        answer = _in_this_hand(answers[spec.name], spec, writer.hand)
        truth[spec.name] = _FILLERS.get(spec.kind, _fill_text)(pages, zones, answer, writer, random)
    return FilledForm(tuple(pages[number] for number in sorted(pages)), truth)


def without_last_side(filled: FilledForm, edition: Edition) -> FilledForm:
    """The form as it comes out of a scanner that read only its front: the fields of the last side are missing."""
    lost = max(page.number for page in edition.pages)
    gone = {zone.field for zone in edition.zones if zone.page == lost}
    missing = FieldTruth(EMPTY, is_handwritten=False, is_missing=True)
    fields = {name: missing if name in gone else truth for name, truth in filled.fields.items()}
    return FilledForm(filled.pages[:-1], fields)


def _printed(spec: FieldSpec, edition: Edition) -> FieldTruth:
    """The barcode that our blanks carry: form code, edition and side, e.g. VR11-2104-1."""
    code, year, month = edition.id.upper().split("-")
    payload = f"{code}-{year[2:]}{month}-1"
    return FieldTruth(Answer(payload, (payload,)), is_handwritten=False)


def _in_this_hand(answer: Answer, spec: FieldSpec, hand: Hand) -> Answer:
    """The answer as this hand writes it: a hand of capitals makes capitals of it, and so the truth is capitals."""
    if not hand.is_capitals or spec.kind in (FieldKind.CHOICE, FieldKind.SIGNATURE, FieldKind.BARCODE):
        return answer
    lines = tuple(line.upper() for line in answer.lines)
    value = " ".join(lines) if spec.kind is FieldKind.TEXT and lines else answer.value
    return replace(answer, value=value, lines=lines)


def _fill_text(
    pages: Mapping[int, Grey], zones: Sequence[Zone], answer: Answer, writer: Writer, random: Generator
) -> FieldTruth:
    zone = zones[0]
    page, hand = pages[zone.page], writer.hand
    if answer.lines and zone.cells:
        write_in_cells(page, zone.cells, answer.text, hand, random)
    elif answer.lines:
        _write_on_lines(page, zone, answer, hand, random)
    return FieldTruth(answer, is_handwritten=bool(answer.lines) and not hand.is_typed)


def write_in_cells(page: Grey, cells: Sequence[Box], text: str, hand: Hand, random: Generator) -> None:
    """One letter per cell from the left; what stands behind a space goes to the last cells (postcodes)."""
    first, _, last = text.partition(" ")
    last = last.replace(" ", "")
    used = [*cells[: len(first)], *(cells[-len(last) :] if last else ())]
    bold = random.uniform(0.5, 0.72)
    for letter, cell in zip(first + last, used, strict=True):
        capital = min(cell.height * bold, hand.capital_height * PIXELS_PER_MM * 1.25)
        ink = write_line(letter, hand, capital, random)
        spread = 0.02 if hand.is_typed else 0.075
        x = cell.centre[0] - ink.reach / 2 + random.normal(0, spread * cell.width) - ink.origin_x
        y = cell.centre[1] + capital / 2 + random.normal(0, spread * cell.height) - ink.baseline
        stamp(page, ink.cover, round(x), round(y), hand.ink, hand.patchy, random)


def _write_on_lines(page: Grey, zone: Zone, answer: Answer, hand: Hand, random: Generator) -> None:
    box, rows = zone.box, max(zone.lines, 1)
    pitch = box.height / rows
    capital = min(hand.capital_height * PIXELS_PER_MM, pitch * (0.42 if hand.is_typed else 0.56))
    inset = random.uniform(0.8, 3.0) * PIXELS_PER_MM
    smallest = capital * (1.0 if chance(random, _NEVER_SMALLER) else _SMALLEST)
    lines, capital = _laid_out(answer, rows, box.width - 1.4 * inset, hand, (smallest, capital))
    slip = random.normal(0, 0.16) * pitch if chance(random, _OUTSIDE_THE_BOX) else 0.0
    slope = random.normal(0, 0.004) if not hand.is_typed else 0.0
    for row, line in enumerate(lines):
        x = box.left + inset + (random.normal(0, 0.6) * PIXELS_PER_MM if not hand.is_typed else 0)
        if not hand.is_typed and zone.lines == 1 and chance(random, _STRUCK_OUT_START):
            x = _struck_out_start(page, line, (x, box.top + pitch * 0.74), hand, capital, box, random)
        ink = write_line(line, hand, capital, random)
        rest = pitch * (0.3 if hand.is_typed else random.uniform(0.14, 0.26))
        y = box.top + pitch * (row + 1) - rest + slip
        cover = _sloped(ink.cover, slope)
        stamp(page, cover, round(x - ink.origin_x), round(y - ink.baseline), hand.ink, hand.patchy, random)


def _laid_out(
    answer: Answer, rows: int, width: float, hand: Hand, capitals: tuple[float, float]
) -> tuple[tuple[str, ...], float]:
    """The lines as they will stand, and their size between the two given: what does not fit then overflows."""
    smallest, capital = capitals
    while True:
        lines = answer.lines if len(answer.lines) > 1 else wrapped(answer.text, width, hand, capital)
        if rows == 1:
            lines = answer.lines
        fits = len(lines) <= rows and all(width_of(line, hand, capital) <= width for line in lines)
        if fits or capital <= smallest:
            return lines, capital
        capital = max(capital * 0.94, smallest)


def _struck_out_start(
    page: Grey, line: str, at: tuple[float, float], hand: Hand, capital: float, box: Box, random: Generator
) -> float:
    """A false start of two or three letters, struck out; returns where the writing goes on. Nothing if no room."""
    false_start = line[: int(random.integers(2, 4))][::-1]
    ink = write_line(false_start, hand, capital, random)
    onward = at[0] + ink.reach + capital * 0.5
    if onward + width_of(line, hand, capital) > box.right:
        return at[0]
    middle = ink.baseline - capital / 2
    ends = np.array(
        [
            [ink.origin_x - 4, middle + 3],
            [ink.origin_x + ink.reach / 2, middle],
            [ink.origin_x + ink.reach + 4, middle - 4],
        ]
    )
    cover = ink.cover.copy()
    for _ in range(int(random.integers(1, 4))):
        strokes.draw(cover, strokes.smooth(ends + random.normal(0, capital * 0.07, ends.shape)), _nib(hand), random)
    stamp(page, cover, round(at[0] - ink.origin_x), round(at[1] - ink.baseline), hand.ink, hand.patchy, random)
    return onward


def _sloped(cover: Grey, slope: float) -> Grey:
    """The line rising or falling a little across the box."""
    if not slope:
        return cover
    matrix = np.array([[1.0, 0.0, 0.0], [slope, 1.0, 0.0]])
    return cv2.warpAffine(cover, matrix, (cover.shape[1], cover.shape[0])).astype(np.uint8)


def _nib(pen: Hand) -> float:
    return pen.nib * PIXELS_PER_MM


def _fill_choice(
    pages: Mapping[int, Grey], zones: Sequence[Zone], answer: Answer, writer: Writer, random: Generator
) -> FieldTruth:
    def mark(zone: Zone, state: BoxTruth) -> None:
        mark_box(pages[zone.page], zone.box, state, writer, random)

    return tick_boxes(zones, answer, mark, random)


def tick_boxes(
    zones: Sequence[Zone],
    answer: Answer,
    mark: Callable[[Zone, BoxTruth], None],
    random: Generator,
    *,
    cancels: bool = True,
) -> FieldTruth:
    """Tick what was chosen; sometimes, if this person `cancels`, a wrong box is ticked first and crossed out.

    mark: draws what is said to be in a box.
    """
    chosen = answer.value if isinstance(answer.value, tuple) else ()
    others = [zone.option for zone in zones if zone.option not in chosen]
    wrong = pick(random, others) if chosen and others and cancels and chance(random, _CANCELLED_TICK) else ""
    boxes = []
    for zone in zones:
        if zone.option in chosen:
            state = BoxTruth.TICKED
        elif zone.option == wrong:
            state = BoxTruth.CANCELLED
        else:
            state = BoxTruth.STRAY if chance(random, _STRAY_IN_EMPTY_BOX) else BoxTruth.EMPTY
        mark(zone, state)
        boxes.append((zone.option, state))
    return FieldTruth(answer, is_handwritten=bool(chosen or wrong), boxes=tuple(boxes))


def mark_box(page: Grey, box: Box, state: BoxTruth, writer: Writer, random: Generator) -> None:
    size, pen = box.width, writer.pen
    # A habit is not a law: one mark in ten is made another way.
    style = writer.ticks if chance(random, 0.9) else TickStyle.CROSS
    match state:
        case BoxTruth.EMPTY:
            return
        case BoxTruth.TICKED:
            cover = strokes.tick(size, style, _nib(pen), random)
        case BoxTruth.CANCELLED:
            # A box that is filled to mean yes cannot be told from one filled to mean no.
            first = TickStyle.CHECK if style is TickStyle.FILLED else style
            cover = np.maximum(strokes.tick(size, first, _nib(pen), random), strokes.cancel(size, _nib(pen), random))
        case BoxTruth.STRAY:
            cover = strokes.stray(size, _nib(pen), random)
    stamp(page, cover, box.left - size, box.top - size, pen.ink, pen.patchy, random)


def fill_signature(
    pages: Mapping[int, Grey], zones: Sequence[Zone], answer: Answer, writer: Writer, random: Generator
) -> FieldTruth:
    zone, pen = zones[0], writer.pen
    if answer.value:
        height = round(zone.box.height * random.uniform(0.8, 1.25))
        width = round(min(zone.box.width * 0.9, height * random.uniform(2.6, 4.5)))
        cover = strokes.signature(writer.person, height, width, _nib(pen), random)
        left = zone.box.left + random.uniform(0.02, 0.98) * (zone.box.width - width)
        top = zone.box.centre[1] - height / 2 + random.normal(0, 0.08) * height
        stamp(pages[zone.page], cover, round(left), round(top), pen.ink, pen.patchy, random)
    return FieldTruth(answer, is_handwritten=bool(answer.value))


def _fill_barcode(
    pages: Mapping[int, Grey], zones: Sequence[Zone], answer: Answer, writer: Writer, random: Generator
) -> FieldTruth:
    """Printed at the registry when the form went out: neither typed by the sender nor written."""
    zone = zones[0]
    quiet = round(3.0 * PIXELS_PER_MM)
    cover = bars(answer.text, zone.box.width - 2 * quiet, round(zone.box.height * 0.72))
    stamp(pages[zone.page], cover, zone.box.left + quiet, zone.box.top + 6, 0.95, 0.0, random)
    return FieldTruth(answer, is_handwritten=False)


_FILLERS = {
    FieldKind.CHOICE: _fill_choice,
    FieldKind.SIGNATURE: fill_signature,
    FieldKind.BARCODE: _fill_barcode,
}
