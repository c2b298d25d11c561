"""Fills one edition of any form type, vector or scanned blank alike, and says exactly what is there now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from extract.page import Grey
from intake.synthetic import strokes
from intake.synthetic.answers import EMPTY, Answer, Answers
from intake.synthetic.clerk import Clerk, TypedTick
from intake.synthetic.entries import PIXELS_PER_MM, in_this_face, typed_tick, write_answer
from intake.synthetic.fill import (
    FieldTruth,
    FilledForm,
    Writer,
    blank_page,
    fill_signature,
    mark_box,
    tick_boxes,
    write_in_cells,
)
from intake.synthetic.hand import stamp
from intake.synthetic.people import chance, pick
from intake.synthetic.receipts import Overprint, clutter, receipt
from intake.synthetic.slots import Slot, margin, slots
from intake.synthetic.strokes import TickStyle
from intake.synthetic.truth import BoxTruth
from intake.synthetic.world import WORLD, in_sentence
from schemas.errors import NotAForm
from schemas.field import STAMP, FieldKind, FieldSpec
from schemas.form_type import Edition, FormType, Zone
from schemas.geometry import Box

CLEAN_DPI = 300
_OPEN_QUESTION_ANSWERED = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class AnyFilled:
    """A filled form, and what its receiving office adds to the scans of its pages, by their place."""

    form: FilledForm
    overprints: Mapping[int, tuple[Overprint, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Desk:
    """What filling needs at hand: the pages by number and who fills them in."""

    pages: Mapping[int, Grey]
    edition: Edition
    clerk: Clerk
    random: Generator


def check_fillable(form: FormType) -> None:
    """Raises NotAForm if an edition of `form` cannot be filled: its zones are not in pixels at 300 dpi."""
    for edition in form.editions:
        if edition.dpi != CLEAN_DPI:
            raise NotAForm(
                f"{form.id}, {edition.id}: its zones are at {edition.dpi} dpi; only {CLEAN_DPI} can be filled"
            )


def fill_any_form(
    form: FormType, edition: Edition, answers: Answers, clerk: Clerk, blanks: Mapping[int, Grey], random: Generator
) -> AnyFilled:
    """Write `answers` onto `blanks`, the pages of `edition` by number, which are written on.

    Fields without an answer, as printed barcodes, are not in the truth.
    """
    desk = _Desk(blanks, edition, clerk, random)
    truth: dict[str, FieldTruth] = {}
    received: list[FieldSpec] = []
    for spec in form.fields:
        if spec.name not in answers:
            continue
        if spec.family == STAMP:
            received.append(spec)
            continue
        truth[spec.name] = _fill(desk, spec, answers[spec.name])
    _answer_open_question(desk)
    overprints: dict[int, tuple[Overprint, ...]] = {}
    for spec in received:  # last, as in life: over what is written
        truth[spec.name] = _receive(desk, spec, answers[spec.name], overprints)
    for number, page in blanks.items():
        ticks = [zone.box.grown(30) for zone in edition.zones if zone.page == number and zone.option]
        clutter(page, Box(60, page.shape[0] // 3, page.shape[1] - 60, page.shape[0] - 60), ticks, clerk, random)
    in_order = {spec.name: truth[spec.name] for spec in form.fields if spec.name in truth}
    return AnyFilled(FilledForm(tuple(blanks[number] for number in sorted(blanks)), in_order), overprints)


def _fill(desk: _Desk, spec: FieldSpec, answer: Answer) -> FieldTruth:
    zones = desk.edition.zones_of(spec.name)
    clerk, random = desk.clerk, desk.random
    match spec.kind:
        case FieldKind.CHOICE:
            return _tick(desk, zones, answer)
        case FieldKind.SIGNATURE:
            writer = Writer(clerk.person, clerk.hand, clerk.pen, TickStyle.CHECK)
            return fill_signature(desk.pages, zones, answer, writer, random)
    if not answer.lines:
        return FieldTruth(answer, is_handwritten=False)
    zone = zones[0]
    page, answer = desk.pages[zone.page], _as_written(answer, spec, clerk)
    if zone.cells:
        write_in_cells(page, zone.cells, answer.text, clerk.hand, random)
        return FieldTruth(answer, is_handwritten=not clerk.hand.is_typed)
    places = slots(_image(desk.edition, zone.page), zone)
    is_number = spec.family == "identifier"
    by_hand = write_answer(page, answer.lines, places, zone, clerk, random, is_number=is_number)
    return FieldTruth(answer, is_handwritten=by_hand)


def _image(edition: Edition, number: int) -> Path:
    return next(page.image for page in edition.pages if page.number == number)


def _as_written(answer: Answer, spec: FieldSpec, clerk: Clerk) -> Answer:
    """The answer in this hand. What is in normal form, as a date, stays as it is."""
    lines = tuple(in_this_face(line, clerk.hand) for line in answer.lines)
    is_text = spec.kind is FieldKind.TEXT and isinstance(answer.value, str)
    return replace(answer, value=in_this_face(str(answer.value), clerk.hand) if is_text else answer.value, lines=lines)


def _tick(desk: _Desk, zones: Sequence[Zone], answer: Answer) -> FieldTruth:
    clerk = desk.clerk
    # A box that is filled to mean yes cannot be told from one filled to mean no.
    is_clear = clerk.ticks not in (TickStyle.FILLED, TypedTick.SQUARE)
    ticked = tick_boxes(zones, answer, partial(_mark, desk), desk.random, cancels=is_clear)
    if isinstance(clerk.ticks, TickStyle):
        return ticked
    # Who types ticks crosses out by hand all the same.
    return replace(ticked, is_handwritten=any(state is BoxTruth.CANCELLED for _, state in ticked.boxes))


def _mark(desk: _Desk, zone: Zone, state: BoxTruth) -> None:
    clerk, page, random = desk.clerk, desk.pages[zone.page], desk.random
    if isinstance(clerk.ticks, TickStyle):
        mark_box(page, zone.box, state, Writer(clerk.person, clerk.hand, clerk.pen, clerk.ticks), random)
        return
    if state in (BoxTruth.TICKED, BoxTruth.CANCELLED):
        typed_tick(page, zone.box, clerk.ticks, clerk.hand.face, random)
    if state in (BoxTruth.CANCELLED, BoxTruth.STRAY):
        size, nib = zone.box.width, clerk.pen.nib * PIXELS_PER_MM
        draw = strokes.cancel if state is BoxTruth.CANCELLED else strokes.stray
        cover = draw(size, nib, random)
        stamp(page, cover, zone.box.left - size, zone.box.top - size, clerk.pen.ink, clerk.pen.patchy, random)


def _answer_open_question(desk: _Desk) -> None:
    """Most forms have a question for which nobody made a zone; what is written there is none of the truth."""
    free = margin(_image(desk.edition, 1), _zones_of_words(desk.edition)) if desk.edition.pages[0].number == 1 else None
    if free is None or free.open is None or not chance(desk.random, _OPEN_QUESTION_ANSWERED):
        return
    zone = Zone("", 1, free.open)
    count = int(desk.random.integers(1, 3))
    text = " ".join(in_sentence(pick(desk.random, WORLD.remarks), desk.random) for _ in range(count))
    lines = (in_this_face(text, desk.clerk.hand),)
    write_answer(desk.pages[1], lines, (Slot(free.open, None, is_beside=False),), zone, desk.clerk, desk.random)


def _zones_of_words(edition: Edition) -> tuple[Zone, ...]:
    """The zones on the first page but those as wide as the paper, where offices put their stamps."""
    image = blank_page(edition.pages[0].image)
    return tuple(zone for zone in edition.zones if zone.page == 1 and zone.box.width < 0.95 * image.shape[1])


def _receive(desk: _Desk, spec: FieldSpec, answer: Answer, overprints: dict[int, tuple[Overprint, ...]]) -> FieldTruth:
    if answer.value is None:
        return FieldTruth(EMPTY, is_handwritten=False)
    zones = desk.edition.zones_of(spec.name)
    number = zones[0].page
    below = margin(_image(desk.edition, number), _zones_of_words(desk.edition)).below
    day = date.fromisoformat(str(answer.value))
    written, late = receipt(desk.pages[number], zones, day, below, desk.random)
    place = sorted(desk.pages).index(number)
    overprints[place] = (*overprints.get(place, ()), *late)
    return FieldTruth(written, is_handwritten=False)


def worn_print(blank: Grey, strength: float, random: Generator) -> Grey:
    """A copy of the blank as another printing of it looks: thicker or thinner, uneven. strength: 0 none to 1 much."""
    page = blank.copy()
    swell = float(random.normal(0.1, 0.6)) * strength
    if abs(swell) > 0.2:
        kernel = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
        moved = cv2.erode(page, kernel) if swell > 0 else cv2.dilate(page, kernel)
        share = min(abs(swell), 1.0) if swell > 0 else min(abs(swell) * 0.7, 0.6)
        page = np.asarray(cv2.addWeighted(page, 1 - share, moved, share, 0), dtype=np.uint8)
    if chance(random, 0.35 * strength):
        rows, columns = (max(side // 24, 2) for side in page.shape)
        weak = random.uniform(0.0, 90.0 * strength, (rows, columns)).astype(np.uint8)
        faint = cv2.resize(cv2.GaussianBlur(weak, (0, 0), 1.5), page.shape[::-1], interpolation=cv2.INTER_LINEAR)
        page = np.asarray(cv2.add(page, faint), dtype=np.uint8)
    return page
