"""Keeps the worker processes of this machine running, and brings back what dead ones left."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from intake.event_log import tell
from intake.step_worker import GRACE_SECONDS
from intake.worker import ONE_THREAD

WORKER_COMMAND: Final = (sys.executable, "-m", "intake.cli", "worker")
_TICK_SECONDS: Final = 0.2
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
# A worker that lived so long did not die of its start.
_STEADY_SECONDS: Final = 30.0
_MORE_THAN_GRACE_SECONDS: Final = 5.0


@dataclass
class _Slot:
    """One place for a worker: its process, when that was started, and how long to wait before the next."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE_SECONDS
    not_before: float = 0.0


@dataclass
class Supervisor:
    """Starts `workers` processes and starts them again when they end. `command` is what each of them runs."""

    workers: int
    command: Sequence[str] = WORKER_COMMAND
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
            is_steady = now - slot.started > _STEADY_SECONDS
            slot.pause = _FIRST_PAUSE_SECONDS if is_steady else min(slot.pause * 2, _LONGEST_PAUSE_SECONDS)
            slot.process, slot.not_before = None, now + slot.pause
        if slot.process is None and now >= slot.not_before:
            slot.process = subprocess.Popen(  # noqa: S603  # our own program, nothing from outside in it
                list(self.command), stdin=subprocess.DEVNULL, env=os.environ | ONE_THREAD
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
