"""`postroom audit`, as somebody at the machine has it."""

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from intake import audit
from intake.service import open_service
from intake.settings import load_settings
from review_ui.cli import app
from tests.integration.database.small_world import NOW


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and what was complained of."""
    done = CliRunner().invoke(app, ["audit", *arguments])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def home(own_home: Path) -> Path:
    """The data folder, with three entries in the audit log."""
    service = open_service(load_settings())
    with service.database.write() as session:
        for number in range(1, 4):
            audit.append(session, NOW, "anna", "looked at", f"piece:{number}")
    service.close()
    return own_home


def forge(home: Path, *statements: str) -> None:
    [file] = home.glob("*.db")
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TRIGGER audit_refuse_update")
        connection.execute("DROP TRIGGER audit_refuse_delete")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_log_as_it_was_written_holds_and_passes_through_heads_kept_in_a_file(tmp_path: Path) -> None:
    code, head, _ = run("head")
    assert code == 0
    kept = tmp_path / "heads.txt"
    kept.write_text(f"0:{'0' * 64}\n{head}\n")
    code, said, _ = run("verify", "--head", str(kept), "--head", head.strip())
    assert (code, said) == (0, "The audit log holds: 3 entries. It passes through 3 heads kept outside.\n")
    told = json.loads(run("verify", "--json")[1])
    assert told == {
        "holds": True, "length": 3, "hash": head.strip()[2:], "heads_kept_outside": 0, "break": None,
    }  # fmt: skip
    assert json.loads(run("head", "--json")[1]) == {"length": 3, "hash": head.strip()[2:]}


def test_a_changed_entry_ends_the_command_with_its_place(home: Path) -> None:
    forge(home, "UPDATE audit SET actor = 'ben' WHERE sequence = 2")
    code, said, complained = run("verify", "--json")
    assert code == 4
    assert json.loads(said)["break"] == {"sequence": 2, "problem": "The entry was changed after it was written."}
    assert complained.startswith("postroom: The audit log does not hold at entry 2.")


def test_an_end_cut_off_with_its_head_shows_against_a_head_kept_outside_only(home: Path) -> None:
    head = run("head")[1].strip()
    forge(
        home,
        "DELETE FROM audit WHERE sequence = 3",
        "UPDATE audit_head SET length = 2, hash = (SELECT hash FROM audit WHERE sequence = 2)",
    )
    assert run("verify")[0] == 0
    assert run("verify", "--head", head)[0] == 4


@pytest.mark.parametrize("head", ["3", "3:abc", "nowhere.txt", f"-1:{'0' * 64}"])
def test_what_is_no_head_is_wrong_use(head: str) -> None:
    assert run("verify", f"--head={head}")[0] == 2


def test_an_empty_file_of_heads_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    assert run("verify", "--head", "empty.txt")[0] == 2


def test_a_database_that_is_away_is_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", "postgresql://postroom@127.0.0.1:1/nothing")
    assert run("verify")[0] == 5
    assert run("head")[0] == 5
