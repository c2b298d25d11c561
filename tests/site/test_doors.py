"""Every route of the site says who may use it, and what is of others is what it was."""

import hashlib
import re
import sys
import zipfile
from pathlib import Path
from subprocess import run

import pytest
from fastapi import APIRouter

from intake.api.policy import PolicedRoute
from review_ui.site.policy import SiteRoute, rule_of
from review_ui.site.static_files import FOLDER
from tests.site.served import Site


def test_every_route_of_the_site_has_a_policy(site: Site) -> None:
    ours = [route for route in site.app.routes if isinstance(route, SiteRoute)]
    assert len(ours) >= 10
    for route in site.app.routes:
        assert isinstance(route, SiteRoute | PolicedRoute), route
    for route in ours:
        assert rule_of(route.endpoint)
        assert not route.include_in_schema


def test_a_route_without_a_policy_cannot_be_declared() -> None:
    with pytest.raises(LookupError, match="open_door has no policy"):

        @APIRouter(route_class=SiteRoute).get("/open")
        def open_door() -> str:
            return "come in"


def test_what_is_of_others_has_the_hashes_it_was_taken_with() -> None:
    folder = FOLDER / "vendor"
    listed = dict(re.findall(r"^\| `([\w.-]+)` .*`([0-9a-f]{64})` \|$", (folder / "VENDORED.md").read_text(), re.M))
    found = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir() if file.suffix != ".md"
    }
    assert found == listed
    assert len(found) >= 4


def test_nothing_of_anybody_elses_brand_is_served() -> None:
    for file in FOLDER.rglob("*.css"):
        assert not re.search(r"transport|crest|crown|url\(", file.read_text(encoding="utf-8"), re.I), file


@pytest.mark.slow
def test_the_wheel_holds_every_template_and_static_file(repository: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = run(build, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        str(file.relative_to(repository))
        for folder in ("templates", "static")
        for file in (repository / "review_ui" / folder).rglob("*")
        if file.is_file()
    }
    assert ours - packed == set()
    assert {"review_ui/static/vendor/htmx.js", "review_ui/templates/site/layout.html"} <= packed
