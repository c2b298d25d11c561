"""`postroom serve`: the API and the workers of this machine, all that one office needs."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from enum import IntEnum
from typing import TYPE_CHECKING

import typer

from intake import event_log, kept_keys
from intake.background import beside, dispatcher_of
from intake.dispatch import Dispatcher
from intake.event_log import tell, tell_error
from intake.service import Service, open_service
from intake.settings import load_settings
from schemas.errors import MailError

if TYPE_CHECKING:
    from fastapi import FastAPI

CreateApp = Callable[[Service, Dispatcher | None], "FastAPI"]
WhenReady = Callable[[Service, int], None]


class ExitCode(IntEnum):
    """How `postroom serve` ends."""

    STOPPED = 0
    CANNOT_LISTEN = 3
    NOT_READY = 5


def serve() -> None:
    """Receive batches over HTTP and read them, until SIGTERM or Ctrl-C.

    With a broker (POSTROOM_BROKER_URL) no worker is started here: Celery's take the steps, and this process tells them
    of what is ready. Exit codes: 0 stopped; 3 the port is taken; 5 something is missing here, see `postroom doctor`.
    """
    # The web framework takes a second to load, which no other command should wait for.
    from intake.api.app import create_app  # noqa: PLC0415

    run(lambda service, dispatcher: create_app(service, dispatcher=dispatcher))


def run(create: CreateApp, ready: WhenReady = lambda service, port: None) -> None:
    """Serve what `create` makes, with workers beside it, until this process is told to stop; as `serve` does.

    ready: called with the port once connections are taken.
    """
    from intake.api.callers import require_keys_for_others  # noqa: PLC0415
    from intake.api.serving import serve as serve_app  # noqa: PLC0415

    event_log.start()
    try:
        settings = load_settings()
        # Where there is no database there is no key in it, and nothing is made before that is told.
        require_keys_for_others(settings, has_kept_keys=not settings.is_new)
        service = open_service(settings)
    except MailError as error:
        tell_error("not_ready", error)
        raise typer.Exit(ExitCode.NOT_READY) from error
    try:
        with service.database.read() as session:
            require_keys_for_others(settings, has_kept_keys=kept_keys.in_use(session))
        # Before anything listens: a broker that cannot be used is told at once.
        dispatcher = dispatcher_of(service)
        with ExitStack() as until_stopped:

            def begin(port: int) -> None:
                tell("ready", address=f"http://{settings.host}:{port}", workers=settings.workers)
                ready(service, port)
                # Workers take all cores for seconds when they start: first answer those who want to hand over.
                until_stopped.enter_context(beside(service, dispatcher))

            serve_app(create(service, dispatcher), settings.host, settings.port, begin)
    except MailError as error:
        tell_error("not_ready", error)
        raise typer.Exit(ExitCode.NOT_READY) from error
    except OSError as error:
        problem = f"Port {settings.port}: {error.strerror or type(error).__name__}. Set another in POSTROOM_PORT."
        tell("cannot_listen", logging.ERROR, problem=problem)
        raise typer.Exit(ExitCode.CANNOT_LISTEN) from error
    finally:
        service.close()
