"""What the journey found becomes a record: ids, statuses, values."""

import json

import pytest

from intake.records import record_id, status_of, to_record
from schemas.errors import Cause
from schemas.extraction import Document, Failure, FieldValue
from schemas.field import FieldKind, FieldSpec, FieldStatus
from schemas.geometry import PageArea
from schemas.page import PageFact, PageLabel
from schemas.reading import Reading

CONTENT = PageFact(1, PageLabel.CONTENT)
FAILURE = Failure(Cause.DAMAGED, "Page 2 is damaged.", "Scan it again.", 2)
SHA = "ab" * 32


def field(status: FieldStatus, name: str = "name") -> FieldValue:
    return FieldValue(
        FieldSpec(name, FieldKind.TEXT), "Jane Doe", "Jane Doe", status, 0.99914, 1, PageArea(0, 0.1, 0.5, 1)
    )


def form(*statuses: FieldStatus, failures: tuple[Failure, ...] = ()) -> Document:
    fields = tuple(field(status, f"field {place}") for place, status in enumerate(statuses))
    return Document("a-form", "1998", (CONTENT,), fields, failures=failures)


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (form(FieldStatus.ACCEPTED, FieldStatus.BLANK), "complete"),
        (form(FieldStatus.CONFIRMED, FieldStatus.CORRECTED), "complete"),
        (form(FieldStatus.ACCEPTED, FieldStatus.REVIEW), "review"),
        (form(FieldStatus.ACCEPTED, FieldStatus.UNREADABLE), "review"),
        (form(FieldStatus.ACCEPTED, FieldStatus.NOT_FOUND), "review"),
        (form(FieldStatus.ACCEPTED, failures=(FAILURE,)), "review"),
        (Document(None, None, (CONTENT,)), "review"),
        (Document(None, None, (PageFact(1, PageLabel.BLANK),)), "complete"),
        (Document(None, None, (PageFact(1, PageLabel.SEPARATOR),)), "complete"),
        (Document(None, None, (PageFact(1, PageLabel.FAILED),), failures=(FAILURE,)), "failed"),
        (Document(None, None, (), failures=(FAILURE,)), "failed"),
    ],
)
def test_a_record_is_complete_only_if_nobody_must_look(document: Document, status: str) -> None:
    assert status_of(document) == status


def test_two_runs_over_the_same_bytes_give_the_same_record_id() -> None:
    assert record_id("a.tif", SHA, [1, 2]) == record_id("renamed.tif", SHA, [1, 2])
    # Published once, an id may never change: this one was computed with `sha1sum` as RFC 9562 says.
    assert record_id("a.tif", SHA, [1, 2]) == "b911df1c-87ab-5f40-9999-cf4bc5cf26b5"


def test_other_pages_or_other_bytes_give_another_record_id() -> None:
    ids = {record_id("a.tif", SHA, [1, 2]), record_id("a.tif", SHA, [1, 23]), record_id("a.tif", SHA, [12])}
    ids |= {record_id("a.tif", None, []), record_id("b.tif", None, []), record_id("a.tif", "cd" * 32, [1, 2])}
    assert len(ids) == 6


def test_a_value_is_written_with_its_place_and_what_each_reader_saw() -> None:
    reading = Reading("Jane", (0.9, 0.8, 0.9, 1.0), "a-reader/1")
    value = FieldValue(
        FieldSpec("ticks", FieldKind.CHOICE), ("yes", "no"), "yes, no", FieldStatus.REVIEW, None, 1, None, (reading,),
        reasons=("two ticks",), decided_by="policy@1", features={"weakest": 0.8, "mean": 0.9},
    )  # fmt: skip
    raw = json.loads(
        to_record(Document("a-form", "1998", (CONTENT,), (value,)), name="a.tif", sha256=SHA).model_dump_json()
    )
    unknown = dict.fromkeys(("batch_id", "piece_id", "channel", "received_on"))
    assert raw["source"] == unknown | {"name": "a.tif", "sha256": SHA, "pages": [1]}
    assert raw["fields"]["ticks"] == {
        "value": ["yes", "no"],
        "text": "yes, no",
        "kind": "choice",
        "status": "review",
        "confidence": None,
        "score": None,
        "page": 1,
        "box": None,
        "scan_outline": None,
        "field_class": "choice",
        "problem": "",
        "features": {"mean": 0.9, "weakest": 0.8},
        "readings": [{"text": "Jane", "reader": "a-reader/1", "score": 0.9, "characters": [0.9, 0.8, 0.9, 1.0]}],
        "marks": [],
        "checks": [],
        "reasons": ["two ticks"],
        "entries": [],
        "decided_by": "policy@1",
        "policy": "policy@1",
    }


def test_a_probability_keeps_four_digits_and_a_place_stays_on_the_page() -> None:
    record = to_record(form(FieldStatus.ACCEPTED), name="a.tif", sha256=SHA)
    assert record.fields["field 0"].confidence == 0.9991
    assert record.fields["field 0"].box == [0, 0.1, 0.5, 1]


def test_a_box_stands_on_the_scan_where_the_page_lay() -> None:
    # A page scanned lying on its left side, 2000 x 1000 pixels: the upright page's top runs up the scan's left edge.
    page = PageFact(1, PageLabel.CONTENT, turned=90, width=2000, height=1000, transform=(0, 2000, 0, -1000, 0, 1000))
    record = to_record(Document("a-form", "1998", (page,), form(FieldStatus.REVIEW).fields), name="a.tif", sha256=SHA)
    # Upright it goes from (0, 0.1) to (0.5, 1): u = 0 is at the foot of the scan, v = 0.1 is 200 pixels from its left.
    corners = [[200.0, 1000.0], [200.0, 500.0], [2000.0, 500.0], [2000.0, 1000.0]]
    assert record.fields["field 0"].scan_outline == corners


def test_a_box_on_a_page_nobody_knows_the_lie_of_has_no_place_on_the_scan() -> None:
    assert CONTENT.transform is None
    assert to_record(form(FieldStatus.REVIEW), name="a.tif", sha256=SHA).fields["field 0"].scan_outline is None
