"""Taking back: what a person did last, up to ten entries deep, is put back as it was, and they have the task again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from intake import audit, corrections
from intake.database.tables import EntryRow, FieldRow, TaskRow
from intake.review import identifying, settling
from intake.review.claims import Keyer
from intake.review.rules import Rules
from schemas.errors import MailError
from schemas.review import Act, Outcome, Queue
from schemas.states import ForbiddenMove, TaskKind, TaskState

DEEP: Final = 10


class CannotUndo(MailError):
    """It cannot be taken back any more; the message says why."""


def latest(session: Session, keyer: Keyer, deep: int = DEEP) -> list[EntryRow]:
    """What this person did last and did not take back, the last first."""
    undoing = EntryRow.__table__.alias("undoing")
    query = (
        select(EntryRow)
        .where(
            EntryRow.person_id == keyer.id,
            EntryRow.action != Act.UNDO,
            ~select(undoing.c.id).where(undoing.c.undoes == EntryRow.id).exists(),
        )
        .order_by(EntryRow.id.desc())
        .limit(deep)
    )
    return list(session.scalars(query))


def undo(session: Session, rules: Rules, keyer: Keyer, new_key: str, now: datetime, which: str | None = None) -> int:
    """Take back the person's last entry, or the one with the key `which`; the task, which is theirs again.

    new_key: of the entry that says so; sent twice it takes effect once. Raises CannotUndo; nothing is written then.
    """
    if (earlier := _undone_before(session, keyer, new_key)) is not None:
        return earlier
    entry = _wanted(session, keyer, which)
    while not _lock(session, entry, now):
        if (earlier := _undone_before(session, keyer, new_key)) is not None:
            return earlier
        entry = _wanted(session, keyer, which)
    query = (
        select(TaskRow).where(TaskRow.id == entry.task_id).with_for_update().execution_options(populate_existing=True)
    )
    task = session.scalars(query).one()
    _refuse_if_others_went_on(session, task, entry, keyer)
    try:
        settling.bring_back(session, task.document_id, now)
    except ForbiddenMove as error:
        raise CannotUndo("The piece was set aside meanwhile: an operator must see to it first.") from error
    _put_back(session, task, entry, now)
    _give(task, keyer, rules, now)
    undoing = EntryRow(
        key=new_key, task_id=task.id, person_id=keyer.id, person=keyer.name, role=keyer.role, at=now, action=Act.UNDO,
        outcome=Outcome.UNDONE, fence=task.fence, text="", before={}, undoes=entry.id,
    )  # fmt: skip
    session.add(undoing)
    try:
        session.flush()
    except IntegrityError as error:
        raise CannotUndo("You have another task of this field in hand meanwhile.") from error
    details: audit.Details = {"entry": undoing.id, "undoes": entry.id, "document": task.document_id}
    audit.append(session, now, keyer.actor, "entry taken back", f"task:{task.id}", details)
    return task.id


def _lock(session: Session, entry: EntryRow, now: datetime) -> bool:
    """Hold the piece of an entry; False, and nothing is held, if it was taken back while that was waited for."""
    document_id = session.scalars(select(TaskRow.document_id).where(TaskRow.id == entry.task_id)).one()
    locking = session.begin_nested()
    settling.take_from_publication(session, document_id, now)
    if session.scalars(select(EntryRow.id).where(EntryRow.undoes == entry.id)).one_or_none() is not None:
        locking.rollback()
        return False
    locking.commit()
    return True


def _undone_before(session: Session, keyer: Keyer, key: str) -> int | None:
    earlier = session.scalars(select(EntryRow).where(EntryRow.key == key)).one_or_none()
    if earlier is None:
        return None
    if earlier.person_id != keyer.id or earlier.action is not Act.UNDO:
        raise CannotUndo("This key was used for something else.")
    return earlier.task_id


def _wanted(session: Session, keyer: Keyer, which: str | None) -> EntryRow:
    found = latest(session, keyer)
    for entry in found:
        if which is None or entry.key == which:
            return entry
    raise CannotUndo("There is nothing left to take back." if which is None else "That is too long ago.")


def _refuse_if_others_went_on(session: Session, task: TaskRow, entry: EntryRow, keyer: Keyer) -> None:
    """Only while nobody has built on it: the last entry for the field, and no follow-up in anybody's hands."""
    newest = (
        select(EntryRow.person_id, EntryRow.id)
        .join(TaskRow, TaskRow.id == EntryRow.task_id)
        .where(
            TaskRow.document_id == task.document_id,
            TaskRow.field == task.field,
            EntryRow.id > entry.id,
            EntryRow.person_id != keyer.id,
            EntryRow.action.not_in((Act.SKIP, Act.REFER, Act.UNDO)),
        )
        .limit(1)
    )
    if session.execute(newest).first() is not None:
        raise CannotUndo("A colleague has answered this field since: it can no longer be taken back here.")
    if corrections.was_corrected(session, task.document_id, task.field, entry.at):
        raise CannotUndo("The record was corrected since: correct it again, if need be, on the page of its document.")
    is_with_another = task.state is TaskState.CLAIMED and task.person_id != keyer.id
    if is_with_another:
        raise CannotUndo("A colleague has this task in hand now.")
    if task.state is TaskState.WITHDRAWN:
        raise CannotUndo("This piece was rejected or read again: there is nothing to take back.")


def _put_back(session: Session, task: TaskRow, entry: EntryRow, now: datetime) -> None:
    """The field, the document and the tasks that followed, as they were before the entry."""
    before: Mapping[str, Any] = entry.before
    if "added" in before:
        _withdraw(session, [TaskRow.id == before["added"]], 1, now)
    if "document" in before:
        following = (TaskRow.document_id == task.document_id, TaskRow.kind != TaskKind.IDENTIFY)
        open_now = select(TaskRow.id).where(*following, TaskRow.state != TaskState.WITHDRAWN)
        _withdraw(session, following, len(session.scalars(open_now).all()), now)
        identifying.forget(session, task.document_id, before["document"])
    if "field" in before:
        field = select(FieldRow.id).where(FieldRow.document_id == task.document_id, FieldRow.name == task.field)
        session.flush()
        settling.restore(session, session.scalars(field).one(), before["field"])
    kept = before["task"]
    task.queue, task.note, task.entry = Queue(kept["queue"]), kept["note"], kept["entry"]


def _withdraw(session: Session, which: Any, expected: int, now: datetime) -> None:
    """End tasks that nobody has begun. Raises CannotUndo if somebody has."""
    ended = (
        update(TaskRow)
        .where(*which, TaskRow.state == TaskState.OPEN)
        .values(state=TaskState.WITHDRAWN, state_since=now, version=TaskRow.version + 1)
        .returning(TaskRow.id)
        .execution_options(synchronize_session=False)
    )
    if len(session.scalars(ended).all()) != expected:
        raise CannotUndo("A colleague has begun with what follows from it: it can no longer be taken back here.")


def _give(task: TaskRow, keyer: Keyer, rules: Rules, now: datetime) -> None:
    task.state, task.state_since, task.lease_until = TaskState.CLAIMED, now, now + rules.lease
    task.person_id, task.holder, task.draft, task.settled_at = keyer.id, keyer.screen, None, None
    task.fence += 1
    task.version += 1
