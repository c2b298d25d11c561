"""Keeps the lease of the step in hand alive, from one thread for the life of a worker."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from intake import steps
from intake.database.engine import Database
from intake.steps import Claim, Fenced
from schemas.errors import MailError

# Two heartbeats may be lost before the step is given to somebody else.
BEATS_PER_LEASE: Final = 3


@dataclass
class Heartbeat:
    """A thread that renews whatever is held when it looks; it starts with the first step.

    One thread, not one for every step: most steps are over long before the first beat is due.
    """

    database: Database
    _held: Claim | None = field(default=None, init=False)
    _lease: timedelta = field(default=steps.LEASE, init=False)
    _closed: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    @contextmanager
    def beating_for(self, claim: Claim, lease: timedelta) -> Iterator[None]:
        """Renew this claim by `lease` while the block runs. The end of the step finds out if it was overtaken."""
        self._held, self._lease = claim, lease
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
            self._thread.start()
        try:
            yield
        finally:
            self._held = None

    def close(self) -> None:
        """End the thread, whatever is held."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        overtaken: Claim | None = None
        while not self._closed.wait(self._lease.total_seconds() / BEATS_PER_LEASE):
            claim = self._held
            if claim is None or claim is overtaken:
                continue
            try:
                with self.database.write() as session:
                    steps.renew(session, claim, self.database.now(session), self._lease)
            except Fenced:
                overtaken = claim
            except MailError:
                continue  # the database is away for a moment
