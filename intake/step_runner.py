"""Runs steps: claims one, keeps its lease alive, does it, and writes what follows from it in one transaction.

Whatever a worker dies of, the step table knows: a claim whose worker is gone comes back when its lease has passed, and
a worker that comes back too late is refused when it wants to write.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy.orm import Session

from intake import steps
from intake.database.engine import Database
from intake.event_log import Facts, tell, tell_error
from intake.steps import Claim, Fenced
from schemas.errors import Cause, MailError, Unavailable, Unreadable
from schemas.extraction import Failure
from schemas.states import StepName

# What is nearest to the end comes first, so that mail does not pile up half done.
ORDER: Final = (StepName.PUBLISH, StepName.READ, StepName.UNPACK)
# Of a lease; two heartbeats may be lost before the step is given to somebody else.
_BEATS_PER_LEASE: Final = 3
_LONGEST_PAUSE_SECONDS: Final = 5.0

Effects = Callable[[Session, datetime], None]


class OutOfTime(BaseException):
    """The worker was told to stop and its grace is over. No Exception: no handler on the way may keep it."""


class Body(Protocol):
    """What a step does. Slow work happens here, without a transaction; what it returns is written with the end of it.

    Raises Unreadable if trying again would give the same answer.
    """

    def __call__(self, claim: Claim, /) -> Effects: ...


class Watcher(Protocol):
    """Whoever wants to know what happens to steps; told after the fact."""

    def __call__(self, what: str, claim: Claim, seconds: float) -> None: ...


def nobody(what: str, claim: Claim, seconds: float) -> None:
    """Nobody watches."""


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

    def run(self, pause: Callable[[float], None] = time.sleep) -> None:
        """Do steps until `stop` is called. While there is none, or the database is away, wait a little longer each
        time."""
        idle = 0
        while not self.is_stopping:
            try:
                idle = 0 if self.run_next() else idle + 1
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

    def run_next(self) -> bool:
        """Do the step that has waited longest; False if none is ready. Raises Unavailable without a database."""
        with self.database.write() as session:
            claim = steps.claim(session, self.order, self.worker, self.database.now(), self.lease)
        return self._do(claim)

    def run_step(self, step_id: int) -> bool:
        """Do this very step; False if it is not ready, and nothing is to be done."""
        with self.database.write() as session:
            claim = steps.claim_one(session, step_id, self.worker, self.database.now(), self.lease)
        return self._do(claim)

    def _do(self, claim: Claim | None) -> bool:
        if claim is None:
            return False
        started = time.monotonic()
        try:
            what = self._attempt(claim)
        except Fenced:
            what = "fenced"
        except OutOfTime:
            self._release(claim)
            self.watcher("released", claim, time.monotonic() - started)
            raise
        self.watcher(what, claim, time.monotonic() - started)
        return True

    def _attempt(self, claim: Claim) -> str:
        try:
            with self._heartbeat(claim):
                effects = self.bodies[claim.name](claim)
        except Unavailable:
            self._release(claim)  # the machine lacks something: the mail is not to blame
            raise
        except Unreadable as error:
            facts: Facts = {"step_id": claim.step_id, "cause": error.cause.value, "page": error.page}
            tell("step_refused", logging.WARNING, **facts)
            failure = Failure(error.cause, error.problem, error.remedy, error.page)
            with self.database.write() as session:
                steps.quarantine(session, claim, failure, self.database.now())
            return "quarantined"
        except Exception as error:  # noqa: BLE001  # whatever it is, the step must not be lost; it is tried again
            tell_error("step_accident", error, step_id=claim.step_id, attempt=claim.attempt)
            with self.database.write() as session:
                state = steps.fail(session, claim, _accident(error), self.database.now())
            return "quarantined" if state.value == "quarantined" else "failed"
        with self.database.write() as session:
            now = self.database.now()
            steps.finish(session, claim, now)
            effects(session, now)
        return "done"

    def _release(self, claim: Claim) -> None:
        try:
            with self.database.write() as session:
                steps.release(session, claim, self.database.now())
        except MailError:
            return  # overtaken, or no database: the sweep sees to it

    @contextmanager
    def _heartbeat(self, claim: Claim) -> Iterator[None]:
        """Renew the lease from a thread while the body works."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self.lease.total_seconds() / _BEATS_PER_LEASE):
                try:
                    with self.database.write() as session:
                        steps.renew(session, claim, self.database.now(), self.lease)
                except Fenced:
                    return  # the end of the step will find out
                except MailError:
                    continue  # the database is away for a moment

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _accident(error: Exception) -> Failure:
    """A failure of ours. The message of the error may hold what people wrote; its kind and place do not."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f" in {place.tb_frame.f_globals.get('__name__')}, line {place.tb_lineno}"
    return Failure(
        Cause.FAILED,
        f"A step stopped by an error in this program: {type(error).__name__}{where}.",
        "Retry it; if it fails again, key this piece by hand and report the error.",
    )
