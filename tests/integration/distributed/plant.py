"""A whole installation on this machine: PostgreSQL, Redis, Celery workers, dispatchers, each a process of its own."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from celery import Celery
from PIL import Image
from pydantic import SecretStr
from sqlalchemy import ColumnElement, func, select

from intake.celery_broker import QUEUE, CeleryBroker
from intake.database.tables import PieceRow, StepRow
from intake.dispatch import Dispatcher
from intake.receive import Arrival, Sender, receive
from intake.service import Service, open_service
from intake.settings import Settings
from schemas.states import MailState, StepState

HERE = Path(__file__).resolve().parent
PROGRAMS = Path(sys.executable).parent
PUBLISHED_UNSEEN = 664  # the width of a page nobody needs to look at, to the double


def scan(number: int, width: int = PUBLISHED_UNSEEN) -> bytes:
    """A page whose bytes no other number has."""
    file = io.BytesIO()
    Image.new("1", (width, 300 + number), 1).save(file, "TIFF")
    return file.getvalue()


def wait_until(what: Callable[[], Any], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@dataclass
class Program:
    """A process, and the file it writes what it says into."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def stop(self, seconds: float = 180) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def children(self) -> list[int]:
        """The processes a Celery worker does its steps in."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in found.split()]


@dataclass
class Plant:
    """Settings that all its programs share, and the programs; they are killed at the end."""

    folder: Path
    settings: dict[str, str]
    programs: list[Program] = field(default_factory=list)

    @property
    def broker(self) -> str:
        return self.settings["POSTROOM_BROKER_URL"]

    def open(self, home: str = "desk") -> Service:
        given = {name.removeprefix("POSTROOM_").lower(): value for name, value in self.settings.items()}
        secrets = {name: SecretStr(given.pop(name)) for name in ("database_url", "broker_url") if name in given}
        return open_service(Settings(**{**given, **secrets, "home": self.folder / home}))  # type: ignore[arg-type]

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
        path = [str(HERE), str(HERE.parent), *sys.path]
        ours = {"POSTROOM_HOME": str(home), "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}
        return kept | self.settings | ours | more

    def run(self, *command: str, home: str = "desk", **more: str) -> Program:
        """Start a program in a folder of its own, which is its home and where it works."""
        place = self.folder / home
        place.mkdir(exist_ok=True)
        log = self.folder / f"{home}-{len(self.programs)}.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                command,
                cwd=place,
                env=self.environment(place, **more),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        self.programs.append(Program(process, log))
        return self.programs[-1]

    def worker(self, *options: str, home: str = "host-1", app: str = "scripted_celery", **more: str) -> Program:
        command = (str(PROGRAMS / "celery"), "-A", app, "worker", "--loglevel=INFO", f"--hostname={home}@%h", *options)
        return self.run(*command, home=home, **more)

    def ready_worker(self, *options: str, home: str = "host-1", **more: str) -> Program:
        started = self.worker(*options, home=home, **more)
        started.wait_for(" ready.")
        return started

    def dispatcher(self, home: str = "dispatcher") -> Program:
        return self.run(sys.executable, "-m", "intake.cli", "dispatch", home=home)

    def celery(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Celery's own commands, as an administrator would use them."""
        command = [str(PROGRAMS / "celery"), "-A", "intake.celery_app", *arguments]
        home = self.folder / "desk"
        home.mkdir(exist_ok=True)
        return subprocess.run(
            command, cwd=home, env=self.environment(home), capture_output=True, text=True, timeout=60, check=False
        )

    def stranger(self) -> Celery:
        """Somebody who may write to the broker and knows the names."""
        app = Celery("stranger", broker=self.broker, set_as_current=False)
        app.conf.task_default_queue = QUEUE
        return app

    @contextmanager
    def dispatching(self, service: Service) -> Iterator[None]:
        """The dispatcher, in a thread of the test: one more process would take seconds to start."""
        stop = threading.Event()
        dispatcher = Dispatcher(service.database, CeleryBroker(self.stranger()), window=8)
        thread = threading.Thread(target=dispatcher.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def end(self) -> None:
        for program in self.programs:
            if program.process.poll() is None:
                program.kill()


@contextmanager
def planted(folder: Path, **settings: str) -> Iterator[Plant]:
    plant = Plant(folder, {f"POSTROOM_{name.upper()}": value for name, value in settings.items()})
    try:
        yield plant
    finally:
        plant.end()


def hand_over(service: Service, pieces: Sequence[bytes]) -> None:
    arrivals = (Arrival(f"{number}.tif", io.BytesIO(content)) for number, content in enumerate(pieces))
    receive(service.database, service.store, arrivals, Sender("anna", "test", date(2026, 3, 2)))


def published(service: Service) -> int:
    with service.database.read() as session:
        query = select(func.count()).select_from(PieceRow).where(PieceRow.state == MailState.PUBLISHED)
        return session.scalars(query).one()


def steps_of(service: Service, *where: ColumnElement[bool]) -> list[StepRow]:
    """As they are now, in the order in which they came."""
    with service.database.read() as session:
        return list(session.scalars(select(StepRow).where(*where).order_by(StepRow.id)).all())


def open_steps(service: Service) -> list[StepRow]:
    """All that are not done yet."""
    return steps_of(service, StepRow.state != StepState.DONE)
