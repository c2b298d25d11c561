"""Writes a folder of synthetic post with its truth: the same seed gives the same bytes."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import active_children, get_context
from pathlib import Path

import cv2
from numpy.random import PCG64, Generator, SeedSequence

from extract.page import Grey
from intake import protection
from intake.synthetic.age import Scan, age
from intake.synthetic.answers import answer_form
from intake.synthetic.any_document import invent_any_document
from intake.synthetic.archive import archived
from intake.synthetic.archive_wear import invent_archive_scanner, invent_archive_wear
from intake.synthetic.clerk import Writing
from intake.synthetic.containers import Container, contained
from intake.synthetic.fill import FieldTruth, Writer, fill, without_last_side
from intake.synthetic.fill_any import check_fillable
from intake.synthetic.fonts import require_fonts
from intake.synthetic.hand import Hand, invent_hand, invent_machine
from intake.synthetic.other_pages import empty_page, letter_page, separator_page
from intake.synthetic.people import chance, invent_person, pick
from intake.synthetic.strokes import TickStyle
from intake.synthetic.truth import DocumentTruth, FieldTruthEntry, PageTruth, save_truth
from intake.synthetic.wear import Ageing, Colour, Scanner, invent_scanner, invent_wear
from schemas.form_type import SHIPPED_FORMS, FormType, load_form_type
from schemas.page import PageLabel

OWN_FORMS = ("change-of-keeper", "fee-refund", "licence-renewal")

_LETTERS = 0.1
_TYPED = 0.35
_BATCHES = 0.25
_DUPLEX = 0.25
_BACK_NOT_SCANNED = 0.06
_PDF_FROM_ARCHIVES = 0.15
_TICK_HABITS = (
    *(TickStyle.CHECK,) * 4,
    *(TickStyle.CROSS,) * 4,
    TickStyle.SLASH,
    TickStyle.FILLED,
)

# The streams of random numbers that hang from one seed: what a document says does not depend on its file.
_PLAN_STREAM, _DOCUMENT_STREAM, _FILE_STREAM, _FORM_STREAM = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Post:
    """What was written: counts that must add up with what is read back, and where the truth lies."""

    files: int
    pages: int
    documents: int
    truth: Path


@dataclass(frozen=True, slots=True, eq=False)
class Sheets:
    """One document before it is scanned: its sides, which of them are empty, and its truth so far."""

    sides: tuple[Grey, ...]
    form_type: str | None
    edition: str | None
    fields: Mapping[str, FieldTruth]
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilePlan:
    """Which documents one file holds; picklable, so that files can be made side by side."""

    number: int
    documents: tuple[int, ...]
    seed: int
    ageing: Ageing
    writing: Writing
    forms: tuple[FormType, ...]
    folder: Path


def write_post(
    folder: Path,
    documents: int,
    seed: int,
    ageing: Ageing | str = Ageing.MEDIUM,
    forms: Sequence[FormType] | None = None,
    workers: int = 1,
    writing: Writing = Writing.MIXED,
) -> Post:
    """Write `documents` documents of synthetic post and `truth.jsonl` into `folder`, which must be empty or missing.

    documents: forms and letters; blank backs and separator sheets come on top.
    forms: form types to use; those of our own drawing if None. Post that has others comes from an archive: one form
    per file, black and white, no letters between.
    Raises Unavailable naming the Debian packages if fonts are missing, FileExistsError if the folder holds anything,
    NotAForm for a form type that cannot be filled, ValueError if there is none.
    """
    if forms is None:
        forms = [load_form_type(SHIPPED_FORMS / id) for id in OWN_FORMS]
    if not forms:
        raise ValueError("no form type to fill")
    require_fonts(any_form=_is_archive(forms))
    for form in forms:
        check_fillable(form)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder}: not empty; synthetic post goes into a folder of its own")
    plans = _planned(folder, documents, seed, (Ageing(ageing), writing), tuple(forms))
    truths = [truth for of_file in _made(plans, workers) for truth in of_file]
    pages = sum(len(truth.pages) for truth in truths)
    return Post(len(plans), pages, documents, save_truth(folder, truths))


def _is_archive(forms: Sequence[FormType]) -> bool:
    return any(form.id not in OWN_FORMS for form in forms)


def _made(plans: Sequence[FilePlan], workers: int) -> Iterator[list[DocumentTruth]]:
    if workers <= 1:
        yield from map(_write_file, plans)
        return
    # Spawned, not forked: a fork in the middle of OpenCV's threads can hang.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin_work, initargs=(os.getpid(),)) as pool:
        try:
            # Not by `map`: it would cancel what waits, and a pool whose processes were ended stumbles over that.
            with _interrupts_waiting():
                asked = [pool.submit(_write_file, plan) for plan in plans]
            yield from (answer.result() for answer in asked)
        except BaseException:
            # Whoever is stopped does not wait for the files in work, of which nobody would tell the truth.
            for process in active_children():
                process.terminate()
            raise


@contextmanager
def _interrupts_waiting() -> Iterator[None]:
    """Ctrl-C waits for the end of the block, and processes started in it never see one: it would meet them before
    they can say that they ignore it, and each would print where it was."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_work(parent: int) -> None:
    """What every process that makes files does first."""
    protection.end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent ends us.
    cv2.setNumThreads(1)


def _stream(seed: int, stream: int, number: int) -> Generator:
    return Generator(PCG64(SeedSequence([seed, stream, number])))


def _planned(
    folder: Path, documents: int, seed: int, look: tuple[Ageing, Writing], forms: tuple[FormType, ...]
) -> list[FilePlan]:
    """Most files hold one document; some are batches of several, parted by separator sheets."""
    random, plans, first = _stream(seed, _PLAN_STREAM, 0), list[FilePlan](), 0
    batches = 0.0 if _is_archive(forms) else _BATCHES
    while first < documents:
        count = int(random.integers(3, 6)) if chance(random, batches) else 1
        held = tuple(range(first, min(first + count, documents)))
        plans.append(FilePlan(len(plans) + 1, held, seed, *look, forms, folder))
        first += count
    return plans


def _invent_document(plan: FilePlan, number: int) -> Sheets:
    """The document with this number: who wrote it, how, and what."""
    random = _stream(plan.seed, _DOCUMENT_STREAM, number)
    person, pen = invent_person(random), invent_hand(random)
    is_typed = chance(random, _TYPED) or plan.writing is Writing.TYPED
    hand: Hand = invent_machine(random) if is_typed else pen
    if chance(random, _LETTERS):
        letter = letter_page(person, hand, pen, random)
        return Sheets((letter.page,), None, None, {}, letter.lines)
    form = pick(random, plan.forms)
    edition = pick(random, form.editions)
    writer = Writer(person.number, hand, pen, pick(random, _TICK_HABITS))
    filled = fill(form, edition, answer_form(form.id, person, random), writer, random)
    if len(filled.pages) > 1 and chance(random, _BACK_NOT_SCANNED):
        filled = without_last_side(filled, edition)
    return Sheets(filled.pages, form.id, edition.id, filled.fields)


def _write_archived(plan: FilePlan, form: FormType, random: Generator) -> list[DocumentTruth]:
    """Make one file that holds one form from an archive."""
    number = plan.documents[0]
    document = invent_any_document(form, plan.ageing, _stream(plan.seed, _DOCUMENT_STREAM, number), plan.writing)
    scanner = invent_archive_scanner(plan.ageing, random)
    scans, pages_truth = [], {}
    for place, side in enumerate(document.sides):
        wear = invent_archive_wear(plan.ageing, random)
        scans.append(archived(side, wear, scanner, document.overprints.get(place, ()), random))
        pages_truth[place + 1] = PageTruth(label=PageLabel.CONTENT, turned=(360 - wear.turned) % 360)
    container = Container.PDF if chance(random, _PDF_FROM_ARCHIVES) else Container.TIFF
    name = f"post-{plan.number:04d}.{container}"
    (plan.folder / name).write_bytes(contained(scans, container, scanner.quality))
    sheets = {number: Sheets(document.sides, form.id, document.edition, document.fields)}
    return _truths(plan, name, sheets, dict.fromkeys(pages_truth, number), pages_truth)


@dataclass(frozen=True, slots=True, eq=False)
class _Page:
    """One page on its way into a file; `document` is None for what belongs to none."""

    pixels: Grey
    back: Grey | None
    label: PageLabel
    document: int | None


def _write_file(plan: FilePlan) -> list[DocumentTruth]:
    """Make one file of the plan; returns its truth, one object per document and one for the pages of none."""
    random = _stream(plan.seed, _FILE_STREAM, plan.number)
    if _is_archive(plan.forms):
        form = pick(_stream(plan.seed, _FORM_STREAM, plan.number), plan.forms)
        if form.id not in OWN_FORMS:
            return _write_archived(plan, form, random)
        plan = replace(plan, forms=(form,))
    scanner, is_duplex = invent_scanner(plan.ageing, random), chance(random, _DUPLEX)
    sheets = {number: _invent_document(plan, number) for number in plan.documents}
    scans: list[Scan] = []
    pages_truth: dict[int, PageTruth] = {}
    owners: dict[int, int | None] = {}
    for page in _in_order(sheets, random, is_duplex=is_duplex):
        wear = invent_wear(plan.ageing, random)
        scans.append(age(page.pixels, page.back, wear, scanner, random))
        owners[len(scans)] = page.document
        pages_truth[len(scans)] = PageTruth(label=page.label, turned=(360 - wear.turned) % 360)
    container = _container(len(scans), scanner, random)
    name = f"post-{plan.number:04d}.{container}"
    (plan.folder / name).write_bytes(contained(scans, container, scanner.quality))
    return _truths(plan, name, sheets, owners, pages_truth)


def _in_order(sheets: Mapping[int, Sheets], random: Generator, *, is_duplex: bool) -> Iterator[_Page]:
    """The pages as they come out of the scanner: separators between documents, empty backs when both sides are read."""
    for place, (number, document) in enumerate(sheets.items()):
        if place:
            yield _Page(separator_page(invent_machine(random), random), None, PageLabel.SEPARATOR, None)
        sides = document.sides
        for side, pixels in enumerate(sides):
            other = sides[side ^ 1] if (side ^ 1) < len(sides) else None
            yield _Page(pixels, other, PageLabel.CONTENT, number)
        if is_duplex and len(sides) % 2:
            yield _Page(empty_page(), sides[-1], PageLabel.BLANK, None)


def _container(pages: int, scanner: Scanner, random: Generator) -> Container:
    if pages > 1 or scanner.colour is Colour.FAX:
        return Container.PDF if chance(random, 0.35) else Container.TIFF
    choices = (Container.TIFF, Container.TIFF, Container.PDF, Container.PNG)
    if scanner.colour is Colour.GREY:
        choices = (Container.TIFF, Container.PDF, Container.JPEG, Container.JPEG)
    return pick(random, choices)


def _truths(
    plan: FilePlan,
    name: str,
    sheets: Mapping[int, Sheets],
    owners: Mapping[int, int | None],
    pages_truth: Mapping[int, PageTruth],
) -> list[DocumentTruth]:
    truths = []
    for owner in (*sheets, None):
        pages = [page for page, document in owners.items() if document == owner]
        if not pages:
            continue
        document = sheets[owner] if owner is not None else Sheets((), None, None, {})
        truths.append(
            DocumentTruth(
                file=name,
                pages=pages,
                kind="leftover" if owner is None else "form" if document.form_type else "letter",
                form_type=document.form_type,
                edition=document.edition,
                ageing=plan.ageing.value,
                fields={field: _entry(truth) for field, truth in document.fields.items()},
                lines=list(document.lines),
                pages_truth={page: pages_truth[page] for page in pages},
            )
        )
    return truths


def _entry(truth: FieldTruth) -> FieldTruthEntry:
    value = truth.answer.value
    return FieldTruthEntry(
        value=list(value) if isinstance(value, tuple) else value,
        text=truth.answer.text,
        handwritten=truth.is_handwritten,
        missing=truth.is_missing,
        boxes=dict(truth.boxes),
    )
