"""`postroom demo` from nothing to the page, with the real engines: nothing that was made is lost on the way."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from intake.synthetic.truth import load_truth
from review_ui.cli import app

DOCUMENTS = 3


@pytest.mark.slow
def test_the_demo_ends_with_every_page_in_a_record_and_every_document_on_the_page(tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        app, ["demo", "--home", str(tmp_path), "--documents", str(DOCUMENTS), "--workers", "2"], env={"COLUMNS": "200"}
    )
    assert answer.exit_code == 0, answer.output
    folder = tmp_path / "demo"

    truths = load_truth(folder / "post")
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    made = sorted((truth.file, page) for truth in truths for page in truth.pages)
    read = sorted((record["source"]["name"], page) for record in records for page in record["source"]["pages"])
    assert sum(truth.kind != "leftover" for truth in truths) == DOCUMENTS
    assert read == made
    assert f"Pages: {len(made)} received" in answer.output

    html = (folder / "result" / "result.html").read_text(encoding="utf-8")
    documents = [record for record in records if any(page["label"] == "content" for page in record["pages"])]
    assert set(re.findall(r"Record ([\w-]+)<", html)) == {record["record_id"] for record in documents}
    shown = set(re.findall(r'src="pages/([^"]+)"', html))
    assert shown == {picture.name for picture in (folder / "result" / "pages").iterdir()}
    assert len(shown) == len(made)

    # What it says of itself: how right it was, and where everything is.
    agree, fields = map(int, re.findall(r"(\d+) of (\d+) fields agree", answer.output)[0])
    assert fields == sum(len(truth.fields) for truth in truths)
    assert 0 < agree <= fields
    assert answer.output.rstrip().endswith((folder / "result" / "result.html").as_uri())
