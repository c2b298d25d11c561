"""The same files give the same records whoever reads them, and every decision can be taken again from its record."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from extract.calibrate import Calibration, load_calibration
from extract.page import PageImage
from extract.pipeline import Tools
from extract.policy import load_policy
from extract.standards import Standards
from extract.unpack import unpack
from intake.cli import app
from intake.measure.evidence import cases
from intake.measure.fit import fit
from intake.measure.match import load_records, match
from intake.measure.truth import load
from intake.replay import decide_again, differences
from intake.synthetic.fonts import missing_packages
from intake.synthetic.truth import load_truth
from intake.synthetic.write import write_post
from intake.wiring import open_workshop
from intake.worker import Stopwatch, WorkshopSettings
from schemas.extraction import Document
from schemas.field import FieldStatus
from schemas.form_type import load_form_types
from schemas.page import PageLabel
from schemas.record import Record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_packages()), reason=f"fonts are missing: {', '.join(missing_packages())}"),
]
RUN = CliRunner()
_IDS_AND_TIMES = ("record_id", "received_at")
SEED, DOCUMENTS = 25, 3


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("again") / "post"
    write_post(folder, DOCUMENTS, seed=SEED, ageing="medium")
    return folder


@pytest.fixture(scope="module")
def runs(post: Path) -> list[Path]:
    """The records of the same post, read by one worker and by two."""
    scans = sorted(str(path) for path in post.iterdir() if path.suffix != ".jsonl")
    outputs = []
    for workers in (1, 2):
        output = post.parent / f"read-by-{workers}.jsonl"
        answer = RUN.invoke(app, ["read", *scans, "--output", str(output), "--workers", str(workers)])
        assert answer.exit_code == 0, answer.output
        outputs.append(output)
    return outputs


def digests(path: Path) -> list[str]:
    """One digest per record, of everything but ids and times."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for record in records:
        for name in _IDS_AND_TIMES:
            record.pop(name)
    return [sha256(json.dumps(record, sort_keys=True).encode()).hexdigest() for record in records]


def test_two_runs_give_identical_records_whatever_the_number_of_workers(runs: Sequence[Path]) -> None:
    one, two = runs
    assert len(digests(one)) >= DOCUMENTS
    assert digests(one) == digests(two)


def test_every_decision_can_be_taken_again_from_the_record_alone(runs: Sequence[Path]) -> None:
    standards = Standards(load_calibration(), load_policy())
    records = load_records(runs[0])
    decided = [name for record in records for name in decide_again(record, standards)]
    assert len(decided) > 20
    assert [differences(record, standards) for record in records] == [[] for _ in records]


def test_under_another_calibration_the_record_alone_tells_what_would_have_been_decided(
    post: Path, runs: Sequence[Path]
) -> None:
    form_types = load_form_types()
    records = load_records(runs[0])
    seen = [
        replace(case, is_held_out=held_out)
        for case in cases(match(load(post, form_types), records), form_types)
        for held_out in (False, True)
    ]
    # With ceilings this high a handful of right values opens a class.
    lax = replace(load_policy(), default_ceiling=0.5, ceilings={}, confidence=0.5)
    fitted = Standards(fit(seen), lax)
    now = [made for record in records for made in decide_again(record, fitted).values()]
    assert any(made.status is FieldStatus.ACCEPTED and made.score is not None for made in now)
    assert all(made.decided_by == fitted.name for made in now)
    nothing = Standards(Calibration("0", {}), lax)
    closed = [made for record in records for made in decide_again(record, nothing).values()]
    assert all(made.score is None and made.confidence is None for made in closed)


def test_a_record_survives_its_own_json(runs: Sequence[Path]) -> None:
    for line in runs[0].read_text(encoding="utf-8").splitlines():
        record = Record.model_validate_json(line)
        assert json.loads(record.model_dump_json()) == json.loads(line)
        for field in record.fields.values():
            assert list(field.features) == sorted(field.features)
            assert all(round(value, 6) == value for value in field.features.values())


def test_a_form_blurred_beyond_reading_says_so_and_gives_no_value(post: Path) -> None:
    form = next(truth for truth in load_truth(post) if truth.kind == "form" and truth.form_type)
    pages = [page for page in unpack((post / form.file).read_bytes()) if isinstance(page, PageImage)]
    page = next(page for page in pages if page.number == form.pages[0])
    pixels = np.asarray(cv2.GaussianBlur(page.pixels, (0, 0), 5 * page.dpi / 300), np.uint8)
    workshop = open_workshop(WorkshopSettings(), Stopwatch())
    [document] = workshop.read([replace(page, pixels=pixels)])
    assert document.form_type == form.form_type
    [fact] = document.pages
    assert fact.problems == ("The page is too blurred to be read: scan it again.",)
    there = [value for value in document.fields if value.status is not FieldStatus.NOT_FOUND]
    assert there
    for value in there:
        assert (value.status, value.value, value.text, value.confidence) == (FieldStatus.UNREADABLE, None, "", None)
        assert value.reasons == fact.problems


def test_a_form_too_faded_to_have_ink_is_a_form_to_scan_again_and_not_a_blank_page() -> None:
    form_type = next(each for each in load_form_types() if each.id == "fee-refund")
    drawn = cv2.imread(str(form_type.editions[0].pages[0].image), cv2.IMREAD_GRAYSCALE)
    assert drawn is not None
    faded = (255 - (255 - drawn.astype(np.float32)) * 0.1).astype(np.uint8)
    workshop = open_workshop(WorkshopSettings(), Stopwatch())
    [document] = workshop.read([PageImage(faded, 300, 1)])
    [fact] = document.pages
    assert (fact.label, document.form_type) == (PageLabel.CONTENT, "fee-refund")
    assert any("too faint" in problem or "contrast" in problem for problem in fact.problems)
    [nothing] = workshop.read([PageImage(np.full_like(faded, 235), 300, 1)])
    assert [page.label for page in nothing.pages] == [PageLabel.BLANK]


def test_the_journey_knows_what_day_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tools] = []

    def note(pages: Iterable[PageImage], tools: Tools) -> list[Document]:
        seen.append(tools)
        return []

    monkeypatch.setattr("intake.wiring.read_pages", note)
    before = datetime.now().astimezone().date()
    open_workshop(WorkshopSettings(), Stopwatch()).read([])
    [tools] = seen
    assert before <= (tools.today() or date.max) <= datetime.now().astimezone().date()
