"""Records and scans become a page with pictures; a demo's folder is replaced only if a demo made it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from intake.commands.demo import NotOurs, clear
from intake.records import to_record
from review_ui.cli import app
from schemas.extraction import Document
from schemas.page import PageFact, PageLabel

RUN = CliRunner()
UPSIDE_DOWN = (-600.0, 0.0, 600.0, 0.0, -800.0, 800.0)


def scanned_upside_down(path: Path) -> None:
    """A page with ink at the bottom right of the scan, which is the top left of the paper."""
    scan = np.full((800, 600), 255, np.uint8)
    scan[600:, 450:] = 0
    Image.fromarray(scan).save(path, dpi=(72, 72))


def write_record(path: Path, scan: Path) -> None:
    page = PageFact(1, PageLabel.CONTENT, turned=180, width=600, height=800, transform=UPSIDE_DOWN)
    sha256 = hashlib.sha256(scan.read_bytes()).hexdigest()
    path.write_text(to_record(Document(None, None, (page,)), name="elsewhere.tif", sha256=sha256).model_dump_json())


def test_a_page_is_shown_upright_and_found_by_its_content(tmp_path: Path) -> None:
    scanned_upside_down(tmp_path / "renamed.tif")
    write_record(tmp_path / "r.jsonl", tmp_path / "renamed.tif")
    answer = RUN.invoke(
        app, ["show", str(tmp_path / "r.jsonl"), str(tmp_path / "renamed.tif"), "--folder", str(tmp_path / "out")]
    )
    assert answer.exit_code == 0, answer.output
    assert (tmp_path / "out" / "result.html").as_uri() in answer.output.replace("\n", "")
    (picture,) = (tmp_path / "out" / "pages").iterdir()
    assert f"pages/{picture.name}" in (tmp_path / "out" / "result.html").read_text()
    pixels = np.array(Image.open(picture))
    assert pixels.shape == (1333, 1000)
    assert pixels[:300, :220].mean() < 20
    assert pixels[400:, 300:].mean() > 235


def test_records_without_their_scans_are_shown_without_pictures(tmp_path: Path) -> None:
    scanned_upside_down(tmp_path / "a.tif")
    write_record(tmp_path / "r.jsonl", tmp_path / "a.tif")
    Image.new("1", (600, 800), 1).save(tmp_path / "b.tif")
    answer = RUN.invoke(app, ["show", str(tmp_path / "r.jsonl"), str(tmp_path / "b.tif"), "--folder", str(tmp_path)])
    assert answer.exit_code == 0, answer.output
    assert "There is no picture of this page." in (tmp_path / "result.html").read_text()


def test_what_is_no_record_is_named_without_repeating_it(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"fields": "what somebody wrote"}\n')
    answer = RUN.invoke(app, ["show", str(tmp_path / "r.jsonl"), str(tmp_path), "--folder", str(tmp_path / "out")])
    assert answer.exit_code == 2
    assert "r.jsonl" in answer.output
    assert "somebody" not in answer.output


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "demo" / "post" / "precious.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("keep")
    with pytest.raises(NotOurs, match="POSTROOM_HOME"):
        clear(tmp_path / "demo")
    answer = RUN.invoke(app, ["demo", "--home", str(tmp_path)])
    assert answer.exit_code == 2
    assert precious.read_text() == "keep"


def test_an_earlier_demo_is_replaced_and_what_stands_beside_it_stays(tmp_path: Path) -> None:
    clear(tmp_path)
    (tmp_path / "post").mkdir()
    (tmp_path / "post" / "old.tif").touch()
    (tmp_path / "records.jsonl").touch()
    (tmp_path / "notes.txt").write_text("keep")
    clear(tmp_path)
    assert not (tmp_path / "post").exists()
    assert not (tmp_path / "records.jsonl").exists()
    assert (tmp_path / "notes.txt").read_text() == "keep"
