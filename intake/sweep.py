"""The sweep brings back what nobody works on any more. Every dispatcher runs it on a timer; it is no step itself.

It may run twice, or in several processes at once: each change is a conditional update of the state that it found.
"""

import logging
import threading
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlalchemy.orm import Session

from intake import steps, tallies
from intake.database.engine import Database
from intake.database.tables import StepRow, TaskRow
from intake.event_log import tell, tell_error
from schemas.errors import Cause, MailError
from schemas.extraction import Failure
from schemas.states import StepState, TaskState

_A_LAPSED_TASK: Final = (
    select(TaskRow.id).where(TaskRow.state == TaskState.CLAIMED, TaskRow.lease_until < bindparam("now")).limit(1)
)
_STEPS_AT_ONCE: Final = 200  # changed in one short transaction
_WORKER_LOST: Final = Failure(
    Cause.CRASHED,
    f"The worker stopped without an answer {steps.ATTEMPTS} times.",
    "Look at the file: it may be harmful or damaged. Retry it if the machine was at fault.",
)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many steps were brought back.

    returned:    their lease had passed, and they may be tried again.
    quarantined: their lease had passed for the third time.
    woken:       they had waited long enough after a failure.
    tasks:       tasks of people whose screens gave no more sign of life.
    mended:      their lease, wait or place in the queue lay too far ahead: the clock was put back.
    """

    returned: int
    quarantined: int
    woken: int
    mended: int
    tasks: int = 0


def sweep(database: Database, now: datetime, lease: timedelta = steps.LEASE) -> Swept:
    """Bring back every step whose lease or wait is over at `now`."""
    # Mended first: what follows compares with these moments.
    mended = _mend(database, now, lease)
    expired = steps.in_state(StepState.RUNNING) & (StepRow.lease_until < now)
    ready = _ready_again(now)
    return Swept(
        quarantined=_give_up(database, expired & (StepRow.attempts >= steps.ATTEMPTS), now),
        returned=_change(database, expired & (StepRow.attempts < steps.ATTEMPTS), ready),
        woken=_change(database, steps.in_state(StepState.WAITING) & (StepRow.not_before <= now), ready),
        mended=mended,
        tasks=_return_tasks(database, now),
    )


def _return_tasks(database: Database, now: datetime) -> int:
    """Open every task again whose lease has passed; how many. Anybody could claim them anyway: this counts them.

    Who held it can still send an entry, as long as nobody else has claimed it.
    """
    lapsed = (
        update(TaskRow)
        .where(TaskRow.state == TaskState.CLAIMED, TaskRow.lease_until < now)
        .values(state=TaskState.OPEN, state_since=now, lease_until=None)
        .returning(TaskRow.id)
        .execution_options(synchronize_session=False)
    )
    with database.read() as session:
        if session.execute(_A_LAPSED_TASK, {"now": now}).first() is None:
            return 0
    with database.write() as session:
        return len(session.scalars(lapsed).all())


def bring_back(database: Database, worker: str, now: datetime) -> int:
    """Bring back at once what a worker held that is known to have ended; how many steps.

    Only for whoever saw it end. Its attempts stay charged. Should a transaction of the worker still be on its way,
    then either it is committed first and the step is done, or it finds the step taken away and writes nothing.
    """
    held = steps.in_state(StepState.RUNNING) & (StepRow.worker == worker)
    given_up = _give_up(database, held & (StepRow.attempts >= steps.ATTEMPTS), now)
    return given_up + _change(database, held & (StepRow.attempts < steps.ATTEMPTS), _ready_again(now))


def bring_back_if_possible(database: Database, worker: str) -> int:
    """As `bring_back`, now; where the database is away the sweep sees to it when the lease has passed."""
    try:
        lost = bring_back(database, worker, database.now())
        if lost:
            with database.write() as session:
                tallies.add(session, {tallies.LEASES_LOST: lost})
    except MailError:
        return 0
    return lost


def _ready_again(now: datetime) -> dict[str, Any]:
    return {"state": StepState.READY, "state_since": now, "lease_until": None, "not_before": None}


def _mend(database: Database, now: datetime, lease: timedelta) -> int:
    """Bring moments that lie too far ahead back to what they would have been by the clock as it is now."""
    wait = now + steps.LONGEST_WAIT
    # Further ahead than any lease reaches, it was set by a clock that has been put back since.
    leases = steps.in_state(StepState.RUNNING) & (StepRow.lease_until > now + lease * 2)
    waits = steps.in_state(StepState.WAITING) & (StepRow.not_before > wait)
    # What seems to be ready since tomorrow would otherwise stand behind everything that arrives until then.
    places = steps.in_state(StepState.READY) & (StepRow.state_since > now + timedelta(seconds=1))
    return (
        # A whole lease from now on: the worker may live, and will renew it.
        _change(database, leases, {"lease_until": now + lease})
        + _change(database, waits, {"not_before": now})
        + _change(database, places, {"state_since": now})
    )


def _change(database: Database, which: ColumnElement[bool], values: dict[str, Any]) -> int:
    """Change all steps of that condition, a page of keys at a time; how many were changed."""
    total, last = 0, 0
    while True:
        with database.write() as session:
            page = _page(session, which, last)
            if not page:
                return total
            changed = (
                update(StepRow)
                .where(StepRow.id.in_(page), which)
                .values(values)
                .returning(StepRow.id)
                .execution_options(synchronize_session=False)
            )
            total += len(session.scalars(changed).all())
        last = page[-1]


def _give_up(database: Database, which: ColumnElement[bool], now: datetime) -> int:
    """Quarantine all steps of that condition, each with its file or piece in a transaction of its own."""
    total, last = 0, 0
    while True:
        with database.write() as session:
            page = _page(session, which, last, most=1)
            if not page:
                return total
            total += steps.give_up(session, page[0], which, _WORKER_LOST, now)
        last = page[0]


def _page(session: Session, which: ColumnElement[bool], after: int, most: int = _STEPS_AT_ONCE) -> list[int]:
    """The next steps of that condition by key, without those another sweep is just changing."""
    query = (
        select(StepRow.id)
        .where(which, StepRow.id > after)
        .order_by(StepRow.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(query).all())


def _tell(database: Database, done: Swept) -> None:
    """A line if anything was brought back but what had only waited; attempts of dead workers are counted."""
    if done.returned or done.quarantined or done.mended or done.tasks:
        tell("swept", logging.WARNING, **asdict(done))
    if lost := done.returned + done.quarantined:
        with database.write() as session:
            tallies.add(session, {tallies.LEASES_LOST: lost})


def keep_sweeping(
    database: Database, every_seconds: float, stop: threading.Event, lease: timedelta = steps.LEASE
) -> None:
    """Bring back steps of dead workers every so often until `stop` is set; a database that is away is asked again.

    lease: as the workers take it.
    """
    while not stop.is_set():
        # A failure is no end: the next round asks again, and health tells of it meanwhile.
        try:
            _tell(database, sweep(database, database.now(), lease))
        except MailError as error:
            tell_error("sweep_waits", error)
        stop.wait(every_seconds)
