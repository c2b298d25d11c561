"""A little received mail to try the database on."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from intake import steps
from intake.database.tables import (
    BatchRow,
    DocumentRow,
    FileRow,
    OutboxRow,
    PageRow,
    PieceRow,
    RecordRow,
    RevisionRow,
    StepRow,
    TaskRow,
)
from intake.publication import next_in_order
from intake.steps import Claim, Subject
from schemas.errors import Cause
from schemas.extraction import Failure
from schemas.states import DocumentState, StepName, TaskKind

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BROKEN = Failure(Cause.DAMAGED, "The file is cut off.", "Ask for it to be scanned again.", page=2)


def receive_files(session: Session, count: int = 1) -> list[int]:
    """A batch of `count` files, each with its step `unpack`; the ids of the files."""
    batch = BatchRow(channel="test", operator="anna", received_on=date(2026, 3, 2), received_at=NOW, file_count=count)
    session.add(batch)
    session.flush()
    files = [
        FileRow(batch_id=batch.id, position=n, name=f"{n}.tif", sha256=f"{n:064x}", size_bytes=9, state_since=NOW)
        for n in range(1, count + 1)
    ]
    session.add_all(files)
    session.flush()
    for file in files:
        steps.add(session, StepName.UNPACK, Subject(file_id=file.id), NOW)
    return [file.id for file in files]


def unpack(session: Session, file_id: int, pieces: int = 1, pages: int = 2) -> list[int]:
    """End the step `unpack` of a file as a worker would: pieces of `pages` pages, each with its step `read`."""
    step = session.scalars(select(StepRow.id).where(StepRow.file_id == file_id)).one()
    claim = claimed(steps.claim_one(session, step, "worker-1", NOW))
    steps.finish(session, claim, NOW)
    rows = [PieceRow(file_id=file_id, ordinal=n, state_since=NOW) for n in range(1, pieces + 1)]
    session.add_all(rows)
    session.flush()
    for piece in rows:
        first = (piece.ordinal - 1) * pages + 1
        numbers = range(first, first + pages)
        session.add_all(PageRow(file_id=file_id, number=n, piece_id=piece.id, state_since=NOW) for n in numbers)
        steps.add(session, StepName.READ, Subject(piece_id=piece.id), NOW)
    session.execute(update(FileRow).where(FileRow.id == file_id).values(page_count=pieces * pages, piece_count=pieces))
    session.flush()
    return [piece.id for piece in rows]


def receive_pieces(session: Session, count: int) -> list[int]:
    """`count` pieces in one file, each of one page and ready to be read."""
    return unpack(session, receive_files(session)[0], pieces=count, pages=1)


def add_document(session: Session, piece_id: int, state: DocumentState = DocumentState.COMPLETE) -> DocumentRow:
    document = DocumentRow(piece_id=piece_id, ordinal=1, state=state, state_since=NOW)
    session.add(document)
    session.flush()
    return document


def add_task(session: Session, document: DocumentRow) -> TaskRow:
    task = TaskRow(
        document_id=document.id, field="name", kind=TaskKind.KEY, due_at=NOW, state_since=NOW, created_at=NOW
    )
    session.add(task)
    session.flush()
    return task


def publish(session: Session, document: DocumentRow) -> RevisionRow:
    """The first revision of a document's record, with its news in the outbox."""
    record = RecordRow(public_id=f"record-{document.id}", document_id=document.id, latest_revision=1, created_at=NOW)
    session.add(record)
    session.flush()
    revision = RevisionRow(
        record_id=record.id,
        number=1,
        sequence=next_in_order(session),
        status="complete",
        body="{}",
        body_sha256="0" * 64,
        published_at=NOW,
    )
    session.add(revision)
    session.flush()
    session.add(OutboxRow(revision_id=revision.id, event="record.published", created_at=NOW))
    session.flush()
    return revision


def claimed(claim: Claim | None) -> Claim:
    assert claim is not None
    return claim
