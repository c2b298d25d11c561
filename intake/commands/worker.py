"""`postroom worker`: one more process that does steps from the database."""

import os
import sys
from enum import IntEnum
from typing import Annotated

import typer

from intake.settings import load_settings
from intake.step_worker import say, work
from intake.steps import Claim
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
    try:
        work(load_settings(), _tell, until_idle=until_idle, ready=lambda: say("ready"))
    except MailError as error:
        say(f"postroom: {error}")
        raise typer.Exit(ExitCode.NOT_READY) from error


def _tell(what: str, claim: Claim, seconds: float) -> None:
    say(f"{claim.name.value} {claim.subject} {what} attempt={claim.attempt} seconds={seconds:.2f}")


if __name__ == "__main__":
    typer.run(worker)
