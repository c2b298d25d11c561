"""THE FILE TO READ FIRST: the whole journey of a file's pages, on one screen.

unpack -> clean -> classify -> split -> align (or lay out) -> read -> validate -> decide
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from extract import align as alignment
from extract import assemble, clean, layout, split
from extract.calibrate import Calibration
from extract.classify import Catalogue
from extract.engines import BarcodeFinder, LayoutFinder, LineFinder, LineReader, OrientationFinder
from extract.page import PageImage
from extract.registration import FINE_DPI, resample, view
from extract.sheet import Sheet
from schemas.extraction import Document
from schemas.form_type import FormType
from schemas.page import SEPARATOR_PAYLOAD, PageFact, PageLabel
from schemas.reading import Region

# Separator sheets carry barcodes an inch high: this is fine enough, and four times as quick.
_SEPARATOR_DPI = 150


@dataclass(frozen=True)
class Tools:
    """Everything the journey needs from outside, chosen once per process by `intake.wiring`.

    quick: a quicker, less careful reader, for whole pages and text that stands out by its pattern; None to do without.
    stage: called with a stage's name around its work, so that a caller who owns a clock can time it.
    """

    catalogue: Catalogue
    calibration: Calibration
    reader: LineReader
    lines: LineFinder
    layout: LayoutFinder
    orientation: OrientationFinder
    barcodes: BarcodeFinder
    quick: LineReader | None = None
    stage: Callable[[str], AbstractContextManager[None]] = lambda name: nullcontext()


def read_pages(pages: Iterable[PageImage], tools: Tools) -> list[Document]:
    """Turn the pages of one file into documents; every page given is in exactly one of them."""
    sheets = [_recognise(page, tools) for page in pages]
    return [_read_pile(pile, tools) for pile in split.split(sheets)]


def _recognise(page: PageImage, tools: Tools) -> Sheet:
    """Clean a page and say what it is."""
    with tools.stage("clean"):
        page = clean.without_shadow(page)
        seen = view(page)
        if clean.is_blank(PageImage(seen.fine, FINE_DPI, page.number)):
            return Sheet(page, PageLabel.BLANK)
    with tools.stage("classify"):
        match = tools.catalogue.recognise(seen)
        if match is not None:
            return Sheet(page, PageLabel.CONTENT, match)
    with tools.stage("separators"):
        small = resample(page.pixels, page.dpi, min(page.dpi, _SEPARATOR_DPI))
        if any(code.text == SEPARATOR_PAYLOAD for code in tools.barcodes.find(small)):
            return Sheet(page, PageLabel.SEPARATOR)
    return Sheet(page, PageLabel.CONTENT)


def _read_pile(pile: split.Pile, tools: Tools) -> Document:
    return _read_form(pile.form_type, pile.sheets, tools) if pile.form_type else _read_free(pile.sheets, tools)


def _read_form(form_type: FormType, sheets: Sequence[Sheet], tools: Tools) -> Document:
    """A document of a known form type: every field found, read, checked and decided."""
    facts, seen = [], []
    edition = next(sheet.match.edition for sheet in sheets if sheet.match)
    for sheet in sheets:
        match = sheet.match
        if match is None:
            facts.append(_fact(clean.turn(sheet.page, 0), sheet.label, note="no answers are asked for on this side"))
            continue
        upright = clean.turn(sheet.page, match.turned)
        with tools.stage("align"):
            laid = alignment.align(upright.page, match.reference, match.fit)
        found = assemble.Found(laid, match.blank, match.page, sheet.page.number)
        seen.append(assemble.see(found, form_type, match.edition, tools))
        facts.append(_fact(upright, sheet.label, residual=match.fit.residual_pixels))
    with tools.stage("decide"):
        fields = assemble.fields(form_type, edition, seen, tools.calibration)
    return Document(form_type.id, edition.id, tuple(facts), fields)


def _read_free(sheets: Sequence[Sheet], tools: Tools) -> Document:
    """Pages of no known form type: whole pages read, region by region. Never a guessed form."""
    facts: list[PageFact] = []
    regions: list[Region] = []
    for sheet in sheets:
        if sheet.label is not PageLabel.CONTENT:
            facts.append(_fact(clean.turn(sheet.page, 0), sheet.label))
            continue
        with tools.stage("clean"):
            turned, _ = tools.orientation.turn(sheet.page.pixels)
            upright = clean.straighten(clean.turn(sheet.page, turned))
        with tools.stage("layout"):
            regions.extend(layout.find_regions(upright.page, tools.lines, tools.layout, tools.quick or tools.reader))
        facts.append(_fact(upright, sheet.label))
    return Document(None, None, tuple(facts), regions=tuple(regions))


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
