"""Assemble: what was seen on the pages of one form becomes its fields, checked and decided."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from extract import decide, features, marks, read, validate
from extract import fields as field_values
from extract.align import Laid
from extract.answers import Print
from extract.engines import BarcodeFinder, LineFinder, LineReader, OtherRead
from extract.marks import SignatureSeen
from extract.read import Readers, ZoneText
from extract.receipt_dates import Span, days_in_use
from extract.stamp import StampReaders
from extract.standards import Standards
from schemas.extraction import FieldValue, Normal
from schemas.field import STAMP, CheckResult, FieldKind, FieldSpec
from schemas.form_type import Edition, FormType, Zone
from schemas.geometry import Box, PageArea
from schemas.reading import Feature, Mark, MarkState, Reading

_DPI = 300
_SIGNATURE = "signature"
# A barcode may stand this far outside its zone (pixels at 300 dpi): it is often a sticker or printed later.
_BARCODE_MARGIN = 40
# More ink than this (pixels at 300 dpi) without a line of writing is not called blank: a letter has 100 to 300, and of
# faint pencil scanned in black and white a word leaves no more than 60 to 100 in specks; on a printed line, where some
# of them count as wear of the print, 40 to 60: 2 of 427 synthetic places with so much held a word.
_STRAY_INK = 40
# A place without a readable barcode is blank paper only below this share of dark pixels.
_BARCODE_DARK, _BARCODE_SHARE = 128, 0.05
# Less of its place than this on the scan, and a field was cut off.
_SEEN_AT_LEAST = 0.6
_WRITTEN = frozenset({FieldKind.TEXT, FieldKind.DATE, FieldKind.INTEGER, FieldKind.MONEY})


class Engines(Protocol):
    """The engines a form is read with; `extract.pipeline.Tools` is one."""

    @property
    def reader(self) -> LineReader: ...
    @property
    def quick(self) -> LineReader | None: ...
    @property
    def stamps(self) -> StampReaders | None: ...
    @property
    def other(self) -> LineReader | None: ...
    @property
    def lines(self) -> LineFinder: ...
    @property
    def barcodes(self) -> BarcodeFinder: ...
    @property
    def today(self) -> Callable[[], date | None]: ...
    @property
    def standards(self) -> Standards: ...
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
    quality:  features of the page that all of its fields share.
    problems: why the page is too poor to be read; empty if it is not.
    """

    page: int
    number: int
    texts: Mapping[str, tuple[tuple[ZoneText, PageArea], ...]]
    choices: Mapping[str, tuple[tuple[Mark, ...], tuple[str, ...]]]
    signatures: Mapping[str, SignatureSeen]
    quality: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


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
            Readers(
                engines.reader,
                engines.lines,
                engines.quick,
                engines.stamps,
                engines.other,
                engines.standards.policy.critical,
            ),
            two_levels=laid.two_levels,
            received=days_in_use(edition.id, engines.today()),
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
    form_type: FormType, edition: Edition, seen: Sequence[Seen], standards: Standards, today: date | None = None
) -> tuple[FieldValue, ...]:
    """Every field of the form type, in its order, decided. `today`: the day it came in at the latest, if known."""
    received = days_in_use(edition.id, today)
    drafts = _with_faintness([_draft(spec, seen) for spec in form_type.fields])
    checks = validate.validate(form_type, {draft.spec.name: draft.normal for draft in drafts})
    return tuple(
        _decided(
            draft,
            form_type.id,
            (*_misfits(draft), *_out_of_time(draft, received), *checks.get(draft.spec.name, ())),
            standards,
        )
        for draft in drafts
    )


def _with_faintness(drafts: "Sequence[_Draft]") -> "list[_Draft]":
    """What was taken for empty, with how many fields of its page hold ink that could not be read."""
    unread = Counter(draft.page for draft in drafts if draft.features.get(Feature.INKED, 0.0) > 0)
    return [
        replace(draft, features=features.rounded(draft.features, {str(Feature.FAINT): float(unread[draft.page])}))
        if unread[draft.page] and draft.features.get(Feature.INKED) == 0.0
        else draft
        for draft in drafts
    ]


def _misfits(draft: "_Draft") -> tuple[CheckResult, ...]:
    """A check against the grammar the field declares, where one was read under and no other answer may be right."""
    fits = draft.reading.features.get(Feature.GRAMMAR) if draft.reading else None
    if fits is None or draft.spec.soft:
        return ()
    return (CheckResult("grammar", fits > 0, "" if fits else "The answer is not built as it must be."),)


def _out_of_time(draft: "_Draft", received: Span) -> tuple[CheckResult, ...]:
    """A check that a receipt is dated between the print of its form and today."""
    value = draft.normal.value
    if draft.spec.family != STAMP or draft.spec.kind is not FieldKind.DATE or not isinstance(value, str) or not value:
        return ()
    in_time = date.fromisoformat(value) in received
    message = "" if in_time else "No form of this edition can have come in on this day."
    return (CheckResult("received_in_time", in_time, message),)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A field understood but not decided. `page` None: its page is missing.

    others: readings of other readers that saw another text.
    features: what is known of the field and of its page. problems: why that page is too poor to be read.
    """

    spec: FieldSpec
    normal: Normal
    page: int | None = None
    area: PageArea | None = None
    reading: Reading | None = None
    others: tuple[Reading, ...] = ()
    marks: tuple[Mark, ...] = ()
    features: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def _draft(spec: FieldSpec, seen: Sequence[Seen]) -> _Draft:
    for page in seen:
        draft = _drafted(spec, page)
        if draft is not None and _is_cut_off(draft):
            break
        if draft is not None:
            known = features.rounded(page.quality, draft.features)
            return replace(draft, features=known, problems=page.problems)
    return _Draft(spec, Normal(None, ""))


def _drafted(spec: FieldSpec, page: Seen) -> _Draft | None:
    """The field as this page has it; None if it stands on another."""
    if spec.name in page.texts:
        return _written(spec, page)
    if spec.name in page.choices:
        judged, chosen = page.choices[spec.name]
        area = _around([mark.area for mark in judged])
        known = features.of_marks(judged)
        return _Draft(spec, Normal(chosen, ", ".join(chosen)), page.number, area, marks=judged, features=known)
    if spec.name in page.signatures:
        signature = page.signatures[spec.name]
        known = features.of_signature(signature.ink_share, is_signed=signature.present)
        normal = Normal(signature.present, "")
        return _Draft(spec, normal, page.number, signature.area, marks=(_as_mark(signature),), features=known)
    return None


def _is_cut_off(draft: _Draft) -> bool:
    """Whether the field, or one of its boxes, lies for a good part beyond the edge of the scan: nothing is known of it.

    There the page was filled up with paper white, which is not to be taken for an empty place.
    """
    boxes = [mark.area for mark in draft.marks]
    areas = boxes if boxes or draft.area is None else [draft.area]
    return any(_on_the_page(area) < _SEEN_AT_LEAST for area in areas)


def _on_the_page(area: PageArea) -> float:
    """The share of an area that lies on the page."""
    wide = min(area.right, 1.0) - max(area.left, 0.0)
    high = min(area.bottom, 1.0) - max(area.top, 0.0)
    whole = (area.right - area.left) * (area.bottom - area.top)
    return max(wide, 0.0) * max(high, 0.0) / whole if whole > 0 else 0.0


def _as_mark(signature: SignatureSeen) -> Mark:
    """The box of a signature is judged and explained like a tick box, so the record tells of it in the same words."""
    state = MarkState.TICKED if signature.present else MarkState.EMPTY
    state = MarkState.DOUBTFUL if signature.doubtful else state
    return Mark(_SIGNATURE, state, signature.ink_share, signature.reason, signature.area)


def _written(spec: FieldSpec, page: Seen) -> _Draft:
    """The first zone that holds an answer; else the first that holds anything; else blank paper."""
    drafts = []
    for text, area in page.texts[spec.name]:
        normal = field_values.normalise(spec, text.text)
        # Ink that belongs to no line of writing is dirt or writing that was missed: never silently blank paper.
        inked = text.box is not None or text.stray > _STRAY_INK
        known = {**text.features, str(Feature.STRAY): float(text.stray)}
        reading = Reading(text.text, text.characters, text.reader, area if inked else None, known)
        reading = _narrowed(reading, normal, has_patterns=bool(spec.patterns))
        # Where the answer is only a part of the line, another reader's whole line is no other answer.
        others = () if spec.patterns else tuple(_as_reading(other, reading.area) for other in text.others)
        drafts.append(_Draft(spec, normal, page.number, area, reading, others, features=features.of_reading(reading)))
    return max(drafts, key=lambda draft: (draft.normal.value is not None, bool(draft.reading and draft.reading.area)))


def _as_reading(other: OtherRead, area: PageArea | None) -> Reading:
    return Reading(other.text, other.characters, other.reader, area)


def _narrowed(reading: Reading, normal: Normal, *, has_patterns: bool) -> Reading:
    """The reading without what a pattern left out, so that only the answer's own scores count."""
    start = reading.text.find(normal.text) if normal.text else -1
    if start < 0 or normal.text == reading.text:
        return replace(reading, features={**reading.features, str(Feature.UNUSED): 0.0}) if has_patterns else reading
    end = start + len(normal.text)
    # What stands before an answer, or figures behind it, may be a part of it that was misread; words behind it are not.
    left_out = _signs(reading.text[:start]) + sum(sign.isdigit() for sign in reading.text[end:])
    features = {**reading.features, str(Feature.UNUSED): left_out / max(_signs(reading.text), 1)}
    return replace(reading, text=reading.text[start:end], characters=reading.characters[start:end], features=features)


def _signs(text: str) -> int:
    """Letters and figures."""
    return sum(sign.isalnum() for sign in text)


def _decided(draft: _Draft, form_type: str, checks: Sequence[CheckResult], standards: Standards) -> FieldValue:
    spec, normal, read_first = draft.spec, draft.normal, draft.reading
    made = decide.decide(_facts(draft, form_type, checks), standards)
    is_hidden = bool(draft.problems)  # a page too poor to be read has no values, whatever was seen on it
    return FieldValue(
        spec=spec,
        value=None if is_hidden else normal.value,
        text="" if is_hidden else normal.text or (read_first.text if read_first and not spec.patterns else ""),
        status=made.status,
        confidence=made.confidence,
        score=made.score,
        page=draft.page,
        area=draft.area,
        problem=normal.problem,
        features=draft.features,
        readings=(read_first, *draft.others) if read_first and read_first.text else (),
        marks=draft.marks,
        checks=tuple(checks),
        reasons=made.reasons,
        decided_by=made.decided_by,
    )


def _facts(draft: _Draft, form_type: str, checks: Sequence[CheckResult]) -> decide.Facts:
    was_read = draft.reading is not None and draft.reading.text != ""
    return decide.Facts(
        form_type=form_type,
        field_class=draft.spec.field_class,
        kind=draft.spec.kind,
        value=draft.normal.value,
        has_page=draft.page is not None,
        was_read=was_read,
        problem=draft.normal.problem,
        reader=draft.reading.reader if draft.reading is not None and was_read else None,
        marks=[decide.Judged(mark.option, mark.state, mark.reason) for mark in draft.marks],
        checks=checks,
        features=draft.features,
        page_problems=draft.problems,
    )


def _choice(laid: Laid, spec: FieldSpec, edition: Edition, page: int) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    zones = [(zone.option, zone.box) for zone in edition.zones_of(spec.name) if zone.page == page]
    judged, chosen = marks.judge_choice(laid.pixels, laid.reference, zones, _DPI, several=spec.several)
    placed = tuple(
        Mark(mark.option, mark.state, mark.ink_share, mark.reason, laid.area(box), mark.score)
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
