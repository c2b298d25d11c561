"""A record and its rows: what was read is kept field by field, and put together again to be published."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from intake.database.tables import DocumentRow, FieldRow, FileRow, PageRow, PieceRow
from schemas.field import FieldStatus
from schemas.record import Record, RecordField, RecordSource
from schemas.states import DocumentState

# Of a record's field, what has a column of its own; all else stands in `decision`.
_COLUMNS: Final = frozenset({"value", "text", "kind", "status", "confidence", "page", "field_class", "readings"})
_STATES: Final = {
    "complete": DocumentState.COMPLETE,
    "review": DocumentState.REVIEW,
    "failed": DocumentState.FAILED,
}


def save(session: Session, piece_id: int, file_id: int, records: Sequence[Record], now: datetime) -> list[DocumentRow]:
    """Write the documents of one piece with their fields, and what is known of their pages; in the order given.

    The pages must have rows. Raises IntegrityError if the piece has documents already.
    """
    documents = []
    for ordinal, record in enumerate(records, 1):
        document = DocumentRow(
            piece_id=piece_id,
            ordinal=ordinal,
            form_type=record.form_type,
            edition=record.edition,
            state=_STATES[record.status],
            state_since=now,
            regions=[region.model_dump(mode="json") for region in record.regions],
            failures=[failure.model_dump(mode="json") for failure in record.failures],
        )
        session.add(document)
        session.flush()
        session.add_all(
            _row(document.id, place, name, value) for place, (name, value) in enumerate(record.fields.items(), 1)
        )
        for page in record.pages:
            session.execute(
                update(PageRow)
                .where(PageRow.file_id == file_id, PageRow.number == page.number)
                .values(document_id=document.id, label=page.label, details=page.model_dump(mode="json"))
                .execution_options(synchronize_session=False)
            )
        documents.append(document)
    session.flush()
    return documents


def load(session: Session, document: DocumentRow, record_id: str, *, revision: int, batch_id: str) -> Record:
    """The record that a document's rows make up now. `record_id` and `revision` are what it is published under."""
    name, sha256 = session.execute(
        select(FileRow.name, FileRow.sha256)
        .join(PieceRow, PieceRow.file_id == FileRow.id)
        .where(PieceRow.id == document.piece_id)
    ).one()
    pages = session.scalars(
        select(PageRow.details).where(PageRow.document_id == document.id).order_by(PageRow.number)
    ).all()
    fields = session.scalars(
        select(FieldRow).where(FieldRow.document_id == document.id).order_by(FieldRow.ordinal)
    ).all()
    known = [page for page in pages if page is not None]
    return Record.model_validate(
        {
            "record_id": record_id,
            "revision": revision,
            "status": status_now(document, fields),
            "source": RecordSource(
                name=name, sha256=sha256, batch_id=batch_id, pages=[page["number"] for page in known]
            ),
            "form_type": document.form_type,
            "edition": document.edition,
            "fields": {field.name: _field(field) for field in fields},
            "pages": known,
            "regions": document.regions,
            "failures": document.failures,
        }
    )


def status_now(document: DocumentRow, fields: Sequence[FieldRow]) -> str:
    """The status a record of this document carries: people may have settled what the machine was not sure of."""
    if document.state is DocumentState.FAILED:
        return "failed"
    if document.state is DocumentState.REVIEW:
        return "review"
    is_open = any(field.status is FieldStatus.REVIEW for field in fields)
    return "review" if is_open else "complete"


def _row(document_id: int, ordinal: int, name: str, field: RecordField) -> FieldRow:
    whole = field.model_dump(mode="json")
    return FieldRow(
        document_id=document_id,
        name=name,
        ordinal=ordinal,
        kind=field.kind,
        status=field.status,
        field_class=field.field_class,
        value=whole["value"],
        text=field.text,
        confidence=field.confidence,
        page=field.page,
        readings=whole["readings"],
        decision={key: value for key, value in whole.items() if key not in _COLUMNS},
    )


def _field(row: FieldRow) -> dict[str, Any]:
    return {
        **row.decision,
        "value": row.value,
        "text": row.text,
        "kind": row.kind,
        "status": row.status,
        "confidence": row.confidence,
        "page": row.page,
        "field_class": row.field_class,
        "readings": row.readings,
    }
