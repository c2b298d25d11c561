"""Ends this worker when the reading of one piece takes longer than it may: what is stuck cannot be interrupted.

Only the process can be ended that is stuck in an engine's code. The attempt is written down as failed before that, so
that the next worker does not wait for the lease to pass, and after the third time a person is told why.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from extract.limits import Limits
from intake import steps
from intake.database.engine import Database
from intake.step_runner import Body, Effects
from intake.steps import Claim
from intake.worker import Answer, PageTaken
from schemas.errors import Cause, MailError
from schemas.extraction import Failure

STUCK: Final = 75  # the exit code, as `EX_TEMPFAIL`: start me again
# However many pages: shorter than Celery lets a step run, so that the reason is told and not only that it was lost.
LONGEST_SECONDS: Final = 20 * 60
_LOOKS_PER_LIMIT: Final = 20
_LONGEST_LOOK_SECONDS: Final = 1.0


class Patience:
    """How long the reading of a piece may take: `limits.seconds_to_read` of the pages taken so far, to a limit."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database, self._limits = database, limits
        self._pages = 0

    def note(self, answer: Answer) -> None:
        """One more page was taken, if it is that which is answered."""
        if isinstance(answer, PageTaken):
            self._pages += 1

    def limiting(self, body: Body) -> Body:
        """The same step, in a process that ends when it takes too long."""

        def limited(claim: Claim, /) -> Effects:
            with self._watched(claim):
                return body(claim)

        return limited

    @contextmanager
    def _watched(self, claim: Claim) -> Iterator[None]:
        self._pages, over = 0, threading.Event()
        thread = threading.Thread(target=self._watch, args=(claim, over), name="patience", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _watch(self, claim: Claim, over: threading.Event) -> None:
        started = time.monotonic()
        look_seconds = min(self._limits.seconds_to_begin / _LOOKS_PER_LIMIT, _LONGEST_LOOK_SECONDS)
        while not over.wait(look_seconds):
            allowed = min(self._limits.seconds_to_read(self._pages), LONGEST_SECONDS)
            if time.monotonic() - started > allowed:
                self._give_up(claim, allowed)
                return

    def _give_up(self, claim: Claim, allowed: float) -> None:
        failure = Failure(
            Cause.TOO_SLOW,
            f"Reading took longer than {allowed:g} s and was stopped.",
            "Key this piece by hand and report the file, or retry it if the machine was overloaded.",
        )
        try:
            # Overtaken, or no database: the step comes back when its lease has passed.
            with suppress(MailError), self._database.write() as session:
                steps.fail(session, claim, failure, self._database.now(session))
        finally:
            os._exit(STUCK)  # whatever went wrong: nobody else ends what is stuck
