"""Real scans: short forms of a public archive, and two questionnaires filled by hand. Measured on 2026-11-21."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from review_ui.cli import app

pytestmark = pytest.mark.data

# Every fifth of the 60 keyed documents; all 60 are measured by `postroom measure`, which gives 0.92.
_KEYED_STEP = 5
_TYPED_RIGHT_AT_LEAST = 0.85
_BULK_STEP = 24


def run(*words: str | Path) -> None:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output


def records_of(scans: list[Path], folder: Path, *options: str | Path) -> list[dict[str, object]]:
    run("read", *scans, "--output", folder / "records.jsonl", "--workers", "2", *options)
    return [json.loads(line) for line in (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()]


def test_keyed_short_forms_are_read_as_well_as_the_independent_scorer_asks(shared_data: Path, tmp_path: Path) -> None:
    keyed = shared_data / "fara" / "keyed"
    scans = sorted(keyed.glob("*.tif"))[::_KEYED_STEP]
    records_of(scans, tmp_path)
    names = {scan.stem for scan in scans}
    truth = tmp_path / "truth.jsonl"
    lines = (keyed / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    truth.write_text("\n".join(line for line in lines if json.loads(line)["id"] in names), encoding="utf-8")
    command = [sys.executable, str(shared_data / "fara" / "score.py"), str(tmp_path / "records.jsonl"), str(truth)]
    score = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert score["typed"] == score["documents"] == len(scans)
    assert score["accuracy_typed_filled"] >= _TYPED_RIGHT_AT_LEAST
    assert score["wrong_accepted"] == 0


def test_short_forms_are_found_and_nothing_else_is_taken_for_one(shared_data: Path, tmp_path: Path) -> None:
    scans = sorted((shared_data / "fara" / "bulk").glob("*.tif"))[::_BULK_STEP]
    found = {
        record["source"]["name"]  # type: ignore[index]
        for record in records_of(scans, tmp_path)
        if record["form_type"] == "fara-short-form"
    }
    assert found == {scan.name for scan in scans if scan.name.startswith("short-form")}
    assert 0 < len(found) < len(scans)


def test_every_tick_of_the_questionnaires_is_right_scribbled_ones_included(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "quexf"
    run(
        "forms",
        "import-quexf",
        folder / "doc" / "test_original.xml",
        folder / "doc" / "test_original.pdf",
        "--id",
        "questionnaire",
        "--output",
        tmp_path / "forms",
    )
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    scans = sorted((folder / "doc" / "filled").glob("*.pdf"))
    ticks = 0
    for record in records_of(scans, tmp_path, "--forms", tmp_path / "forms"):
        asked = truth[record["source"]["name"]]  # type: ignore[index]
        for name, field in record["fields"].items():  # type: ignore[attr-defined]
            if field["kind"] == "choice":
                ticks += 1
                assert field["value"] == [asked[name]], name
    assert ticks == 16
