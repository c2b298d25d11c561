"""Runs steps: claims one, keeps its lease alive, does it, and writes what follows from it in one transaction.

Whatever a worker dies of, the step table knows: a claim whose worker is gone comes back when its lease has passed, and
a worker that comes back too late is refused when it wants to write.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy.orm import Session

from intake import steps
from intake.database.engine import Database
from intake.event_log import Facts, place_of, tell, tell_error
from intake.heartbeat import Heartbeat
from intake.steps import Claim, Fenced
from schemas.errors import Cause, Interrupted, MailError, Unavailable, Unreadable
from schemas.extraction import Failure
from schemas.states import StepName, StepState

# What is nearest to the end comes first, so that mail does not pile up half done.
ORDER: Final = (StepName.PUBLISH, StepName.READ, StepName.UNPACK)
_LONGEST_PAUSE_SECONDS: Final = 5.0

Effects = Callable[[Session, datetime], None]
GoOn = Callable[[Session, datetime], Claim | None]


class OutOfTime(BaseException):
    """The worker was told to stop and its grace is over. No Exception: no handler on the way may keep it."""


class Body(Protocol):
    """What a step does. Slow work happens here, without a transaction; what it returns is written with the end of it.

    Raises Unreadable if trying again would give the same answer, Interrupted if it may give another.
    """

    def __call__(self, claim: Claim, /) -> Effects: ...


class Watcher(Protocol):
    """Whoever wants to know what happens to steps; told after the fact."""

    def __call__(self, what: str, claim: Claim, seconds: float) -> None: ...


def nobody(what: str, claim: Claim, seconds: float) -> None:
    """Nobody watches."""


def _no_further(session: Session, now: datetime) -> Claim | None:
    return None


@dataclass
class StepRunner:
    """One worker's hands. `worker` is its name, unique among all that live.

    lease:   how long a step belongs to it without a sign of life.
    watcher: is told "done", "quarantined", "failed", "released" or "fenced".
    """

    database: Database
    bodies: Mapping[StepName, Body]
    worker: str
    lease: timedelta = steps.LEASE
    order: Sequence[StepName] = ORDER
    watcher: Watcher = nobody
    is_stopping: bool = field(default=False, init=False)
    _may_hold_more: bool = field(default=False, init=False)
    _heart: Heartbeat = field(init=False)

    def __post_init__(self) -> None:
        self._heart = Heartbeat(self.database)

    def run(self, pause: Callable[[float], None] = time.sleep) -> None:
        """Do steps until `stop` is called. While there is none, or the database is away, wait a little longer each
        time."""
        idle = 0
        while not self.is_stopping:
            try:
                idle = 0 if self.run_until_idle() else idle + 1
            except Unavailable as error:
                if not idle:
                    tell_error("worker_waits", error, worker=self.worker)
                idle += 1
            except OutOfTime:
                return
            if idle and not self.is_stopping:
                pause(min(0.05 * 2 ** min(idle, 8), _LONGEST_PAUSE_SECONDS))

    def stop(self) -> None:
        """Take no further step. The one in hand is finished."""
        self.is_stopping = True

    def close(self) -> None:
        """End the thread that keeps leases alive."""
        self._heart.close()

    def run_until_idle(self) -> int:
        """Do steps until none is ready or `stop` is called; how many. Raises Unavailable without a database.

        The transaction that ends one step claims the next, so that a step costs one transaction and not two.
        """
        count = 0
        claim = self._claim_next()
        while claim is not None:
            following = self._do(claim, self._claim_within)
            count += 1
            claim = self._claim_next() if following is None and not self.is_stopping else following
        return count

    def run_next(self) -> bool:
        """Do the step that has waited longest; False if none is ready. Raises Unavailable without a database."""
        claim = self._claim_next()
        if claim is not None:
            self._do(claim)
        return claim is not None

    def run_step(self, step_id: int) -> bool:
        """Do this very step; False if it is not ready, and nothing is to be done."""
        with self.database.write() as session:
            claim = steps.claim_one(session, step_id, self.worker, self.database.now(session), self.lease)
        if claim is not None:
            self._do(claim)
        return claim is not None

    def _claim_next(self) -> Claim | None:
        with self.database.write() as session:
            now = self.database.now(session)
            if self._may_hold_more:
                steps.release_all_of(session, self.worker, now)
            claim = steps.claim(session, self.order, self.worker, now, self.lease)
        self._may_hold_more = False
        return claim

    def _claim_within(self, session: Session, now: datetime) -> Claim | None:
        return None if self.is_stopping else steps.claim(session, self.order, self.worker, now, self.lease)

    def _do(self, claim: Claim, go_on: GoOn = _no_further) -> Claim | None:
        """Do one step. Returns what `go_on` claimed in the transaction that ended it, None if it ended otherwise."""
        started = time.monotonic()
        following = None
        try:
            what, following = self._attempt(claim, go_on)
        except Fenced:
            what = "fenced"
        except OutOfTime:
            self._release(claim)
            self.watcher("released", claim, time.monotonic() - started)
            raise
        self.watcher(what, claim, time.monotonic() - started)
        return following

    def _attempt(self, claim: Claim, go_on: GoOn) -> tuple[str, Claim | None]:
        try:
            with self._heart.beating_for(claim, self.lease):
                effects = self.bodies[claim.name](claim)
            return "done", self._finish(claim, effects, go_on)
        except Fenced:
            raise
        except Unavailable:
            self._release(claim)  # the machine lacks something: the mail is not to blame
            raise
        except Interrupted as error:
            return self._fail(claim, _reason(error)), None
        except Unreadable as error:
            facts: Facts = {"step_id": claim.step_id, "cause": error.cause.value, "page": error.page}
            tell("step_refused", logging.WARNING, **facts)
            with self.database.write() as session:
                steps.quarantine(session, claim, _reason(error), self.database.now(session))
            return "quarantined", None
        except Exception as error:  # noqa: BLE001  # whatever it is, the step must not be lost; it is tried again
            tell_error("step_accident", error, step_id=claim.step_id, attempt=claim.attempt)
            return self._fail(claim, _accident(error)), None

    def _fail(self, claim: Claim, failure: Failure) -> str:
        with self.database.write() as session:
            state = steps.fail(session, claim, failure, self.database.now(session))
        return "quarantined" if state is StepState.QUARANTINED else "failed"

    def _finish(self, claim: Claim, effects: Effects, go_on: GoOn) -> Claim | None:
        # If this raises, it may have been committed all the same, with the claim of the next step.
        self._may_hold_more = True
        with self.database.write() as session:
            now = self.database.now(session)
            steps.finish(session, claim, now)
            effects(session, now)
            following = go_on(session, now)
        self._may_hold_more = False
        return following

    def _release(self, claim: Claim) -> None:
        try:
            with self.database.write() as session:
                steps.release(session, claim, self.database.now(session))
        except MailError:
            return  # overtaken, or no database: the sweep sees to it


def _reason(error: Unreadable) -> Failure:
    return Failure(error.cause, error.problem, error.remedy, error.page)


def _accident(error: Exception) -> Failure:
    """A failure of ours. The message of the error may hold what people wrote; its kind and place do not."""
    where = place_of(error.__traceback__)
    return Failure(
        Cause.FAILED,
        f"A step stopped by an error in this program: {type(error).__name__}{where and f' in {where}'}.",
        "Retry it; if it fails again, key this piece by hand and report the error.",
    )
