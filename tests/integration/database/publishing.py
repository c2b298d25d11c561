"""What processes do that publish and deliver, for a test that kills and counts; they open the database themselves."""

import multiprocessing
import threading
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from typing import Any

from extract.limits import DEFAULT_LIMITS
from intake.database.engine import Database, open_database
from intake.events.address import parse_allowed
from intake.events.deliverer import Deliverer
from intake.events.deliveries import Patience
from intake.events.sending import Sender
from intake.events.signing import SecretBox
from intake.journey import Journey
from intake.step_runner import StepRunner
from schemas.states import StepName

HERE = parse_allowed("127.0.0.1")


class _Nothing:
    """For what publishing does not ask for."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def publish_all(url: str, name: str) -> None:
    """Publish whatever is ready to be, until nothing is."""
    database, nothing = open_database(url), _Nothing()
    bodies = Journey(database, nothing, nothing, nothing, DEFAULT_LIMITS).bodies  # type: ignore[arg-type]
    StepRunner(database, {StepName.PUBLISH: bodies[StepName.PUBLISH]}, name).run_until_idle()


def deliverer_over(database: Database) -> Deliverer:
    patience = Patience(timedelta(days=1), timedelta(seconds=1))
    return Deliverer(database, Sender(HERE, 10.0), SecretBox(None), patience, timedelta(days=30), "urn:test", 1.0)


def deliver(url: str) -> None:
    """Deliver until killed."""
    deliverer_over(open_database(url)).run(threading.Event(), 0.05)


def started(what: Any, *arguments: str) -> ForkServerProcess:
    """A process that does this. All is loaded once and not by each: that takes longer than most tests."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=what, args=arguments, daemon=True)
    process.start()
    return process


def killed(process: ForkServerProcess) -> None:
    process.kill()
    process.join()
