"""`postroom people` and the first start of `postroom serve`, as somebody at the machine has them."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from review_ui.cli import app

SETTINGS = {"POSTROOM_PORT": "0", "POSTROOM_WORKERS": "1"}


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and what was complained of."""
    done = CliRunner().invoke(app, ["people", *arguments])
    return done.exit_code, done.stdout, done.stderr


pytestmark = pytest.mark.usefixtures("own_home")


def test_somebody_is_invited_listed_disabled_and_let_in_again() -> None:
    code, link, said = run("invite", "Anna", "--role", "admin", "--shown-as", "Anna [Jones]")
    assert code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/link/[\w-]{43}\n", link)
    assert "once, for 48 hours" in said
    assert run("invite", "anna", "--role", "operator")[0] == 1
    assert run("invite", "a b", "--role", "operator")[0] == 1
    assert run("invite", "ben", "--role", "king")[0] == 2
    listed = json.loads(run("list", "--json")[1])
    assert [(each["name"], each["shown_as"], each["role"], each["state"]) for each in listed] == [
        ("anna", "Anna [Jones]", "admin", "invited")
    ]
    assert "Anna [Jones]" in run("list")[1]
    run("invite", "ben", "--role", "operator")
    assert run("disable", "ben")[0] == 0
    assert json.loads(run("list", "--json")[1])[1]["state"] == "disabled"
    assert run("link", "ben")[0] == 1
    assert run("enable", "ben")[0] == 0
    assert run("link", "ben")[0] == 0
    assert run("disable", "nobody") == (1, "", "postroom: Nobody has that name.\n")


def test_a_database_that_is_away_is_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", "postgresql://postroom@127.0.0.1:1/nothing")
    assert run("list")[0] == 5


def test_the_first_start_of_serve_prints_a_link_that_leads_to_an_account(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    server = subprocess.Popen(
        [sys.executable, "-m", "review_ui.cli", "serve"],
        cwd=tmp_path,
        env=environment | SETTINGS | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        told = (json.loads(line) for line in server.stderr)
        link = next(line["address"] for line in told if line["event"] == "first_link")
        address = link.split("/link/")[0]
        with httpx.Client(headers={"Accept": "text/html"}, timeout=30, trust_env=False) as browser:
            form = browser.get(link)
            assert "Set up Postroom" in form.text
            found = re.search(r'name="csrf_token" value="(\w+)"', form.text)
            assert found is not None
            words = {"password": "three words or four", "again": "three words or four"}
            fields = {"csrf_token": found[1], "name": "anna", "shown_as": "Anna Jones"} | words
            assert browser.post(link, data=fields).headers["location"] == "/"
            assert "Anna Jones" in browser.get(f"{address}/today").text
            assert browser.post(link, data=fields).status_code == 403
            assert browser.get(f"{address}/v1/batches").json() == {"batches": [], "next": None}
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
    assert server.returncode == 0
