"""The processes of an office whose reading is a double: `serve` without the API, and its workers.

    python scripted_office.py serve|worker

Settings come from the environment, as always. Where POSTROOM_TEST_CLOCK names a file, the number in it is added to the
clock of every process, in seconds: so the time of a whole office jumps while it works.
"""

import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from intake import event_log
from intake.database.engine import Clock
from intake.event_log import tell
from intake.service import open_service
from intake.settings import Settings
from intake.step_events import tell_step
from intake.step_worker import work
from intake.supervisor import Supervisor
from intake.sweep import bring_back_if_possible, keep_sweeping

CLOCK_VARIABLE = "POSTROOM_TEST_CLOCK"


def jumping_clock(file: Path) -> Clock:
    """This machine's clock and what the file says."""
    return lambda: datetime.now(UTC) + timedelta(seconds=float(file.read_text()))


def our_clock() -> Clock | None:
    """None where no file is named: the database's own."""
    return jumping_clock(Path(os.environ[CLOCK_VARIABLE])) if CLOCK_VARIABLE in os.environ else None


def serve() -> None:
    settings = Settings()
    service = open_service(settings, our_clock())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: stop.set())
    command = (sys.executable, __file__, "worker")
    supervisor = Supervisor(settings.workers, command, lost=partial(bring_back_if_possible, service.database))
    sweeping = threading.Thread(target=keep_sweeping, args=(service.database, settings.sweep_seconds, stop))
    sweeping.start()
    supervisor.run(stop)
    sweeping.join()


def worker() -> None:
    work(
        Settings(),
        tell_step,
        workshop="scripted_workshop:open_workshop",
        ready=lambda: tell("ready"),
        clock=our_clock(),
    )


if __name__ == "__main__":
    event_log.start()
    {"serve": serve, "worker": worker}[sys.argv[1]]()
