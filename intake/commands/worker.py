"""`postroom worker`: one more process that does steps from the database."""

import os
import sys
from enum import IntEnum
from typing import Annotated

import typer

from intake import event_log
from intake.event_log import tell, tell_error
from intake.settings import load_settings
from intake.step_events import tell_step
from intake.step_worker import work
from intake.worker import ONE_THREAD
from schemas.errors import MailError


class ExitCode(IntEnum):
    """How `postroom worker` ends."""

    STOPPED = 0
    NOT_READY = 5


def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is left to do.")] = False,
) -> None:
    """Take steps from the database and do them, until SIGTERM or Ctrl-C.

    Any number of workers may run, on any machines that reach the same database and store. Exit codes: 0 stopped; 5
    something is missing here, see `postroom doctor`.
    """
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        # The libraries read these when they are loaded, which is before us: begin again with them.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | ONE_THREAD)  # noqa: S606
    event_log.start()
    try:
        work(load_settings(), tell_step, until_idle=until_idle, ready=lambda: tell("ready"))
    except MailError as error:
        tell_error("not_ready", error)
        raise typer.Exit(ExitCode.NOT_READY) from error
