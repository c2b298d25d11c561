"""A record and its rows: what was read is kept field by field, and put together again to be published."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from intake.database.tables import Base
from schemas.field import FieldStatus
from schemas.record import Record, RecordField, RecordPage, RecordSource
from schemas.states import DocumentState

_BATCHES: Final = Base.metadata.tables["batches"]
_DOCUMENTS: Final = Base.metadata.tables["documents"]
_FIELDS: Final = Base.metadata.tables["fields"]
_FILES: Final = Base.metadata.tables["files"]
_PAGES: Final = Base.metadata.tables["pages"]
_PIECES: Final = Base.metadata.tables["pieces"]

# Of a record's field, what has a column of its own; all else stands in `decision`.
_COLUMNS: Final = frozenset({"value", "text", "kind", "status", "confidence", "page", "field_class", "readings"})
_STATES: Final = {
    "complete": DocumentState.COMPLETE,
    "review": DocumentState.REVIEW,
    "failed": DocumentState.FAILED,
}


class Source(NamedTuple):
    """Where the documents of a piece came from. `piece`, `batch`: their public ids.

    Who handed the batch over is not in it: records go out to others.
    """

    piece: UUID
    name: str
    sha256: str
    batch: UUID
    channel: str
    received_on: date
    received_at: datetime


class KeptDocument(NamedTuple):
    """What the row of a document says."""

    id: int
    ordinal: int
    form_type: str | None
    edition: str | None
    state: DocumentState
    regions: list[Any]
    failures: list[Any]


def save(session: Session, piece_id: int, file_id: int, records: Sequence[Record], now: datetime) -> list[int]:
    """Write the documents of one piece with their fields, and what is known of their pages; the documents' ids.

    They come in the order given. The pages must have rows. Raises IntegrityError if the piece has documents already.
    """
    return [_save(session, piece_id, file_id, ordinal, record, now) for ordinal, record in enumerate(records, 1)]


def _save(session: Session, piece_id: int, file_id: int, ordinal: int, record: Record, now: datetime) -> int:
    document = {
        "piece_id": piece_id,
        "ordinal": ordinal,
        "form_type": record.form_type,
        "edition": record.edition,
        "state": _STATES[record.status],
        "state_since": now,
        "regions": [region.model_dump(mode="json") for region in record.regions],
        "failures": [failure.model_dump(mode="json") for failure in record.failures],
    }
    document_id: int = session.execute(_ADDING_DOCUMENT, document).scalar_one()
    if record.fields:
        fields = enumerate(record.fields.items(), 1)
        session.execute(_ADDING_FIELD, [_row(document_id, place, name, field) for place, (name, field) in fields])
    if record.pages:
        session.execute(_FILLING_PAGE, [_page(file_id, document_id, page) for page in record.pages])
    return document_id


def source_of(session: Session, piece_id: int) -> Source:
    """What the records of this piece say of where they came from."""
    return Source(*session.execute(_SOURCE, {"of_piece": piece_id}).one())


def documents_of(session: Session, piece_id: int) -> list[KeptDocument]:
    """The documents of a piece in their order; empty before it was read."""
    return [KeptDocument(*row) for row in session.execute(_DOCUMENTS_OF, {"of_piece": piece_id})]


def load(session: Session, document: KeptDocument, source: Source, record_id: str, revision: int) -> Record:
    """The record that a document's rows make up now. `record_id` and `revision` are what it is published under."""
    known = [page for page in session.scalars(_PAGES_OF, {"of_document": document.id}) if page is not None]
    fields = session.execute(_FIELDS_OF, {"of_document": document.id}).all()
    return Record.model_validate(
        {
            "record_id": record_id,
            "revision": revision,
            "status": _status_now(document.state, [field.status for field in fields]),
            "source": RecordSource(
                name=source.name,
                sha256=source.sha256,
                batch_id=str(source.batch),
                piece_id=str(source.piece),
                channel=source.channel,
                received_on=source.received_on,
                pages=[page["number"] for page in known],
            ),
            "received_at": source.received_at.isoformat(),
            "form_type": document.form_type,
            "edition": document.edition,
            "fields": {field.name: _field(field) for field in fields},
            "pages": known,
            "regions": document.regions,
            "failures": document.failures,
        }
    )


def _status_now(state: DocumentState, fields: Sequence[FieldStatus]) -> str:
    """The status a record of such a document carries: people may have settled what the machine was not sure of."""
    if state is DocumentState.FAILED:
        return "failed"
    if state is DocumentState.REVIEW or FieldStatus.REVIEW in fields:
        return "review"
    return "complete"


def _row(document_id: int, ordinal: int, name: str, field: RecordField) -> dict[str, Any]:
    whole = field.model_dump(mode="json")
    own = {
        "document_id": document_id,
        "name": name,
        "ordinal": ordinal,
        "kind": field.kind,
        "status": field.status,
        "decision": {key: value for key, value in whole.items() if key not in _COLUMNS},
    }
    return {column: whole[column] for column in _COLUMNS} | own


def _page(file_id: int, document_id: int, page: RecordPage) -> dict[str, Any]:
    details = page.model_dump(mode="json")
    return {
        "of_file": file_id, "of_number": page.number,
        "to_document": document_id, "as_label": page.label, "with_details": details,
    }  # fmt: skip


def _field(row: Row[Any]) -> dict[str, Any]:
    return {**row.decision, **{column: getattr(row, column) for column in _COLUMNS}}


# The statements that every piece goes through are made once: making one costs more than running it.

_ADDING_DOCUMENT: Final = insert(_DOCUMENTS).returning(_DOCUMENTS.c.id)
_ADDING_FIELD: Final = insert(_FIELDS)
_FILLING_PAGE: Final = (
    update(_PAGES)
    .where(_PAGES.c.file_id == bindparam("of_file"), _PAGES.c.number == bindparam("of_number"))
    .values(document_id=bindparam("to_document"), label=bindparam("as_label"), details=bindparam("with_details"))
)
_SOURCE: Final = (
    select(
        _PIECES.c.public_id,
        _FILES.c.name,
        _FILES.c.sha256,
        _BATCHES.c.public_id,
        *(_BATCHES.c[name] for name in ("channel", "received_on", "received_at")),
    )
    .join_from(_PIECES, _FILES, _PIECES.c.file_id == _FILES.c.id)
    .join(_BATCHES, _FILES.c.batch_id == _BATCHES.c.id)
    .where(_PIECES.c.id == bindparam("of_piece"))
)
_DOCUMENTS_OF: Final = (
    select(*(_DOCUMENTS.c[name] for name in KeptDocument._fields))
    .where(_DOCUMENTS.c.piece_id == bindparam("of_piece"))
    .order_by(_DOCUMENTS.c.ordinal)
)
_PAGES_OF: Final = (
    select(_PAGES.c.details).where(_PAGES.c.document_id == bindparam("of_document")).order_by(_PAGES.c.number)
)
_FIELDS_OF: Final = (
    select(_FIELDS.c.name, _FIELDS.c.decision, *(_FIELDS.c[column] for column in sorted(_COLUMNS)))
    .where(_FIELDS.c.document_id == bindparam("of_document"))
    .order_by(_FIELDS.c.ordinal)
)
