"""`postroom serve` with nothing configured: a batch goes in over HTTP, workers read it, SIGTERM ends it all."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.integration.database.office import below

SETTINGS = {
    "POSTROOM_PORT": "0",
    "POSTROOM_WORKERS": "1",
    "POSTROOM_WORKER_NICE": "3",
    "POSTROOM_RECONCILE_SECONDS": "0.5",
}


def test_a_batch_is_received_and_worked_on_and_the_whole_ends_with_a_signal(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    server = subprocess.Popen(
        [sys.executable, "-m", "intake.cli", "serve"],
        cwd=tmp_path,  # where no .env lies; the data folder appears here
        env=environment | SETTINGS | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        told = (json.loads(line) for line in server.stderr)
        address = next(line["address"] for line in told if "address" in line)
        with httpx.Client(base_url=address, timeout=30) as client:
            answer = client.post("/v1/batches", files=[("files", ("notes.tif", b"Dear Sir", "image/tiff"))])
            assert answer.status_code == 201, answer.text
            batch = answer.json()["batch_id"]
            state = _last_state(client, batch)
            assert state == "quarantined"  # a worker looked at it, and it is no scan
            reading = with_everything_below(workers_of(server.pid))
            assert len(reading) > 1  # the worker and its sandbox
            assert {niceness(pid) - niceness(server.pid) for pid in reading} == {3}
            assert client.get("/health/ready").status_code == 200
            assert 'postroom_workers{state="idle"} 1.0' in client.get("/metrics").text
            lose_a_step(tmp_path / "postroom-data")
            difference = next(line for line in told if line["event"] == "difference")
            assert (difference["level"], difference["what"], difference["count"]) == ("error", "files_without_step", 1)
            deadline = time.monotonic() + 30
            while (ready := client.get("/health/ready")).status_code == 200:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert [fault["place"] for fault in ready.json()["errors"]] == ["conservation"]
            while "postroom_reconcile_difference 1.0" not in client.get("/metrics").text:
                assert time.monotonic() < deadline
                time.sleep(0.5)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
    assert server.returncode == 0
    assert (tmp_path / "postroom-data" / "postroom.db").is_file()


def workers_of(server: int) -> list[int]:
    """The processes this one has started as workers."""
    return [pid for pid in below(server) if b"intake.commands.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def with_everything_below(pids: list[int]) -> set[int]:
    return {*pids, *(child for pid in pids for child in below(pid))}


def niceness(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def lose_a_step(home: Path) -> None:
    """Take the one step there is out of quarantine and away, as no program of ours ever does."""
    with sqlite3.connect(home / "postroom.db") as database:
        database.execute("DELETE FROM steps")
        database.execute("UPDATE files SET state = 'in_work'")


def _last_state(client: httpx.Client, batch: str) -> str:
    deadline = time.monotonic() + 120
    while True:
        [file] = client.get(f"/v1/batches/{batch}").json()["files"]
        if file["state"] != "in_work" or time.monotonic() > deadline:
            return str(file["state"])
        time.sleep(0.2)


def test_it_does_not_listen_to_other_machines_without_keys(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    every_address = {"POSTROOM_HOST": "0.0.0.0", "PYTHONPATH": os.pathsep.join(sys.path)}  # noqa: S104  # refused
    command = [sys.executable, "-m", "intake.cli", "serve"]
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment | SETTINGS | every_address, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 5
    [told] = [json.loads(line) for line in ran.stderr.splitlines()]
    assert (told["event"], told["level"]) == ("not_ready", "error")
    assert "POSTROOM_API_KEYS is empty" in told["problem"]
    assert not (tmp_path / "postroom-data").exists()
