"""Every way in which the mail could fail to add up, as a sub-query that counts it. `intake.ledger` asks them all."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

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
from schemas.states import FURTHEST_FROM_DONE, OPEN_STEPS, OPEN_TASKS, MailState, StepState

_NEED_A_REASON: Final = (MailState.QUARANTINED, MailState.REJECTED)


def _miscounted(said: InstrumentedAttribute[Any], there: ColumnElement[bool], row: type) -> ScalarSelect[int]:
    """How many rows are missing or too many, summed over everything that says how many there should be."""
    counted = select(func.count()).select_from(row).where(there).correlate(said.class_).scalar_subquery()
    return select(func.coalesce(func.sum(func.abs(func.coalesce(said, 0) - counted)), 0)).scalar_subquery()


def _count(row: type, *wrong: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(row).where(*wrong).scalar_subquery()


def _has_open_step(subject: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(subject, StepRow.state.in_(OPEN_STEPS))


def _has_piece(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(PieceRow.file_id == FileRow.id, *conditions)


def _stands_elsewhere() -> ColumnElement[bool]:
    """A file that has pieces, and does not stand where the one stands that is furthest from being done."""
    held_back = [
        and_(FileRow.state.in_(FURTHEST_FROM_DONE[place + 1 :]), _has_piece(PieceRow.state == state))
        for place, state in enumerate(FURTHEST_FROM_DONE[:-1])
    ]
    return and_(_has_piece(), or_(~_has_piece(PieceRow.state == FileRow.state), *held_back))


def _step_astray() -> ScalarSelect[int]:
    """Steps to come for mail that is not in work, and steps given up for mail that is not in quarantine."""
    state = func.coalesce(FileRow.state, PieceRow.state)
    to_come = and_(StepRow.state.in_(OPEN_STEPS), state != MailState.IN_WORK)
    given_up = and_(StepRow.state == StepState.QUARANTINED, state != MailState.QUARANTINED)
    steps = select(func.count()).select_from(StepRow).outerjoin(FileRow, StepRow.file_id == FileRow.id)
    return steps.outerjoin(PieceRow, StepRow.piece_id == PieceRow.id).where(or_(to_come, given_up)).scalar_subquery()


def _page_astray() -> ScalarSelect[int]:
    pages = select(func.count()).select_from(PageRow).join(FileRow, PageRow.file_id == FileRow.id)
    pages = pages.outerjoin(PieceRow, PageRow.piece_id == PieceRow.id)
    return pages.where(PageRow.state != func.coalesce(PieceRow.state, FileRow.state)).scalar_subquery()


def _review_without_task() -> ScalarSelect[int]:
    task = exists().where(
        TaskRow.document_id == DocumentRow.id, DocumentRow.piece_id == PieceRow.id, TaskRow.state.in_(OPEN_TASKS)
    )
    return _count(PieceRow, PieceRow.state == MailState.IN_REVIEW, ~task)


def _task_astray() -> ScalarSelect[int]:
    """Tasks people could still do for pieces that nobody is to look at."""
    tasks = select(func.count()).select_from(TaskRow).join(DocumentRow, TaskRow.document_id == DocumentRow.id)
    tasks = tasks.join(PieceRow, DocumentRow.piece_id == PieceRow.id)
    return tasks.where(TaskRow.state.in_(OPEN_TASKS), PieceRow.state != MailState.IN_REVIEW).scalar_subquery()


def _published_without_record() -> ScalarSelect[int]:
    document = DocumentRow.piece_id == PieceRow.id
    revision = exists().where(RecordRow.document_id == DocumentRow.id, RevisionRow.record_id == RecordRow.id)
    bare = exists().where(document, ~revision.correlate(DocumentRow))
    return _count(PieceRow, PieceRow.state == MailState.PUBLISHED, or_(~exists().where(document), bare))


def _no_reason(row: type[FileRow] | type[PieceRow]) -> ScalarSelect[int]:
    return _count(row, row.state.in_(_NEED_A_REASON), func.coalesce(row.problem, "") == "")


DISCREPANCIES: Final[Mapping[str, ScalarSelect[int]]] = {
    # What was received, and what there is.
    "files_missing": _miscounted(BatchRow.file_count, FileRow.batch_id == BatchRow.id, FileRow),
    "pages_missing": _miscounted(FileRow.page_count, PageRow.file_id == FileRow.id, PageRow),
    "pieces_missing": _miscounted(FileRow.piece_count, PieceRow.file_id == FileRow.id, PieceRow),
    # What belongs together stands in the same place.
    "pages_astray": _page_astray(),
    "files_astray": _count(FileRow, _stands_elsewhere()),
    "steps_astray": _step_astray(),
    "tasks_astray": _task_astray(),
    # Somebody or something will come to it.
    "files_without_step": _count(
        FileRow, FileRow.state == MailState.IN_WORK, ~_has_piece(), ~_has_open_step(StepRow.file_id == FileRow.id)
    ),
    "pieces_without_step": _count(
        PieceRow, PieceRow.state == MailState.IN_WORK, ~_has_open_step(StepRow.piece_id == PieceRow.id)
    ),
    "pieces_without_task": _review_without_task(),
    "files_without_reason": _no_reason(FileRow),
    "pieces_without_reason": _no_reason(PieceRow),
    # What is out is out.
    "pieces_without_record": _published_without_record(),
    "revisions_without_outbox": _count(RevisionRow, ~exists().where(OutboxRow.revision_id == RevisionRow.id)),
}
