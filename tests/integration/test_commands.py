"""The command line as an operator types it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from intake.cli import app
from intake.machine_check import findings

# Workers are processes of their own and find the doubles by name, on the path they inherit.
sys.path.insert(0, str(Path(__file__).parent))
import scripted_workshop

RUN = CliRunner()


def test_the_exit_codes_are_documented_where_they_are_looked_for() -> None:
    help = RUN.invoke(app, ["read", "--help"], env={"COLUMNS": "200"}).output
    for code in ("0 everything", "1 some files", "2 wrong use", "3 the output", "4 the counts", "5 something", "130"):
        assert code in help


def test_a_form_type_nobody_knows_is_wrong_use_before_anything_is_read(tmp_path: Path) -> None:
    Image.new("1", (600, 800), 1).save(tmp_path / "a.tif")
    output = tmp_path / "r.jsonl"
    answer = RUN.invoke(app, ["read", str(tmp_path), "--output", str(output), "--form-type", "no-such-form"])
    assert answer.exit_code == 2
    assert not output.exists()


def test_the_output_may_not_be_one_of_the_files_to_read(tmp_path: Path) -> None:
    scan = tmp_path / "a.tif"
    Image.new("1", (600, 800), 1).save(scan)
    before = scan.read_bytes()
    answer = RUN.invoke(app, ["read", str(scan), "--output", str(scan)])
    assert answer.exit_code == 2
    assert scan.read_bytes() == before


@pytest.mark.parametrize(
    ("end", "number", "code"),
    [
        (os.killpg, signal.SIGINT, 130),  # as a terminal does: to every process at once
        (os.kill, signal.SIGTERM, -signal.SIGTERM),
    ],
)
def test_a_run_that_is_stopped_in_the_middle_of_a_page_leaves_no_process_behind(
    tmp_path: Path, end: Callable[[int, int], None], number: signal.Signals, code: int
) -> None:
    program = f"""
import sys
sys.path[:] = {[str(Path(__file__).parent), *sys.path]!r}
from pathlib import Path
import typer
from rich.console import Console
from intake.commands.read import run_and_report
from intake.gather import gather
from intake.run import Order
def read() -> None:
    order = Order(gather([Path({str(tmp_path / "scans")!r})]), 1, workshop="scripted_workshop:sleeps")
    raise typer.Exit(run_and_report(order, Path({str(tmp_path / "r.jsonl")!r}), Console(stderr=True)))
typer.run(read)
"""
    (tmp_path / "scans").mkdir()
    Image.new("1", (600, 800), 1).save(tmp_path / "scans" / "a.tif")
    log = tmp_path / "stderr.txt"
    with log.open("wb") as stderr:
        run = subprocess.Popen([sys.executable, "-c", program], start_new_session=True, stderr=stderr)
    deadline = time.monotonic() + 60
    while scripted_workshop.ASLEEP not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    working = _session(run.pid)
    end(run.pid, number)
    run.wait(timeout=30)
    told = log.read_text()
    assert len(working) == 3  # the run, its worker, the worker's sandbox
    assert run.returncode == code, told
    assert "Traceback" not in told
    deadline = time.monotonic() + 10
    while _session(run.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _session(run.pid) == []


def _session(leader: int) -> list[int]:
    """The processes of the session that `leader` started."""
    answer = subprocess.run(["ps", "-o", "pid=", "-s", str(leader)], capture_output=True, text=True, check=False)
    return [int(word) for word in answer.stdout.split()]


def test_the_doctor_names_a_command_for_everything_that_is_missing() -> None:
    found = list(findings())
    assert {"tesseract eng", "tesseract cym", "opencv", "package intake", "threads", "sandbox", "disk space"} <= {
        finding.name for finding in found
    }
    for finding in found:
        assert finding.is_good != bool(finding.remedy), finding


def test_the_doctor_sees_that_models_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_MODELS", str(tmp_path))
    answer = RUN.invoke(app, ["doctor", "--json"])
    assert answer.exit_code == 1
    models = {finding["name"]: finding for finding in json.loads(answer.stdout)["findings"]}["models"]
    assert not models["is_good"]
    assert models["remedy"] == "make setup"


def test_a_folder_without_form_types_is_not_called_valid(tmp_path: Path) -> None:
    answer = RUN.invoke(app, ["forms", "check", str(tmp_path)])
    assert answer.exit_code == 1
    assert "no form type" in answer.output
