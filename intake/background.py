"""What goes on beside the API, or alone: the sweep, the books, pictures for people, uploads that expire, and workers
here or nudges for those elsewhere."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from typing import Final

from intake.dispatch import WINDOW_PER_WORKER, Dispatcher
from intake.event_log import tell_error
from intake.events.deliverer import deliverer_of
from intake.pictures.ahead import keep_making
from intake.reconciliation import keep_reconciling
from intake.service import Service
from intake.supervisor import Supervisor
from intake.sweep import bring_back_if_possible, keep_sweeping
from intake.uploads import Uploads, folder_below, keep_clearing
from schemas.errors import Unavailable

_CLEAR_UPLOADS_SECONDS: Final = 600  # they last for a day

Work = Callable[[threading.Event], None]


def beside(service: Service, dispatcher: Dispatcher | None) -> AbstractContextManager[None]:
    """All of it until the end of the block: the nudges of `dispatcher`, or without one this machine's workers."""
    work = _workers(service) if dispatcher is None else dispatcher.run
    here = [_pictures(service), _expired_uploads(service), work]
    return _together([_sweep(service), _books(service), _deliveries(service), *here])


def dispatching(service: Service, dispatcher: Dispatcher | None) -> AbstractContextManager[None]:
    """The same without workers here: only the nudges, if there is a dispatcher."""
    nudges = [] if dispatcher is None else [dispatcher.run]
    return _together([_sweep(service), _books(service), _deliveries(service), *nudges])


def dispatcher_of(service: Service) -> Dispatcher | None:
    """Who tells workers elsewhere of what is ready; None where no broker is named and the workers are this machine's.

    Raises Unavailable if the broker cannot be used; one that is away can.
    """
    if not service.settings.broker:
        return None
    # Only those who have a broker need Celery.
    from intake import broker_check  # noqa: PLC0415
    from intake.celery_app import app  # noqa: PLC0415
    from intake.celery_broker import CeleryBroker  # noqa: PLC0415

    if problem := broker_check.unfit(service.settings.broker):
        raise Unavailable(problem)
    return Dispatcher(service.database, CeleryBroker(app), service.settings.workers * WINDOW_PER_WORKER)


def _sweep(service: Service) -> Work:
    settings = service.settings
    lease = timedelta(seconds=settings.lease_seconds)
    return lambda stop: keep_sweeping(service.database, settings.sweep_seconds, stop, lease)


def _expired_uploads(service: Service) -> Work:
    uploads = Uploads(folder_below(service.settings.home), service.database.now)
    return lambda stop: keep_clearing(uploads, _CLEAR_UPLOADS_SECONDS, stop)


def _books(service: Service) -> Work:
    return lambda stop: keep_reconciling(service.database, service.settings.reconcile_seconds, stop)


def _pictures(service: Service) -> Work:
    return lambda stop: keep_making(service, stop)


def _deliveries(service: Service) -> Work:
    return deliverer_of(service.database, service.settings).run


def _workers(service: Service) -> Work:
    return Supervisor(service.settings.workers, lost=partial(bring_back_if_possible, service.database)).run


@contextmanager
def _together(work: Sequence[Work]) -> Iterator[None]:
    stop, failed = threading.Event(), threading.Event()
    threads = [threading.Thread(target=_or_end, args=(each, stop, failed)) for each in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failed.is_set():
        raise Unavailable("What goes on beside the API failed; the log says where. Start it again.")


def _or_end(work: Work, stop: threading.Event, failed: threading.Event) -> None:
    """Do it; should it fail for a reason nobody thought of, end this process in good order, to be started again.

    One that answers requests and yet moves nothing would be worse than none.
    """
    try:
        work(stop)
    except Exception as error:  # noqa: BLE001  # nobody thought of it: this process ends
        tell_error("background_failed", error, logging.CRITICAL)
        failed.set()
        os.kill(os.getpid(), signal.SIGTERM)
