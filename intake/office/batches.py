"""Batches as an operator looks at them: against their target, by stage, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from intake.database.tables import BatchRow, DocumentRow, FileRow, PageRow, PieceRow
from intake.office.target import Target, last_late_receipt, target_of
from intake.working_days import Deadline
from schemas.errors import Cause
from schemas.page import PageLabel
from schemas.states import MailState

UNFINISHED = (MailState.IN_WORK, MailState.IN_REVIEW, MailState.QUARANTINED)


class Which(StrEnum):
    """Which batches a list shows."""

    ALL = "all"
    OPEN = "open"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A batch in a list. files: how many there are in each state. is_done: nothing of it waits for anybody."""

    number: int
    id: UUID
    name: str
    channel: str
    operator: str
    received_on: date
    received_at: datetime
    is_received: bool
    files: Mapping[MailState, int]
    target: Target

    @property
    def file_count(self) -> int:
        return sum(self.files.values())

    @property
    def is_done(self) -> bool:
        return self.is_received and not any(self.files.get(state) for state in UNFINISHED)


@dataclass(frozen=True, slots=True)
class Stages:
    """Where everything in a batch stands; the parts of each kind add up to what there is.

    files:  all files; unpacking: those whose pages are not known yet; unopened: those that could not be opened, by
            whether they are set aside or rejected.
    pieces: all pieces, which are in exactly one of the stages that follow.
    pages:  by label; None stands for those not read yet.
    """

    files: int
    unpacking: int
    unopened: Mapping[MailState, int]
    pieces: int
    reading: int
    in_review: int
    publishing: int
    published: int
    quarantined: int
    rejected: int
    pages: Mapping[PageLabel | None, int]

    @property
    def is_moving(self) -> bool:
        """Whether the machine has something to do on it."""
        return self.unpacking + self.reading + self.publishing > 0


@dataclass(frozen=True, slots=True)
class PageLine:
    """One page of a file. document: None where it is in none yet."""

    id: int
    number: int
    label: PageLabel | None
    state: MailState
    document: int | None


@dataclass(frozen=True, slots=True)
class FileLine:
    """One file of a batch with its pages.

    duplicate_of: the batch and name under which the same bytes came first; None if they never came before.
    """

    id: UUID
    position: int
    name: str
    bytes: int
    state: MailState
    cause: Cause | None
    problem: str
    remedy: str
    pages: Sequence[PageLine]
    duplicate_of: tuple[UUID, str] | None


def listed(
    session: Session,
    today: date,
    deadline: Deadline,
    which: Which = Which.ALL,
    *,
    before: int | None = None,
    limit: int,
) -> tuple[Sequence[BatchLine], int | None]:
    """Batches from the newest on, or what waits from the oldest on; and the number to ask for the next ones behind."""
    query = select(BatchRow)
    if which is Which.ALL:
        query = query.order_by(BatchRow.id.desc())
        query = query if before is None else query.where(BatchRow.id < before)
    else:
        query = query.where(_of(which, today, deadline)).order_by(BatchRow.id)
        query = query if before is None else query.where(BatchRow.id > before)
    rows = session.scalars(query.limit(limit + 1)).all()
    shown = rows[:limit]
    lines = _lines(session, shown, today, deadline)
    return lines, shown[-1].id if len(rows) > limit else None


def counted(session: Session, today: date, deadline: Deadline) -> Mapping[Which, int]:
    """How many batches each list has."""
    counting = select(func.count()).select_from(BatchRow)
    return {
        Which.ALL: session.scalars(counting).one(),
        Which.OPEN: session.scalars(counting.where(_of(Which.OPEN, today, deadline))).one(),
        Which.LATE: session.scalars(counting.where(_of(Which.LATE, today, deadline))).one(),
    }


def find(session: Session, batch_id: UUID) -> BatchRow | None:
    """The batch of that public id."""
    return session.scalars(select(BatchRow).where(BatchRow.public_id == batch_id)).one_or_none()


def line_of(session: Session, batch: BatchRow, today: date, deadline: Deadline) -> BatchLine:
    """The same as in the list, for one."""
    return _lines(session, [batch], today, deadline)[0]


def stages(session: Session, batch: BatchRow) -> Stages:
    """Where everything in it stands now."""
    files = session.execute(
        select(FileRow.state, FileRow.page_count.is_(None), func.count())
        .where(FileRow.batch_id == batch.id)
        .group_by(FileRow.state, FileRow.page_count.is_(None))
    ).all()
    has_documents = exists().where(DocumentRow.piece_id == PieceRow.id)
    pieces: dict[tuple[MailState, bool], int] = {
        (state, bool(read)): count
        for state, read, count in session.execute(
            select(PieceRow.state, has_documents, func.count())
            .join(FileRow, PieceRow.file_id == FileRow.id)
            .where(FileRow.batch_id == batch.id)
            .group_by(PieceRow.state, has_documents)
        )
    }
    pages = session.execute(
        select(PageRow.label, func.count())
        .join(FileRow, PageRow.file_id == FileRow.id)
        .where(FileRow.batch_id == batch.id)
        .group_by(PageRow.label)
    ).all()

    def stood(state: MailState) -> int:
        return sum(count for (where, _), count in pieces.items() if where is state)

    return Stages(
        files=sum(count for _, _, count in files),
        unpacking=sum(count for state, unknown, count in files if unknown and state is MailState.IN_WORK),
        unopened={state: count for state, unknown, count in files if unknown and state is not MailState.IN_WORK},
        pieces=sum(pieces.values()),
        reading=pieces.get((MailState.IN_WORK, False), 0),
        publishing=pieces.get((MailState.IN_WORK, True), 0),
        in_review=stood(MailState.IN_REVIEW),
        published=stood(MailState.PUBLISHED),
        quarantined=stood(MailState.QUARANTINED),
        rejected=stood(MailState.REJECTED),
        pages={row[0]: row[1] for row in pages},
    )


def files_of(
    session: Session, batch: BatchRow, *, after: int = 0, limit: int, only: MailState | None = None
) -> tuple[Sequence[FileLine], int | None]:
    """Its files behind position `after`, with all their pages; and the position to ask for the next ones behind."""
    query = select(FileRow).where(FileRow.batch_id == batch.id, FileRow.position > after).order_by(FileRow.position)
    if only is not None:
        query = query.where(FileRow.state == only)
    rows = session.scalars(query.limit(limit + 1)).all()
    shown = rows[:limit]
    pages = _pages_of(session, [row.id for row in shown])
    firsts = _first_of_each(session, shown)
    lines = [_file_line(row, pages.get(row.id, []), firsts.get(row.sha256)) for row in shown]
    return lines, shown[-1].position if len(rows) > limit else None


def form_types_of(session: Session, batch: BatchRow) -> Sequence[str]:
    """The form types of which there are documents in it."""
    query = (
        select(DocumentRow.form_type)
        .join(PieceRow, DocumentRow.piece_id == PieceRow.id)
        .join(FileRow, PieceRow.file_id == FileRow.id)
        .where(FileRow.batch_id == batch.id, DocumentRow.form_type.is_not(None))
        .distinct()
        .order_by(DocumentRow.form_type)
    )
    return [id for id in session.scalars(query) if id]


def known_already(session: Session, digests: Sequence[str]) -> Mapping[str, tuple[BatchRow, str]]:
    """Of those SHA-256, the ones that were received before: in which batch first, and under which name."""
    query = (
        select(FileRow.sha256, func.min(FileRow.id))
        .where(FileRow.sha256.in_(digests))
        .group_by(FileRow.sha256)
        .subquery()
    )
    rows = session.execute(
        select(FileRow.sha256, FileRow.name, BatchRow)
        .join(BatchRow, FileRow.batch_id == BatchRow.id)
        .where(FileRow.id.in_(select(query.c[1])))
    )
    return {sha256: (batch, name) for sha256, name, batch in rows}


def _of(which: Which, today: date, deadline: Deadline) -> ColumnElement[bool]:
    is_open = exists().where(FileRow.batch_id == BatchRow.id, FileRow.state.in_(UNFINISHED))
    if which is Which.LATE:
        return and_(BatchRow.received_on <= last_late_receipt(today, deadline), is_open)
    return is_open


def _lines(session: Session, batches: Sequence[BatchRow], today: date, deadline: Deadline) -> list[BatchLine]:
    counts, latest = _counts(session, [batch.id for batch in batches])
    lines = []
    for batch in batches:
        files = counts.get(batch.id, {})
        is_open = batch.closed_at is None or any(files.get(state) for state in UNFINISHED)
        until = today if is_open or batch.id not in latest else latest[batch.id].astimezone().date()
        lines.append(
            BatchLine(
                number=batch.id,
                id=batch.public_id,
                name=batch.name,
                channel=batch.channel,
                operator=batch.operator,
                received_on=batch.received_on,
                received_at=batch.received_at,
                is_received=batch.closed_at is not None,
                files=files,
                target=target_of(batch.received_on, until, deadline),
            )
        )
    return lines


def _counts(
    session: Session, batches: Sequence[int]
) -> tuple[Mapping[int, Mapping[MailState, int]], Mapping[int, datetime]]:
    """Files by batch and state, and when the last one of each batch came where it is."""
    query = (
        select(FileRow.batch_id, FileRow.state, func.count(), func.max(FileRow.state_since))
        .where(FileRow.batch_id.in_(batches))
        .group_by(FileRow.batch_id, FileRow.state)
    )
    counts: dict[int, dict[MailState, int]] = {}
    latest: dict[int, datetime] = {}
    for batch, state, count, since in session.execute(query):
        counts.setdefault(batch, {})[state] = count
        latest[batch] = max(latest.get(batch, since), since)
    return counts, latest


def _pages_of(session: Session, files: Sequence[int]) -> Mapping[int, list[PageLine]]:
    query = (
        select(PageRow.file_id, PageRow.id, PageRow.number, PageRow.label, PageRow.state, PageRow.document_id)
        .where(PageRow.file_id.in_(files))
        .order_by(PageRow.file_id, PageRow.number)
    )
    found: dict[int, list[PageLine]] = {}
    for file, id, number, label, state, document in session.execute(query):
        found.setdefault(file, []).append(PageLine(id, number, label, state, document))
    return found


def _first_of_each(session: Session, files: Sequence[FileRow]) -> Mapping[str, tuple[int, UUID, str]]:
    """For each SHA-256 of these files the file under which it came first: its key, its batch and its name."""
    earlier = aliased(FileRow)
    firsts = (
        select(func.min(earlier.id)).where(earlier.sha256.in_([file.sha256 for file in files])).group_by(earlier.sha256)
    )
    query = (
        select(FileRow.sha256, FileRow.id, BatchRow.public_id, FileRow.name)
        .join(BatchRow, FileRow.batch_id == BatchRow.id)
        .where(FileRow.id.in_(firsts))
    )
    return {sha256: (id, batch, name) for sha256, id, batch, name in session.execute(query)}


def _file_line(row: FileRow, pages: Sequence[PageLine], first: tuple[int, UUID, str] | None) -> FileLine:
    is_first = first is None or first[0] == row.id
    return FileLine(
        id=row.public_id,
        position=row.position,
        name=row.name,
        bytes=row.size_bytes,
        state=row.state,
        cause=row.cause,
        problem=row.problem or "",
        remedy=row.remedy or "",
        pages=pages,
        duplicate_of=None if is_first or first is None else (first[1], first[2]),
    )
