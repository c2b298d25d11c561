"""Signs of life: each worker process says every few seconds that it is there, and whether it has a step in hand.

A lease shows a worker that works; one that is idle holds none. Only what it says of itself tells an idle worker from a
dead one, and an idle one beside work that waits from one with nothing to do.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from intake import tallies
from intake.database.engine import Database
from intake.database.tables import WorkerRow
from intake.step_runner import Body, Effects, Watcher
from intake.steps import Claim
from intake.tallies import Tally
from schemas.errors import MailError
from schemas.states import StepName

_BEATS_UNTIL_GONE: Final = 3  # signs that may be missed before a worker counts as dead
_FORGOTTEN_AFTER: Final = timedelta(days=1)


@dataclass
class Presence:
    """The signs of life of one worker, and the counts of what it did. `worker` is its name in the step table."""

    database: Database
    worker: str
    beat_seconds: float
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _step: StepName | None = field(default=None, init=False)
    _since: float = field(default_factory=time.monotonic, init=False)
    _done: int = field(default=0, init=False)
    _raised: dict[Tally, float] = field(default_factory=lambda: defaultdict(float), init=False)
    _ending: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def watched(self, body: Body) -> Body:
        """The same body; while it runs, this worker is at work."""

        def at_work(claim: Claim) -> Effects:
            self._turn_to(claim.name)
            try:
                return body(claim)
            finally:
                self._turn_to(None)

        return at_work

    def counting(self, watcher: Watcher) -> Watcher:
        """The same watcher; what it is told is counted as well."""

        def count(what: str, claim: Claim, seconds: float) -> None:
            step = claim.name.value
            with self._lock:
                self._done += what == "done"
                self._raised[tallies.attempt(step, what)] += 1
                self._raised[tallies.seconds_bucket(step, seconds)] += 1
                self._raised[tallies.seconds_sum(step)] += seconds
            watcher(what, claim, seconds)

        return count

    def appear(self) -> None:
        """Say for the first time that it is there, and from then on in a thread until `leave`. Raises Unavailable."""
        self.beat()
        self._thread = threading.Thread(target=self._keep_beating, name="presence", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Hand in the last counts and be gone; without the database, others find out by the missing signs."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        try:
            self._write(is_leaving=True)
        except MailError:
            return

    def beat(self) -> None:
        """One sign of life, with the counts since the last. Raises Unavailable."""
        self._write(is_leaving=False)

    def _keep_beating(self) -> None:
        while not self._ending.wait(self.beat_seconds):
            try:
                self.beat()
            except MailError:
                continue  # the counts are kept for the next time

    def _turn_to(self, step: StepName | None) -> None:
        with self._lock:
            self._step, self._since = step, time.monotonic()

    def _write(self, *, is_leaving: bool) -> None:
        now = self.database.now()
        with self._lock:
            raised, self._raised = self._raised, defaultdict(float)
            step, done = self._step, self._done
            idle_since = None if step else now - timedelta(seconds=time.monotonic() - self._since)
        try:
            with self.database.write() as session:
                if is_leaving:
                    session.execute(delete(WorkerRow).where(WorkerRow.name == self.worker))
                else:
                    _note(session, self.worker, now, {"idle_since": idle_since, "step": step, "steps_done": done})
                tallies.add(session, raised)
        except BaseException:
            with self._lock:
                for tally, by in raised.items():
                    self._raised[tally] += by
            raise


def _note(session: Session, worker: str, now: datetime, values: dict[str, object]) -> None:
    """Write the row of a worker, and forget those that have long been gone."""
    session.execute(delete(WorkerRow).where(WorkerRow.seen_at < now - _FORGOTTEN_AFTER))
    seen = update(WorkerRow).where(WorkerRow.name == worker).values(seen_at=now, **values).returning(WorkerRow.name)
    if session.scalars(seen.execution_options(synchronize_session=False)).one_or_none() is None:
        session.add(WorkerRow(name=worker, started_at=now, seen_at=now, **values))
        session.flush()


def workers(session: Session) -> Sequence[WorkerRow]:
    """All that were there within a day and did not take their leave, by name."""
    return session.scalars(select(WorkerRow).order_by(WorkerRow.name)).all()


def is_alive(worker: WorkerRow, now: datetime, beat_seconds: float) -> bool:
    """Whether it gave a sign lately."""
    return now - worker.seen_at <= timedelta(seconds=beat_seconds * _BEATS_UNTIL_GONE)
