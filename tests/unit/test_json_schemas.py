"""The published schemas are those of the code, and tell right records from wrong ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from intake.cli import app
from intake.form_choice import chosen_form_types
from intake.record_reference import reference
from schemas.events import OF_RECORDS, EventType
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import Edition, FormType
from schemas.json_schema import event_schema, form_id, form_schema, record_id, record_schema
from schemas.record import SCHEMA_VERSION, Record
from tests.schema_check import faults_of

FORM = FormType(
    "a-form", "A form", 1,
    (
        FieldSpec("name", FieldKind.TEXT, "Your name"), FieldSpec("born", FieldKind.DATE),
        FieldSpec("count", FieldKind.INTEGER), FieldSpec("fee", FieldKind.MONEY),
        FieldSpec("colour", FieldKind.CHOICE, options=("Red", "Blue")), FieldSpec("signed", FieldKind.SIGNATURE),
        FieldSpec("code", FieldKind.BARCODE),
    ),
    (), (Edition("2024-10", "FORM 1 (10/24)", 300, (), ()),),
)  # fmt: skip
VALUES: dict[str, Any] = {
    "name": "Jane Doe", "born": "1984-03-27", "count": 12, "fee": "12.50", "colour": ["Red"], "signed": True,
    "code": "A",
}  # fmt: skip


def record(**values: Any) -> dict[str, Any]:
    """A record of the form with these values, as it goes out."""
    fields = {
        spec.name: {
            "value": (VALUES | values)[spec.name], "text": "", "kind": spec.kind.value, "status": "accepted",
            "confidence": 0.99, "page": 1, "box": [0.1, 0.2, 0.3, 0.4], "decided_by": "policy@1/7",
        }
        for spec in FORM.fields
    }  # fmt: skip
    whole = {
        "record_id": "r-1", "status": "complete", "form_type": "a-form", "edition": "2024-10", "fields": fields,
        "source": {"name": "1.tif", "sha256": "0" * 64, "pages": [1]},
    }  # fmt: skip
    made: dict[str, Any] = json.loads(Record.model_validate(whole).model_dump_json())
    return made


def faults(made: dict[str, Any]) -> list[str]:
    return [fault.partition(":")[0] for fault in faults_of(json.dumps(made), form_schema(FORM))]


def test_the_files_are_those_of_the_code(repository: Path, tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["forms", "schemas", str(tmp_path), "--reference", str(tmp_path / "records.md")])
    assert made.exit_code == 0, made.output
    ours = repository / "schemas" / "json" / SCHEMA_VERSION
    new = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / SCHEMA_VERSION).iterdir()}
    assert {file.name: file.read_text(encoding="utf-8") for file in ours.iterdir()} == new, "run `make schemas`"
    forms, events = (form.id for form in chosen_form_types((), None)), (f"event.{kind.value}" for kind in EventType)
    assert set(new) == {f"{name}.schema.json" for name in ("record", *forms, *events)}
    told = (repository / "docs" / "records.md").read_text(encoding="utf-8")
    assert told == (tmp_path / "records.md").read_text(encoding="utf-8"), "run `make schemas`"


def test_a_right_record_has_no_faults() -> None:
    assert faults_of(json.dumps(record()), record_schema()) == []
    assert faults(record()) == []
    assert faults(record(**dict.fromkeys(VALUES))) == []  # nothing is known of anything
    assert faults(record() | {"edition": None}) == []  # a person said what it is


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", 3), ("born", "27.03.1984"), ("born", "1984-02-30"), ("count", "12"), ("count", True), ("fee", "12.5"),
        ("fee", 12), ("colour", "Red"), ("colour", ["Green"]), ("colour", ["Red", "Red"]), ("signed", "yes"),
        ("code", []),
    ],
)  # fmt: skip
def test_a_value_that_is_not_as_its_field_asks_is_a_fault(name: str, value: Any) -> None:
    made = record()
    made["fields"][name]["value"] = value
    assert any(place.startswith(f"$.fields.{name}.value") for place in faults(made))


def test_what_any_record_must_have_is_asked_of_one_of_a_form_as_well() -> None:
    made = record()
    del made["source"]
    made["fields"]["name"]["confidence"] = 1.5
    assert {"$", "$.fields.name.confidence"} <= set(faults(made))


def test_a_form_has_all_of_its_fields_and_editions_that_there_are() -> None:
    made = record()
    del made["fields"]["born"]
    made["edition"] = "1999-01"
    made["fields"]["code"]["kind"] = "text"
    assert faults(made) == ["$.edition", "$.fields", "$.fields.code.kind"]


def test_what_a_later_version_adds_is_no_fault_but_another_major_version_is() -> None:
    made = record() | {"schema_version": "1.9", "colour_of_ink": "blue"}
    made["fields"]["name"]["ink"] = "blue"
    assert faults(made) == []
    assert faults(made | {"schema_version": "2.0"}) == ["$.schema_version"]


def test_every_schema_has_an_id_of_its_own() -> None:
    assert (form_schema(FORM)["$id"], record_schema()["$id"]) == (form_id("a-form"), record_id())
    assert form_id("a-form") == f"urn:postroom:record:{SCHEMA_VERSION}:a-form"


def test_the_reference_names_every_property_and_every_field() -> None:
    told = reference((FORM,))
    for name in (*Record.model_fields, "scan_outline", "decided_by", *VALUES):
        assert f"| `{name}` |" in told
    assert "list of `Red`, `Blue`" in told


PUBLISHED: dict[str, Any] = {
    "record_id": "r-1", "revision": 1, "sequence": 7, "status": "complete", "form_type": None, "batch_id": "b-1",
    "body_sha256": "0" * 64, "link": "/v1/records/r-1/revisions/1",
}  # fmt: skip
STOOD = {"status": "accepted", "value": ["Red"], "text": "Red"}
CARRIED: dict[EventType, dict[str, Any]] = {
    EventType.BATCH_RECEIVED: {
        "batch_id": "b-1", "channel": "api", "received_on": "2026-03-02", "files": 2, "link": "/v1/batches/b-1",
    },
    EventType.BATCH_COMPLETED: {
        "batch_id": "b-1", "completion": 1, "files": 2, "pieces": {"published": 3}, "link": "/v1/batches/b-1",
    },
    EventType.RECORD_PUBLISHED: PUBLISHED,
    EventType.RECORD_CORRECTED: PUBLISHED | {
        "revision": 2, "previous_revision": 1, "reason": "The applicant rang.",
        "changes": [{"field": "colour", "old": STOOD, "new": STOOD | {"value": None}}],
    },
    EventType.PIECE_QUARANTINED: {
        "batch_id": "b-1", "file_id": "f-1", "piece_id": None, "cause": "damaged", "page": 3, "link": "/v1/quarantine",
    },
    EventType.WEBHOOK_TEST: {"webhook_id": "w-1"},
}  # fmt: skip


def event_faults(kind: EventType, data: dict[str, Any]) -> set[str]:
    """The places that do not agree with the schema of such events."""
    return {fault.partition(":")[0] for fault in faults_of(json.dumps(data), event_schema(kind))}


@pytest.mark.parametrize("kind", EventType)
def test_what_an_event_carries_has_all_that_its_schema_names_and_may_get_more(kind: EventType) -> None:
    assert event_faults(kind, CARRIED[kind]) == set()
    assert event_faults(kind, CARRIED[kind] | {"colour_of_ink": "blue"}) == set()
    for name in CARRIED[kind]:
        assert event_faults(kind, {key: value for key, value in CARRIED[kind].items() if key != name}) == {"$"}, name
        assert event_faults(kind, CARRIED[kind] | {name: 0.5}) == {f"$.{name}"}, name


@pytest.mark.parametrize("kind", sorted(OF_RECORDS))
def test_the_record_is_there_or_not_but_never_null(kind: EventType) -> None:
    assert event_faults(kind, CARRIED[kind] | {"record": record()}) == set()
    assert event_faults(kind, CARRIED[kind] | {"record": None}) == {"$.record"}


@pytest.mark.parametrize("kind", EventType)
def test_the_schema_of_an_event_is_found_from_its_documentation(kind: EventType, repository: Path) -> None:
    told = (repository / "docs" / "events.md").read_text(encoding="utf-8")
    place = f"schemas/json/{SCHEMA_VERSION}/event.{kind.value}.schema.json"
    assert f"| [`{kind.value}`](../{place}) |" in told
    schema = json.loads((repository / place).read_text(encoding="utf-8"))
    assert schema["$id"] == f"urn:postroom:event:{kind.value}:1"
