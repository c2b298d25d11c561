"""One document of any form type before it is scanned: who filled it in, what it says, and what else lies behind it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from extract.page import Grey
from intake.synthetic import strokes
from intake.synthetic.any_form import answer_any_form
from intake.synthetic.archive_wear import invent_archive_wear
from intake.synthetic.clerk import Clerk, Writing, invent_clerk
from intake.synthetic.entries import PIXELS_PER_MM, in_this_face, write_answer
from intake.synthetic.fill import FieldTruth, blank_page
from intake.synthetic.fill_any import fill_any_form, worn_print
from intake.synthetic.hand import stamp
from intake.synthetic.people import chance, pick
from intake.synthetic.receipts import Overprint
from intake.synthetic.slots import Slot
from intake.synthetic.wear import Ageing
from intake.synthetic.world import WORLD, in_sentence, invent_name
from schemas.form_type import FormType, Zone
from schemas.geometry import Box

# How often a further page follows: where the form has pages of which no edition knows the print, and elsewhere.
_UNKNOWN_PAGE, _LOOSE_PAGE = 0.2, 0.03


@dataclass(frozen=True, slots=True, eq=False)
class AnyDocument:
    """Its sides at 300 dpi, clean but for their print; what is added to their scans, by place; and its truth."""

    sides: tuple[Grey, ...]
    overprints: Mapping[int, tuple[Overprint, ...]]
    form_type: str
    edition: str
    fields: Mapping[str, FieldTruth]


def invent_any_document(
    form: FormType, ageing: Ageing, random: Generator, writing: Writing = Writing.MIXED
) -> AnyDocument:
    """A filled form on one of its editions; `fill_any.check_fillable` says beforehand whether there can be one."""
    # One that was printed anew from another setting is still the same edition: it has no more forms than others.
    title = pick(random, sorted({edition.title for edition in form.editions}))
    edition = pick(random, [edition for edition in form.editions if edition.title == title])
    clerk = invent_clerk(random, writing)
    answers = answer_any_form(form, edition, random)
    strength = invent_archive_wear(ageing, random).print_strength
    blanks = {page.number: worn_print(blank_page(page.image), strength, random) for page in edition.pages}
    filled = fill_any_form(form, edition, answers, clerk, blanks, random)
    sides = filled.form.pages
    if chance(random, _UNKNOWN_PAGE if form.pages > len(edition.pages) else _LOOSE_PAGE):
        sides = (*sides, _further_page(sides[0].shape, clerk, random))
    return AnyDocument(sides, filled.overprints, form.id, edition.id, filled.form.fields)


def _further_page(shape: tuple[int, ...], clerk: Clerk, random: Generator) -> Grey:
    """A page of sentences in the same hand, with name and signature at its foot."""
    page = np.full(shape, 255, np.uint8)
    level = round(random.uniform(250, 600))
    for _ in range(int(random.integers(2, 5))):
        text = " ".join(in_sentence(pick(random, WORLD.remarks), random) for _ in range(int(random.integers(1, 4))))
        box = Box(round(0.1 * shape[1]), level, round(0.9 * shape[1]), level + 380)
        lines = (in_this_face(text, clerk.hand),)
        write_answer(page, lines, (Slot(box, None, is_beside=False),), Zone("", 1, box), clerk, random)
        level += 430
    scrawl = strokes.signature(clerk.person, 180, 560, clerk.pen.nib * PIXELS_PER_MM, random)
    stamp(page, scrawl, round(0.5 * shape[1]), level, clerk.pen.ink, clerk.pen.patchy, random)
    box = Box(round(0.5 * shape[1]), level + 170, round(0.9 * shape[1]), level + 260)
    lines = (in_this_face(invent_name(random), clerk.hand),)
    write_answer(page, lines, (Slot(box, None, is_beside=False),), Zone("", 1, box), clerk, random)
    return page
