"""`postroom measure handwriting`: the sets it finds, those it misses, and what it prints."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from intake.measure.handwriting_sets import load_sets
from review_ui.cli import app


def written_names(folder: Path) -> None:
    """Two "names" of one writer, drawn with a font, on a transparent ground as the set comes."""
    (folder / "dhsd" / "pictures").mkdir(parents=True)
    with (folder / "dhsd" / "dev.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "text", "writer_id"])
        for name in ("Ulm", "Jena"):
            ink = np.zeros((64, 256), np.uint8)
            cv2.putText(ink, name, (20, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 255, 3, cv2.LINE_AA)
            black_on_nothing = np.dstack([np.zeros((64, 256, 3), np.uint8), ink])
            cv2.imwrite(str(folder / "dhsd" / "pictures" / f"{name}.png"), black_on_nothing)
            table.writerow([f"pictures/{name}.png", name, "7"])


def test_names_on_a_transparent_ground_are_read_and_missing_sets_are_told(tmp_path: Path) -> None:
    written_names(tmp_path)
    result = CliRunner().invoke(app, ["measure", "handwriting", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    names = {score["reader"]: score for score in figures["sets"] if score["set"] == "DHSD names"}
    assert set(names) == {"quick", "careful", "cascade", "Tesseract"}
    assert (names["careful"]["right"], names["careful"]["lines"], names["careful"]["writers"]) == (2, 2, 1)
    assert len(figures["left_out"]) == 2
    assert "Hand-drawn characters" in result.stderr
    assert "USPS" in result.stderr


def test_a_folder_without_any_set_is_wrong_use(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["measure", "handwriting", str(tmp_path)])
    assert result.exit_code == 2
    assert "none of the sets" in result.stderr


def test_what_is_no_command_of_measure_is_the_folder_to_measure(tmp_path: Path) -> None:
    for words in (["measure", str(tmp_path)], ["measure", "post", str(tmp_path)]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 2
        assert "truth.jsonl" in result.stderr.replace("\n", "")


@pytest.mark.data
def test_the_sets_hold_lines_of_whole_writers_and_the_same_ones_every_time(shared_data: Path) -> None:
    pytest.importorskip("h5py", reason="h5py opens the postal digits")
    folder = shared_data / "handwriting"
    if not folder.is_dir():
        pytest.skip("no handwriting in the data folder")
    found, missing = load_sets(folder, 30)
    again, _ = load_sets(folder, 30)
    assert missing == []
    for one, other in zip(found, again, strict=True):
        assert [line.text for line in one.lines] == [line.text for line in other.lines]
        assert 0 < len(one.lines) <= 30
        assert all(line.pixels.min() < 200 < line.pixels[0].min() for line in one.lines)
        if one.alphabet:
            assert all(set(line.text) <= set(one.alphabet) for line in one.lines)
    assert len({line.writer for line in found[0].lines}) == 12
