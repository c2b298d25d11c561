"""`postroom worker`: one more process that does steps from the database, or with a broker a Celery worker."""

import os
import sys
from enum import IntEnum
from typing import Annotated, Final

import typer

from intake import event_log, patience
from intake.event_log import tell, tell_error
from intake.one_thread import ONE_THREAD
from intake.settings import load_settings
from intake.step_events import tell_step
from intake.step_worker import work
from schemas.errors import MailError

# Without what many workers tell each other all the time: none of ours needs to know of another.
_CELERY: Final = (
    *("-m", "celery", "-A", "intake.celery_app", "worker"),
    *("--loglevel=INFO", "--without-gossip", "--without-mingle"),
)


class ExitCode(IntEnum):
    """How `postroom worker` ends."""

    STOPPED = 0
    NOT_READY = 5
    STUCK = patience.STUCK


def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is left to do.")] = False,
) -> None:
    """Take steps from the database and do them, until SIGTERM or Ctrl-C.

    Any number of workers may run, on any machines that reach the same database and store. With a broker
    (POSTROOM_BROKER_URL) it becomes Celery's, with POSTROOM_WORKERS processes. Exit codes: 0 stopped; 5 something is
    missing here, see `postroom doctor`; 75 reading got stuck, and was written down as failed: start it again.
    """
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        # The libraries read these when they are loaded, which is before us: begin again with them.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | ONE_THREAD)  # noqa: S606
    event_log.start()
    try:
        settings = load_settings()
        if settings.broker and not until_idle:
            os.execv(sys.executable, [sys.executable, *_CELERY])  # noqa: S606
        work(settings, tell_step, until_idle=until_idle, ready=lambda: tell("ready"))
    except MailError as error:
        tell_error("not_ready", error)
        raise typer.Exit(ExitCode.NOT_READY) from error


if __name__ == "__main__":
    typer.run(worker)
