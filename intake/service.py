"""Opens what the service stands on, from the settings: the database, brought up to date, and the file store."""

import os
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from intake.database.engine import Clock, Database, open_database
from intake.database.versions import upgrade
from intake.settings import Settings
from intake.store import Store
from intake.store.opening import open_store
from schemas.errors import Unavailable

NAME_VARIABLE: Final = "POSTROOM_WORKER_NAME"  # how whoever starts a worker says what it is called
_OURS_ALONE: Final = 0o700  # whoever may look into the folder may read everybody's post


@dataclass(frozen=True, slots=True)
class Service:
    """The ground everything else stands on. Close it at the end.

    ends: what is closed before it, by whoever put it there.
    """

    settings: Settings
    database: Database
    store: Store
    ends: ExitStack = field(default_factory=ExitStack, compare=False, repr=False)

    def close(self) -> None:
        self.ends.close()
        self.database.close()


def open_service(settings: Settings, clock: Clock | None = None) -> Service:
    """Open database and store; a database that is old or new is brought to our version.

    clock: asked instead of the database's own; for tests.
    Raises Unavailable, NotAStore or KeyUnusable, with what to do.
    """
    if not settings.database_url.get_secret_value() or not settings.store_url:
        try:
            settings.home.mkdir(mode=_OURS_ALONE, parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable(f"{settings.home}: {reason}. Name another data folder in POSTROOM_HOME.") from error
    database = open_database(settings.database).with_clock(clock)
    upgrade(database)
    return Service(settings, database, open_store(settings.store, settings.key.get_secret_value()))


def worker_name(number: int = 0) -> str:
    """A name no other living worker has: host, process, and a number where one process has several."""
    return os.environ.get(NAME_VARIABLE) or f"{socket.gethostname()}/{os.getpid()}/{number}"


def new_worker_name() -> str:
    """A name for a worker about to be started, which no worker has had before or will have.

    A process id is none: it comes again, and on hosts of one name it is there twice.
    """
    return f"{socket.gethostname()}/{uuid4().hex}"
