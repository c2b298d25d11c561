"""A disk of 64 MB that holds all of the service fills up, again and again, while post comes in and is read.

What was acknowledged stays and is read; what was not is refused by name, leaves nothing torn, and goes through once
there is room. API and workers are processes of their own, the reading is a double. `POSTROOM_FULL_DISKS` sets how
often the disk fills up: 10 for the full size.
"""

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parent))
import scripted_workshop

from intake import audit, ledger
from intake.database.tables import BatchRow, FileRow, RevisionRow, StepRow
from intake.service import Service, open_service
from intake.settings import Settings
from intake.supervisor import Supervisor
from intake.sweep import bring_back_if_possible, keep_sweeping
from schemas.states import MailState
from tests.integration.api.caller import as_parts, digests, with_key
from tests.integration.api.server import Server, client_of, started

TIMES: Final = int(os.environ.get("POSTROOM_FULL_DISKS", "2"))
DISK_BYTES: Final = 64 * 1024 * 1024
LOW_WATER_BYTES: Final = 24 * 1024 * 1024
ROOM_BYTES: Final = 3 * 1024 * 1024  # left by what fills the disk at first
WORKER: Final = """
import sys
sys.path.insert(0, sys.argv[1])
from intake.settings import Settings
from intake.step_worker import work
work(Settings(), lambda what, claim, seconds: None, workshop="scripted_workshop:open_workshop")
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The data folder on a file system of its own, in memory; an operator's `df` would say 64M."""
    folder = tmp_path / "home"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "postroom-test", folder]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"only root may mount a small disk, and not everywhere: {error}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # a test that failed may still hold files open


@pytest.fixture
def service(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.chdir(home.parent)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"POSTROOM_{name.upper()}", raising=False)
    for name, value in {"HOME": str(home), "LEASE_SECONDS": "3", "SWEEP_SECONDS": "0.5"}.items():
        monkeypatch.setenv(f"POSTROOM_{name}", value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    service = open_service(Settings())
    yield service
    service.close()


@contextmanager
def two_workers(service: Service) -> Iterator[None]:
    stop = threading.Event()
    command = (sys.executable, "-c", WORKER, str(Path(__file__).parent))
    supervisor = Supervisor(2, command, lost=partial(bring_back_if_possible, service.database))
    threads = [
        threading.Thread(target=supervisor.run, args=(stop,)),
        threading.Thread(target=keep_sweeping, args=(service.database, 0.5, stop)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def scan(number: int) -> bytes:
    """A page of noise, 210 kB, that the double takes for a blank one."""
    grey = np.random.default_rng(number).integers(0, 256, (320, scripted_workshop.IS_BLANK), np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "TIFF")
    return file.getvalue()


@dataclass
class Uploads:
    """What was sent and what was acknowledged, by Idempotency-Key."""

    client: httpx.Client
    sent: dict[str, dict[str, bytes]] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)

    def send(self, key: str) -> int:
        """The status. Anything but a receipt, or that there is no room, or to come again, is an error."""
        if key not in self.sent:
            self.sent[key] = {f"{place}.tif": scan(2 * len(self.sent) + place) for place in range(2)}
        form = {"received_on": "2026-03-02"}
        answer = self.client.post("/v1/batches", files=as_parts(self.sent[key]), data=form, headers=with_key(key))
        assert answer.status_code in {200, 201, 503, 507}, answer.text
        if answer.status_code >= 500:
            assert answer.headers["retry-after"].isdigit()
            return answer.status_code
        receipt = answer.json()
        assert [file["sha256"] for file in receipt["files"]] == digests(list(self.sent[key].values()))
        assert self.receipts.setdefault(key, receipt["batch_id"]) == receipt["batch_id"]
        return answer.status_code

    def send_until_refused(self, name: str) -> int:
        """How many were acknowledged before."""
        for number in range(200):
            if self.send(f"{name}-{number}") >= 500:
                return number
        raise AssertionError("the disk never filled up")


def fill(path: Path, leave: int) -> None:
    """Take all room but so much; with 0 down to the last byte."""
    with path.open("ab", buffering=0) as file:
        free = os.statvfs(path).f_bavail * os.statvfs(path).f_frsize
        block = bytes(max(free - leave, 0))
        try:
            while block:
                block = block[file.write(block) :]
            while leave == 0:
                file.write(bytes(1024))
        except OSError:
            return


def wait_until(what: Callable[[], bool], service: Service) -> None:
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline, states(service)
        time.sleep(0.1)


def states(service: Service) -> dict[MailState, int]:
    with service.database.read() as session:
        counted = session.execute(select(FileRow.state, func.count()).group_by(FileRow.state))
        return {state: int(count) for state, count in counted}


def everything_is_read(service: Service, uploads: Uploads) -> bool:
    return states(service) == {MailState.PUBLISHED: 2 * len(uploads.receipts)}


@pytest.mark.slow
def test_whatever_is_acknowledged_on_a_disk_that_fills_up_is_there_and_read(
    service: Service, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ballast, refused = home / "ballast", 0
    with started(home, tmp_path) as server, client_of(server) as client, two_workers(service):
        uploads = Uploads(client)
        for time_ in range(TIMES):
            fill(ballast, ROOM_BYTES)
            uploads.send_until_refused(f"time-{time_}")
            fill(ballast, 0)  # now the database cannot grow either, whatever the workers have in hand
            refused += sum(uploads.send(f"brim-{time_}-{number}") >= 500 for number in range(3))
            ballast.unlink()
            for key in uploads.sent:  # the same again, as senders do: nothing is received twice
                wait_until(partial(_is_acknowledged, uploads, key), service)
            wait_until(lambda: everything_is_read(service, uploads), service)
        log = server.log.read_text()
    assert refused > 0
    assert set(uploads.receipts) == set(uploads.sent)
    assert "Traceback" not in log
    _check(service, uploads, home)
    with capsys.disabled():
        print(f"\n{TIMES} times full: {len(uploads.receipts)} uploads read, {refused} of them refused at the brim")


def _is_acknowledged(uploads: Uploads, key: str) -> bool:
    return uploads.send(key) < 500


@pytest.mark.slow
def test_uploads_are_refused_before_the_database_is_starved_and_what_is_there_is_read(
    service: Service, home: Path, tmp_path: Path
) -> None:
    with started(home, tmp_path, low_water_bytes=LOW_WATER_BYTES) as server, client_of(server) as client:
        uploads = Uploads(client)
        assert uploads.send_until_refused("low") > 10
        assert uploads.send("lower") == 507
        assert service.store.free_bytes() > LOW_WATER_BYTES - 2**20
        fill(home / "ballast", LOW_WATER_BYTES - 2**20)
        assert client.get("/health/ready").status_code == 503
        with two_workers(service):
            wait_until(lambda: everything_is_read(service, uploads), service)
    _check(service, uploads, home)


@pytest.mark.slow
def test_reading_waits_for_room_and_goes_on_by_itself(service: Service, home: Path, tmp_path: Path) -> None:
    with started(home, tmp_path) as server, client_of(server) as client:
        uploads = Uploads(client)
        for number in range(5):
            assert uploads.send(f"before-{number}") == 201
        fill(home / "ballast", 0)
        with two_workers(service):
            _let_them_fail(server, service)
            assert MailState.QUARANTINED not in states(service)
            (home / "ballast").unlink()
            wait_until(lambda: everything_is_read(service, uploads), service)
    with service.database.read() as session:
        assert session.scalars(select(func.max(StepRow.attempts))).one() <= 2
    _check(service, uploads, home)


@pytest.mark.slow
def test_a_database_without_room_asks_to_come_again_though_the_store_has_room(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roomy = tmp_path / "roomy"
    monkeypatch.setenv("POSTROOM_DATABASE_URL", f"sqlite:///{home / 'post.db'}")
    service = open_service(Settings(home=roomy))
    with started(roomy, tmp_path) as server, client_of(server) as client:
        uploads = Uploads(client)
        assert uploads.send("first") == 201
        fill(home / "ballast", 0)
        answers = [uploads.send(f"full-{number}") for number in range(30)]
        assert answers[-1] == 503
        (home / "ballast").unlink()
        assert all(uploads.send(key) < 500 for key in uploads.sent)
    with service.database.read() as session:
        assert ledger.take(session).differences == {}
        assert session.scalars(select(func.count()).select_from(BatchRow)).one() == len(uploads.sent) == 31
    service.close()


def _let_them_fail(server: Server, service: Service) -> None:
    """Until the disk has stopped all work: twice the same picture, a lease apart."""
    before = None
    deadline = time.monotonic() + 60
    while (now := states(service)) != before:
        assert time.monotonic() < deadline
        assert server.process.poll() is None
        before = now
        time.sleep(4)


def _check(service: Service, uploads: Uploads, home: Path) -> None:
    """Every acknowledged file is there byte for byte, every batch once, nothing is torn or left over."""
    with service.database.read() as session:
        assert ledger.take(session).differences == {}
        assert audit.verify(session) is None
        assert session.scalars(select(func.count()).select_from(BatchRow)).one() == len(uploads.receipts)
        assert session.scalars(select(func.count()).select_from(RevisionRow)).one() == 2 * len(uploads.receipts)
    acknowledged = {digest for key in uploads.receipts for digest in digests(list(uploads.sent[key].values()))}
    for digest in acknowledged:
        service.store.verify(digest)
    assert acknowledged <= set(service.store.digests())
    for digest in service.store.digests():  # what was not acknowledged may lie there, whole, for the orphan collector
        service.store.verify(digest)
    assert list(home.rglob("*.part")) == []
    assert list((home / "uploads").iterdir()) == []
