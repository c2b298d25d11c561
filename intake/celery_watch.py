"""Notices when a Celery worker lives and yet takes no messages, as happens after a broker was away, and ends it.

Whatever keeps the worker running then starts it anew. The proof is narrow: messages wait in the broker all the while, a
process of this worker is free, and none of them comes to it.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from intake.dispatch import Broker
from intake.event_log import tell
from schemas.errors import MailError

_LOOKS: Final = 4  # within the patience
_SECONDS_TO_END: Final = 40.0  # more than the steps in hand may take to be finished or given back


class Hand(Protocol):
    """A process that is given messages: how many so far, and whether it has one in hand."""

    taken: int
    is_at_work: bool


@dataclass
class ConsumerWatch:
    """Looks at one process of a worker. `clock` counts seconds and never goes back."""

    hand: Hand
    broker: Broker
    patience_seconds: float
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._taken, self._since = self.hand.taken, self.clock()

    def has_stopped(self) -> bool:
        """Whether messages have waited since `patience_seconds` while this process had nothing to do."""
        now = self.clock()
        if self.hand.is_at_work or self.hand.taken != self._taken or not self._somebody_waits():
            self._taken, self._since = self.hand.taken, now
        return now - self._since >= self.patience_seconds

    def _somebody_waits(self) -> bool:
        try:
            return self.broker.waiting() > 0
        except MailError:
            return False  # nobody can take messages from a broker that is away

    def run(self, stop: threading.Event) -> None:
        """Look now and then until `stop` is set; end the worker if it has stopped taking messages."""
        while not stop.wait(self.patience_seconds / _LOOKS):
            if self.has_stopped():
                problem = "Messages wait in the broker and do not come: this worker ends, to be started anew."
                tell("consumer_stopped", logging.CRITICAL, problem=problem)
                _end(os.getppid(), stop)
                return


def _end(worker: int, stop: threading.Event) -> None:
    """End the worker's main process, in good order if it still can."""
    os.kill(worker, signal.SIGTERM)
    if not stop.wait(_SECONDS_TO_END):
        os.kill(worker, signal.SIGKILL)
