"""The dispatcher: with a broker, keeps a small window of nudges in it. What is to be done stands in the database."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from intake import queue_length
from intake.database.engine import Database
from intake.event_log import tell, tell_error
from intake.step_runner import ORDER
from schemas.errors import MailError

# Messages in the broker for each process that reads: enough that none waits, few enough that none is forgotten there.
WINDOW_PER_WORKER: Final = 4
# A step that is still ready so long after its nudge is nudged again: the broker may have lost it.
NUDGE_AGAIN_SECONDS: Final = 5.0
_TICK_SECONDS: Final = 0.25
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 5.0  # while the broker or the database is away


class Broker(Protocol):
    """Where nudges go."""

    def waiting(self) -> int:
        """How many messages no worker has taken yet. Raises Unavailable if the broker does not answer."""
        ...

    def nudge(self, step_ids: Sequence[int]) -> None:
        """Send one message for each step. Raises Unavailable; some may have been sent then, which does no harm."""
        ...


@dataclass
class Dispatcher:
    """Fills the window. `clock` counts seconds and never goes back.

    window: of nudges in the broker, at least; where more are at work than it is meant for, it grows with them.
    """

    database: Database
    broker: Broker
    window: int
    clock: Callable[[], float] = time.monotonic
    waiting: int | None = field(default=None, init=False)  # messages in the broker when last asked; None: no answer
    _sent: dict[int, float] = field(default_factory=dict, init=False)

    def fill(self) -> int:
        """Nudge workers about ready steps until the window is full; how many nudges were sent. Raises Unavailable."""
        self.waiting = None
        self.waiting = waiting = self.broker.waiting()
        now = self.clock()
        self._sent = {step: sent for step, sent in self._sent.items() if now - sent < NUDGE_AGAIN_SECONDS}
        with self.database.read() as session:
            window = max(self.window, WINDOW_PER_WORKER * queue_length.at_work(session))
            room = window - waiting
            ready = queue_length.ready(session, ORDER, room + len(self._sent)) if room > 0 else []
        chosen = [step for step in ready if step not in self._sent][:room]
        if chosen:
            self.broker.nudge(chosen)
            self._sent |= dict.fromkeys(chosen, now)
        return len(chosen)

    def run(self, stop: threading.Event) -> None:
        """Keep the window full until `stop` is set; a broker or a database that is away is asked again, ever less
        often."""
        failures = 0
        while not stop.wait(_TICK_SECONDS):
            try:
                while self.fill() and not stop.is_set():
                    pass
            except MailError as error:
                if not failures:
                    tell_error("dispatcher_waits", error)
                stop.wait(min(_FIRST_PAUSE_SECONDS * 2**failures, _LONGEST_PAUSE_SECONDS))
                failures = min(failures + 1, 10)
            else:
                if failures:
                    tell("dispatcher_goes_on")
                failures = 0
