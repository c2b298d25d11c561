"""`postroom dispatch`: the sweep and the nudges without the API, for an installation of several machines."""

import logging
import threading
from enum import IntEnum

import typer

from intake.background import dispatching
from intake.service import open_service
from intake.settings import load_settings
from intake.step_worker import say, stopping_at_signals
from schemas.errors import MailError


class ExitCode(IntEnum):
    """How `postroom dispatch` ends."""

    STOPPED = 0
    NOT_READY = 5


def dispatch() -> None:
    """Bring back the work of dead workers, and with a broker tell Celery's what is ready, until SIGTERM or Ctrl-C.

    `postroom serve` does the same beside the API; any number of both may run. Exit codes: 0 stopped; 5 something is
    missing here, see `postroom doctor`.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    told = threading.Event()
    try:
        service = open_service(load_settings())
        with stopping_at_signals(told.set), dispatching(service):
            say("ready")
            told.wait()
        service.close()
    except MailError as error:
        say(f"postroom: {error}")
        raise typer.Exit(ExitCode.NOT_READY) from error
