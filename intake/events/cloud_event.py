"""An event as receivers get it: a CloudEvent 1.0 in structured JSON, made from its row each time that it is sent."""

import json
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from intake.database.tables import (
    BatchRow,
    CorrectionRow,
    DocumentRow,
    FileRow,
    OutboxRow,
    PieceRow,
    RecordRow,
    RevisionRow,
)
from schemas.events import SPEC_VERSION, Changed, EventType, RecordCorrected, RecordPublished, data_schema_id


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. id: of the event, the same however often it is sent."""

    id: str
    body: bytes


def message(session: Session, outbox_id: int, source: str, *, with_record: bool) -> Message:
    """The event of that row of the outbox; the same bytes each time."""
    row = session.execute(_EVENT, {"of_event": outbox_id}).one()
    event: dict[str, Any] = {
        "specversion": SPEC_VERSION,
        "id": str(row.public_id),
        "source": source,
        "type": row.event,
        "time": row.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "subject": row.subject,
        "datacontenttype": "application/json",
        "dataschema": data_schema_id(EventType(row.event)),
        "data": row.data,
    }
    if row.revision_id is not None:
        revision = session.execute(_REVISION, {"of_revision": row.revision_id}).one()
        data = _data_of(session, EventType(row.event), revision, with_record=with_record)
        event |= {"subject": subject_of(revision.record_id), "sequence": str(revision.sequence), "data": data}
    return Message(event["id"], json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())


def subject_of(record_id: str) -> str:
    """What the events of a record are about."""
    return f"records/{record_id}"


def _data_of(session: Session, event: EventType, revision: Any, *, with_record: bool) -> dict[str, Any]:
    common = {
        "record_id": revision.record_id,
        "revision": revision.number,
        "sequence": revision.sequence,
        "status": revision.status,
        "form_type": revision.form_type,
        "batch_id": str(revision.batch_id),
        "body_sha256": revision.body_sha256,
        "link": f"/v1/records/{revision.record_id}/revisions/{revision.number}",
        "record": json.loads(revision.body) if with_record else None,
    }
    made = RecordPublished(**common)
    if event is EventType.RECORD_CORRECTED:
        why = session.execute(_CORRECTION, {"of_revision": revision.id}).one()
        changes = tuple(Changed.model_validate(each) for each in why.changes)
        made = RecordCorrected(**common, previous_revision=revision.number - 1, reason=why.reason, changes=changes)
    return made.model_dump(mode="json", exclude=None if with_record else {"record"})


_EVENT: Final = select(
    OutboxRow.public_id, OutboxRow.event, OutboxRow.subject, OutboxRow.data, OutboxRow.created_at, OutboxRow.revision_id
).where(OutboxRow.id == bindparam("of_event"))
_REVISION: Final = (
    select(
        RevisionRow.id,
        RevisionRow.number,
        RevisionRow.sequence,
        RevisionRow.status,
        RevisionRow.body,
        RevisionRow.body_sha256,
        RecordRow.public_id.label("record_id"),
        DocumentRow.form_type,
        BatchRow.public_id.label("batch_id"),
    )
    .join(RecordRow, RevisionRow.record_id == RecordRow.id)
    .join(DocumentRow, RecordRow.document_id == DocumentRow.id)
    .join(PieceRow, DocumentRow.piece_id == PieceRow.id)
    .join(FileRow, PieceRow.file_id == FileRow.id)
    .join(BatchRow, FileRow.batch_id == BatchRow.id)
    .where(RevisionRow.id == bindparam("of_revision"))
)
_CORRECTION: Final = select(CorrectionRow.reason, CorrectionRow.changes).where(
    CorrectionRow.revision_id == bindparam("of_revision")
)
