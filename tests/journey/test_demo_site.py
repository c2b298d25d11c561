"""`postroom demo --serve` from nothing to a page in the site, with the real engines; Ctrl-C ends it in good order."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

_SECONDS = 240


@pytest.fixture
def demo(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "review_ui.cli", "demo", "--home", str(tmp_path), "--documents", "2"]
    # Another database that is set must not be touched.
    environment = os.environ | {"POSTROOM_DATABASE_URL": "postgresql://nobody@localhost:1/none", "COLUMNS": "200"}
    process = subprocess.Popen(
        [*command, "--workers", "1", "--serve", "--port", "0"], stderr=subprocess.PIPE, text=True, env=environment
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_the_demo_ends_in_the_site_with_post_that_is_read(demo: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert demo.stderr is not None
    said = ""
    while "Ctrl+C" not in said:
        line = demo.stderr.readline()
        assert line, said
        said += line
    links = dict(re.findall(r"(\w+): (http://localhost:\d+/demo/\S+)", said))
    assert set(links) == {"supervisor", "caseworker", "senior", "operator"}
    with httpx.Client(trust_env=False, timeout=60, follow_redirects=True, headers={"Accept": "text/html"}) as client:
        door = client.get(links["supervisor"])
        token = re.findall(r'name="csrf_token" value="(\w+)"', door.text)[0]
        inside = client.post(links["supervisor"], data={"csrf_token": token})
        assert "Siân Rees" in inside.text
        assert inside.url.path == "/today"
        assert client.get(links["supervisor"]).status_code == 404, "it lets in once"
        deadline = time.monotonic() + _SECONDS
        base = f"http://localhost:{inside.url.port}"
        while re.search(r"\b0 pieces of mail", client.get(f"{base}/documents?state=in_review").text):
            assert time.monotonic() < deadline, (tmp_path / "demo" / "office.log").read_text()[-4000:]
            time.sleep(0.5)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 0
    assert "Stopped." in demo.stderr.read()
