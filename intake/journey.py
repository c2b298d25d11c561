"""What each step of the service does: unpack a file, read a piece, publish its documents.

Each function does the slow work and returns what is to be written; `intake.step_runner` writes that together with the
end of the step, so that a step takes effect once however often it runs.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from extract.limits import Limits, too_many_bytes
from intake import audit, record_rows, steps, whereabouts
from intake.database.engine import Database
from intake.database.tables import (
    BatchRow,
    DocumentRow,
    FieldRow,
    FileRow,
    OutboxRow,
    PageRow,
    PieceRow,
    RecordRow,
    RevisionRow,
    TaskRow,
)
from intake.publication import next_in_order
from intake.sandbox import Sandbox
from intake.step_runner import Body, Effects
from intake.steps import Claim, Subject
from intake.store import Store
from intake.summary import FileResult
from intake.worker import Desk
from schemas.errors import MailError, Unreadable
from schemas.field import FieldStatus
from schemas.record import Record
from schemas.states import DocumentState, MailState, StepName, TaskKind

PUBLISHED: Final = "record.published"
_RECORDS: Final = UUID("9b0c6c52-4f0a-5a0e-8f5d-3c1a6f1f2b77")  # the namespace of the service's record ids
# What a person is asked for a field the machine could not settle.
_ASKED: Final[Mapping[FieldStatus, TaskKind]] = {
    FieldStatus.REVIEW: TaskKind.CONFIRM,
    FieldStatus.UNREADABLE: TaskKind.KEY,
    FieldStatus.NOT_FOUND: TaskKind.KEY,
}


class Miscounted(MailError):
    """The reading does not speak of the pages that were unpacked. Nothing of it may be kept."""


@dataclass(frozen=True)
class Journey:
    """The three steps, with what they need from outside."""

    database: Database
    store: Store
    sandbox: Sandbox
    desk: Desk
    limits: Limits

    @property
    def bodies(self) -> Mapping[StepName, Body]:
        return {StepName.UNPACK: self.unpack, StepName.READ: self.read, StepName.PUBLISH: self.publish}

    def unpack(self, claim: Claim) -> Effects:
        """One file becomes its pages and, until separators part it, one piece. Raises Unreadable if it is no mail."""
        assert claim.subject.file_id is not None  # noqa: S101  # the table has a constraint
        file_id = claim.subject.file_id
        with self.database.read() as session:
            sha256 = session.scalars(select(FileRow.sha256).where(FileRow.id == file_id)).one()
        count = self.sandbox.count_pages(self._content(sha256), self.limits)

        def effects(session: Session, now: datetime) -> None:
            piece = PieceRow(file_id=file_id, ordinal=1, state_since=now)
            session.add(piece)
            session.flush()
            session.add_all(
                PageRow(file_id=file_id, number=number, piece_id=piece.id, state_since=now)
                for number in range(1, count + 1)
            )
            file = session.get_one(FileRow, file_id)
            file.page_count, file.piece_count = count, 1
            session.flush()
            steps.add(session, StepName.READ, Subject(piece_id=piece.id), now)
            audit.append(session, now, claim.worker, "unpacked", f"file:{file_id}", {"pages": count})

        return effects

    def read(self, claim: Claim) -> Effects:
        """One piece becomes documents with fields, and tasks for people where the machine is not sure."""
        assert claim.subject.piece_id is not None  # noqa: S101  # the table has a constraint
        piece_id = claim.subject.piece_id
        with self.database.read() as session:
            piece = session.get_one(PieceRow, piece_id)
            file = session.get_one(FileRow, piece.file_id)
        result = self.desk.read_content(file.name, self._content(file.sha256))
        records = [Record.model_validate_json(record) for record in result.records]
        _check(result, records, file)

        def effects(session: Session, now: datetime) -> None:
            documents = record_rows.save(session, piece_id, file.id, records, now)
            asked = sum(
                _ask(session, document, record, now) for document, record in zip(documents, records, strict=True)
            )
            if asked:
                whereabouts.move_piece(session, piece_id, MailState.IN_REVIEW, now)
            else:
                steps.add(session, StepName.PUBLISH, Subject(piece_id=piece_id), now)
            details: audit.Details = {"documents": len(documents), "tasks": asked}
            audit.append(session, now, claim.worker, "read", str(claim.subject), details)

        return effects

    def publish(self, claim: Claim) -> Effects:
        """The documents of one piece become records that never change, each with its news in the outbox."""
        assert claim.subject.piece_id is not None  # noqa: S101  # the table has a constraint
        piece_id = claim.subject.piece_id

        def effects(session: Session, now: datetime) -> None:
            documents = session.scalars(
                select(DocumentRow).where(DocumentRow.piece_id == piece_id).order_by(DocumentRow.ordinal)
            ).all()
            whereabouts.move_piece(session, piece_id, MailState.PUBLISHED, now)
            for document in documents:
                _publish(session, document, now)
            audit.append(session, now, claim.worker, "published", str(claim.subject), {"records": len(documents)})

        return effects

    def _content(self, sha256: str) -> bytes:
        """The bytes as received, proven to be them. Raises Unreadable if there are more than one file may have."""
        if (size := self.store.size(sha256)) > self.limits.file_bytes:
            raise too_many_bytes(size, self.limits)
        with closing(self.store.open(sha256)) as stream:
            content = stream.read()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise MailError(f"the file {sha256} is not what was received")
        return content


def _check(result: FileResult, records: Sequence[Record], file: FileRow) -> None:
    """Whether a reading may be kept. Raises Miscounted, or Unreadable if there is nothing in it but a reason."""
    if not any(record.status != "failed" for record in records):
        failure = result.failures[0]
        raise Unreadable(failure.problem, cause=failure.cause, remedy=failure.remedy, page=failure.page)
    numbers = sorted(page.number for record in records for page in record.pages)
    if result.mismatch or numbers != list(range(1, (file.page_count or 0) + 1)):
        raise Miscounted(f"{file.page_count} pages were unpacked, {len(numbers)} were read")


def _ask(session: Session, document: DocumentRow, record: Record, now: datetime) -> int:
    """Add a task for every field that a person must see, or one for the whole document; how many."""
    wanted = [(name, _ASKED[field.status]) for name, field in record.fields.items() if field.status in _ASKED]
    if record.status != "complete" and not wanted:
        wanted = [("", TaskKind.IDENTIFY)]
    session.add_all(
        TaskRow(document_id=document.id, field=name, kind=kind, state_since=now, created_at=now)
        for name, kind in wanted
    )
    session.flush()
    return len(wanted)


def _publish(session: Session, document: DocumentRow, now: datetime) -> None:
    """The next revision of the document's record."""
    record = session.scalars(select(RecordRow).where(RecordRow.document_id == document.id)).one_or_none()
    if record is None:
        piece = session.scalars(select(PieceRow.public_id).where(PieceRow.id == document.piece_id)).one()
        public_id = str(uuid5(_RECORDS, f"{piece}/{document.ordinal}"))
        record = RecordRow(public_id=public_id, document_id=document.id, created_at=now)
        session.add(record)
        session.flush()
    record.latest_revision = (record.latest_revision or 0) + 1
    if document.state is DocumentState.REVIEW:
        settled = session.scalars(select(FieldRow.status).where(FieldRow.document_id == document.id)).all()
        if any(status in _ASKED for status in settled):
            raise MailError("a field is still open")
    batch_id = session.scalars(
        select(BatchRow.public_id)
        .join(FileRow, FileRow.batch_id == BatchRow.id)
        .join(PieceRow, PieceRow.file_id == FileRow.id)
        .where(PieceRow.id == document.piece_id)
    ).one()
    made = record_rows.load(
        session, document, record.public_id, revision=record.latest_revision, batch_id=str(batch_id)
    )
    body = made.model_dump_json()
    revision = RevisionRow(
        record_id=record.id,
        number=record.latest_revision,
        sequence=next_in_order(session),
        status=made.status,
        body=body,
        body_sha256=hashlib.sha256(body.encode()).hexdigest(),
        published_at=now,
    )
    session.add(revision)
    session.flush()
    session.add(OutboxRow(revision_id=revision.id, event=PUBLISHED, created_at=now))
    document.state, document.state_since = DocumentState.PUBLISHED, now
    session.flush()
