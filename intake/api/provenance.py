"""From one field of a published record back to the paper: file, page, place, readings, checks, policy, people."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from intake import corrections, model_files, published
from intake.api.record_views import (
    ActView,
    CorrectedView,
    DecisionView,
    ModelView,
    OriginalView,
    PlaceView,
    ProvenanceView,
    ReadingView,
    StandView,
)
from intake.database.tables import BatchRow, DocumentRow, EntryRow, FileRow, PageRow, PieceRow, TaskRow
from intake.model_files import ModelFile
from intake.published import Published
from intake.records import outline_of
from intake.review.answers import same
from intake.review.entering import keyed_of
from schemas.record import Record, RecordField, RecordPage, RecordReading
from schemas.review import ANSWERS, Act, Outcome
from schemas.states import DocumentState, TaskKind


class OnPaper(NamedTuple):
    """Where a field stands: the number of the row of its page, and its box on the upright page."""

    page_id: int
    box: Sequence[float]


def field_of(found: Published, name: str) -> tuple[Record, RecordField] | None:
    """A published record taken apart, and the field of that name; None if it has none."""
    record = Record.model_validate_json(found.body)
    field = record.fields.get(name)
    return None if field is None else (record, field)


def on_paper(session: Session, found: Published, field: RecordField) -> OnPaper | None:
    """Where it stands; None where no place is known."""
    if field.page is None or field.box is None:
        return None
    document_id = published.document_of(session, found.record_id)
    query = select(PageRow.id).where(PageRow.document_id == document_id, PageRow.number == field.page)
    page_id = session.scalars(query).one_or_none()
    return None if page_id is None else OnPaper(page_id, field.box)


def provenance(session: Session, found: Published, record: Record, name: str) -> ProvenanceView:
    """All that is known of the field, but the picture of it."""
    field = record.fields[name]
    document_id = published.document_of(session, found.record_id) or 0
    return ProvenanceView(
        record_id=found.record_id,
        revision=found.revision,
        field=name,
        kind=field.kind,
        value=field.value,
        text=field.text,
        original=_original(session, document_id),
        place=_place(field, next((page for page in record.pages if page.number == field.page), None)),
        snippet=None,
        readings=tuple(_reading(session, reading) for reading in field.readings),
        marks=tuple(field.marks),
        checks=tuple(field.checks),
        decision=DecisionView(
            status=field.status,
            decided_by=field.decided_by,
            policy=field.policy,
            confidence=field.confidence,
            score=field.score,
            features=field.features,
            reasons=tuple(field.reasons),
        ),
        people=_people(session, document_id, name, found.published_at),
        corrections=_corrections(session, document_id, name),
        revisions=_stands(session, found.record_id, name),
    )


def _original(session: Session, document_id: int) -> OriginalView:
    query = (
        select(FileRow, BatchRow)
        .join(PieceRow, PieceRow.file_id == FileRow.id)
        .join(DocumentRow, DocumentRow.piece_id == PieceRow.id)
        .join(BatchRow, FileRow.batch_id == BatchRow.id)
        .where(DocumentRow.id == document_id)
    )
    file, batch = session.execute(query).one()
    return OriginalView(
        id=file.public_id,
        name=file.name,
        sha256=file.sha256,
        bytes=file.size_bytes,
        batch_id=batch.public_id,
        channel=batch.channel,
        received_on=batch.received_on,
        received_at=batch.received_at,
    )


def _place(field: RecordField, page: RecordPage | None) -> PlaceView | None:
    if page is None:
        return None
    return PlaceView(
        page=page.number,
        label=page.label,
        width=page.width,
        height=page.height,
        transform=page.transform,
        box=field.box,
        # Records of before version 1.1 do not have it; what it follows from, they have.
        scan_outline=field.scan_outline or outline_of(field.box, page.transform),
    )


def _reading(session: Session, reading: RecordReading) -> ReadingView:
    models = tuple(_model(digits, file) for digits, file in model_files.of_reader(session, reading.reader))
    return ReadingView(text=reading.text, reader=reading.reader, score=reading.score, models=models)


def _model(digits: str, file: ModelFile | None) -> ModelView:
    if file is None:
        return ModelView(digits=digits, sha256=None, name=None, source=None, version=None)
    return ModelView(digits=digits, sha256=file.sha256, name=file.name, source=file.source, version=file.version)


def _people(session: Session, document_id: int, name: str, published_at: datetime) -> tuple[ActView, ...]:
    acts = _acts(session, document_id, name, published_at)
    undone = {entry.undoes for entry, _ in acts}
    kept = [entry for entry, _ in acts if entry.id not in undone]
    settled = next((entry for entry in reversed(kept) if entry.outcome is Outcome.SETTLED), None)
    identified = next((entry for entry in reversed(kept) if entry.outcome is Outcome.IDENTIFIED), None)
    return tuple(
        ActView(
            at=entry.at,
            role=entry.role,
            task=task,
            action=entry.action,
            outcome=entry.outcome,
            status=entry.status,
            value=entry.text if entry.action is Act.IDENTIFY else entry.value,
            text=entry.text if entry.action in ANSWERS else "",
            reason=entry.reason,
            stood=entry in kept and (entry is identified or _says(entry, settled)),
            is_undone=entry.id in undone,
        )
        for entry, task in acts
    )


def _acts(session: Session, document_id: int, name: str, published_at: datetime) -> "Sequence[Row[EntryRow, TaskKind]]":
    """What people did with the field or its document, the first first, each with what they were asked.

    While people are at it again, what they key for the next revision is left out: it is theirs until that is published.
    """
    query = (
        select(EntryRow, TaskRow.kind)
        .join(TaskRow, EntryRow.task_id == TaskRow.id)
        .join(DocumentRow, TaskRow.document_id == DocumentRow.id)
        .where(
            TaskRow.document_id == document_id,
            TaskRow.field.in_((name, "")),
            or_(DocumentRow.state == DocumentState.PUBLISHED, EntryRow.at <= published_at),
        )
        .order_by(EntryRow.id)
    )
    return session.execute(query).all()


def _says(entry: EntryRow, settled: EntryRow | None) -> bool:
    """Whether an entry says what the field came to say."""
    return settled is not None and entry.action in ANSWERS and same(keyed_of(entry), keyed_of(settled))


def _corrections(session: Session, document_id: int, name: str) -> tuple[CorrectedView, ...]:
    return tuple(
        CorrectedView(revision=made.revision, at=made.at, role=made.by.role, reason=made.reason)
        for made in corrections.corrections_of(session, document_id)
        if any(change.field == name for change in made.changes)
    )


def _stands(session: Session, record_id: str, name: str) -> tuple[StandView, ...]:
    """The field in every revision that has it."""
    stands = []
    for turn in published.turns_of(session, record_id):
        revision = published.find(session, record_id, turn.revision)
        field: dict[str, Any] | None = None if revision is None else json.loads(revision.body)["fields"].get(name)
        if field is not None:
            told = {key: field[key] for key in ("value", "status", "decided_by")}
            stands.append(
                StandView(revision=turn.revision, published_at=turn.published_at, record_sha256=turn.sha256, **told)
            )
    return tuple(stands)
