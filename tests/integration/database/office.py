"""An office of real processes, for tests that kill and stop them: a supervisor, its workers, their sandboxes."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from PIL import Image
from sqlalchemy import func, select

from intake import audit, ledger, steps
from intake.database.tables import OutboxRow, PieceRow, RevisionRow, StepRow
from intake.receive import Arrival, Sender, receive
from intake.service import NAME_VARIABLE, open_service
from intake.settings import PREFIX, Settings
from schemas.states import MailState, StepName, StepState
from tests.integration.scripted_office import CLOCK_VARIABLE, jumping_clock

PROGRAM = Path(__file__).parents[1] / "scripted_office.py"
BLANK = 664  # the width of a page nobody needs to look at, to the double
FILES_PER_BATCH = 100
STEPS_PER_PIECE = 3


def scan(number: int, width: int = BLANK) -> bytes:
    """A page that is like no other of the first ten thousand."""
    image = Image.new("1", (width, 300 + number % 100), 1)
    image.putpixel((number // 100 % 100, 0), 0)
    file = io.BytesIO()
    image.save(file, "TIFF", compression="group4")
    return file.getvalue()


class Office:
    """`serve` in a process of its own, and this process beside it, which hands mail over and looks on.

    Leases are short, so that a test need not wait long for what a dead worker held.
    """

    def __init__(self, folder: Path, url: str, lease_seconds: float = 3.0) -> None:
        self._clock = folder / "clock"
        self.set_clock(0)
        ours = {
            "HOME": str(folder / "home"), "DATABASE_URL": url, "WORKERS": "2",
            "LEASE_SECONDS": str(lease_seconds), "SWEEP_SECONDS": "0.5",
        }  # fmt: skip
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._environment = kept | {PREFIX + name: value for name, value in ours.items()}
        self._environment |= {CLOCK_VARIABLE: str(self._clock), "PYTHONPATH": os.pathsep.join(sys.path)}
        self._folder = folder
        self._said = (folder / "said").open("ab")
        settings = Settings(_env_file=None, **{name.lower(): value for name, value in ours.items()})  # type: ignore[arg-type, call-arg]
        self.service = open_service(settings, jumping_clock(self._clock))
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(PROGRAM), "serve"]
        return subprocess.Popen(
            command, env=self._environment, cwd=self._folder, stdin=subprocess.DEVNULL,
            stdout=self._said, stderr=self._said,
        )  # fmt: skip

    def start_again(self) -> None:
        """After `supervisor` was killed."""
        self._process.wait(30)
        self._process = self._start()

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()
        self.service.close()

    def set_clock(self, ahead_seconds: float) -> None:
        """Put the clock of the whole office so far ahead of this machine's; below 0, behind it."""
        new = self._clock.with_suffix(".new")
        new.write_text(str(ahead_seconds))
        new.rename(self._clock)

    def take_in(self, pieces: int, scan: Callable[[int], bytes] = scan) -> Iterator[int]:
        """Hand over so many pieces in batches; yields how many are received after each."""
        for first in range(0, pieces, FILES_PER_BATCH):
            numbers = range(first, min(first + FILES_PER_BATCH, pieces))
            arrivals = (Arrival(f"{number}.tif", io.BytesIO(scan(number))) for number in numbers)
            receive(self.service.database, self.service.store, arrivals, Sender("anna", "test", date(2026, 3, 2)))
            yield numbers.stop

    @property
    def supervisor(self) -> int:
        return self._process.pid

    def workers(self) -> list[int]:
        """Process ids of the workers that live."""
        return [pid for pid, parent in parents().items() if parent == self.supervisor]

    def sandboxes(self) -> list[int]:
        """Process ids of everything that workers have started and that lives."""
        return [pid for worker in self.workers() for pid in below(worker)]

    def published(self) -> int:
        with self.service.database.read() as session:
            where = PieceRow.state == MailState.PUBLISHED
            return session.scalars(select(func.count()).select_from(PieceRow).where(where)).one()

    def claims(self) -> int:
        """How many steps have been claimed so far, each time counted."""
        with self.service.database.read() as session:
            return int(session.scalars(select(func.coalesce(func.sum(StepRow.fence), 0))).one())

    def retry_what_was_set_aside(self) -> int:
        """As an operator does who knows that the machine was at fault; how many steps."""
        with self.service.database.read() as session:
            ids = session.scalars(select(StepRow.id).where(steps.in_state(StepState.QUARANTINED))).all()
        for step in ids:
            with self.service.database.write() as session:
                steps.retry(session, step, "anna", self.service.database.now(session))
        return len(ids)

    def reading(self) -> tuple[StepState, str] | None:
        """(state of the one step `read`, who claimed it last); None as long as nobody has."""
        with self.service.database.read() as session:
            query = select(StepRow.state, StepRow.worker).where(StepRow.name == StepName.READ, StepRow.fence > 0)
            found = session.execute(query).one_or_none()
            return None if found is None else (found.state, found.worker)

    def in_hand(self) -> list[str]:
        """Who holds each of the steps that are being worked on, dead or alive."""
        with self.service.database.read() as session:
            return list(session.scalars(select(StepRow.worker).where(steps.in_state(StepState.RUNNING))))

    def held_by_the_dead(self) -> int:
        """How many steps are held by workers that live no more."""
        alive = "".join(map(environment_of, self.workers()))
        return sum(f"{NAME_VARIABLE}={worker}\0" not in alive for worker in self.in_hand())

    def process_of(self, worker: str) -> int:
        """The process id of the worker of this name."""
        [pid] = [pid for pid in self.workers() if f"{NAME_VARIABLE}={worker}\0" in environment_of(pid)]
        return pid

    def said(self) -> str:
        """What its processes wrote, for a test that fails."""
        return (self._folder / "said").read_text(errors="replace")

    def outcomes(self) -> list[set[str]]:
        """Of every step that ended, what became of it, its name and what it was about."""
        events = [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]
        return [{event["outcome"], event["step"], event["subject"]} for event in events if event["event"] == "step"]

    def prove_that_each_was_published_once(self, pieces: int) -> None:
        """Nothing is lost, nothing is there twice, the order has no gap, the chain holds. Each has one document."""
        with self.service.database.read() as session:
            found = ledger.take(session)
            assert found.differences == {}
            assert found.received == {"files": pieces, "pages": pieces, "pieces": pieces}
            assert {state: standing.count for state, standing in found.states["pieces"].items() if standing.count} == {
                MailState.PUBLISHED: pieces
            }
            assert audit.verify(session) is None
            assert session.scalars(select(func.count()).select_from(RevisionRow)).one() == pieces
            assert session.scalars(select(func.count(OutboxRow.revision_id))).one() == pieces
            sequences = session.scalars(select(RevisionRow.sequence).order_by(RevisionRow.sequence)).all()
            assert sequences == list(range(1, pieces + 1))


@contextmanager
def opened(folder: Path, url: str, lease_seconds: float = 3.0) -> Iterator[Office]:
    office = Office(folder, url, lease_seconds)
    try:
        yield office
    finally:
        office.close()


def environment_of(pid: int) -> str:
    """What a process was started with; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/environ").read_text() + "\0"
    except OSError:
        return ""


def parents() -> Mapping[int, int]:
    """The parent of every process that lives; zombies are dead."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):  # it has ended meanwhile
            continue
        if state != "Z":
            found[int(place.name)] = int(parent)
    return found


def below(pid: int) -> list[int]:
    """Everything that this process has started, itself or by others, and that lives."""
    above, found, level = parents(), [], {pid}
    while level:
        level = {child for child, parent in above.items() if parent in level}
        found += sorted(level)
    return found


def send(pid: int, number: signal.Signals) -> bool:
    """Whether it still lived."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def wait_until(what: Callable[[], bool], seconds: float, office: Office) -> None:
    """Wait for it; what the office said is shown if it takes too long."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, office.said()[-4000:]
        time.sleep(0.05)
