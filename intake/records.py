"""What the journey found becomes a record: the shape the receiving system gets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid5

from schemas.extraction import Document, Failure, FieldValue
from schemas.field import FieldStatus
from schemas.geometry import PageArea, outline_in_scan
from schemas.page import PageFact, PageLabel
from schemas.reading import Mark, Region
from schemas.record import (
    Record,
    RecordCheck,
    RecordFailure,
    RecordField,
    RecordLine,
    RecordMark,
    RecordPage,
    RecordReading,
    RecordRegion,
    RecordSource,
)

_RECORDS: Final = UUID("6f1f4d2e-3c58-5b0e-9d2a-0c4b1a7e5d90")  # the namespace of our record ids, never to change
_DONE: Final = frozenset({FieldStatus.ACCEPTED, FieldStatus.BLANK, FieldStatus.CONFIRMED, FieldStatus.CORRECTED})


def to_record(
    document: Document,
    *,
    name: str,
    sha256: str | None,
    received_at: datetime | None = None,
    batch_id: str | None = None,
) -> Record:
    """The record of one document of the file `name`. The same bytes and pages always give the same record id."""
    numbers = [page.number for page in document.pages]
    transforms = {page.number: page.transform for page in document.pages}
    return Record(
        record_id=record_id(name, sha256, numbers),
        status=status_of(document),
        source=RecordSource(name=name, sha256=sha256, batch_id=batch_id, pages=numbers),
        received_at=None if received_at is None else received_at.isoformat(),
        form_type=document.form_type,
        edition=document.edition,
        fields={value.spec.name: _field(value, transforms.get(value.page or 0)) for value in document.fields},
        pages=[_page(page) for page in document.pages],
        regions=[_region(region) for region in document.regions],
        failures=[_failure(failure) for failure in document.failures],
    )


def record_id(name: str, sha256: str | None, pages: Sequence[int]) -> str:
    """A UUID made of the file's SHA-256 (its name, if never opened) and the page numbers (RFC 9562, version 5)."""
    source = f"name:{name}" if sha256 is None else f"sha256:{sha256}"
    return str(uuid5(_RECORDS, f"{source}#{','.join(map(str, pages))}"))


def status_of(document: Document) -> Literal["complete", "review", "failed"]:
    """Complete if nobody must look, failed if there is nothing to look at but the reason, else review.

    Blank pages and separators alone are complete. A page of no known form type is for review: someone must say what
    it is.
    """
    has_content = any(page.label is PageLabel.CONTENT for page in document.pages)
    if document.failures and not has_content and not document.fields:
        return "failed"
    if document.failures or any(page.label is PageLabel.FAILED for page in document.pages):
        return "review"
    if document.form_type is None:
        return "review" if has_content else "complete"
    return "complete" if all(value.status in _DONE for value in document.fields) else "review"


def _box(area: PageArea | None) -> list[float] | None:
    return None if area is None else area.as_list()


def outline_of(box: Sequence[float] | None, transform: Sequence[float] | None) -> list[list[float]] | None:
    """A record's box in pixels of the page as scanned, by the page's transform; None where either is not known."""
    return None if box is None or transform is None else outline_in_scan(PageArea(*box), transform)


def _score(raw: float) -> float:
    """A raw score as the record carries it: four digits, within 0 to 1."""
    return round(min(max(raw, 0.0), 1.0), 4)


def _field(value: FieldValue, transform: Sequence[float] | None) -> RecordField:
    return RecordField(
        value=list(value.value) if isinstance(value.value, tuple) else value.value,
        text=value.text,
        kind=value.spec.kind,
        status=value.status,
        confidence=None if value.confidence is None else _score(value.confidence),
        score=value.score,
        page=value.page,
        box=_box(value.area),
        scan_outline=outline_of(_box(value.area), transform),
        field_class=value.spec.field_class,
        problem=value.problem,
        features={name: value.features[name] for name in sorted(value.features)},
        readings=[
            RecordReading(
                text=seen.text,
                reader=seen.reader,
                score=_score(seen.mean),
                characters=[round(min(max(score, 0.0), 1.0), 2) for score in seen.characters],
            )
            for seen in value.readings
        ],
        marks=[_mark(mark) for mark in value.marks],
        checks=[RecordCheck(name=check.name, passed=check.passed, message=check.message) for check in value.checks],
        reasons=list(value.reasons),
        decided_by=value.decided_by,
        policy=value.decided_by or None,
    )


def _mark(mark: Mark) -> RecordMark:
    return RecordMark(
        option=mark.option,
        state=mark.state,
        ink_share=_score(mark.ink_share),
        score=_score(mark.score),
        reason=mark.reason,
        box=mark.area.as_list(),
    )


def _page(page: PageFact) -> RecordPage:
    return RecordPage(
        number=page.number,
        label=page.label,
        turned=page.turned,
        skew=round(page.skew, 3),
        residual=None if page.residual is None else round(page.residual, 2),
        width=page.width,
        height=page.height,
        transform=None if page.transform is None else [round(number, 3) for number in page.transform],
        note=page.note,
        quality={name: page.quality[name] for name in sorted(page.quality)},
        problems=list(page.problems),
    )


def _region(region: Region) -> RecordRegion:
    return RecordRegion(
        kind=region.kind,
        score=_score(region.score),
        page=region.page,
        box=region.area.as_list(),
        lines=[RecordLine(text=line.text, score=_score(line.score), box=line.area.as_list()) for line in region.lines],
    )


def _failure(failure: Failure) -> RecordFailure:
    return RecordFailure(cause=failure.cause.value, problem=failure.problem, remedy=failure.remedy, page=failure.page)
