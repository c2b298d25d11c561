"""What goes on beside the API, or alone: the sweep, and this machine's workers or the nudges for those elsewhere."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Final

from intake.dispatch import WINDOW_PER_WORKER, Dispatcher
from intake.service import Service
from intake.supervisor import Supervisor
from intake.sweep import bring_back_if_possible, keep_sweeping
from schemas.errors import Unavailable

_LOG: Final = logging.getLogger("postroom")

Work = Callable[[threading.Event], None]


def beside(service: Service) -> AbstractContextManager[None]:
    """All of it, from when the block begins until it ends.

    Raises Unavailable at once if the broker cannot be used; one that is away can.
    """
    return _together([_sweep(service), _workers(service)])


def dispatching(service: Service) -> AbstractContextManager[None]:
    """Only the sweep, and with a broker the nudges; no workers. Raises Unavailable like `beside`."""
    return _together([_sweep(service), *([_nudges(service)] if service.settings.broker else [])])


def _sweep(service: Service) -> Work:
    return lambda stop: keep_sweeping(service.database, service.settings.sweep_seconds, stop)


def _workers(service: Service) -> Work:
    if service.settings.broker:
        return _nudges(service)
    return Supervisor(service.settings.workers, lost=partial(bring_back_if_possible, service.database)).run


def _nudges(service: Service) -> Work:
    # Only those who have a broker need Celery.
    from intake import broker_check  # noqa: PLC0415
    from intake.celery_app import app  # noqa: PLC0415
    from intake.celery_broker import CeleryBroker  # noqa: PLC0415

    if problem := broker_check.unfit(service.settings.broker):
        raise Unavailable(problem)
    return Dispatcher(service.database, CeleryBroker(app), service.settings.workers * WINDOW_PER_WORKER).run


@contextmanager
def _together(work: Sequence[Work]) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=_or_end, args=(each, stop)) for each in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _or_end(work: Work, stop: threading.Event) -> None:
    """Do it; should it fail for a reason nobody thought of, end this process in good order, to be started again.

    One that answers requests and yet moves nothing would be worse than none.
    """
    try:
        work(stop)
    except Exception as error:  # noqa: BLE001  # its message may hold anything: only its kind is told
        _LOG.critical("%s in the background: this process ends", type(error).__name__)
        os.kill(os.getpid(), signal.SIGTERM)
