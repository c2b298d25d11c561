"""Tasks are claimed here: a lease with a fence, taken by one conditional update, kept alive by the keyer's screen.

    open -> claimed -> done
     ^         |-> open (released, skipped, referred)
     |         '-> claimed by somebody else (the lease has passed: no sweep is needed for that)
     '-- done (taken back)

Who may have a task stands in the claim's own condition, not in the page: nobody gets two tasks of one field, nor so
soon again what they passed over. Functions work in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from intake import audit
from intake.database.tables import Base, TaskRow
from schemas.review import Act, Queue
from schemas.states import OPEN_TASKS, TaskState

AT_MOST: Final = 10  # tasks one screen may hold at once
# For so long nobody gets again what they skipped or handed on.
_PASSED_OVER: Final = timedelta(hours=1)

_TASKS: Final = Base.metadata.tables["tasks"]
_ENTRIES: Final = Base.metadata.tables["entries"]
_STATE: Final = _TASKS.c.state.type
_IS_ON_A_SCREEN: Final = _TASKS.c.holder.is_not(None)
_TAKEN: Final = (TaskState.CLAIMED, TaskState.DONE)


@dataclass(frozen=True, slots=True)
class Keyer:
    """Who works: the id of the person, the name for the audit, the role for the record; on which of their screens."""

    id: int
    name: str
    role: str
    screen: str = ""

    @property
    def actor(self) -> str:
        """How they stand in the audit: by number, never by name."""
        return f"person:{self.id}"


@dataclass(frozen=True, slots=True)
class Wish:
    """Where the next tasks shall come from. Without `field` from any; `document`: from this one first."""

    queue: Queue
    field: str | None = None
    form_type: str | None = None
    document: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A task in a keyer's hands, as their screen knows it.

    over: the version of what they saw in the place of their own, and want to replace; None for nothing.
    """

    task_id: int
    fence: int
    version: int
    over: int | None = None


@dataclass(frozen=True, slots=True)
class OnScreen:
    """The tasks a screen has, by key: those to do, and those answered whose answers may arrive after its next claim."""

    have: Sequence[int] = ()
    sent: Sequence[int] = ()


NOTHING: Final = OnScreen()


def claim(
    session: Session,
    keyer: Keyer,
    wish: Wish,
    count: int,
    now: datetime,
    lease: timedelta,
    there: OnScreen = NOTHING,
) -> list[int]:
    """Take up to `count` tasks, the oldest first; their keys, in the order to do them in.

    What the screen held before it was loaded anew comes first, unless the screen still has it.
    """
    count = min(count, AT_MOST - len(there.have))
    if count <= 0:
        return []
    again = _held_before(session, keyer, wish, [*there.have, *there.sent], now + lease)
    taken = again[:count]
    values: dict[str, Any] = {
        "me": keyer.id, "screen": keyer.screen, "now": now, "until": now + lease, "since": now - _PASSED_OVER,
        "of_queue": wish.queue, "of_field": wish.field, "of_form": wish.form_type, "of_document": wish.document,
    }  # fmt: skip
    if wish.document is not None and len(taken) < count:
        taken += _take(session, _claiming(_by(wish) | {"document"}), values | {"most": count - len(taken)})
    if len(taken) < count:
        taken += _take(session, _claiming(_by(wish)), values | {"most": count - len(taken)})
    for task in taken:
        if task not in again:
            audit.append(session, now, keyer.actor, "task claimed", f"task:{task}")
    return taken


def renew(session: Session, keyer: Keyer, fences: Mapping[int, int], now: datetime, lease: timedelta) -> list[int]:
    """The heartbeat of a screen: hold these tasks (key to fence) for another lease. Those it has lost.

    A lease that has passed is renewed as well, as long as nobody else has taken the task. What the screen gave up is
    not: a sign of life may be overtaken by that on the way.
    """
    kept: set[int] = set()
    for task, fence in sorted(fences.items()):
        renewed = (
            update(_TASKS)
            .where(*_still(task, keyer, fence), _IS_ON_A_SCREEN)
            .values(state=TaskState.CLAIMED, lease_until=now + lease)
            .returning(_TASKS.c.id)
        )
        kept.update(session.scalars(renewed))
    return sorted(set(fences) - kept)


def release(session: Session, keyer: Keyer, fences: Mapping[int, int], now: datetime) -> int:
    """Give tasks back unanswered: the screen is closed, or another queue chosen; how many. A draft stays with them."""
    count = 0
    for task, fence in sorted(fences.items()):
        given = (
            update(_TASKS)
            .where(*_still(task, keyer, fence), _TASKS.c.state == TaskState.CLAIMED)
            .values(state=TaskState.OPEN, state_since=now, lease_until=None, holder=None)
            .returning(_TASKS.c.id)
        )
        count += len(session.scalars(given).all())
    return count


def save_draft(
    session: Session, keyer: Keyer, task: int, fence: int, draft: Mapping[str, Any], lease: datetime
) -> bool:
    """Keep what was keyed so far, for this keyer alone; False if the task is theirs no more, or they gave it up."""
    saved = (
        update(_TASKS)
        .where(*_still(task, keyer, fence), _IS_ON_A_SCREEN)
        .values(draft=dict(draft), state=TaskState.CLAIMED, lease_until=lease)
        .returning(_TASKS.c.id)
    )
    return session.execute(saved).one_or_none() is not None


def is_free(table: FromClause, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a task can be claimed: open, or claimed by a screen that gave no sign of life for too long."""
    return and_(is_open(table), _is_nobodys(table, now))


def _is_nobodys(table: FromClause, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """The same for a few tasks at hand: the index of open tasks is of no use there, and must not be taken for any."""
    lapsed = and_(table.c.state == TaskState.CLAIMED, table.c.lease_until < now)
    return or_(table.c.state == TaskState.OPEN, lapsed)


def is_open(table: FromClause) -> ColumnElement[bool]:
    """Written into the statement, not handed over beside it: only so can the index of open tasks be used."""
    return table.c.state.in_([literal(state, _STATE, literal_execute=True) for state in OPEN_TASKS])


def _still(task: int, keyer: Keyer, fence: int) -> tuple[ColumnElement[bool], ...]:
    """The task is this keyer's by this claim: nobody else took it since, and it is not done."""
    c = _TASKS.c
    return (c.id == task, c.person_id == keyer.id, c.fence == fence, c.state.in_(OPEN_TASKS))


def _held_before(session: Session, keyer: Keyer, wish: Wish, have: Sequence[int], until: datetime) -> list[int]:
    """What this very screen holds, as the database knows: it was loaded anew, or its answer was lost on the way."""
    narrow = [TaskRow.field == wish.field, TaskRow.form_type == wish.form_type] if wish.field is not None else []
    on_this_screen = (
        TaskRow.person_id == keyer.id,
        TaskRow.state == literal(TaskState.CLAIMED, _STATE, literal_execute=True),
        TaskRow.holder == keyer.screen,
    )
    query = (
        select(TaskRow.id)
        .where(*on_this_screen, TaskRow.queue == wish.queue, TaskRow.id.not_in(have), *narrow)
        .order_by(TaskRow.rank, TaskRow.due_at, TaskRow.id)
    )
    found = session.scalars(query).all()
    if not found:
        return []
    # Asked again: the answer to one of them may just arrive, or somebody else take it whose turn it is.
    renewed = update(_TASKS).where(_TASKS.c.id.in_(found), *on_this_screen).values(lease_until=until)
    kept = set(session.scalars(renewed.returning(_TASKS.c.id)))
    return [task for task in found if task in kept]


def _take(session: Session, claiming: Update, values: dict[str, Any]) -> list[int]:
    """Claim with one of the statements below; the keys in order."""
    if session.get_bind().dialect.name == "sqlite":
        rows = session.execute(claiming, values).all()
    else:
        try:
            with session.begin_nested():
                rows = session.execute(claiming, values).all()
        except IntegrityError:  # two screens of one person, at the same moment, for the same field: neither
            return []
    return [id for _, _, id in sorted((row.rank, row.due_at, row.id) for row in rows)]


def _by(wish: Wish) -> frozenset[str]:
    return frozenset() if wish.field is None else frozenset({"field", "form"})


# Made once for each way to choose: making a statement costs more than running it.


@cache
def _claiming(by: frozenset[str]) -> Update:
    """Claim the first `most` tasks that `me` may have."""
    task = _TASKS.alias("task")
    narrow: list[ColumnElement[bool]] = [task.c.queue == bindparam("of_queue")]
    if "field" in by:
        narrow += [task.c.field == bindparam("of_field"), task.c.form_type == bindparam("of_form")]
    if "document" in by:
        narrow += [task.c.document_id == bindparam("of_document")]
    chosen = (
        select(task.c.id)
        .where(is_free(task, bindparam("now")), *narrow, *_may_be_mine(task))
        .order_by(task.c.rank, task.c.due_at, task.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True, of=task)
        .cte("chosen")
    )
    own = _TASKS.c.person_id == bindparam("me")
    return (
        update(_TASKS)
        .where(_TASKS.c.id.in_(select(chosen.c.id)))
        .values(
            state=TaskState.CLAIMED,
            state_since=bindparam("now"),
            lease_until=bindparam("until"),
            # What somebody else began is neither shown to the next nor taken for theirs.
            draft=case((own, _TASKS.c.draft), else_=null()),
            entry=case((own, _TASKS.c.entry), else_=null()),
            person_id=bindparam("me"),
            holder=bindparam("screen"),
            fence=_TASKS.c.fence + 1,
            version=_TASKS.c.version + 1,
        )
        .returning(_TASKS.c.id, _TASKS.c.rank, _TASKS.c.due_at)
    )


def _may_be_mine(task: FromClause) -> tuple[ColumnElement[bool], ...]:
    other, passed = _TASKS.alias("other"), _ENTRIES.alias("passed")
    same_field = and_(other.c.document_id == task.c.document_id, other.c.field == task.c.field, other.c.id != task.c.id)
    had_one = exists().where(same_field, other.c.person_id == bindparam("me"), other.c.state.in_(_TAKEN))
    # Of two tasks of one field only the first is to be had, so that one claim of several cannot take both.
    has_elder = exists().where(
        same_field, other.c.id < task.c.id, other.c.queue == task.c.queue, _is_nobodys(other, bindparam("now"))
    )
    passed_over = exists().where(
        passed.c.task_id == task.c.id,
        passed.c.person_id == bindparam("me"),
        passed.c.action.in_((Act.SKIP, Act.REFER)),
        passed.c.at > bindparam("since"),
    )
    return ~had_one, ~has_elder, ~passed_over


def held_by(session: Session, keyer: Keyer, now: datetime) -> int:
    """How many tasks the keyer holds, on all screens."""
    query = select(func.count()).where(
        TaskRow.person_id == keyer.id,
        TaskRow.state == literal(TaskState.CLAIMED, _STATE, literal_execute=True),
        TaskRow.lease_until >= now,
    )
    return session.scalars(query).one()
