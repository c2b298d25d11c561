"""`postroom top` on a terminal, into a pipe and as JSON, over a service that was never used before."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from intake.cli import app

RUN = CliRunner()


pytestmark = pytest.mark.usefixtures("no_settings")


def test_into_a_pipe_it_is_shown_once_without_colours() -> None:
    answer = RUN.invoke(app, ["top"])
    assert answer.exit_code == 0, answer.output
    assert "Where mail stands" in answer.stdout
    assert "none: start `postroom worker`" in answer.stdout
    assert "\x1b" not in answer.stdout


def test_as_json_it_can_be_read_by_programs() -> None:
    told = json.loads(RUN.invoke(app, ["top", "--json"]).stdout)
    assert told["mail"]["files"]["in_work"] == {"count": 0, "oldest_seconds": None}
    assert (told["workers"], told["quarantine"], told["reconciled"]) == ([], {}, None)


def test_without_a_database_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", "sqlite:////nowhere/at/all.db")
    answer = RUN.invoke(app, ["top"])
    assert answer.exit_code == 5
    assert "folder of the SQLite database is missing" in answer.stderr


def test_on_a_terminal_it_goes_on_until_it_is_left(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "intake.cli", "top", "--every", "0.5"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        shown, deadline = b"", time.monotonic() + 60
        while shown.count(b"Where mail stands") < 3:  # drawn again and again
            assert time.monotonic() < deadline, shown
            if select.select([ours], [], [], 1.0)[0]:
                shown += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        while process.poll() is None:
            assert time.monotonic() < deadline
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    shown += os.read(ours, 65536)
                except OSError:
                    break  # the far end is closed
        assert process.wait(30) == 0
        assert b"Traceback" not in shown
    finally:
        process.kill()
        process.wait()
        os.close(ours)
