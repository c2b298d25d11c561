"""Files handed over to the service and worked on by one real worker; what became of each, and what it cost."""

import io
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import select

from extract.limits import DEFAULT_LIMITS
from intake import audit, ledger
from intake.database.tables import FileRow, PieceRow
from intake.receive import Arrival, Sender, receive
from intake.service import Service, open_service
from intake.settings import Settings
from schemas.errors import Cause
from schemas.states import MailState

HERE: Final = Path(__file__).parent
DOUBLE, REAL = "scripted_workshop:reads_anything", "intake.wiring:open_workshop"
_WORKER: Final = """
import sys
from dataclasses import replace
from pathlib import Path
home, workshop, seconds_per_page, here = sys.argv[1:]
sys.path.insert(0, here)
from extract.limits import DEFAULT_LIMITS
from intake.hands import open_hands
from intake.sandbox import Sandbox
from intake.settings import Settings
sandbox = Sandbox()
template = sandbox._template.pid
hands = open_hands(
    Settings(home=Path(home)),
    limits=replace(DEFAULT_LIMITS, seconds_per_page=float(seconds_per_page)),
    workshop=workshop,
    sandbox=sandbox,
    watcher=lambda what, claim, seconds: print("step", claim.subject, seconds, flush=True),
)
while hands.runner.run_next():
    pass
assert sandbox._template.pid == template
print("child", sandbox.peak_memory_bytes, flush=True)
hands.close()
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one file. cause: None if it was read, or is in another state than quarantine."""

    name: str
    state: MailState
    cause: Cause | None
    problem: str

    @property
    def word(self) -> str:
        return self.cause.value if self.cause is not None else self.state.value


@dataclass(frozen=True)
class HostileRun:
    """One run.

    seconds:      that the longest step of all took.
    child_bytes:  the most any child of the sandbox used.
    tree_bytes:   the most that worker, template and child used together, looked at every few milliseconds.
    worker_ended: how the worker ended by itself, when nothing was left to do.
    """

    outcomes: tuple[Outcome, ...]
    seconds: float
    child_bytes: int
    tree_bytes: int
    worker_ended: int

    def table(self) -> str:
        counted = Counter(outcome.word for outcome in self.outcomes)
        lines = [f"    {word:16} {count:5}" for word, count in counted.most_common()]
        cost = f"longest step {self.seconds:.1f} s, largest child {self.child_bytes / 2**20:.0f} MiB"
        return "\n".join([*lines, f"    {cost}, worker and all below it {self.tree_bytes / 2**20:.0f} MiB"])


def run(
    folder: Path,
    files: Iterable[tuple[str, bytes]],
    *,
    workshop: str = DOUBLE,
    seconds_per_page: float = DEFAULT_LIMITS.seconds_per_page,
) -> HostileRun:
    """Receive the files in one batch, and let one worker do all steps there are. The ledger adds up afterwards."""
    service = open_service(Settings(home=folder, low_water_bytes=0))
    arrivals = (Arrival(name, io.BytesIO(content)) for name, content in files)
    receive(service.database, service.store, arrivals, Sender("anna", "test", date(2026, 3, 2)))
    command = [sys.executable, "-c", _WORKER, str(folder), workshop, str(seconds_per_page), str(HERE)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as worker:
        over, peak = threading.Event(), [0]
        sampler = threading.Thread(target=_sample, args=(worker.pid, peak, over))
        sampler.start()
        assert worker.stdout is not None
        said = [line.split() for line in worker.stdout]
        ended = worker.wait()
        over.set()
        sampler.join()
    seconds = max((float(words[2]) for words in said if words[0] == "step"), default=0.0)
    child = max((int(words[1]) for words in said if words[0] == "child"), default=0)
    outcomes = _outcomes(service)
    service.close()
    return HostileRun(outcomes, seconds, child, peak[0], ended)


def _outcomes(service: Service) -> tuple[Outcome, ...]:
    with service.database.read() as session:
        assert ledger.take(session).differences == {}
        assert audit.verify(session) is None
        found = []
        for file in session.scalars(select(FileRow).order_by(FileRow.position)):
            piece = session.scalars(select(PieceRow).where(PieceRow.file_id == file.id)).one_or_none()
            reason = file if piece is None else piece
            found.append(Outcome(file.name, file.state, reason.cause, reason.problem or ""))
        return tuple(found)


def _sample(pid: int, peak: list[int], over: threading.Event) -> None:
    while not over.wait(0.005):
        peak[0] = max(peak[0], sum(_own_bytes(each) for each in (pid, *descendants(pid))))


def descendants(pid: int) -> set[int]:
    """All processes below this one."""
    found: set[int] = set()
    with suppress(OSError, ValueError):
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            found |= {child, *descendants(child)}
    return found


def _own_bytes(pid: int) -> int:
    """What a process holds in memory beside what it shares with files and with others through them."""
    with suppress(OSError, IndexError, ValueError):
        resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
    return 0
