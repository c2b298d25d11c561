"""Assemble: what was seen on the pages of one form becomes its fields, checked and decided."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from extract import decide, marks, read, validate
from extract import fields as field_values
from extract.align import Laid
from extract.answers import Print
from extract.calibrate import Calibration
from extract.engines import BarcodeFinder, LineFinder, LineReader
from extract.marks import SignatureSeen
from extract.read import Readers, ZoneText
from schemas.extraction import FieldValue, Normal
from schemas.field import CheckResult, FieldKind, FieldSpec, FieldStatus
from schemas.form_type import Edition, FormType, Zone
from schemas.geometry import Box, PageArea
from schemas.reading import Mark, Reading

_DPI = 300
# A barcode may stand this far outside its zone (pixels at 300 dpi): it is often a sticker or printed later.
_BARCODE_MARGIN = 40
# More ink than this (pixels at 300 dpi) without a line of writing is not called blank: a letter has 100 to 300.
_STRAY_INK = 160
# A place without a readable barcode is blank paper only below this share of dark pixels.
_BARCODE_DARK, _BARCODE_SHARE = 128, 0.05
_WRITTEN = frozenset({FieldKind.TEXT, FieldKind.DATE, FieldKind.INTEGER, FieldKind.MONEY})


class Engines(Protocol):
    """The engines a form is read with; `extract.pipeline.Tools` is one."""

    @property
    def reader(self) -> LineReader: ...
    @property
    def quick(self) -> LineReader | None: ...
    @property
    def lines(self) -> LineFinder: ...
    @property
    def barcodes(self) -> BarcodeFinder: ...
    def stage(self, name: str, /) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A laid page: which page of the form it is, and which of the file."""

    laid: Laid
    blank: Print
    page: int
    number: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything seen of one form page, before it is understood; the pixels are no longer needed.

    page, number: which page of the form, and which of the file.
    texts:   per field, what stands in each of its zones, in the order of the zones, with its place.
    choices: per field, its marks and the options that are answers.
    """

    page: int
    number: int
    texts: Mapping[str, tuple[tuple[ZoneText, PageArea], ...]]
    choices: Mapping[str, tuple[tuple[Mark, ...], tuple[str, ...]]]
    signatures: Mapping[str, SignatureSeen]


def see(found: Found, form_type: FormType, edition: Edition, engines: Engines) -> Seen:
    """Read every zone of one page of the form."""
    laid = found.laid
    zones = [(form_type.by_name[zone.field], zone) for zone in edition.zones if zone.page == found.page]
    written = [(spec, zone) for spec, zone in zones if spec.kind in _WRITTEN]
    with engines.stage("read"):
        texts = read.read_zones(
            laid.pixels,
            found.blank,
            laid.words,
            written,
            Readers(engines.reader, engines.lines, engines.quick),
            two_levels=laid.two_levels,
        )
    collected: dict[str, list[tuple[ZoneText, PageArea]]] = {}
    for (spec, zone), text in zip(written, texts, strict=True):
        collected.setdefault(spec.name, []).append((text, laid.area(text.box or zone.box)))
    with engines.stage("barcodes"):
        for spec, zone in zones:
            if spec.kind is FieldKind.BARCODE:
                text = _barcode(laid, zone, engines.barcodes)
                collected.setdefault(spec.name, []).append((text, laid.area(text.box or zone.box)))
    with engines.stage("marks"):
        asked = {spec.name: spec for spec, _ in zones if spec.kind is FieldKind.CHOICE}
        choices = {name: _choice(laid, spec, edition, found.page) for name, spec in asked.items()}
        signatures = {spec.name: _signature(laid, zone) for spec, zone in zones if spec.kind is FieldKind.SIGNATURE}
    return Seen(
        found.page, found.number, {name: tuple(every) for name, every in collected.items()}, choices, signatures
    )


def fields(
    form_type: FormType, edition: Edition, seen: Sequence[Seen], calibration: Calibration
) -> tuple[FieldValue, ...]:
    """Every field of the form type, in its order, decided."""
    drafts = [_draft(spec, edition, seen) for spec in form_type.fields]
    checks = validate.validate(form_type, {draft.spec.name: draft.normal for draft in drafts})
    return tuple(_decided(draft, form_type.id, checks.get(draft.spec.name, ()), calibration) for draft in drafts)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A field understood but not decided. `page` None: its page is missing."""

    spec: FieldSpec
    normal: Normal
    page: int | None = None
    area: PageArea | None = None
    reading: Reading | None = None
    marks: tuple[Mark, ...] = ()
    signature: SignatureSeen | None = None


def _draft(spec: FieldSpec, edition: Edition, seen: Sequence[Seen]) -> _Draft:
    for page in seen:
        if spec.name in page.texts:
            return _written(spec, page)
        if spec.name in page.choices:
            judged, chosen = page.choices[spec.name]
            normal = Normal(chosen, ", ".join(chosen))
            return _Draft(spec, normal, page.number, _around([mark.area for mark in judged]), marks=judged)
        if spec.name in page.signatures:
            signature = page.signatures[spec.name]
            return _Draft(spec, Normal(signature.present, ""), page.number, signature.area, signature=signature)
    return _Draft(spec, Normal(None, ""))


def _written(spec: FieldSpec, page: Seen) -> _Draft:
    """The first zone that holds an answer; else the first that holds anything; else blank paper."""
    drafts = []
    for text, area in page.texts[spec.name]:
        normal = field_values.normalise(spec, text.text)
        # Ink that belongs to no line of writing is dirt or writing that was missed: never silently blank paper.
        inked = text.box is not None or text.stray > _STRAY_INK
        reading = Reading(text.text, text.characters, text.reader, area if inked else None)
        drafts.append(_Draft(spec, normal, page.number, area, _narrowed(reading, normal)))
    return max(drafts, key=lambda draft: (draft.normal.value is not None, bool(draft.reading and draft.reading.area)))


def _narrowed(reading: Reading, normal: Normal) -> Reading:
    """The reading without what a pattern left out, so that only the answer's own scores count."""
    start = reading.text.find(normal.text) if normal.text else -1
    if start < 0 or normal.text == reading.text:
        return reading
    end = start + len(normal.text)
    return Reading(reading.text[start:end], reading.characters[start:end], reading.reader, reading.area)


def _decided(draft: _Draft, form_type: str, checks: Sequence[CheckResult], calibration: Calibration) -> FieldValue:
    spec, normal = draft.spec, draft.normal
    if draft.page is None:
        made = decide.Decision(
            FieldStatus.NOT_FOUND, None, ("The page of this field is missing.",), f"policy@{calibration.version}"
        )
    elif draft.signature is not None:
        made = decide.decide_signature(
            spec,
            doubtful=draft.signature.doubtful,
            reason=draft.signature.reason,
            calibration=calibration,
            form_type=form_type,
        )
    elif draft.reading is None:
        chosen = normal.value if isinstance(normal.value, tuple) else ()
        made = decide.decide_choice(spec, chosen, draft.marks, checks, calibration, form_type=form_type)
    elif spec.kind is FieldKind.BARCODE:
        made = decide.decide_exact(draft.reading, checks, calibration)
    else:
        made = decide.decide_text(spec, normal, draft.reading, checks, calibration, form_type=form_type)
    return FieldValue(
        spec=spec,
        value=normal.value,
        text=normal.text or (draft.reading.text if draft.reading and not spec.patterns else ""),
        status=made.status,
        confidence=made.confidence,
        score=made.score,
        page=draft.page,
        area=draft.area,
        readings=(draft.reading,) if draft.reading and draft.reading.text else (),
        marks=draft.marks,
        checks=tuple(checks),
        reasons=made.reasons,
        decided_by=made.decided_by,
    )


def _choice(laid: Laid, spec: FieldSpec, edition: Edition, page: int) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    zones = [(zone.option, zone.box) for zone in edition.zones_of(spec.name) if zone.page == page]
    judged, chosen = marks.judge_choice(laid.pixels, laid.reference, zones, _DPI, several=spec.several)
    placed = tuple(
        Mark(mark.option, mark.state, mark.ink_share, mark.reason, laid.area(box))
        for mark, (_, box) in zip(judged, zones, strict=True)
    )
    return placed, chosen


def _signature(laid: Laid, zone: Zone) -> SignatureSeen:
    seen = marks.judge_signature(laid.pixels, laid.reference, zone.box, _DPI)
    return SignatureSeen(seen.present, seen.doubtful, seen.ink_share, seen.reason, laid.area(zone.box))


def _barcode(laid: Laid, zone: Zone, finder: BarcodeFinder) -> ZoneText:
    height, width = laid.pixels.shape
    room = zone.box.grown(_BARCODE_MARGIN).within(width, height)
    codes = finder.find(laid.pixels[room.top : room.bottom, room.left : room.right])
    if not codes:
        box = zone.box.within(width, height)
        seen = laid.pixels[box.top : box.bottom, box.left : box.right]
        dark = float((seen < _BARCODE_DARK).mean()) > _BARCODE_SHARE
        return ZoneText("", (), box if dark else None, finder.name)
    code = codes[0]
    box = Box(
        code.box.left + room.left, code.box.top + room.top, code.box.right + room.left, code.box.bottom + room.top
    )
    return ZoneText(code.text, (1.0,) * len(code.text), box, finder.name)


def _around(areas: Sequence[PageArea]) -> PageArea | None:
    if not areas:
        return None
    return PageArea(
        min(area.left for area in areas),
        min(area.top for area in areas),
        max(area.right for area in areas),
        max(area.bottom for area in areas),
    )
