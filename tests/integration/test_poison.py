"""Poison among good mail: all that is good is read, and what is poison is set aside with a reason.

Two workers, real processes; the reading is a double, and so is the parser that an attacker has taken over
(`scripted_workshop`, `scripted_parser`). `POSTROOM_POISON` sets good files, poison files, and seconds that reading a
page takes: "2000,20,0.3" beside "2000,0,0.3" shows what poison costs with the limits of a real worker.
"""

import io
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from PIL import Image
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parent))
import scripted_workshop
from scripted_parser import script

from intake import audit, ledger
from intake.database.tables import FileRow, PieceRow, StepRow
from intake.receive import Arrival, Sender, receive
from intake.service import Service, open_service
from intake.settings import Settings
from intake.supervisor import Supervisor
from intake.sweep import bring_back_if_possible, keep_sweeping
from schemas.errors import Cause
from schemas.states import MailState

_SIZES: Final = [*os.environ.get("POSTROOM_POISON", "100,20").split(","), "0"]
GOOD, POISON, SECONDS_A_PAGE = int(_SIZES[0]), int(_SIZES[1]), float(_SIZES[2])
HERE: Final = Path(__file__).parent
# The sweep's clock: nobody waits out the pause between two attempts, and no lease passes by itself (below).
AHEAD: Final = timedelta(minutes=2)
LEASE_SECONDS: Final = 3600
WORKER: Final = """
import sys
from pathlib import Path
here, quick = sys.argv[1:]
sys.path.insert(0, here)
from extract.limits import DEFAULT_LIMITS, Limits
from intake.hands import open_hands
from intake.sandbox import Sandbox
from intake.settings import Settings
from intake.step_worker import stopping_at_signals
QUICK = Limits(seconds_per_page=0.7, seconds_per_file=1.5, memory_bytes=300 * 1024 * 1024, seconds_to_begin=1.5,
               seconds_to_read_page=0.5)
hands = open_hands(
    Settings(),
    limits=QUICK if quick == "quick" else DEFAULT_LIMITS,
    workshop="scripted_workshop:" + ("open_workshop" if quick == "quick" else "takes_its_time"),
    sandbox=Sandbox(program="scripted_parser:main", readable=[Path(here)]),
)
with stopping_at_signals(hands.runner.stop):
    hands.runner.run()
hands.close()
"""


def scan(width: int, number: int) -> bytes:
    """A page of that width; no two are the same."""
    file = io.BytesIO()
    Image.new("1", (width, 300 + number), 1).save(file, "TIFF")
    return file.getvalue()


# What each kind is, and what a person is told it is. Only some may be tried again: others would end the same way.
CONTENTS: Final[Mapping[str, tuple[Callable[[int], bytes], Cause]]] = {
    "crashes the reader": (lambda number: scan(scripted_workshop.KILLS_ITS_WORKER, number), Cause.CRASHED),
    "hangs in the parser": (lambda number: script("hang"), Cause.TOO_SLOW),
    "eats memory": (lambda number: script("eat memory"), Cause.TOO_LARGE),
    "bomb of forks": (lambda number: script("bomb of forks"), Cause.DAMAGED),
    "raises in a stage": (lambda number: scan(scripted_workshop.RAISES, number), Cause.FAILED),
    "gets stuck in a stage": (lambda number: scan(scripted_workshop.NEVER_ENDS, number), Cause.TOO_SLOW),
    "computes for ever": (lambda number: script("compute"), Cause.TOO_SLOW),
    "crashes the parser": (lambda number: script("crash"), Cause.CRASHED),
    "lies": (lambda number: script("lie", 20), Cause.CRASHED),
    "is forgotten": (lambda number: scan(scripted_workshop.IS_FORGOTTEN, number), Cause.FAILED),
}
# A worker that dies takes seconds to be replaced: at the small size one file of each such kind is enough.
_COSTLY: Final = {"crashes the reader", "gets stuck in a stage"}
_OFTEN: Final = {"crashes the reader", "gets stuck in a stage", "is forgotten"}


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"POSTROOM_{name.upper()}", raising=False)
    monkeypatch.setenv("POSTROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("POSTROOM_LEASE_SECONDS", str(LEASE_SECONDS))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("SCRIPTED_SECONDS_A_PAGE", str(SECONDS_A_PAGE))
    return open_service(Settings())


def arrivals() -> list[Arrival]:
    """The good files, with the poison spread evenly among them. A poison file's name begins with its kind."""
    kinds = (
        list(CONTENTS)[:5] * POISON
        if SECONDS_A_PAGE
        else [*CONTENTS, *(kind for kind in CONTENTS if kind not in _COSTLY)] * POISON
    )
    every = GOOD // POISON if POISON else GOOD + 1
    found = []
    for number in range(GOOD):
        found.append(Arrival(f"good-{number}.tif", io.BytesIO(scan(scripted_workshop.IS_BLANK, number))))
        place, rest = divmod(number, every)
        if rest == every // 2 and place < POISON:
            kind = kinds[place]
            found.append(Arrival(f"{kind}/{number}", io.BytesIO(CONTENTS[kind][0](number))))
    return found


def published(service: Service) -> int:
    with service.database.read() as session:
        counted = select(func.count()).select_from(PieceRow).where(PieceRow.state == MailState.PUBLISHED)
        return session.scalars(counted).one()


def states(service: Service) -> Counter[MailState]:
    with service.database.read() as session:
        return Counter(session.scalars(select(FileRow.state)))


@pytest.mark.slow
def test_what_is_good_is_read_and_what_is_poison_is_set_aside_with_a_reason(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    receive(service.database, service.store, arrivals(), Sender("anna", "test", date(2026, 3, 2)))
    stop = threading.Event()
    pace = "real" if SECONDS_A_PAGE else "quick"
    supervisor = Supervisor(
        2, (sys.executable, "-c", WORKER, str(HERE), pace), lost=partial(bring_back_if_possible, service.database)
    )
    ahead = service.database.with_clock(lambda: datetime.now(UTC) + AHEAD)
    threads = [
        threading.Thread(target=supervisor.run, args=(stop,)),
        threading.Thread(target=keep_sweeping, args=(ahead, 0.5, stop)),
    ]
    started, good_after = time.monotonic(), 0.0
    for thread in threads:
        thread.start()
    try:
        deadline = started + 120 + GOOD * (0.5 + SECONDS_A_PAGE) + 60 * POISON
        while (found := states(service))[MailState.IN_WORK]:
            assert time.monotonic() < deadline, found
            if not good_after and published(service) == GOOD:
                good_after = time.monotonic() - started
            time.sleep(0.2)
        all_after = time.monotonic() - started
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    good_after = good_after or all_after
    with capsys.disabled():
        print(
            f"\n{GOOD} good files read after {good_after:.1f} s ({GOOD / good_after:.1f} a second),"
            f" {POISON} poison files set aside after {all_after:.1f} s"
        )
    assert found == {MailState.PUBLISHED: GOOD} | ({MailState.QUARANTINED: POISON} if POISON else {})
    _check_reasons(service)
    with service.database.read() as session:
        assert ledger.take(session).differences == {}
        assert audit.verify(session) is None


def _check_reasons(service: Service) -> None:
    """Every poison file has its own kind's cause, a remedy, and was begun no more often than allowed."""
    with service.database.read() as session:
        set_aside = session.scalars(select(FileRow).where(FileRow.state == MailState.QUARANTINED)).all()
        for file in set_aside:
            kind = file.name.split("/")[0]
            pieces = session.scalars(select(PieceRow).where(PieceRow.file_id == file.id)).all()
            reason = pieces[0] if pieces else file
            assert reason.cause is CONTENTS[kind][1], (kind, reason.cause, reason.problem)
            assert reason.problem, kind
            assert reason.remedy, kind
            about = (StepRow.file_id == file.id) | StepRow.piece_id.in_([piece.id for piece in pieces])
            attempts = session.scalars(select(func.max(StepRow.attempts)).where(about)).one()
            assert attempts == (3 if kind in _OFTEN else 1), (kind, attempts)
