"""Workers are killed at seeded moments while a batch is read: every piece ends once, and the books balance.

The reading is a double (`scripted_workshop`), so that a piece takes milliseconds; received bytes, store, database,
sandbox, leases, sweep and supervisor are real. `POSTROOM_STORM` sets pieces and kills: "2000,20" for the full size.
"""

import io
import os
import random
import signal
import sys
import threading
import time
from datetime import date
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from intake import audit, ledger
from intake.database.tables import OutboxRow, PieceRow, RevisionRow, StepRow
from intake.receive import Arrival, Sender, receive
from intake.service import Service, open_service
from intake.settings import Settings
from intake.supervisor import Supervisor
from intake.sweep import keep_sweeping
from schemas.states import MailState

PIECES, KILLS = map(int, os.environ.get("POSTROOM_STORM", "150,5").split(","))
BLANK = 664  # the width of a page nobody needs to look at, to the double
WORKER = """
import sys
sys.path.insert(0, {here!r})
from intake.settings import Settings
from intake.step_worker import work
work(Settings(), lambda what, claim, seconds: None, workshop="scripted_workshop:open_workshop")
"""


def scan(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("1", (BLANK, 300 + number), 1).save(file, "TIFF")
    return file.getvalue()


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"POSTROOM_{name.upper()}", raising=False)
    settings = {"HOME": str(tmp_path / "home"), "LEASE_SECONDS": "3", "SWEEP_SECONDS": "0.5"}
    for name, value in settings.items():
        monkeypatch.setenv(f"POSTROOM_{name}", value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return open_service(Settings())


def count(service: Service, *what: object) -> int:
    with service.database.read() as session:
        return session.scalars(select(func.count()).select_from(PieceRow).where(*what)).one()  # type: ignore[arg-type]


def test_every_piece_is_published_once_whatever_is_killed(service: Service) -> None:
    arrivals = (Arrival(f"{number}.tif", io.BytesIO(scan(number))) for number in range(PIECES))
    receive(service.database, service.store, arrivals, Sender("anna", "test", date(2026, 3, 2)))
    chance, stop = random.Random(8), threading.Event()  # noqa: S311  # a seeded storm, no secret
    supervisor = Supervisor(2, (sys.executable, "-c", WORKER.format(here=str(Path(__file__).parent))))
    threads = [
        threading.Thread(target=supervisor.run, args=(stop,)),
        threading.Thread(target=keep_sweeping, args=(service.database, 0.5, stop)),
    ]
    for thread in threads:
        thread.start()
    try:
        killed = 0
        deadline = time.monotonic() + 60 + PIECES / 2 + 10 * KILLS
        while count(service, PieceRow.state == MailState.PUBLISHED) < PIECES:
            assert time.monotonic() < deadline
            done = count(service, PieceRow.state == MailState.PUBLISHED)
            # Spread over the whole run: the next kill falls when its share of the pieces is done.
            if killed < KILLS and done >= PIECES * killed / KILLS and supervisor.process_ids:
                time.sleep(chance.uniform(0.0, 0.3))
                os.kill(chance.choice(supervisor.process_ids), signal.SIGKILL)
                killed += 1
            time.sleep(0.1)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert killed == KILLS
    with service.database.read() as session:
        assert ledger.take(session).differences == {}
        assert audit.verify(session) is None
        for row in (RevisionRow, OutboxRow):  # one document in every piece
            assert session.scalars(select(func.count()).select_from(row)).one() == PIECES
        sequences = session.scalars(select(RevisionRow.sequence).order_by(RevisionRow.sequence)).all()
        assert sequences == list(range(1, PIECES + 1))
        wasted = session.scalars(select(func.sum(StepRow.fence))).one() - 3 * PIECES
    assert wasted <= 3 * KILLS
