"""One document with all that is known of it: its record as it stands, its pages and revisions, what became of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import publication, record_rows
from intake.database.tables import (
    AuditRow,
    BatchRow,
    DocumentRow,
    EntryRow,
    FileRow,
    PageRow,
    PieceRow,
    RecordRow,
    RevisionRow,
    TaskRow,
)
from intake.people.person import actor_of
from schemas.record import Record
from schemas.review import Act, Outcome, ReferReason, ReviewMode
from schemas.states import OPEN_TASKS, MailState

_HISTORY_AT_MOST: Final = 200
# What people are asked in these ways shows them nothing of what the machine, or anybody else, read.
_BLIND: Final = frozenset({ReviewMode.BLIND, ReviewMode.DOUBLE})


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened to a document, or to the piece and file it is in."""

    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Entered:
    """What one person did with a task on one field, or on the whole document where `field` is "".

    text: what they keyed, or the note with which they handed it on.
    """

    at: datetime
    field: str
    actor: str
    act: Act
    outcome: Outcome
    text: str
    reason: ReferReason | None


@dataclass(frozen=True, slots=True)
class Revision:
    """One published revision of the record."""

    number: int
    published_at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A document.

    record:    as it stands now, published or not.
    pages:     the ids of its pages, by their number in the file.
    asked:     the fields people have open tasks on; blind: those of them that they must key without seeing the value.
    entered:   what people did, the oldest first; history: what happened to it, the oldest first.
    """

    id: int
    piece_id: int
    piece_ordinal: int
    state: MailState
    since: datetime
    file_name: str
    sha256: str
    batch: UUID
    batch_name: str
    received_on: date
    received_at: datetime
    record: Record
    pages: Mapping[int, int]
    asked: frozenset[str]
    blind: frozenset[str]
    revisions: Sequence[Revision]
    entered: Sequence[Entered]
    history: Sequence[Happened]


def is_there(session: Session, document_id: int) -> bool:
    """Whether there is a document of that number."""
    return session.scalars(select(DocumentRow.id).where(DocumentRow.id == document_id)).one_or_none() is not None


def find(session: Session, document_id: int) -> Whole | None:
    """All that is known of the document of that number; None if there is none."""
    found = session.execute(
        select(DocumentRow, PieceRow, FileRow, BatchRow)
        .join(PieceRow, DocumentRow.piece_id == PieceRow.id)
        .join(FileRow, PieceRow.file_id == FileRow.id)
        .join(BatchRow, FileRow.batch_id == BatchRow.id)
        .where(DocumentRow.id == document_id)
    ).one_or_none()
    if found is None:
        return None
    document, piece, file, batch = found
    source = record_rows.source_of(session, piece.id)
    [kept] = [each for each in record_rows.documents_of(session, piece.id) if each.id == document.id]
    revisions = _revisions_of(session, document.id)
    number = revisions[-1].number if revisions else 1
    public_id = publication.public_id_of(source.piece, document.ordinal)
    pages = session.execute(
        select(PageRow.number, PageRow.id).where(PageRow.document_id == document.id).order_by(PageRow.number)
    )
    tasks = session.execute(
        select(TaskRow.field, TaskRow.mode).where(TaskRow.document_id == document.id, TaskRow.state.in_(OPEN_TASKS))
    ).all()
    return Whole(
        id=document.id,
        piece_id=piece.id,
        piece_ordinal=piece.ordinal,
        state=piece.state,
        since=piece.state_since,
        file_name=file.name,
        sha256=file.sha256,
        batch=batch.public_id,
        batch_name=batch.name or f"Batch {batch.id}",
        received_on=batch.received_on,
        received_at=batch.received_at,
        record=record_rows.load(session, kept, source, public_id, number),
        pages={page.number: page.id for page in pages},
        asked=frozenset(field for field, _ in tasks if field),
        blind=frozenset(field for field, mode in tasks if field and mode in _BLIND),
        revisions=revisions,
        entered=_entered_on(session, document.id),
        history=_history_of(session, [f"document:{document.id}", f"piece:{piece.id}", f"file:{file.id}"]),
    )


def body_of(session: Session, document_id: int, number: int | None) -> tuple[int, str] | None:
    """A revision of the record as it was published, byte for byte, with its number; the latest if None is asked for.

    None if there is no such revision.
    """
    query = (
        select(RevisionRow.number, RevisionRow.body)
        .join(RecordRow, RevisionRow.record_id == RecordRow.id)
        .where(RecordRow.document_id == document_id)
        .order_by(RevisionRow.number.desc())
        .limit(1)
    )
    if number is not None:
        query = query.where(RevisionRow.number == number)
    found = session.execute(query).one_or_none()
    return None if found is None else (found.number, found.body)


def page_of(session: Session, document_id: int, number: int) -> int | None:
    """The id of the page of that number in the file, if it belongs to the document."""
    query = select(PageRow.id).where(PageRow.document_id == document_id, PageRow.number == number)
    return session.scalars(query).one_or_none()


def was_looked_at(session: Session, document_id: int, actor: str, action: str, since: datetime) -> bool:
    """Whether that person did that to the document since then, as the audit says."""
    query = select(AuditRow.sequence).where(
        AuditRow.subject == f"document:{document_id}",
        AuditRow.actor == actor,
        AuditRow.action == action,
        AuditRow.at >= since,
    )
    return session.scalars(query.limit(1)).one_or_none() is not None


def _entered_on(session: Session, document_id: int) -> list[Entered]:
    query = (
        select(EntryRow, TaskRow.field)
        .join(TaskRow, EntryRow.task_id == TaskRow.id)
        .where(TaskRow.document_id == document_id)
        .order_by(EntryRow.id)
    )
    return [
        Entered(row.at, field, actor_of(row.person_id), row.action, row.outcome, row.text, row.reason)
        for row, field in session.execute(query)
    ]


def _revisions_of(session: Session, document_id: int) -> list[Revision]:
    query = (
        select(RevisionRow.number, RevisionRow.published_at, RevisionRow.status)
        .join(RecordRow, RevisionRow.record_id == RecordRow.id)
        .where(RecordRow.document_id == document_id)
        .order_by(RevisionRow.number)
    )
    return [Revision(row.number, row.published_at, row.status) for row in session.execute(query)]


def _history_of(session: Session, subjects: Sequence[str]) -> list[Happened]:
    """The latest, in the order in which they happened."""
    query = (
        select(AuditRow)
        .where(AuditRow.subject.in_(subjects))
        .order_by(AuditRow.sequence.desc())
        .limit(_HISTORY_AT_MOST)
    )
    rows = session.scalars(query).all()[::-1]
    return [Happened(row.at, row.actor, row.action, row.subject, json.loads(row.details)) for row in rows]
