"""The step table is the queue, and the truth: a step is claimed, renewed and ended here, by conditional updates.

    ready -> running -> done
      ^         |-> waiting (failed, not yet three times) -> ready
      |         |-> ready (released, or the lease passed)
      |         '-> quarantined (failed three times) -> ready (an operator's retry)
      '-- and any of them but done -> cancelled

Functions that take a session work in the caller's transaction; what they write counts when the caller commits. The
time is given by the caller and should be `Database.now()`: one clock for every host. Ready means ready: claiming
compares no times, so a clock that jumps cannot hold back work; what lies too far ahead for any lease or wait is mended
by the sweep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Insert, Update, bindparam, exists, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from intake import audit, whereabouts
from intake.database.tables import Base, StepRow
from intake.events import announcing
from schemas.errors import MailError
from schemas.extraction import Failure
from schemas.states import MailState, StepName, StepState

ATTEMPTS: Final = 3  # claims that may fail; the next failure would only cost time
LEASE: Final = timedelta(seconds=60)  # long enough for a heartbeat to be late, short enough to get work back soon
# Waited after the first and the second failure, before the spread below.
_WAITS: Final = (timedelta(seconds=10), timedelta(seconds=60))
_GOLDEN_RATIO: Final = 0.6180339887498949
LONGEST_WAIT: Final = _WAITS[-1] * 1.5

_QUIET: Final[dict[str, Any]] = {"synchronize_session": False}


class _Changed(NamedTuple):
    """What every change of a step returns of it."""

    id: int
    name: StepName
    file_id: int | None
    piece_id: int | None
    round: int
    attempts: int
    fence: int


_TABLE: Final = Base.metadata.tables["steps"]
_STEPS: Final = _TABLE.c
_CHANGED: Final = tuple(_STEPS[name] for name in _Changed._fields)


def in_state(state: StepState) -> ColumnElement[bool]:
    """Written into the statement, not handed over beside it: only so can the index of that state always be used."""
    return _STEPS.state == literal(state, _STEPS.state.type, literal_execute=True)


class Fenced(MailError):
    """The claim was overtaken: the lease passed and the step went to somebody else, or it was cancelled.

    Nothing may take effect: the caller's transaction is rolled back, the work thrown away.
    """


class NotInQuarantine(MailError):
    """Only a step in quarantine can be retried."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a step is about: a file for `unpack`, a piece for all others; the other id is None."""

    file_id: int | None = None
    piece_id: int | None = None

    def __post_init__(self) -> None:
        if (self.file_id is None) == (self.piece_id is None):
            raise ValueError("a step is about one file or one piece")

    def __str__(self) -> str:
        return f"piece:{self.piece_id}" if self.file_id is None else f"file:{self.file_id}"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one step until `lease_until`. `fence` tells this claim from every other of the same step.

    attempt: 1 for the first. It was counted before the work, so that work which kills its worker is counted too.
    """

    step_id: int
    name: StepName
    subject: Subject
    round: int
    attempt: int
    fence: int
    worker: str
    lease_until: datetime


def add(
    session: Session,
    name: StepName,
    subject: Subject,
    now: datetime,
    *,
    round: int = 1,
    not_before: datetime | None = None,
) -> bool:
    """Add a step, ready to be claimed once the caller commits; False if it is there already, whatever its state.

    not_before: it waits until then, and no longer than any step may: the sweep lets it go.
    """
    waits = not_before is not None and not_before > now
    step = {
        "name": name,
        "file_id": subject.file_id,
        "piece_id": subject.piece_id,
        "round": round,
        "state": StepState.WAITING if waits else StepState.READY,
        "state_since": now,
        "not_before": not_before if waits else None,
        "created_at": now,
        "attempts": 0,
        "fence": 0,
    }
    return session.execute(_adding(session.get_bind().dialect.name), step).one_or_none() is not None


def claim(
    session: Session, names: Sequence[StepName], worker: str, now: datetime, lease: timedelta = LEASE
) -> Claim | None:
    """Take the step that has been ready for longest, of the first of `names` that has one; None if none has.

    One conditional update: each name is one look into the index of ready steps, however many there are. On PostgreSQL
    a row that another worker is just taking is passed over, not waited for.
    """
    return _take(session, _claiming(tuple(names)), {}, worker, now, lease) if names else None


def claim_one(session: Session, step_id: int, worker: str, now: datetime, lease: timedelta = LEASE) -> Claim | None:
    """Take this very step, as a nudge from the broker asks; None if it is not ready: nothing is to be done then."""
    return _take(session, _CLAIMING_ONE, {"step": step_id}, worker, now, lease)


def renew(session: Session, claim: Claim, now: datetime, lease: timedelta = LEASE) -> datetime:
    """The heartbeat: hold the step for another lease, and return until when. Raises Fenced."""
    until = now + lease
    _still_mine(session, claim, {"lease_until": until})
    return until


def finish(session: Session, claim: Claim, now: datetime) -> None:
    """The step is done. Raises Fenced. Call it first in the transaction that writes the effects and the next step.

    The row stays locked until the caller commits, so nobody can take the step between this check and the effects.
    """
    _still_mine(session, claim, {"state": StepState.DONE, "state_since": now, "lease_until": None, **_reason(None)})


def release(session: Session, claim: Claim, now: datetime) -> None:
    """Give the step back undone, without charging the attempt: the worker was told to stop. Raises Fenced."""
    given_back = {"attempts": claim.attempt - 1, "state": StepState.READY, "state_since": now, "lease_until": None}
    _still_mine(session, claim, given_back)


def release_all_of(session: Session, worker: str, now: datetime) -> int:
    """Give back, uncharged, every step that this worker holds; how many. Only for itself, with no step in hand.

    So it comes to hold one that it does not know of: the transaction that claimed it was committed, and the answer
    that it was got lost.
    """
    given_back = update(StepRow).where(in_state(StepState.RUNNING), StepRow.worker == worker)
    given_back = given_back.values(
        attempts=StepRow.attempts - 1, state=StepState.READY, state_since=now, lease_until=None
    )
    return len(session.execute(given_back.returning(StepRow.id).execution_options(**_QUIET)).all())


def fail(session: Session, claim: Claim, failure: Failure, now: datetime) -> StepState:
    """The attempt failed and another may help: wait, or after the third go to quarantine. Raises Fenced.

    Returns which of the two. The reason stands on the step meanwhile.
    """
    if claim.attempt >= ATTEMPTS:
        quarantine(session, claim, failure, now)
        return StepState.QUARANTINED
    waits = {"state": StepState.WAITING, "state_since": now, "lease_until": None, "not_before": now + wait_after(claim)}
    _still_mine(session, claim, waits | _reason(failure))
    return StepState.WAITING


def quarantine(session: Session, claim: Claim, failure: Failure, now: datetime) -> None:
    """Give the step up, with its file or piece, at once: trying again would give the same answer. Raises Fenced."""
    _still_mine(session, claim, _given_up(failure, now))
    _quarantine_subject(session, claim.step_id, claim.subject, failure, claim.worker, now)


def retry(session: Session, step_id: int, operator: str, now: datetime) -> None:
    """Take a step and its file or piece out of quarantine, with all attempts. Raises NotInQuarantine."""
    again = {"state": StepState.READY, "state_since": now, "attempts": 0}
    found = _update_one(session, [StepRow.id == step_id, in_state(StepState.QUARANTINED)], again)
    if found is None:
        raise NotInQuarantine(f"Step {step_id} is not in quarantine.")
    subject = Subject(found.file_id, found.piece_id)
    _move(session, subject, MailState.IN_WORK, None, now)
    audit.append(session, now, operator, "step retried", str(subject), {"step": step_id, "name": found.name.value})


def cancel_quarantined(session: Session, step_id: int, now: datetime) -> int:
    """End a step that is in quarantine, which locks it until the caller commits; 1. Raises NotInQuarantine."""
    ended = {"state": StepState.CANCELLED, "state_since": now, "lease_until": None, "not_before": None}
    if _update_one(session, [StepRow.id == step_id, in_state(StepState.QUARANTINED)], ended) is None:
        raise NotInQuarantine(f"Step {step_id} is not in quarantine.")
    return 1


def cancel(session: Session, subject: Subject, now: datetime) -> int:
    """End every step of a file or piece that is not done, running ones too; how many. Their workers are fenced off.

    For what is being rejected: moving the file or piece itself is the caller's business.
    """
    ended = (
        update(StepRow)
        .where(_is_open_of(subject))
        .values(state=StepState.CANCELLED, state_since=now, lease_until=None, not_before=None)
        .returning(StepRow.id)
        .execution_options(**_QUIET)
    )
    return len(session.scalars(ended).all())


def has_open(session: Session, subject: Subject) -> bool:
    """Whether a file or piece has a step that `cancel` would end."""
    return session.scalars(select(exists().where(_is_open_of(subject)))).one()


def _is_open_of(subject: Subject) -> ColumnElement[bool]:
    about = StepRow.file_id == subject.file_id if subject.piece_id is None else StepRow.piece_id == subject.piece_id
    return about & StepRow.state.not_in((StepState.DONE, StepState.CANCELLED))


def wait_after(claim: Claim) -> timedelta:
    """How long a failed attempt waits: longer each time, and spread by half either way so that no herd comes back.

    Multiples of the golden ratio spread the numbers of steps evenly over the interval, with nothing random to replay.
    """
    wait = _WAITS[min(claim.attempt, len(_WAITS)) - 1]
    return wait * (0.5 + claim.step_id * _GOLDEN_RATIO % 1.0)


def give_up(session: Session, step_id: int, still: ColumnElement[bool], failure: Failure, now: datetime) -> bool:
    """Quarantine a step that nobody holds any more, with its file or piece; False if `still` is not so any more."""
    found = _update_one(session, [StepRow.id == step_id, still], _given_up(failure, now))
    if found is None:
        return False
    _quarantine_subject(session, step_id, Subject(found.file_id, found.piece_id), failure, "sweep", now)
    return True


def _quarantine_subject(
    session: Session, step_id: int, subject: Subject, failure: Failure, actor: str, now: datetime
) -> None:
    _move(session, subject, MailState.QUARANTINED, failure, now)
    announcing.quarantined(session, subject.file_id, subject.piece_id, failure.cause, failure.page, now)
    details = {"step": step_id, "cause": failure.cause.value, "page": failure.page}
    audit.append(session, now, actor, "quarantined", str(subject), details)


def _given_up(failure: Failure, now: datetime) -> dict[str, Any]:
    return {"state": StepState.QUARANTINED, "state_since": now, "lease_until": None, **_reason(failure)}


def _reason(failure: Failure | None) -> dict[str, Any]:
    """The columns that say why an attempt failed; all None if none has."""
    if failure is None:
        return {"cause": None, "problem": None, "remedy": None, "page": None}
    return {"cause": failure.cause, "problem": failure.problem, "remedy": failure.remedy, "page": failure.page}


def _move(session: Session, subject: Subject, to: MailState, failure: Failure | None, now: datetime) -> None:
    if subject.file_id is not None:
        whereabouts.move_file(session, subject.file_id, to, now, failure)
    if subject.piece_id is not None:
        whereabouts.move_piece(session, subject.piece_id, to, now, failure)


def _take(
    session: Session, claiming: Update, which: dict[str, int], worker: str, now: datetime, lease: timedelta
) -> Claim | None:
    """Claim with one of the statements below."""
    until = now + lease
    row = session.execute(claiming, {**which, "now": now, "by": worker, "until": until}).one_or_none()
    if row is None:
        return None
    taken = _Changed(*row)
    subject = Subject(taken.file_id, taken.piece_id)
    return Claim(taken.id, taken.name, subject, taken.round, taken.attempts, taken.fence, worker, until)


def _still_mine(session: Session, claim: Claim, values: dict[str, Any]) -> None:
    """Change the step if this claim still holds it, else raise Fenced."""
    new = {f"new_{column}": value for column, value in values.items()}
    held = {"held_step": claim.step_id, "held_fence": claim.fence}
    if session.execute(_changing_held(tuple(values)), new | held).one_or_none() is None:
        raise Fenced(f"Claim {claim.fence} of step {claim.step_id} was overtaken.")


def _update_one(session: Session, where: Sequence[ColumnElement[bool]], values: dict[str, Any]) -> _Changed | None:
    """Change the one step of that condition, and return it as it is now; None if there is none."""
    changed = update(StepRow).where(*where).values(values).returning(*_CHANGED)
    row = session.execute(changed.execution_options(**_QUIET)).one_or_none()
    return None if row is None else _Changed(*row)


# The statements that every step goes through are made once: making one costs more than running it.


@cache
def _adding(dialect: str) -> Insert:
    adding: Insert
    if dialect == "postgresql":
        adding = postgresql.insert(_TABLE).on_conflict_do_nothing().returning(_STEPS.id)
    else:
        adding = sqlite.insert(_TABLE).on_conflict_do_nothing().returning(_STEPS.id)
    return adding


def _taking(which: ColumnElement[bool]) -> Update:
    return (
        update(_TABLE)
        .where(which, in_state(StepState.READY))
        .values(
            state=StepState.RUNNING,
            state_since=bindparam("now"),
            attempts=_STEPS.attempts + 1,
            fence=_STEPS.fence + 1,
            worker=bindparam("by"),
            lease_until=bindparam("until"),
        )
        .returning(*_CHANGED)
    )


_CLAIMING_ONE: Final = _taking(_STEPS.id == bindparam("step"))


@cache
def _claiming(names: tuple[StepName, ...]) -> Update:
    oldest = [
        select(_STEPS.id)
        .where(in_state(StepState.READY), _STEPS.name == name)
        .order_by(_STEPS.state_since, _STEPS.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
        for name in names
    ]
    # Evaluated from the left, and no further than the first that finds a step.
    return _taking(_STEPS.id == (func.coalesce(*oldest) if len(oldest) > 1 else oldest[0]))


@cache
def _changing_held(columns: tuple[str, ...]) -> Update:
    held = (_STEPS.id == bindparam("held_step"), _STEPS.fence == bindparam("held_fence"))
    new: dict[str, BindParameter[Any]] = {column: bindparam(f"new_{column}") for column in columns}
    return update(_TABLE).where(*held, in_state(StepState.RUNNING)).values(new).returning(_STEPS.id)
