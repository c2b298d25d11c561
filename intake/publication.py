"""Publication: the documents of a piece become records that never change, each with its place in the order.

Every revision gets the next number, and numbers become visible in their order.
"""

import hashlib
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from intake import record_rows
from intake.database.tables import Base
from intake.record_rows import KeptDocument, Source
from intake.review.asking import OPEN_FIELDS
from schemas.errors import MailError
from schemas.events import EventType
from schemas.states import DocumentState

_RECORDS: Final = UUID("9b0c6c52-4f0a-5a0e-8f5d-3c1a6f1f2b77")  # the namespace of the service's record ids

_DOCUMENT_TABLE: Final = Base.metadata.tables["documents"]
_OUTBOX_TABLE: Final = Base.metadata.tables["outbox"]
_RECORD_TABLE: Final = Base.metadata.tables["records"]
_REVISION_TABLE: Final = Base.metadata.tables["revisions"]
_SEQUENCE_TABLE: Final = Base.metadata.tables["sequences"]


def publish(session: Session, piece_id: int, now: datetime) -> int:
    """Write the next revision of every document of the piece, each with its news in the outbox; how many.

    Raises MailError if a field is still open.
    """
    documents = record_rows.documents_of(session, piece_id)
    source = record_rows.source_of(session, piece_id)
    for document in documents:
        _publish(session, document, source, now, EventType.RECORD_PUBLISHED)
    return len(documents)


class Written(NamedTuple):
    """A revision that was written. id: of its row.  sequence: its place in the order of publication."""

    id: int
    number: int
    sequence: int
    body_sha256: str


def publish_correction(session: Session, document_id: int, now: datetime) -> Written:
    """Write the next revision of one document that is out already, with the news that it was corrected.

    Raises MailError if a field is still open.
    """
    piece_id = session.scalars(_PIECE_OF, {"of_document": document_id}).one()
    [document] = [each for each in record_rows.documents_of(session, piece_id) if each.id == document_id]
    return _publish(session, document, record_rows.source_of(session, piece_id), now, EventType.RECORD_CORRECTED)


def public_id_of(piece: UUID, ordinal: int) -> str:
    """The id that the record of a document has, or will have, by its piece and its place in it."""
    return str(uuid5(_RECORDS, f"{piece}/{ordinal}"))


def next_in_order(session: Session) -> int:
    """The next place in the order of publication, without gaps; 1 is the first.

    The counter stays locked until the caller's transaction ends. So a receiver that has seen number 7 never finds a 6
    later, as it could with the database's own sequences. Take it late, and before the audit's lock.
    """
    place: int = session.scalars(_RAISING).one()
    return place


def _publish(session: Session, document: KeptDocument, source: Source, now: datetime, event: EventType) -> Written:
    record, public_id, revision = _next_revision(session, document, source, now)
    made = record_rows.load(session, document, source, public_id, revision)
    if document.state is DocumentState.REVIEW and any(field.status in OPEN_FIELDS for field in made.fields.values()):
        raise MailError("a field is still open")
    body = made.model_dump_json()
    row: dict[str, Any] = {
        "record_id": record,
        "number": revision,
        "sequence": next_in_order(session),
        "status": made.status,
        "body": body,
        "body_sha256": hashlib.sha256(body.encode()).hexdigest(),
        "published_at": now,
    }
    revision_id = session.execute(_ADDING_REVISION, row).scalar_one()
    session.execute(_ADDING_NEWS, {"revision_id": revision_id, "event": event.value, "created_at": now})
    session.execute(_ENDING_DOCUMENT, {"of_document": document.id, "to": DocumentState.PUBLISHED, "now": now})
    return Written(revision_id, revision, row["sequence"], row["body_sha256"])


def _next_revision(session: Session, document: KeptDocument, source: Source, now: datetime) -> tuple[int, str, int]:
    """(key of the document's record, its public id, number of the revision to be written); made if there is none."""
    raised = session.execute(_RAISING_REVISION, {"of_document": document.id}).one_or_none()
    if raised is not None:
        return raised.id, raised.public_id, raised.latest_revision
    public_id = public_id_of(source.piece, document.ordinal)
    new = {"public_id": public_id, "document_id": document.id, "latest_revision": 1, "created_at": now}
    return session.execute(_ADDING_RECORD, new).scalar_one(), public_id, 1


# The statements that every piece goes through are made once: making one costs more than running it.

_PIECE_OF: Final = select(_DOCUMENT_TABLE.c.piece_id).where(_DOCUMENT_TABLE.c.id == bindparam("of_document"))
_RAISING: Final = (
    update(_SEQUENCE_TABLE)
    .where(_SEQUENCE_TABLE.c.name == "publication")
    .values(value=_SEQUENCE_TABLE.c.value + 1)
    .returning(_SEQUENCE_TABLE.c.value)
)
_RAISING_REVISION: Final = (
    update(_RECORD_TABLE)
    .where(_RECORD_TABLE.c.document_id == bindparam("of_document"))
    .values(latest_revision=_RECORD_TABLE.c.latest_revision + 1)
    .returning(_RECORD_TABLE.c.id, _RECORD_TABLE.c.public_id, _RECORD_TABLE.c.latest_revision)
)
_ADDING_RECORD: Final = insert(_RECORD_TABLE).returning(_RECORD_TABLE.c.id)
_ADDING_REVISION: Final = insert(_REVISION_TABLE).returning(_REVISION_TABLE.c.id)
_ADDING_NEWS: Final = insert(_OUTBOX_TABLE)
_ENDING_DOCUMENT: Final = (
    update(_DOCUMENT_TABLE)
    .where(_DOCUMENT_TABLE.c.id == bindparam("of_document"))
    .values(state=bindparam("to"), state_since=bindparam("now"))
)
