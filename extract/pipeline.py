"""THE FILE TO READ FIRST: the whole journey of a file's pages, on one screen.

unpack -> clean -> classify -> split -> align (or lay out) -> read -> validate -> decide
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from extract import align as alignment
from extract import assemble, clean, layout, quality, screen, separator, split
from extract.classify import Catalogue
from extract.engines import BarcodeFinder, LayoutFinder, LineFinder, LineReader, OrientationFinder
from extract.page import PageImage
from extract.sheet import Match, Sheet
from extract.stamp import StampReaders
from extract.standards import Standards
from extract.views import FINE_DPI, view
from schemas.extraction import Document
from schemas.form_type import FormType
from schemas.page import PageFact, PageLabel
from schemas.reading import Region


@dataclass(frozen=True)
class Tools:
    """Everything the journey needs from outside, chosen once per process by `intake.wiring`.

    quick: a quicker, less careful reader, for whole pages and text that stands out by its pattern; None to do without.
    stamps: who reads stamps and numbers written by hand; None to do without.
    other: a reader of another family, asked where the others disagree; None to do without.
    today: says what day it is, for a caller who owns a clock: nothing has come in later. None: not known.
    stage: called with a stage's name around its work, so that a caller who owns a clock can time it.
    """

    catalogue: Catalogue
    standards: Standards
    reader: LineReader
    lines: LineFinder
    layout: LayoutFinder
    orientation: OrientationFinder
    barcodes: BarcodeFinder
    quick: LineReader | None = None
    stamps: StampReaders | None = None
    other: LineReader | None = None
    today: Callable[[], date | None] = lambda: None
    stage: Callable[[str], AbstractContextManager[None]] = lambda name: nullcontext()


def read_pages(pages: Iterable[PageImage], tools: Tools) -> list[Document]:
    """Turn the pages of one file into documents; every page given is in exactly one of them.

    Each page is read as soon as it is recognised, so that only one is in memory, however many the file has.
    """
    drafts: list[_Draft] = []
    for pile, sheet in split.split(_recognise(page, tools) for page in pages):
        if not drafts or drafts[-1].pile is not pile:
            drafts.append(_Draft(pile))
        _read_sheet(drafts[-1], sheet, tools)
    return [_finished(draft, tools) for draft in drafts]


@dataclass(slots=True)
class _Draft:
    """A document in the making: what is known of its pages, without their pixels."""

    pile: split.Pile
    facts: list[PageFact] = field(default_factory=list)
    seen: list[assemble.Seen] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)


def _recognise(page: PageImage, tools: Tools) -> Sheet:
    """Clean a page and say what it is."""
    with tools.stage("clean"):
        page = clean.without_shadow(screen.without_screen(page))
        seen = view(page)
        is_blank = clean.is_blank(PageImage(seen.fine, FINE_DPI, page.number))
        measured = quality.measure(page, seen.fine)
    with tools.stage("classify"):
        match = tools.catalogue.recognise(seen)
        if match is not None:
            return Sheet(page, PageLabel.CONTENT, match, measured)
    if is_blank:  # only now: a form too faded to have ink is still a form, and must be scanned again
        return Sheet(page, PageLabel.BLANK)
    with tools.stage("separators"):
        is_separator = separator.is_separator(page, seen.fine, tools.barcodes)
    return Sheet(page, PageLabel.SEPARATOR if is_separator else PageLabel.CONTENT, quality=measured)


def _read_sheet(draft: _Draft, sheet: Sheet, tools: Tools) -> None:
    """Read one page and add what it says to its document."""
    form_type = draft.pile.form_type
    if form_type is not None and sheet.match is not None:
        _read_form_page(draft, form_type, sheet, sheet.match, tools)
    elif form_type is not None:
        draft.facts.append(_fact(clean.turn(sheet.page, 0), sheet.label, note="no answers are asked for on this side"))
    elif sheet.label is PageLabel.CONTENT:
        _read_free_page(draft, sheet, tools)
    else:
        draft.facts.append(_fact(clean.turn(sheet.page, 0), sheet.label))


def _read_form_page(draft: _Draft, form_type: FormType, sheet: Sheet, match: Match, tools: Tools) -> None:
    """A page of a known form type: every field on it found and read."""
    upright = clean.turn(sheet.page, match.turned)
    with tools.stage("align"):
        laid = alignment.align(upright.page, match.drawing, match.reference, match.fit)
    found = assemble.Found(laid, match.blank, match.page, sheet.page.number)
    measured = {**sheet.quality, **quality.of_place(match.fit, laid.reference.shape, upright.page.pixels.shape)}
    known, poor = quality.features(measured), quality.problems(measured)
    draft.seen.append(replace(assemble.see(found, form_type, match.edition, tools), quality=known, problems=poor))
    fact = _fact(upright, sheet.label, residual=match.fit.residual_pixels)
    draft.facts.append(replace(fact, quality=measured, problems=poor))


def _read_free_page(draft: _Draft, sheet: Sheet, tools: Tools) -> None:
    """A page of no known form type: the whole page read, region by region. Never a guessed form."""
    with tools.stage("clean"):
        turned, _ = tools.orientation.turn(sheet.page.pixels)
        upright = clean.straighten(clean.turn(sheet.page, turned))
    with tools.stage("layout"):
        regions = layout.find_regions(upright.page, tools.lines, tools.layout, tools.quick or tools.reader)
    draft.regions.extend(regions)
    fact = _fact(upright, sheet.label)
    draft.facts.append(replace(fact, quality=sheet.quality, problems=quality.problems(sheet.quality)))


def _finished(draft: _Draft, tools: Tools) -> Document:
    """The document: every field checked and decided, or the regions of a page of no known form."""
    form_type, edition = draft.pile.form_type, draft.pile.edition
    if form_type is None or edition is None:
        return Document(None, None, tuple(draft.facts), regions=tuple(draft.regions))
    with tools.stage("decide"):
        fields = assemble.fields(form_type, edition, draft.seen, tools.standards, tools.today())
    return Document(form_type.id, edition.id, tuple(draft.facts), fields)


def _fact(upright: clean.Cleaned, label: PageLabel, *, residual: float | None = None, note: str = "") -> PageFact:
    width, height = upright.page.width, upright.page.height
    scanned = (height, width) if upright.turned in (90, 270) else (width, height)
    a = upright.to_scan
    transform = np.array([a[0, 0] * width, a[0, 1] * height, a[0, 2], a[1, 0] * width, a[1, 1] * height, a[1, 2]])
    return PageFact(
        number=upright.page.number,
        label=label,
        turned=upright.turned,
        skew=upright.skew,
        residual=None if residual is None else round(residual, 2),
        width=scanned[0],
        height=scanned[1],
        transform=tuple(round(float(value), 3) for value in transform),
        note=note,
    )
