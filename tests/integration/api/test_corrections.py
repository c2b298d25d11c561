"""Corrections over the API: for the revision that was looked at, once, and refused in words a program can act on."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from intake.api.app import create_app
from intake.database.tables import OutboxRow, RecordRow, RevisionRow
from intake.service import Service
from schemas.record import Record
from tests.integration.api.caller import Caller, problem_of
from tests.integration.database.review_world import FORM, RULES, World, field
from tests.integration.database.test_corrections import BORN, NHS, SURE, sure
from tests.integration.database.test_record_rows import record

COLOUR = field(["Red"], "Red", kind="choice", field_class="tick", readings=[], status="accepted", reasons=[])
SIGNED = field(True, "", kind="signature", field_class="signature", readings=[], status="accepted", reasons=[])


@pytest.fixture
def caller(service: Service) -> Caller:
    """Somebody who calls a service in which one record is out, and one document is in review."""
    world = World(service.database)
    world.read(
        sure(name=SURE, born=BORN, nhs=NHS, colour=COLOUR, signed=SIGNED),
        record("review", {"name": SURE | {"status": "review"}}, form_type=FORM.id),
    )
    world.publish()
    app = create_app(service, fresh_seconds=0)
    app.state.front_desk = replace(app.state.front_desk, rules=RULES)
    return Caller(app)


@pytest.fixture
def path(service: Service) -> str:
    with service.database.read() as session:
        return f"/v1/records/{session.scalars(select(RecordRow.public_id)).one()}/corrections"


def latest(service: Service) -> tuple[str, Record]:
    """The ETag of the newest revision, and what it says."""
    with service.database.read() as session:
        row = session.scalars(select(RevisionRow).order_by(RevisionRow.sequence.desc()).limit(1)).one()
        return f'"{row.body_sha256}"', Record.model_validate_json(row.body)


def send(
    caller: Caller, path: str, tag: str, fields: dict[str, Any], *, reason: str = "She rang.", **headers: str
) -> httpx.Response:
    named = {"If-Match": tag} | {name.replace("_", "-"): value for name, value in headers.items()}
    return caller("POST", path, headers=named, json={"fields": fields, "reason": reason})


def test_a_correction_is_published_with_both_values_and_its_reason(caller: Caller, service: Service, path: str) -> None:
    before, _ = latest(service)
    fields = {"name": {"value": "Jane Doyle"}, "colour": {"value": ["Blue"]}, "signed": {"value": False}}
    answer = send(caller, path, before, fields | {"nhs": {"status": "unreadable"}})
    assert answer.status_code == 201, answer.text
    made, (after, out) = answer.json(), latest(service)
    assert (made["revision"], made["etag"], answer.headers["etag"]) == (2, after, after)
    assert (made["by"], made["reason"]) == ("caller", "She rang.")
    assert answer.headers["location"] == path.removesuffix("/corrections")
    changes = {
        each["field"]: (each["old"]["value"], each["new"]["value"], each["new"]["status"]) for each in made["changes"]
    }
    assert changes == {
        "name": ("Jane Doe", "Jane Doyle", "corrected"),
        "colour": (["Red"], ["Blue"], "corrected"),
        "signed": (True, False, "corrected"),
        "nhs": ("9434765919", None, "unreadable"),
    }
    assert (out.revision, out.fields["name"].value, out.fields["nhs"].status) == (2, "Jane Doyle", "unreadable")
    assert caller.get(path).json() == {"corrections": [made]}


def test_without_the_revision_it_is_for_nothing_is_corrected(caller: Caller, service: Service, path: str) -> None:
    body = {"fields": {"name": {"value": "Jane Doyle"}}, "reason": "She rang."}
    problem_of(caller("POST", path, json=body), 428, "needs_if_match")
    problem_of(caller("POST", path, json=body, headers={"If-Match": "*"}), 428, "needs_if_match")
    tag, _ = latest(service)
    for other in ('"0"', f"W/{tag}", tag.strip('"')):
        problem_of(caller("POST", path, json=body, headers={"If-Match": other}), 412, "superseded")
    assert caller("POST", path, json=body, headers={"If-Match": f'"0", {tag}'}).status_code == 201
    problem_of(caller("POST", path, json=body, headers={"If-Match": tag}), 412, "superseded")


def test_a_request_sent_again_with_its_key_gets_its_answer_again_and_corrects_once(
    caller: Caller, service: Service, path: str
) -> None:
    tag, _ = latest(service)
    fields = {"name": {"value": "Jane Doyle"}}
    first = send(caller, path, tag, fields, Idempotency_Key="k-1")
    again = send(caller, path, tag, fields, Idempotency_Key="k-1")
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["etag"] == first.headers["etag"]
    problem_of(send(caller, path, tag, {"name": {"value": "Jane"}}, Idempotency_Key="k-1"), 422, "key_reused")
    with service.database.read() as session:
        assert session.scalars(select(func.count()).select_from(OutboxRow)).one() == 2


def test_a_key_of_a_request_that_was_refused_is_free_again(caller: Caller, service: Service, path: str) -> None:
    tag, _ = latest(service)
    problem_of(send(caller, path, '"0"', {"name": {"value": "Jane"}}, Idempotency_Key="k-1"), 412, "superseded")
    assert send(caller, path, tag, {"name": {"value": "Jane"}}, Idempotency_Key="k-1").status_code == 201


def test_a_value_that_fails_a_check_is_taken_if_it_is_meant(caller: Caller, service: Service, path: str) -> None:
    tag, _ = latest(service)
    wrong = problem_of(send(caller, path, tag, {"nhs": {"value": "9434765918"}}), 422, "doubtful_value")
    assert [fault["place"] for fault in wrong["errors"]] == ["body.fields.nhs"]
    assert "9434765918" not in json.dumps(wrong)
    assert send(caller, path, tag, {"nhs": {"value": "9434765918", "sure": True}}).status_code == 201


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"nothing": {"value": "a"}}, "body.fields.nothing"),
    ({"name": {"value": ["Jane"]}}, "body.fields.name"),
    ({"colour": {"value": "Blue"}}, "body.fields.colour"),
    ({"name": {"value": "Jane Doe"}}, "body.fields.name"),
    ({"name": {"value": ""}}, "body.fields.name"),
    ({"name": {"value": "Jane\0"}}, "body.fields.name"),
    ({"name": {"value": None}}, "body.fields.name"),
    ({"name": {"value": "a", "status": "blank"}}, "body.fields.name"),
    ({"name": {"value": "a", "colour": "blue"}}, "body.fields.name.colour"),
    ({}, "body.fields"),
]


def test_what_cannot_be_a_correction_is_refused_by_its_place(caller: Caller, service: Service, path: str) -> None:
    tag, _ = latest(service)
    for fields, place in WRONG:
        refused = problem_of(send(caller, path, tag, fields), 422, "invalid_request")
        assert [fault["place"] for fault in refused["errors"]] == [place], fields
    for reason in ("", " ", "x" * 501, "a\0"):
        refused = problem_of(send(caller, path, tag, {"name": {"value": "J"}}, reason=reason), 422, "invalid_request")
        assert [fault["place"] for fault in refused["errors"]] == ["body.reason"]
    assert latest(service)[0] == tag


def test_a_record_that_is_not_there_is_not_found(caller: Caller) -> None:
    path = "/v1/records/none/corrections"
    problem_of(send(caller, path, '"0"', {"name": {"value": "J"}}), 404, "not_found")
    problem_of(caller.get(path), 404, "not_found")
    problem_of(caller.get("/v1/records/%00/corrections"), 422, "invalid_request")
