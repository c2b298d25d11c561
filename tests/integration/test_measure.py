"""`postroom measure` as an operator types it, and held against an independent scorer."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from extract.page import PageImage
from intake.cli import app
from intake.measure.snippets import Place, pictures, upright
from intake.synthetic.fonts import missing_packages
from intake.synthetic.truth import DocumentTruth, FieldTruthEntry, PageTruth, save_truth
from intake.synthetic.write import write_post
from schemas.field import FieldKind, FieldStatus
from schemas.geometry import PageArea
from schemas.page import PageLabel
from schemas.record import Record, RecordField, RecordPage, RecordSource

RUN = CliRunner()
TURNED_LEFT = [0.0, 400.0, 0.0, -300.0, 0.0, 300.0]  # x = 400 v, y = 300 - 300 u: a page of 300 x 400 lying on its side


def sideways_scan(path: Path) -> Path:
    """A page of 300 x 400 pixels lying on its left side; its black patch begins 30 pixels across and 80 down."""
    page = Image.new("L", (300, 400), 255)
    ImageDraw.Draw(page).rectangle((30, 80, 89, 119), fill=0)
    page.transpose(Image.Transpose.ROTATE_90).save(path, compression="group4" if page.mode == "1" else "tiff_lzw")
    return path


def page_on_its_side(**changes: object) -> RecordPage:
    page = RecordPage(number=1, label=PageLabel.CONTENT, turned=90, width=400, height=300, transform=TURNED_LEFT)
    return page.model_copy(update=changes)


def test_a_snippet_is_cut_upright_out_of_a_page_that_lies_on_its_side(tmp_path: Path) -> None:
    with Image.open(sideways_scan(tmp_path / "a.tif")) as scan:
        pixels = np.asarray(scan.convert("L"))
    place = Place(tmp_path / "a.tif", page_on_its_side(), PageArea(0.1, 0.2, 0.3, 0.3))
    cut = upright(PageImage(pixels, 300, 1), place)
    # The patch (60 x 40) and a margin of 1.2 % of the page on every side.
    assert cut.shape == (pytest.approx(40 + 2 * 4.8, abs=2), pytest.approx(60 + 2 * 3.6, abs=2))
    assert cut[8:-8, 8:-8].max() < 60
    assert cut[:2].min() > 200
    assert cut[:, :2].min() > 200


def test_a_place_whose_page_cannot_be_had_has_no_picture_and_the_others_have(tmp_path: Path) -> None:
    (tmp_path / "broken.tif").write_bytes(b"no scan at all")
    sideways_scan(tmp_path / "a.tif")
    area = PageArea(0.1, 0.2, 0.3, 0.3)
    found = pictures(
        [
            Place(tmp_path / "broken.tif", page_on_its_side(), area),
            Place(tmp_path / "a.tif", page_on_its_side(), area),
            Place(tmp_path / "a.tif", page_on_its_side(number=7), area),
            Place(tmp_path / "a.tif", page_on_its_side(transform=None), area),
        ]
    )
    assert [picture is None for picture in found] == [True, False, True, True]
    header, _, coded = (found[1] or "").partition(",")
    assert re.fullmatch(r"data:image/(png|jpeg);base64", header)
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(coded), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert decoded is not None
    assert decoded[decoded.shape[0] // 2, decoded.shape[1] // 2] < 60


@pytest.fixture
def post(tmp_path: Path) -> Path:
    """One scan, its truth, and records that read one of its two fields wrong."""
    folder = tmp_path / "post"
    folder.mkdir()
    sideways_scan(folder / "a.tif")
    fields = {
        "surname": FieldTruthEntry(value="Ward", text="Ward", handwritten=True),
        "signature": FieldTruthEntry(value=True, text="", handwritten=True),
    }
    pages = {1: PageTruth(label=PageLabel.CONTENT, turned=90)}
    save_truth(
        folder,
        [
            DocumentTruth(
                file="a.tif", pages=[1], kind="form", form_type="licence-renewal", edition="vr22-2023-01",
                ageing="light", fields=fields, pages_truth=pages,
            )
        ],
    )  # fmt: skip
    read = {"surname": ("Word", FieldKind.TEXT), "signature": (True, FieldKind.SIGNATURE)}
    record = Record(
        record_id="1",
        status="review",
        source=RecordSource(name="a.tif", sha256=None, pages=[1]),
        form_type="licence-renewal",
        edition="vr22-2023-01",
        pages=[page_on_its_side()],
        fields={
            name: RecordField(
                value=value, text=str(value), kind=kind, status=FieldStatus.ACCEPTED, confidence=0.97, page=1,
                box=[0.1, 0.1, 0.3, 0.2], decided_by="policy@1",
            )
            for name, (value, kind) in read.items()
        },
    )  # fmt: skip
    (tmp_path / "records.jsonl").write_text(record.model_dump_json() + "\n", encoding="utf-8")
    return folder


def test_records_that_are_there_are_measured_and_reported_with_a_picture(post: Path) -> None:
    records, report = post.parent / "records.jsonl", post.parent / "report.html"
    answer = RUN.invoke(app, ["measure", str(post), "--records", str(records), "--report", str(report), "--json"])
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout)
    assert (figures["fields"], figures["accuracy"], figures["wrong_accepted"], figures["typed"]) == (2, 0.5, 1, 1)
    assert figures["reliability"] == [{"from": 0.95, "to": 0.98, "fields": 2, "right": 1}]
    html = report.read_text(encoding="utf-8")
    assert html.count("<img") == 1
    assert "<svg" in html
    assert "post" in html
    assert report.stat().st_mode & 0o077 == 0  # what people wrote is for its owner only


def test_no_more_misses_have_a_picture_than_were_asked_for(post: Path) -> None:
    records, report = post.parent / "records.jsonl", post.parent / "report.html"
    arguments = ["measure", str(post), "--records", str(records), "--report", str(report), "--misses", "0"]
    answer = RUN.invoke(app, arguments, env={"COLUMNS": "200"})
    assert answer.exit_code == 0, answer.output
    assert "Ward" not in answer.output  # the tables hold counts, not what people wrote
    html = report.read_text(encoding="utf-8")
    assert "<img" not in html
    assert "Further misses, without pictures (1)" in html


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_packages()), reason=f"fonts are missing: {', '.join(missing_packages())}")
def test_post_is_read_as_by_the_command_read_and_its_speed_is_told(tmp_path: Path) -> None:
    post = write_post(tmp_path / "post", 1, seed=3, ageing="light")
    kept = tmp_path / "records.jsonl"
    answer = RUN.invoke(app, ["measure", str(tmp_path / "post"), "--workers", "1", "--output", str(kept), "--json"])
    assert answer.exit_code == 0, answer.output
    run = json.loads(answer.stdout)["run"]
    assert run["pages"]["received"] == post.pages
    assert run["pages_per_second"] > 0
    assert {"unpack", "classify"} <= set(run["stage_seconds_per_page"])
    assert run["peak_memory_bytes"]["worker"] > 2**20
    assert len(kept.read_text(encoding="utf-8").splitlines()) == run["records"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["{post}", "--truth", "{post}/a.tif"], "cannot be read"),
        (["{post}", "--records", "{post}/truth.jsonl"], "line 1: not a record"),
        (["{post}", "--records", "{post}/../records.jsonl", "--output", "x"], "nothing is read"),
        (["{post}", "--report", "{post}/no/such/folder.html"], "there is no folder"),
        (["{post}/..", "--truth", "{post}/truth.jsonl", "--forms", "{post}/none"], "not a folder of form types"),
    ],
)
def test_wrong_use_is_told_before_anything_is_read(post: Path, arguments: list[str], problem: str) -> None:
    asked = [argument.format(post=post) for argument in arguments]
    answer = RUN.invoke(app, ["measure", *asked], env={"COLUMNS": "300"})
    assert answer.exit_code == 2, answer.output
    assert problem in answer.output


def test_truth_about_files_that_are_missing_is_refused_with_their_names(post: Path) -> None:
    (post / "a.tif").unlink()
    answer = RUN.invoke(app, ["measure", str(post)], env={"COLUMNS": "300"})
    assert answer.exit_code == 2
    assert "1 of the files that the truth speaks of are missing: a.tif" in answer.output


def test_two_files_of_the_name_the_truth_speaks_of_are_refused(post: Path) -> None:
    (post / "again").mkdir()
    sideways_scan(post / "again" / "a.tif")
    answer = RUN.invoke(app, ["measure", str(post)], env={"COLUMNS": "300"})
    assert answer.exit_code == 2
    assert "there are several" in answer.output


def test_a_report_that_cannot_be_written_ends_with_its_own_code(post: Path) -> None:
    if os.geteuid() == 0 and not Path("/dev/full").exists():
        pytest.skip("there is no full device here to write to")
    arguments = ["measure", str(post), "--records", str(post.parent / "records.jsonl"), "--report", "/dev/full"]
    answer = RUN.invoke(app, arguments, env={"COLUMNS": "300"})
    assert answer.exit_code == 3
    assert "cannot be written" in answer.output


@pytest.mark.data
def test_both_scorers_of_the_keyed_forms_agree(shared_data: Path, tmp_path: Path) -> None:
    """Against `fara/score.py`, which knows nothing of this program, on records with every kind of fault."""
    keyed = shared_data / "fara" / "keyed" / "truth.jsonl"
    if not keyed.is_file():
        pytest.skip("the keyed forms are not among the scanned forms here")
    lines = keyed.read_text(encoding="utf-8").splitlines()[:20]
    truth, records = tmp_path / "truth.jsonl", tmp_path / "records.jsonl"
    truth.write_text("\n".join(lines) + "\n", encoding="utf-8")
    read = [record for place, line in enumerate(lines) for record in faulty(place, json.loads(line))]
    records.write_text("".join(f"{one.model_dump_json()}\n" for one in read), encoding="utf-8")
    scorer = [sys.executable, str(shared_data / "fara" / "score.py"), str(records), str(truth)]
    theirs = json.loads(subprocess.run(scorer, capture_output=True, text=True, check=True).stdout)
    answer = RUN.invoke(app, ["measure", str(tmp_path), "--records", str(records), "--json"])
    assert answer.exit_code == 0, answer.output
    ours = json.loads(answer.stdout)
    same = set(theirs) - {"per_field"}
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    assert {one["field"]: round(one["accuracy"], 3) for one in ours["per_field"]} == theirs["per_field"]
    assert 0.3 < ours["accuracy"] < 0.9  # a comparison of nothing but right or wrong answers would prove little
    assert ours["wrong_accepted"] > 0


def faulty(place: int, truth: Mapping[str, Any]) -> list[Record]:
    """The records of one keyed form, read with a fault that changes from field to field and from form to form."""
    name = f"{truth['id']}.tif"
    if place == 3:
        return []
    if place == 4:
        return [fara(name, "1", None, {})]
    fields = {}
    for number, (field, value) in enumerate(truth.items()):
        if field not in ("id", "edition", "handwritten", "notes"):
            fault = (place + 3 * number) % 10
            if fault != 9:  # the field is not in the record
                fields[field] = as_read(value, fault, list(FieldStatus)[(place + number) % len(FieldStatus)])
    first = fara(name, "1", "fara-short-form", fields)
    # A second record of the file: of no known form, it changes nothing; of a known one, the last counts.
    second = fara(name, "2", "fara-short-form" if place == 5 else None, dict(list(fields.items())[:5]))
    return [first, second]


def fara(name: str, id: str, form_type: str | None, fields: dict[str, RecordField]) -> Record:
    source = RecordSource(name=name, sha256=None, pages=[int(id)])
    return Record(record_id=id, status="review", source=source, form_type=form_type, fields=fields)


def as_read(value: Any, fault: int, status: FieldStatus) -> RecordField:
    if isinstance(value, list):
        ways: list[Any] = [value, [*value, "other"], ["partner"], [], None, ", ".join(value)]
        seen, text = ways[fault % len(ways)], ""
    else:
        plain = [value, value.upper(), value.replace(" ", ""), value + ".", None, "", value[:-1], "x" + value, value]
        seen, text = plain[fault], value if fault == 4 else "noise" if fault == 8 else str(plain[fault])
    return RecordField(
        value=seen, text=text, kind=FieldKind.TEXT, status=status, confidence=None, page=1, box=None, decided_by="p@1"
    )
