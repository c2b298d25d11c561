"""Keeps the worker processes of this machine running, and brings back what dead ones left."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from intake.event_log import tell
from intake.one_thread import ONE_THREAD
from intake.patience import STUCK
from intake.service import NAME_VARIABLE, new_worker_name
from intake.step_worker import GRACE_SECONDS, SUPERVISOR_VARIABLE

# Not by way of `postroom`, which loads every command: a second of each start.
WORKER_COMMAND: Final = (sys.executable, "-m", "intake.commands.worker")
_TICK_SECONDS: Final = 0.2
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
# A worker that lived so long did not die of its start.
_STEADY_SECONDS: Final = 30.0
_MORE_THAN_GRACE_SECONDS: Final = 5.0


@dataclass
class _Slot:
    """One place for a worker: its process and name, when it was started, and how long to wait before the next."""

    name: str = ""
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE_SECONDS
    not_before: float = 0.0


@dataclass
class Supervisor:
    """Starts `workers` processes and starts them again when they end. `command` is what each of them runs.

    lost: told the name of every worker that has ended, whose work need not wait for its lease to pass; returns how many
          steps it had in hand.
    """

    workers: int
    command: Sequence[str] = WORKER_COMMAND
    lost: Callable[[str], int] = lambda name: 0
    _slots: list[_Slot] = field(default_factory=list, init=False)

    def run(self, stop: threading.Event) -> None:
        """Keep them running until `stop` is set; then let each finish or give back the step it has in hand."""
        self._slots = [_Slot() for _ in range(self.workers)]
        try:
            while not stop.wait(_TICK_SECONDS):
                for slot in self._slots:
                    self._tend(slot, time.monotonic())
        finally:
            self._see_off()

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Of the workers that were alive when last looked at."""
        return tuple(slot.process.pid for slot in self._slots if slot.process is not None)

    def _tend(self, slot: _Slot, now: float) -> None:
        if slot.process is not None and slot.process.poll() is not None:
            tell("worker_ended", logging.WARNING, pid=slot.process.pid, exit_code=slot.process.returncode)
            # Who had a step in hand, or got stuck in one, died of the mail, and others of it must not wait.
            had_work = self.lost(slot.name) > 0 or slot.process.returncode == STUCK
            is_steady = had_work or now - slot.started > _STEADY_SECONDS
            slot.pause = _FIRST_PAUSE_SECONDS if is_steady else min(slot.pause * 2, _LONGEST_PAUSE_SECONDS)
            slot.process, slot.not_before = None, now + slot.pause
        if slot.process is None and now >= slot.not_before:
            slot.name = new_worker_name()
            slot.process = subprocess.Popen(  # noqa: S603  # our own program, nothing from outside in it
                list(self.command),
                stdin=subprocess.DEVNULL,
                env=os.environ | ONE_THREAD | {NAME_VARIABLE: slot.name, SUPERVISOR_VARIABLE: str(os.getpid())},
            )
            slot.started = now

    def _see_off(self) -> None:
        alive = [slot.process for slot in self._slots if slot.process is not None]
        for process in alive:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS + _MORE_THAN_GRACE_SECONDS
        for process in alive:
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
