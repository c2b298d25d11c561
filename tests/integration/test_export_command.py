"""`postroom export`, as a program that fetches records every night has it."""

import getpass
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from intake.database.tables import AuditRow
from intake.service import open_service
from intake.settings import load_settings
from review_ui.cli import app
from tests.integration.database.review_world import World
from tests.integration.database.test_corrections import BORN, SURE, correct, sure


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and what was complained of."""
    done = CliRunner().invoke(app, ["export", *arguments])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def world(own_home: Path) -> World:  # the records lie there
    """Two records that are out."""
    world = World(open_service(load_settings()).database)
    of_ours = {"form_type": "fee-refund"}
    world.read(sure(claimant_name=SURE, paid_on=BORN).model_copy(update=of_ours), sure(name=SURE))
    world.publish()
    return world


def test_records_are_printed_and_the_next_export_goes_on_behind_them(world: World) -> None:
    code, printed, said = run()
    assert (code, said) == (0, "Records: 2. Go on with --after 2\n")
    assert [json.loads(line)["revision"] for line in printed.splitlines()] == [1, 1]
    correct(world, {"name": "Jane Doyle"}, document=2)
    code, printed, said = run("--after", "2")
    assert [json.loads(line)["revision"] for line in printed.splitlines()] == [2]
    assert (run("--after", "3")[1], said) == ("", "Records: 1. Go on with --after 3\n")


def test_a_file_is_replaced_whole_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text("earlier")
    code, printed, _ = run("--output", str(file), "--limit", "1", "--json")
    assert code == 0
    assert json.loads(printed) == {"records": 1, "cursor": 1, "output": str(file)}
    assert len(file.read_text().splitlines()) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "records.jsonl"]


def test_every_export_is_in_the_audit_with_counts_only(world: World) -> None:
    run("--after", "1")
    with world.database.read() as session:
        said = session.scalars(select(AuditRow).where(AuditRow.action == "records exported")).one()
    assert (said.actor, said.subject) == (getpass.getuser(), "records:all")
    assert json.loads(said.details) == {"format": "jsonl", "after": 1}


def test_an_export_that_fails_leaves_the_earlier_file_and_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text("earlier")
    code, _, said = run("--output", str(file), "--after", "99")
    assert (code, file.read_text()) == (4, "earlier")
    assert said.startswith("postroom: --after 99: nothing was ever published")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "records.jsonl"]
    assert run("--output", str(tmp_path / "no" / "records.jsonl"))[0] == 3


def test_a_table_is_of_one_form_type() -> None:
    code, printed, _ = run("--format", "csv", "--form-type", "fee-refund", "--bom")
    names, row = printed.splitlines()
    assert code == 0
    assert names.startswith('\ufeff"cursor","record_id","revision"')
    assert '"Jane Doe","accepted","0.999"' in row
    assert run("--format", "csv")[0] == 2
    assert run("--format", "csv", "--form-type", "nothing")[0] == 2
    assert run("--bom")[0] == 2
    assert run("--json")[0] == 2
    assert run("--batch", "x")[0] == 2


def test_a_database_that_is_away_is_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", "postgresql://postroom@127.0.0.1:1/nothing")
    assert run()[0] == 5


def test_whoever_stops_reading_ends_it_without_a_traceback(tmp_path: Path) -> None:
    command = f"{sys.executable} -m review_ui.cli export | true; exit ${{PIPESTATUS[0]}}"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 3)
    assert "Traceback" not in done.stderr
