"""A Celery worker's processes: each opens its tools after the fork, does steps, and gives the one in hand back when it
must stop."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import FrameType
from typing import Any, Final

from billiard import current_process

from extract.limits import DEFAULT_LIMITS
from intake.celery_watch import ConsumerWatch
from intake.dispatch import Broker
from intake.event_log import tell, tell_error
from intake.hands import WORKSHOP, Hands, open_hands
from intake.settings import Settings
from intake.step_events import tell_step
from intake.step_runner import OutOfTime
from intake.step_worker import GRACE_SECONDS
from intake.sweep import keep_sweeping
from schemas.errors import MailError

_SECONDS_BEFORE_LIMIT: Final = 1.0  # the two clocks do not start at the same moment
_HIGHEST_ID: Final = 2**63 - 1


@dataclass
class StepProcess:
    """What one process has in hand. `workshop` is who reads the pages; see `open_hands`.

    limit_seconds: after which Celery ends a step.
    taken:         how many messages it has been given so far.
    """

    settings: Settings
    limit_seconds: float
    workshop: str = WORKSHOP
    taken: int = field(default=0, init=False)
    is_at_work: bool = field(default=False, init=False)
    _must_end: bool = field(default=False, init=False)
    _hands: Hands | None = field(default=None, init=False)
    _ending: threading.Event = field(default_factory=threading.Event, init=False)

    def begin(self, broker: Broker) -> None:
        """After the fork: connections, models and a sandbox of its own."""
        with suppress(MailError):  # asked again at the first step
            self._open()
        if getattr(current_process(), "index", 0) == 0:
            self._look_after_the_rest(broker)

    def end(self) -> None:
        """Lay down everything; the process ends."""
        self._ending.set()
        if self._hands is not None:
            self._hands.close()
            self._hands = None

    def do(self, step_id: int) -> None:
        """Do this step, if it is ready. Nothing is raised for what a later nudge will mend."""
        self.taken += 1  # first of all: what is no step was taken too, and nobody stands still
        if type(step_id) is not int or not 0 < step_id <= _HIGHEST_ID:
            tell("nudge_without_step", logging.WARNING)
            return
        if self._must_end:
            _end_at_once()  # before anything is claimed: the message goes to another
        self.is_at_work = True
        try:
            with self._given_back_at_sigterm():
                self._open().runner.run_step(step_id)
        except OutOfTime:
            self._must_end = True  # the step has been given back
        except MailError as error:
            tell_error("step_put_off", error, logging.WARNING, step_id=step_id)
        finally:
            self.is_at_work = False

    def _open(self) -> Hands:
        if self._hands is None:
            lease = timedelta(seconds=self.settings.lease_seconds)
            self._hands = open_hands(
                self.settings, limits=DEFAULT_LIMITS, lease=lease, workshop=self.workshop, watcher=tell_step
            )
        return self._hands

    @contextmanager
    def _given_back_at_sigterm(self) -> Iterator[None]:
        """Between two steps the signal means what it means to Celery, which also sends it to what has run for too long:
        that is to be charged, or it would run for too long for ever."""
        too_long = time.monotonic() + self.limit_seconds - _SECONDS_BEFORE_LIMIT

        def told_to_end(number: int, frame: FrameType | None) -> None:
            if time.monotonic() < too_long:
                raise OutOfTime
            _end_at_once()

        before = signal.signal(signal.SIGTERM, told_to_end)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _look_after_the_rest(self, broker: Broker) -> None:
        """One process of each worker brings back what others left, in case no dispatcher does, and sees to it that
        messages come."""
        watch = ConsumerWatch(self, broker, self.settings.lease_seconds)
        for look in (self._sweep, watch.run):
            threading.Thread(target=look, args=(self._ending,), name="look after", daemon=True).start()

    def _sweep(self, stop: threading.Event) -> None:
        while self._hands is None:
            if stop.wait(self.settings.sweep_seconds):
                return
        lease = timedelta(seconds=self.settings.lease_seconds)
        keep_sweeping(self._hands.runner.database, self.settings.sweep_seconds, stop, lease)


def _end_at_once() -> None:
    """As by a SIGTERM that nobody handles: what is in hand comes back when its lease has passed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


@dataclass
class WorkerMain:
    """The process that takes messages and hands them on. `worker` is Celery's own.

    grace_seconds: from being told to stop until the steps in hand are given back.
    """

    worker: Any = None
    grace_seconds: float = GRACE_SECONDS

    def stop_soon(self) -> None:
        """Celery waits for the steps in hand without end; after a grace they are given back instead."""
        stopping = threading.Timer(self.grace_seconds, self._stop_now)
        stopping.daemon = True
        stopping.start()

    def _stop_now(self) -> None:
        for pid in self.worker.pool.info.get("processes", ()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
