"""`postroom serve`: the API and the workers of this machine, all that one office needs."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from intake import event_log
from intake.dispatch import WINDOW_PER_WORKER, Dispatcher
from intake.event_log import tell, tell_error
from intake.reconciliation import keep_reconciling
from intake.service import Service, open_service
from intake.settings import Settings, load_settings
from intake.supervisor import Supervisor
from intake.sweep import keep_sweeping
from schemas.errors import MailError


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
    from intake.api.callers import require_keys_for_others  # noqa: PLC0415
    from intake.api.serving import serve as serve_app  # noqa: PLC0415

    event_log.start()
    try:
        settings = load_settings()
        require_keys_for_others(settings)
        service = open_service(settings)
    except MailError as error:
        tell_error("not_ready", error)
        raise typer.Exit(ExitCode.NOT_READY) from error
    try:
        dispatcher = _dispatcher(settings, service)
        with _background(settings, service, dispatcher):
            serve_app(
                create_app(service, dispatcher=dispatcher),
                settings.host,
                settings.port,
                ready=lambda port: tell("ready", address=f"http://{settings.host}:{port}", workers=settings.workers),
            )
    except OSError as error:
        problem = f"Port {settings.port}: {error.strerror or type(error).__name__}. Set another in POSTROOM_PORT."
        tell("cannot_listen", logging.ERROR, problem=problem)
        raise typer.Exit(ExitCode.CANNOT_LISTEN) from error
    finally:
        service.close()


def _dispatcher(settings: Settings, service: Service) -> Dispatcher | None:
    """Who tells workers elsewhere of what is ready; None where the workers are this machine's."""
    if not settings.broker:
        return None
    from intake.celery_broker import CeleryBroker  # noqa: PLC0415  # only those who have a broker need Celery

    return Dispatcher(service.database, CeleryBroker(), settings.workers * WINDOW_PER_WORKER)


@contextmanager
def _background(settings: Settings, service: Service, dispatcher: Dispatcher | None) -> Iterator[None]:
    """The sweep, the books, and either the workers of this machine or the nudges for those elsewhere; ended with the
    block."""
    stop = threading.Event()
    work: list[Callable[[], None]] = [
        lambda: keep_sweeping(service.database, settings.sweep_seconds, stop),
        lambda: keep_reconciling(service.database, settings.reconcile_seconds, stop),
        lambda: Supervisor(settings.workers).run(stop) if dispatcher is None else dispatcher.run(stop),
    ]
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
