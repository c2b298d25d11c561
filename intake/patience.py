"""Ends this worker when the reading of one piece takes longer than it may: what is stuck cannot be interrupted.

Only the process can be ended that is stuck in an engine's code. The attempt is written down as failed before that, so
that the next worker does not wait for the lease to pass, and after the third time a person is told why. Where the
engine lets no other thread run, nothing can be written down: the process is ended from outside the interpreter, and the
lease, which it could not renew either, brings the step back.
"""

import faulthandler
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
# From when a process should have ended itself until it is ended.
GRACE_SECONDS: Final = 10.0
_LOOKS_PER_LIMIT: Final = 20
_LONGEST_LOOK_SECONDS: Final = 1.0


class Patience:
    """How long the reading of a piece may take: `limits.seconds_to_read` of the pages taken so far, to a limit.

    And for how long it may get no further: as long as a piece of one page may take. Pages that went quickly save up no
    time for one that is stuck.
    """

    def __init__(self, database: Database, limits: Limits, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self._database, self._limits, self._grace_seconds = database, limits, grace_seconds
        self._pages = 0
        self._started = self._got_further = 0.0
        self._nowhere: int | None = None

    def note(self, answer: Answer) -> None:
        """One more page was taken, if it is that which is answered."""
        if isinstance(answer, PageTaken):
            self._pages += 1
            self._got_further = time.monotonic()
            self._see_to_the_end()

    def limiting(self, body: Body) -> Body:
        """The same step, in a process that ends when it takes too long."""

        def limited(claim: Claim, /) -> Effects:
            with self._watched(claim):
                return body(claim)

        return limited

    @contextmanager
    def _watched(self, claim: Claim) -> Iterator[None]:
        self._pages, over = 0, threading.Event()
        self._started = self._got_further = time.monotonic()
        thread = threading.Thread(target=self._watch, args=(claim, over), name="patience", daemon=True)
        self._nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        self._see_to_the_end()
        thread.start()
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            os.close(self._nowhere)
            self._nowhere = None
            over.set()
            thread.join()

    def _see_to_the_end(self) -> None:
        """Let a thread that needs no interpreter end this process if it is still at the same page by then."""
        if self._nowhere is not None:
            left = max(self._seconds_in_all() - (self._got_further - self._started), 0.0)
            until_end = min(left, self._limits.seconds_to_read(1)) + self._grace_seconds
            faulthandler.dump_traceback_later(until_end, exit=True, file=self._nowhere)

    def _seconds_in_all(self) -> float:
        return min(self._limits.seconds_to_read(self._pages), LONGEST_SECONDS)

    def _watch(self, claim: Claim, over: threading.Event) -> None:
        look_seconds = min(self._limits.seconds_to_begin / _LOOKS_PER_LIMIT, _LONGEST_LOOK_SECONDS)
        while not over.wait(look_seconds):
            if problem := self._problem(time.monotonic()):
                self._give_up(claim, problem)
                return

    def _problem(self, now: float) -> str:
        """Why the reading is to be stopped; "" as long as it may go on."""
        in_all, for_a_page = self._seconds_in_all(), self._limits.seconds_to_read(1)
        if now - self._started > in_all:
            return f"Reading took longer than {in_all:g} s and was stopped."
        if now - self._got_further > for_a_page:
            return f"Reading got no further for {for_a_page:g} s, behind page {self._pages}, and was stopped."
        return ""

    def _give_up(self, claim: Claim, problem: str) -> None:
        failure = Failure(
            Cause.TOO_SLOW,
            problem,
            "Key this piece by hand and report the file, or retry it if the machine was overloaded.",
        )
        try:
            # Overtaken, or no database: the step comes back when its lease has passed.
            with suppress(MailError), self._database.write() as session:
                steps.fail(session, claim, failure, self._database.now(session))
        finally:
            os._exit(STUCK)  # whatever went wrong: nobody else ends what is stuck
