"""Truth and records are put side by side, compared and counted; the report shows it and nothing more."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from extract.score import Expected
from intake.measure import chart
from intake.measure.as_json import as_json
from intake.measure.match import load_records, match
from intake.measure.measures import Measures, measure
from intake.measure.reliability import Bin, reliability
from intake.measure.report import differences, render
from intake.measure.truth import NoTruth, TrueDocument, load
from schemas.field import FieldKind, FieldSpec, FieldStatus
from schemas.form_type import Edition, FormType
from schemas.page import PageLabel
from schemas.record import Record, RecordField, RecordPage, RecordReading, RecordSource

TEXT, CHOICE, DATE = FieldKind.TEXT, FieldKind.CHOICE, FieldKind.DATE
ACCEPTED, REVIEW, BLANK = FieldStatus.ACCEPTED, FieldStatus.REVIEW, FieldStatus.BLANK
FORM = FormType(
    "a-form",
    "A form",
    1,
    (
        FieldSpec("name", TEXT, label="Full name"),
        FieldSpec("connection", CHOICE, options=("owner", "other")),
        FieldSpec("connection_other", TEXT),
        FieldSpec("received", DATE),
    ),
    (),
    (Edition("one", "FORM A 03/11", 300, (), ()), Edition("one-retyped", "FORM A 03/11", 300, (), ())),
)


def field(
    value: str | list[str] | None, status: FieldStatus = ACCEPTED, confidence: float | None = None
) -> RecordField:
    text = value if isinstance(value, str) else ""
    return RecordField(
        value=value, text=text, kind=TEXT, status=status, confidence=confidence, page=1, box=[0.1, 0.1, 0.5, 0.2],
        reasons=["look <here>"], decided_by="policy@1",
    )  # fmt: skip


def record(file: str, pages: Sequence[int], form_type: str | None = "a-form", /, **fields: RecordField) -> Record:
    return Record(
        record_id=f"{file}-{pages}",
        status="review",
        source=RecordSource(name=file, sha256=None, pages=list(pages)),
        form_type=form_type,
        edition=None if form_type is None else "one",
        fields=fields,
        pages=[RecordPage(number=number, label=PageLabel.CONTENT) for number in pages],
    )


def true(file: str, pages: Sequence[int], /, **fields: str | None) -> TrueDocument:
    expected = {name: Expected(TEXT, value, value or "") for name, value in fields.items()}
    return TrueDocument(file, tuple(pages), "a-form", "FORM A 03/11", expected)


def measured(truths: Sequence[TrueDocument], records: Sequence[Record]) -> Measures:
    return measure(match(truths, records), [FORM])


def keyed(path: Path, **changes: object) -> Path:
    """A file of keyed truth with one document."""
    raw = {"id": "scan-1", "edition": "Form A  03/11", "name": "Jo", "connection": ["owner"], "connection_other": "",
           "received": "2018-04-24", "handwritten": ["name"], "notes": ""}  # fmt: skip
    path.write_text(json.dumps(raw | changes) + "\n", encoding="utf-8")
    return path


def test_keyed_truth_is_known_by_its_shape_and_finds_its_form_type_and_edition(tmp_path: Path) -> None:
    [document] = load(keyed(tmp_path / "truth.jsonl"), [FORM])
    assert (document.form_type, document.edition) == ("a-form", "FORM A 03/11")
    assert document.is_of("scan-1.tif")
    assert not document.is_of("scan-10.tif")
    assert document.fields["name"].handwritten
    assert document.fields["connection"].uncounted == {"other"}
    assert document.fields["received"].text is None  # keyed in ISO form, stamped in another


def test_an_edition_that_was_cut_off_cannot_be_read_wrong(tmp_path: Path) -> None:
    [document] = load(keyed(tmp_path / "truth.jsonl", edition="FORM A"), [FORM])
    assert document.edition is None
    assert measured([document], [record("scan-1.tif", [1])]).editions == (0, 0)


def test_two_drawings_of_one_edition_are_the_same_edition(tmp_path: Path) -> None:
    [document] = load(keyed(tmp_path / "truth.jsonl"), [FORM])
    retyped = record("scan-1.tif", [1]).model_copy(update={"edition": "one-retyped"})
    assert measured([document], [retyped]).editions == (1, 1)


def register(folder: Path, text: str) -> Path:
    path = folder / "register.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_register_gives_the_truth_of_the_fields_it_knows(tmp_path: Path) -> None:
    rows = 'file,form_type,name,received,clerk\na.tif,form,"Doe, Jo",2018-04-24,Smith\nb.tif,a-form,,2018-04-25,\n'
    one, two = load(register(tmp_path, rows), [FORM])
    assert (one.file, one.form_type, one.pages) == ("a.tif", "a-form", ())
    assert {name: expected.value for name, expected in one.fields.items()} == {
        "name": "Doe, Jo",
        "received": "2018-04-24",
    }
    assert set(two.fields) == {"received"}  # the register does not know the name: that is not "none is written"


def test_rows_of_a_form_type_that_nobody_knows_are_left_out_and_a_table_without_files_is_refused(
    tmp_path: Path,
) -> None:
    with pytest.raises(NoTruth, match="no document"):
        load(register(tmp_path, "file,form_type,name\na.tif,letter,Jo\n"), [FORM])
    with pytest.raises(NoTruth, match="needs the columns file and form_type"):
        load(register(tmp_path, "name\nJo\n"), [FORM])


def test_truth_that_is_none_is_refused_without_a_word_of_its_content(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text('{"file": "a.tif", "secret": "what somebody wrote"}\n', encoding="utf-8")
    with pytest.raises(NoTruth, match=r"truth\.jsonl, line 1") as refused:
        load(tmp_path, [FORM])
    assert "what somebody wrote" not in str(refused.value)
    path.write_text("", encoding="utf-8")
    with pytest.raises(NoTruth, match="no document"):
        load(tmp_path, [FORM])
    with pytest.raises(NoTruth, match="cannot be read"):
        load(tmp_path / "no-such-file", [FORM])


def test_records_of_another_shape_are_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(record("a.tif", [1]).model_dump_json() + '\n{"written": "Jo"}\n', encoding="utf-8")
    with pytest.raises(NoTruth, match=r"r\.jsonl, line 2") as refused:
        load_records(path)
    assert "Jo" not in str(refused.value)


def test_a_document_is_matched_by_file_and_then_by_the_pages_both_share() -> None:
    truths = [true("a.tif", [1, 2], name="A"), true("a.tif", [3], name="B"), true("b.tif", [1], name="C")]
    records = [record("b.tif", [1]), record("a.tif", [2, 3]), record("a.tif", [1])]
    matched = match(truths, records).matches
    # Page 1 is half of the first document and so is page 3 of the record that stretches over both.
    assert [None if one.record is None else one.record.source.pages for one in matched] == [[1], [2, 3], [1]]
    assert matched[2].record == records[0]


def test_no_record_answers_for_two_documents() -> None:
    matched = match([true("a.tif", [1], name="A"), true("a.tif", [2], name="B")], [record("a.tif", [1, 2])]).matches
    assert [one.record is None for one in matched] == [False, True]


def test_a_form_that_nobody_sent_is_counted_as_such() -> None:
    letter = TrueDocument("a.tif", (1,), None, None, {}, lines=("Dear Sir",))
    assert len(match([letter], [record("a.tif", [1])]).unasked) == 0  # the letter itself was taken for a form
    assert len(match([letter], [record("a.tif", [1]), record("a.tif", [2])]).unasked) == 1
    confusion = measured([letter], [record("a.tif", [1])]).confusion
    assert confusion == {((None, None), ("a-form", "FORM A 03/11")): 1}


def test_the_counts_are_those_one_counts_by_hand() -> None:
    truths = [true("a.tif", [1], name="Ann", city="York", note=None), true("b.tif", [1], name="Bob", city="Bath")]
    records = [
        record("a.tif", [1], name=field("ANN"), city=field("Cork"), note=field(None, BLANK)),
        record("b.tif", [1], name=field("Bob", REVIEW), city=field("Bath")),
    ]
    counted = measured(truths, records)
    assert (counted.all.fields, counted.all.right, counted.all.taken, counted.all.wrong_taken) == (5, 4, 4, 1)
    # ANN for Ann: 2 characters; Cork for York: 1; of Ann, York, Bob, Bath: 14.
    assert (counted.all.character_errors, counted.all.characters) == (3, 14)
    assert (counted.documents, counted.typed, counted.untouched) == (2, 2, 1)
    assert counted.groups["field"]["a-form", "city"].accuracy == 0.5
    assert counted.groups["writing"]["left empty",].accuracy == 1.0
    told = as_json(counted, None)
    assert told["error_among_accepted"] == 0.25
    assert (counted.untouched, counted.nearly_untouched) == (1, 2)
    # 1 of 2: with a share of 2.53 % at least one of two would be seen in 5 of 100 samples, as 1 - 0.9747² is 0.05.
    assert (told["untouched_documents"], told["untouched_documents_bound"]) == (0.5, 0.0253)
    assert (told["documents_with_one_field_to_key"], told["documents_with_one_field_to_key_bound"]) == (1.0, 0.2236)
    decided = counted.groups["decision"]
    assert {name: (tally.fields, tally.right) for (name,), tally in decided.items()} == {
        "accepted": (3, 2), "blank": (1, 1), "review": (1, 1),
    }  # fmt: skip


def test_what_has_no_record_counts_as_unread_and_needs_a_person() -> None:
    counted = measured([true("a.tif", [1], name="Ann", note=None)], [])
    assert (counted.all.right, counted.all.taken, counted.untouched, counted.found) == (1, 0, 0, 0)
    assert counted.all.character_error_rate == 1.0


def test_confidences_are_sorted_into_bins_with_what_became_true() -> None:
    truths = [true(f"{number}.tif", [1], name="Ann") for number in range(4)]
    names = ["Ann", "Ann", "Bob", "Ann"]
    confidences = [0.992, 0.994, 0.993, None]
    records = [
        record(f"{number}.tif", [1], name=field(name, confidence=confidence))
        for number, (name, confidence) in enumerate(zip(names, confidences, strict=True))
    ]
    [bin] = measured(truths, records).belief.bins
    assert (bin.low, bin.high, bin.fields, bin.right) == (0.99, 0.995, 3, 2)
    assert bin.mean_confidence == pytest.approx(0.993)
    assert bin.interval[0] < 2 / 3 < bin.interval[1]


def test_the_figures_of_reliability_are_those_one_counts_by_hand() -> None:
    found = reliability([(0.95, True), (0.96, True), (0.97, False), (0.2, False)])
    assert found.calibration_error == pytest.approx((abs(0.95 + 0.96 + 0.97 - 2) + 0.2) / 4)
    assert found.brier == pytest.approx((0.05**2 + 0.04**2 + 0.97**2 + 0.2**2) / 4)
    assert [(bin.fields, bin.right) for bin in found.bins] == [(1, 0), (3, 2)]
    assert reliability([]).brier is None


def test_what_was_taken_for_empty_is_a_class_of_its_own() -> None:
    truths = [true("a.tif", [1], name="Ann", note=None)]
    blank = field(None, BLANK, confidence=0.99).model_copy(update={"field_class": "name", "features": {"inked": 0.0}})
    read = field("Ann", confidence=0.9).model_copy(
        update={"field_class": "name", "readings": [RecordReading(text="Ann", reader="r", score=1.0)]}
    )
    counted = measured(truths, [record("a.tif", [1], name=read, note=blank)])
    assert {name: tally.fields for (name,), tally in counted.groups["class"].items()} == {"name": 1, "blank:text": 1}
    assert {name: belief.fields for name, belief in counted.beliefs.items()} == {"name": 1, "blank:text": 1}
    html = render(counted, None, [FORM], {})
    assert "empty: text" in html
    assert html.count("<svg") == 3  # of all, and of each class


def test_an_honest_bin_stands_on_the_diagonal() -> None:
    [dot] = chart.dots([Bin(0.9, 1.0, 100, 95, 0.95)])
    assert dot.x == pytest.approx(chart.SIDE - dot.y)
    assert dot.high < dot.y < dot.low  # downwards: the upper end of the interval has the smaller number


def test_only_what_differs_is_marked() -> None:
    read, truth = differences("York", "Cork")
    assert read == [("Y", True), ("ork", False)]
    assert truth == [("C", True), ("ork", False)]


def test_the_report_shows_every_miss_and_what_people_wrote_stays_inert() -> None:
    wrong = '<script>alert("x")</script>'
    truths = [true("a<b>.tif", [1], name='<img src="x">', city="York")]
    counted = measured(truths, [record("a<b>.tif", [1], name=field(wrong), city=field("Cork", REVIEW))])
    html = render(counted, None, [FORM], {}, title="<i>folder</i>")
    # Marking differences cuts values into pieces, so the page is looked at for tags and not for whole values.
    tags = set(re.findall(r"<([a-z0-9]+)", html))
    assert tags.isdisjoint({"script", "img", "b"})
    assert "<i>folder</i>" not in html
    assert "&lt;here&gt;" in html
    assert "Misses (2)" in html
    assert "<section" not in html  # without the scan nothing has a picture
    told = re.sub("<[^>]*>", "", html.split("Further misses")[1])
    assert told.count("York") == 1
    assert told.count("Full name") == 1
    assert "http" not in html.replace('http-equiv="Content-Security-Policy"', "")


def test_a_report_of_nothing_wrong_says_so() -> None:
    counted = measured([true("a.tif", [1], name="Ann")], [record("a.tif", [1], name=field("Ann"))])
    html = render(counted, None, [FORM], {})
    assert "Every field of every form that was recognised is right." in html
    assert "No field has a confidence" in html


def test_a_form_taken_for_another_is_shown_once_and_not_field_by_field() -> None:
    counted = measured([true("a.tif", [1], name="Ann", city="York")], [record("a.tif", [1], None)])
    assert counted.misses == []
    assert len(counted.unrecognised) == 1
    assert "Pages not recognised (1)" in render(counted, None, [FORM], {})
