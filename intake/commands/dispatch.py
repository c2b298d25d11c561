"""`postroom dispatch`: the sweep and the nudges without the API, for an installation of several machines."""

import threading
from enum import IntEnum

import typer

from intake import event_log
from intake.background import dispatcher_of, dispatching
from intake.event_log import tell, tell_error
from intake.service import open_service
from intake.settings import load_settings
from intake.step_worker import stopping_at_signals
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
    event_log.start()
    told = threading.Event()
    try:
        service = open_service(load_settings())
        with stopping_at_signals(told.set), dispatching(service, dispatcher_of(service)):
            tell("ready")
            told.wait()
        service.close()
    except MailError as error:
        tell_error("not_ready", error)
        raise typer.Exit(ExitCode.NOT_READY) from error
