"""What the API asks the database about batches, and the one thing it changes: a retry."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from intake import quarantine
from intake.api.problem import Fault, ProblemCode, Refused
from intake.api.views import BatchList, BatchSummary, BatchView, FileView, MailCounts, StateCounts
from intake.database.engine import Database
from intake.database.tables import BatchRow, FileRow, PageRow, PieceRow


def batch_list(session: Session, limit: int, after: UUID | None) -> BatchList:
    """Batches from the newest on, those before `after`. Raises Refused if that is no batch."""
    query = select(BatchRow).order_by(BatchRow.id.desc()).limit(limit + 1)
    if after is not None:
        last = session.scalars(select(BatchRow.id).where(BatchRow.public_id == after)).one_or_none()
        if last is None:
            raise _unknown_cursor()
        query = query.where(BatchRow.id < last)
    rows = session.scalars(query).all()
    shown = rows[:limit]
    counts = _counts_of_batches(session, [row.id for row in shown])
    batches = tuple(BatchSummary(files=counts.get(row.id, StateCounts()), **_head(row)) for row in shown)
    return BatchList(batches=batches, next=shown[-1].public_id if len(rows) > limit else None)


def batch_view(session: Session, batch_id: UUID, limit: int, after: UUID | None) -> BatchView:
    """One batch, with its files behind `after`. Raises Refused if there is none, or no such file in it."""
    batch = _batch(session, batch_id)
    query = select(FileRow).where(FileRow.batch_id == batch.id).order_by(FileRow.position).limit(limit + 1)
    if after is not None:
        last = session.scalars(
            select(FileRow.position).where(FileRow.public_id == after, FileRow.batch_id == batch.id)
        ).one_or_none()
        if last is None:
            raise _unknown_cursor()
        query = query.where(FileRow.position > last)
    rows = session.scalars(query).all()
    shown = rows[:limit]
    return BatchView(
        counts=_counts_within(session, batch.id),
        files=tuple(map(_file_view, shown)),
        next=shown[-1].public_id if len(rows) > limit else None,
        **_head(batch),
    )


def retry_file(database: Database, batch_id: UUID, file_id: UUID, operator: str) -> FileView:
    """Take a file, or those of its pieces that are there, out of quarantine.

    Raises Refused if there is no such file, and NotInQuarantine if nothing of it is in quarantine.
    """
    with database.write() as session:
        batch = _batch(session, batch_id)
        file = session.scalars(
            select(FileRow).where(FileRow.public_id == file_id, FileRow.batch_id == batch.id)
        ).one_or_none()
        if file is None:
            raise Refused(404, ProblemCode.NOT_FOUND, "There is no such file in this batch.")
        quarantine.retry(session, file.public_id, operator, database.now())
        session.refresh(file)
        return _file_view(file)


def _batch(session: Session, batch_id: UUID) -> BatchRow:
    batch = session.scalars(select(BatchRow).where(BatchRow.public_id == batch_id)).one_or_none()
    if batch is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "There is no such batch.")
    return batch


def _head(row: BatchRow) -> dict[str, Any]:
    """What a list and a single view tell alike."""
    return {
        "id": row.public_id,
        "name": row.name,
        "channel": row.channel,
        "received_on": row.received_on,
        "received_at": row.received_at,
        "is_received": row.closed_at is not None,
    }


def _file_view(row: FileRow) -> FileView:
    return FileView(
        id=row.public_id,
        name=row.name,
        sha256=row.sha256,
        bytes=row.size_bytes,
        state=row.state,
        state_since=row.state_since,
        pages=row.page_count,
        pieces=row.piece_count,
        cause=row.cause,
        problem=row.problem,
        remedy=row.remedy,
    )


def _counts_of_batches(session: Session, batches: Sequence[int]) -> dict[int, StateCounts]:
    """Files by state, by the number of their batch."""
    query = (
        select(FileRow.batch_id, FileRow.state, func.count())
        .where(FileRow.batch_id.in_(batches))
        .group_by(FileRow.batch_id, FileRow.state)
    )
    found: dict[int, dict[str, int]] = {}
    for batch, state, count in session.execute(query):
        found.setdefault(batch, {})[state.value] = count
    return {batch: StateCounts(**counts) for batch, counts in found.items()}


def _counts_within(session: Session, batch: int) -> MailCounts:
    files = select(FileRow.id).where(FileRow.batch_id == batch)
    return MailCounts(
        files=_counted(session, FileRow, FileRow.batch_id == batch),
        pages=_counted(session, PageRow, PageRow.file_id.in_(files)),
        pieces=_counted(session, PieceRow, PieceRow.file_id.in_(files)),
    )


def _counted(
    session: Session, row: type[FileRow] | type[PageRow] | type[PieceRow], which: ColumnElement[bool]
) -> StateCounts:
    query = select(row.state, func.count()).where(which).group_by(row.state)
    return StateCounts(**{state.value: count for state, count in session.execute(query)})


def _unknown_cursor() -> Refused:
    fault = Fault(place="query.after", problem="It is not what an earlier answer gave as `next`.")
    return Refused(422, ProblemCode.INVALID_REQUEST, "The request is not as it should be.", faults=[fault])
