"""What people are asked about a document that was read: a task for every field the machine could not settle."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from intake.database.tables import Base, TaskRow
from intake.review.rules import Rules
from schemas.field import FieldStatus
from schemas.record import Record, RecordField
from schemas.review import Queue, ReviewMode
from schemas.states import TaskKind

# What a person must see before it may go out.
OPEN_FIELDS: Final = frozenset({FieldStatus.REVIEW, FieldStatus.UNREADABLE, FieldStatus.NOT_FOUND})
_ADDING: Final = insert(Base.metadata.tables["tasks"])

Task = dict[str, Any]


def ask(
    session: Session, documents: Iterable[tuple[int, Record]], rules: Rules, received_on: date, now: datetime
) -> int:
    """Add the tasks of documents just read, given with their keys; how many."""
    times = {"due_at": rules.due_at(received_on), "state_since": now, "created_at": now}
    tasks = [
        {**_WHOLE, "document_id": document, **task, **times}
        for document, record in documents
        for task in tasks_of(record, rules)
    ]
    if tasks:
        session.execute(_ADDING, tasks)
    return len(tasks)


def tasks_of(record: Record, rules: Rules) -> list[Task]:
    """The tasks a record gives, in the order of its fields; one for the whole document if only that is unclear."""
    asked = [
        task
        for name, field in record.fields.items()
        if field.status in OPEN_FIELDS
        for task in tasks_of_field(name, field, record.form_type, rules)
    ]
    if asked or record.status == "complete":
        return asked
    return [{"kind": TaskKind.IDENTIFY, "queue": Queue.IDENTIFY, "form_type": record.form_type}]


def tasks_of_field(name: str, field: RecordField, form_type: str | None, rules: Rules) -> Iterator[Task]:
    """One task, or two where two people must key it."""
    mode = rules.mode_of(form_type, field.field_class)
    task: Task = {
        "field": name, "mode": mode, "queue": queue_of(field), "field_class": field.field_class,
        "form_type": form_type, "kind": _kind(mode, has_value=field.status is FieldStatus.REVIEW),
    }  # fmt: skip
    yield task
    if mode is ReviewMode.DOUBLE:
        yield task | {"ordinal": 2}


def queue_of(field: RecordField) -> Queue:
    """Business if it is clear what stands there and only checks fail, else reading."""
    failed = {check.message for check in field.checks if not check.passed}
    is_clear = field.status is FieldStatus.REVIEW and field.value is not None and not field.problem
    return Queue.BUSINESS if is_clear and failed and set(field.reasons) <= failed else Queue.READING


def _kind(mode: ReviewMode, *, has_value: bool) -> TaskKind:
    if mode is ReviewMode.DOUBLE:
        return TaskKind.DOUBLE_KEY
    return TaskKind.CONFIRM if mode is ReviewMode.CONFIRM and has_value else TaskKind.KEY


def add_follow_up(session: Session, task: TaskRow, kind: TaskKind, queue: Queue, now: datetime) -> TaskRow:
    """A further task for the same field: for a second person, or for a third who decides."""
    added = TaskRow(
        document_id=task.document_id, field=task.field, kind=kind, mode=task.mode, queue=queue,
        ordinal=next_ordinal(session, task.document_id, task.field, kind), field_class=task.field_class,
        form_type=task.form_type, rank=task.rank, due_at=task.due_at, state_since=now, created_at=now,
    )  # fmt: skip
    session.add(added)
    session.flush()
    return added


def next_ordinal(session: Session, document_id: int, field: str, kind: TaskKind) -> int:
    """The number of the next task of this kind for the field; those withdrawn keep theirs."""
    query = select(func.coalesce(func.max(TaskRow.ordinal), 0)).where(
        TaskRow.document_id == document_id, TaskRow.field == field, TaskRow.kind == kind
    )
    return session.scalars(query).one() + 1


# All of a task's columns: rows that are added together must name the same.
_WHOLE: Final[Mapping[str, Any]] = {
    "field": "", "ordinal": 1, "mode": ReviewMode.CONFIRM, "field_class": "", "rank": 0, "note": "",
    "fence": 0, "version": 0,
}  # fmt: skip
