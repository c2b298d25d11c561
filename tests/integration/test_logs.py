"""Canaries in everything people write, and in what goes wrong: no process of the service ever logs one of them."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import select

from intake.database.engine import Database
from intake.database.tables import PieceRow, StepRow
from intake.receive import Arrival, Sender, receive
from intake.service import Service, open_service
from intake.settings import Settings
from schemas.states import MailState, StepState
from tests.redis_server import RedisServer

sys.path.insert(0, str(Path(__file__).parent))
import scripted_workshop

CANARY = "ZEBRAQUAGGA"
KEY = "k" * 40
WORKER = """
import sys
sys.path.insert(0, {here!r})
from intake import event_log
from intake.settings import Settings
from intake.step_events import tell_step
from intake.step_worker import work
event_log.start()
work(Settings(), tell_step, workshop="scripted_workshop:open_workshop", until_idle=True)
"""


def environment(home: Path, **settings: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    ours = {f"POSTROOM_{name}": value for name, value in settings.items()}
    return clean | ours | {"POSTROOM_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}


@contextmanager
def running(command: list[str], folder: Path, settings: dict[str, str]) -> Iterator[Path]:
    """A process that is told to end at the end; yields the file of all that it and its children log."""
    log = folder / "log"
    with log.open("wb") as said, (folder / "printed").open("wb") as printed:
        process = subprocess.Popen(command, cwd=folder, env=settings, stdout=printed, stderr=said)
    try:
        yield log
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()


def events(log: Path) -> list[dict[str, object]]:
    """Every line must be a JSON object; the last may not be whole yet."""
    text = log.read_text()
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def wait_for(what: str, log: Path) -> dict[str, object]:
    deadline = time.monotonic() + 120
    while True:
        found = [event for event in events(log) if event["event"] == what]
        if found:
            return found[0]
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def scan() -> bytes:
    """A letter that says the canary, in large print."""
    page, file = Image.new("L", (1654, 1200), 255), io.BytesIO()
    font = ImageFont.load_default(size=72)
    for line in range(4):
        ImageDraw.Draw(page).text((150, 200 + 160 * line), f"{CANARY} {CANARY}", font=font, fill=0)
    page.save(file, "TIFF", dpi=(200, 200))
    return file.getvalue()


def step_states(database: Database) -> set[StepState]:
    with database.read() as session:
        return set(session.scalars(select(StepRow.state)).all())


@pytest.mark.slow
def test_serve_and_its_workers_log_nothing_of_what_people_sent(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = environment(home, PORT="0", WORKERS="1", API_KEYS=f"scanner:{KEY}")
    with running([sys.executable, "-m", "intake.cli", "serve"], tmp_path, settings) as log:
        address = str(wait_for("ready", log)["address"])
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
            written = {"Idempotency-Key": CANARY, "User-Agent": CANARY, "X-Canary": CANARY, "Referer": CANARY}
            files = [("files", (f"{CANARY}.tif", scan())), ("files", (f"{CANARY}.pdf", b"%PDF-1.7 " + CANARY.encode()))]
            form = {"name": CANARY, "received_on": "2026-03-02"}
            ours = {"Authorization": f"Bearer {KEY}"}
            receipt = client.post("/v1/batches", files=files, data=form, headers=written | ours)
            assert receipt.status_code == 201, receipt.text
            for wrong in (f"Bearer {CANARY}", f"Basic {CANARY}"):
                assert client.get("/v1/batches", headers={"Authorization": wrong}).status_code == 401
            named = client.get("/v1/batches", headers=ours)
            assert named.status_code == 200
            for path in (f"/{CANARY}", f"/v1/batches/{CANARY}?after={CANARY}"):
                assert client.get(path, headers=ours).status_code in (404, 422)
            client.request(CANARY, "/v1/batches", headers=written)
            database = open_service(Settings(home=home)).database
            deadline = time.monotonic() + 180
            while step_states(database) & {StepState.READY, StepState.RUNNING, StepState.WAITING}:
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
        with database.read() as session:
            assert session.scalars(select(PieceRow.state)).all() == [MailState.IN_REVIEW]
        database.close()
    told = events(log)
    # It was read: had anything wished to tell it, it could have.
    assert CANARY.encode() in (home / "postroom.db").read_bytes()
    assert {"ready", "request", "step", "step_refused"} <= {event["event"] for event in told}
    assert "scanner" in {event.get("caller") for event in told}
    assert {event["outcome"] for event in told if event["event"] == "step"} == {"done", "quarantined"}
    assert len({event["pid"] for event in told}) >= 2
    for secret in (CANARY, CANARY.lower(), KEY):
        assert secret not in log.read_text() + (tmp_path / "printed").read_text()


def test_a_worker_logs_nothing_of_what_an_exception_says(tmp_path: Path) -> None:
    service = opened(tmp_path / "home")
    page, file = Image.new("1", (scripted_workshop.RAISES, 300), 1), io.BytesIO()
    page.save(file, "TIFF")
    sender = Sender("anna", "test", name=CANARY)
    receive(service.database, service.store, [Arrival(f"{CANARY}.tif", io.BytesIO(file.getvalue()))], sender)
    command = [sys.executable, "-c", WORKER.format(here=str(Path(__file__).parent))]
    settings = environment(tmp_path / "home") | {"OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in ran.stderr.splitlines()]
    [refused] = [event for event in told if event["event"] == "step_refused"]
    assert refused["cause"] == "failed"
    assert not ran.stdout
    for secret in (CANARY, scripted_workshop.WRITTEN, "what somebody"):
        assert secret not in ran.stderr
    service.close()


def opened(home: Path) -> Service:
    return open_service(Settings(home=home, low_water_bytes=0))


FORGE = f"""
from intake.celery_app import QUEUE, TASK, app
app.send_task(TASK, args=["{CANARY}"], queue=QUEUE)
app.send_task("{CANARY}", args=["{CANARY}"], kwargs={{"{CANARY}": "{CANARY}"}}, queue=QUEUE)
app.send_task(TASK, args=[1], queue=QUEUE)
"""


@pytest.mark.slow
def test_a_celery_worker_logs_nothing_of_forged_messages_and_its_lines_are_ours(tmp_path: Path) -> None:
    service = opened(tmp_path / "home")
    notes = Arrival(f"{CANARY}.tif", io.BytesIO(f"Dear {CANARY}".encode()))
    receive(service.database, service.store, [notes], Sender("anna", "test"))
    with RedisServer() as server:
        settings = environment(tmp_path / "home", BROKER_URL=server.url, WORKERS="1") | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "celery", "-A", "intake.celery_app", "worker"]
        forged = subprocess.run(
            [sys.executable, "-c", FORGE], cwd=tmp_path, env=settings, capture_output=True, check=False
        )
        assert forged.returncode == 0, forged.stderr
        with running(command, tmp_path, settings) as log:
            deadline = time.monotonic() + 120
            while StepState.QUARANTINED not in step_states(service.database):
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
    # Celery warns of running as root, as tests may, before anybody can tell it where to.
    said = log.read_text().splitlines()
    first = next(place for place, line in enumerate(said) if line.startswith("{"))
    told = [json.loads(line) for line in said[first:]]
    assert not said[:first] or "SecurityWarning" in said[0]
    assert CANARY not in log.read_text() + (tmp_path / "printed").read_text()
    assert ("step", "quarantined") in {(event["event"], event.get("outcome")) for event in told}
    # That something was wrong with a message is told, by whoever found it, but not what stood in it.
    assert {event["level"] for event in told if event["event"] == "library"} & {"error", "critical", "warning"}
    service.close()


NOISY = """
import os
from dataclasses import asdict, fields
from extract.limits import DEFAULT_LIMITS
from intake import sandbox_child
from intake.protection import Protection

def noisy(data, limits):
    os.write(2, data)
    os._exit(7)

sandbox_child.open_paper = noisy  # a parser that the file has taken over
content = os.memfd_create("content")
os.write(content, b"{canary}")
frames = os.pipe()[1]
request = {{"limits": asdict(DEFAULT_LIMITS), "first": 1}}
if os.fork() == 0:
    nothing = Protection(**dict.fromkeys((field.name for field in fields(Protection)), 0))
    sandbox_child._be_child(request, content, frames, nothing)
os.write(2, b"the template speaks, the child ended with %d" % os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_what_a_parser_of_hostile_bytes_prints_goes_nowhere() -> None:
    command = [sys.executable, "-c", NOISY.format(canary=CANARY)]
    # As the sandbox starts its template: the output goes nowhere.
    ran = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    assert ran.stderr == "the template speaks, the child ended with 7"
