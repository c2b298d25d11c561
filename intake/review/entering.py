"""An entry: what a person did with a task they hold takes effect here, once, whole or not at all.

A screen that sends an entry twice gets the first answer again. One that comes too late overwrites nothing: it is told
what stands there now, and may say so a second time, knowing it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import audit
from intake.database.tables import EntryRow, FieldRow, TaskRow
from intake.review import asking, identifying, settling
from intake.review.answers import (
    NOT_WRITABLE,
    Answer,
    Keyed,
    is_writable,
    keyed_from,
    machines,
    same,
    understand,
)
from intake.review.claims import Held, Keyer
from intake.review.judging import Asked, Verdict, judge
from intake.review.rules import Rules
from schemas.errors import MailError
from schemas.field import FieldStatus
from schemas.review import ANSWERS, Act, Outcome, Queue, ReferReason, ReviewMode
from schemas.states import OPEN_TASKS, ForbiddenMove, TaskKind, TaskState

LONGEST_NOTE: Final = 500
LONGEST_TEXT: Final = 10_000
LONGEST_KEY: Final = 64


@dataclass(frozen=True, slots=True)
class There:
    """What became of a task meanwhile, as far as this person may see it.

    state:   of the task. by: the role of whoever it is with, or who did it. is_mine: it was this person, elsewhere.
    status, value, text: what the field is now; None where that is not to be seen.
    version: to be sent as `over` by whoever wants to put their own in its place; None where nobody can.
    """

    state: TaskState
    by: str
    is_mine: bool
    status: str | None = None
    value: Any = None
    text: str | None = None
    version: int | None = None


class Stale(MailError):
    """The task is not this person's any more, or changed since they saw it. Nothing was written."""

    def __init__(self, there: There) -> None:
        super().__init__("The task was changed meanwhile.")
        self.there = there


class Doubtful(MailError):
    """What was keyed cannot be right, for reasons a person can act on.

    may_be_meant: sent again as `sure`, it is taken.
    """

    def __init__(self, doubts: tuple[str, ...], *, may_be_meant: bool) -> None:
        super().__init__("What was keyed is doubtful.")
        self.doubts = doubts
        self.may_be_meant = may_be_meant


class NotForThisTask(MailError):
    """The task asks for something else than was sent, or for nothing any more."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What came of an entry. fence, version: of the task now, for whoever goes on with it (AGAIN)."""

    outcome: Outcome
    task_id: int
    fence: int
    version: int


@dataclass(frozen=True, slots=True)
class Referral:
    """Why a task is handed on, and in which words."""

    reason: ReferReason
    note: str = ""


def enter(
    session: Session,
    rules: Rules,
    keyer: Keyer,
    held: Held,
    answer: Answer,
    key: str,
    now: datetime,
) -> Entered:
    """Take a person's answer to the task they hold.

    key:  made by the screen, the same if it sends the entry again.
    Raises Stale, Doubtful or NotForThisTask; nothing is written then.
    """
    if len(answer.text) > LONGEST_TEXT or not 1 <= len(key) <= LONGEST_KEY:
        raise NotForThisTask("That is too long.")
    if not is_writable(answer):
        raise NotForThisTask(NOT_WRITABLE)
    document_id = _document_of(session, held.task_id)
    with session.begin_nested() as locking:
        if held.over is None:
            piece_id = settling.lock_piece_of(session, document_id)
        else:
            piece_id = settling.take_from_publication(session, document_id, now)
        # Only now: sent twice at once, it has waited for itself.
        if (earlier := _entered_before(session, keyer, held.task_id, key)) is not None:
            locking.rollback()
            return earlier
    task = _hold(session, keyer, held, now)
    entry = _entry(keyer, task, answer.act, key, now)
    if answer.act is Act.IDENTIFY:
        _require(task.kind is TaskKind.IDENTIFY)
        entry.before |= identifying.identify(session, rules, task, answer.text, keyer, now)
        entry.text, outcome = answer.text, Outcome.IDENTIFIED
    else:
        _require(answer.act in ANSWERS and task.kind is not TaskKind.IDENTIFY)
        outcome = _take(session, rules, keyer, task, answer, entry, now)
    _end(task, outcome, now)
    if outcome in (Outcome.SETTLED, Outcome.IDENTIFIED):
        settling.finish_if_done(session, piece_id, rules, now)
    return _write(session, keyer, task, entry, outcome, now)


def pass_on(
    session: Session, keyer: Keyer, held: Held, key: str, now: datetime, referral: Referral | None = None
) -> Entered:
    """Skip a task, or with a referral hand it on: it waits for others. Raises Stale."""
    settling.lock_piece_of(session, _document_of(session, held.task_id))
    if (earlier := _entered_before(session, keyer, held.task_id, key)) is not None:
        return earlier
    task = _hold(session, keyer, held, now)
    act, outcome = (Act.SKIP, Outcome.SKIPPED) if referral is None else (Act.REFER, Outcome.REFERRED)
    entry = _entry(keyer, task, act, key, now)
    if referral is not None:
        entry.reason, entry.text = referral.reason, referral.note[:LONGEST_NOTE]
        task.queue, task.note = Queue.REFERRED, entry.text
        task.draft = None
    task.state, task.state_since, task.lease_until, task.holder = TaskState.OPEN, now, None, None
    task.version += 1
    return _write(session, keyer, task, entry, outcome, now)


def there_now(session: Session, keyer: Keyer, task: TaskRow) -> There:
    """What a person may see of a task that is not theirs any more."""
    is_mine = task.person_id == keyer.id
    by = _role_of_last(session, task)
    if task.state is not TaskState.DONE or not (is_replaceable(task)):
        return There(task.state, by, is_mine)
    field = session.scalars(select(FieldRow).where(_is_field_of(task))).one()
    return There(task.state, by, is_mine, field.status.value, field.value, field.text, task.version)


def is_replaceable(task: TaskRow) -> bool:
    """Whether one person's answer may be put in the place of another's, both being seen by either."""
    return task.mode is ReviewMode.CONFIRM and task.kind in (TaskKind.CONFIRM, TaskKind.KEY)


def _hold(session: Session, keyer: Keyer, held: Held, now: datetime) -> TaskRow:
    """The task, locked, if it is this keyer's as they saw it, or becomes theirs over what they saw.

    Raises Stale, or NotForThisTask if its piece was set aside.
    """
    query = (
        select(TaskRow).where(TaskRow.id == held.task_id).with_for_update().execution_options(populate_existing=True)
    )
    task = session.scalars(query).one()
    is_theirs = (task.person_id, task.fence, task.version) == (keyer.id, held.fence, held.version)
    if is_theirs and task.state in OPEN_TASKS:
        return task
    if held.over is None or task.state is not TaskState.DONE or task.version != held.over or not is_replaceable(task):
        raise Stale(there_now(session, keyer, task))
    try:
        settling.bring_back(session, task.document_id, now)
    except ForbiddenMove as error:
        raise NotForThisTask("The piece was set aside meanwhile: an operator must see to it first.") from error
    task.person_id, task.fence = keyer.id, task.fence + 1
    return task


def _take(
    session: Session, rules: Rules, keyer: Keyer, task: TaskRow, answer: Answer, entry: EntryRow, now: datetime
) -> Outcome:
    """What comes of an answer to a field; writes what follows from it. Raises Doubtful."""
    fields = settling.fields_of(session, task.document_id)
    field = fields[task.field]
    machine = machines(field)
    keyed = understand(rules, task.form_type, fields, task.field, answer)
    if _is_as_shown(task, field, machine, keyed):
        assert machine is not None  # noqa: S101  # something was shown
        keyed = machine
    elif keyed.doubts:
        # An Enter too many must not say that the form was left blank.
        may_be_meant = keyed.status is not FieldStatus.BLANK
        if not (answer.sure and may_be_meant):
            raise Doubtful(keyed.doubts, may_be_meant=may_be_meant)
    entry.status = None if keyed.status is None else keyed.status.value
    entry.value, entry.text = keyed.as_json()["value"], keyed.text
    verdict = judge(_asked(session, task, machine), keyed)
    if verdict.stands is not None:
        entry.before |= {"field": settling.settle(field, verdict.stands, keyer, now)}
    _follow(session, task, keyed, verdict, entry, now)
    return verdict.outcome


def _is_as_shown(task: TaskRow, field: FieldRow, machine: Keyed | None, keyed: Keyed) -> bool:
    """Whether a value that was shown, with what speaks against it, comes back unchanged."""
    if task.kind is not TaskKind.CONFIRM or machine is None:
        return False
    if machine.status is keyed.status is not None:
        return True
    return keyed.status is machine.status and (keyed.text == field.text or keyed.value == machine.value)


def _asked(session: Session, task: TaskRow, machine: Keyed | None) -> Asked:
    before = None if task.entry is None else keyed_from(task.entry)
    others = _others(session, task) if task.kind is TaskKind.DOUBLE_KEY else []
    return Asked(task.kind, task.mode, machine, before, others)


def _others(session: Session, task: TaskRow) -> list[Keyed]:
    """What others keyed for the same field and stands: the last entry of each task that is done."""
    query = (
        select(EntryRow)
        .join(TaskRow, TaskRow.id == EntryRow.task_id)
        .where(
            TaskRow.document_id == task.document_id,
            TaskRow.field == task.field,
            TaskRow.id != task.id,
            TaskRow.state == TaskState.DONE,
            EntryRow.action.in_(ANSWERS),
            ~_is_undone(),
        )
        .order_by(EntryRow.id)
    )
    latest = {entry.task_id: entry for entry in session.scalars(query)}
    return [keyed_of(entry) for entry in latest.values()]


def keyed_of(entry: EntryRow) -> Keyed:
    """What one entry says."""
    return keyed_from({"status": entry.status, "value": entry.value, "text": entry.text})


def _is_undone() -> Any:
    undoing = EntryRow.__table__.alias("undoing")
    return select(undoing.c.id).where(undoing.c.undoes == EntryRow.id).exists()


def _follow(session: Session, task: TaskRow, keyed: Keyed, verdict: Verdict, entry: EntryRow, now: datetime) -> None:
    """The task that follows where an entry does not settle the field."""
    if verdict.outcome is Outcome.AGAIN:
        task.entry = keyed.as_json()
    if verdict.outcome is Outcome.SECOND and task.mode is ReviewMode.BLIND:
        added = asking.add_follow_up(session, task, TaskKind.DOUBLE_KEY, Queue.READING, now)
        entry.before |= {"added": added.id}
    if verdict.outcome is Outcome.ADJUDICATION:
        added = asking.add_follow_up(session, task, TaskKind.ADJUDICATE, Queue.ADJUDICATION, now)
        entry.before |= {"added": added.id}


def _end(task: TaskRow, outcome: Outcome, now: datetime) -> None:
    """The task is done, unless its keyer is asked once more."""
    task.version += 1
    task.draft = None
    if outcome is Outcome.AGAIN:
        task.fence += 1  # a draft of the first time, still on its way, must not be there the second time
        return
    task.state, task.state_since, task.lease_until = TaskState.DONE, now, None
    task.settled_at = now if outcome is Outcome.SETTLED else None


def _entry(keyer: Keyer, task: TaskRow, act: Act, key: str, now: datetime) -> EntryRow:
    kept: Mapping[str, Any] = {"queue": task.queue.value, "note": task.note, "entry": task.entry}
    return EntryRow(
        key=key, task_id=task.id, person_id=keyer.id, person=keyer.name, role=keyer.role, at=now, action=act,
        fence=task.fence, text="", before={"task": kept},
    )  # fmt: skip


def _write(session: Session, keyer: Keyer, task: TaskRow, entry: EntryRow, outcome: Outcome, now: datetime) -> Entered:
    entry.outcome = outcome
    session.add(entry)
    session.flush()
    details: audit.Details = {
        "entry": entry.id, "document": task.document_id, "action": entry.action.value,
        "outcome": outcome.value, "reason": None if entry.reason is None else entry.reason.value,
    }  # fmt: skip
    audit.append(session, now, keyer.actor, "task answered", f"task:{task.id}", details)
    return Entered(outcome, task.id, task.fence, task.version)


def _entered_before(session: Session, keyer: Keyer, task_id: int, key: str) -> Entered | None:
    """The answer to an entry that was taken already. Raises NotForThisTask if the key was somebody else's."""
    earlier = session.scalars(select(EntryRow).where(EntryRow.key == key)).one_or_none()
    if earlier is None:
        return None
    _require((earlier.person_id, earlier.task_id) == (keyer.id, task_id))
    task = session.get_one(TaskRow, task_id)
    return Entered(earlier.outcome, task_id, task.fence, task.version)


def _document_of(session: Session, task_id: int) -> int:
    found = session.scalars(select(TaskRow.document_id).where(TaskRow.id == task_id)).one_or_none()
    if found is None:
        raise NotForThisTask("There is no such task.")
    return found


def _role_of_last(session: Session, task: TaskRow) -> str:
    query = select(EntryRow.role).where(EntryRow.task_id == task.id).order_by(EntryRow.id.desc()).limit(1)
    return session.scalars(query).one_or_none() or ""


def _is_field_of(task: TaskRow) -> Any:
    return (FieldRow.document_id == task.document_id) & (FieldRow.name == task.field)


def _require(is_so: bool) -> None:  # a guard
    if not is_so:
        raise NotForThisTask("This task asks for something else.")


__all__ = [
    "Answer", "Doubtful", "Entered", "NotForThisTask", "Referral", "Stale", "There", "enter", "keyed_of", "pass_on",
    "same", "there_now",
]  # fmt: skip
