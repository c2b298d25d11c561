"""Where is my letter? Found by control number, date or sender, and told where it stands."""

import json
import random
import re
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from intake.api.app import create_app
from intake.database.tables import BatchRow, FieldRow, FileRow, PieceRow
from intake.form_choice import chosen_form_types
from intake.service import Service
from schemas.events import EventType
from schemas.json_schema import event_schema, form_schema, record_schema
from tests.integration.api.caller import Caller, problem_of
from tests.integration.database.review_world import FORM, NAME, SURE, World, field, form
from tests.integration.database.test_cost_of_a_piece import noted, plans_of
from tests.integration.database.test_record_rows import record

DAYS = {"received_from": "2026-03-01", "received_to": "2026-03-08"}


@pytest.fixture
def caller(both: Service) -> Caller:
    return Caller(create_app(both))


@pytest.fixture
def world(both: Service) -> World:
    """Two letters of one day, the first published and the second waiting for a keyer; one of another day."""
    world = World(both.database)
    world.read(record("complete", {"name": SURE}, form_type=FORM.id), form(name=NAME | {"text": "Owen ap Rhys"}))
    world.publish()
    world.read(record("complete", {"name": field("Jane Doe", status="accepted")}, form_type=FORM.id))
    with both.database.write() as session:
        session.execute(update(BatchRow).where(BatchRow.id == 2).values(received_on=date(2026, 4, 2)))
        session.execute(update(FileRow).where(FileRow.id == 2).values(sha256="ab" * 32, name="Bag 7.tif"))
    return world


def ids(world: World) -> list[str]:
    with world.database.read() as session:
        return [str(id) for id in session.scalars(select(PieceRow.public_id).order_by(PieceRow.id))]


def found(caller: Caller, **asked: Any) -> list[str]:
    answer = caller.get("/v1/pieces", params=asked)
    assert answer.status_code == 200, answer.text
    return [piece["id"] for piece in answer.json()["pieces"]]


def test_a_letter_is_found_by_control_number_date_and_sender(caller: Caller, world: World) -> None:
    first, second, third = ids(world)
    [piece] = caller.get("/v1/pieces", params={"control_number": first}).json()["pieces"]
    [document] = piece["documents"]
    assert (piece["state"], piece["received_on"], document["revision"]) == ("published", "2026-03-02", 1)
    assert caller.get(f"/v1/records/{document['record_id']}").status_code == 200
    assert found(caller, control_number=document["record_id"]) == [first]
    assert found(caller, control_number=document["number"]) == [first]
    assert found(caller, control_number="abababab") == [third]
    assert found(caller, control_number=str(uuid4())) == []
    assert found(caller, received_from="2026-04-01") == [third]
    assert found(caller, received_to="2026-03-02") == [second, first]
    assert found(caller, sender="rhys owen", **DAYS) == [second]
    assert found(caller, sender="jane", **DAYS) == [first]
    assert found(caller, sender="jane owen", **DAYS) == []
    assert found(caller, sender="%", **DAYS) == []
    assert found(caller, name="bag 7") == [third]
    assert found(caller, name="bag 7", received_from="2026-04-02", received_to="2026-04-02") == [third]
    assert found(caller, name="bag 7", **DAYS) == []
    assert found(caller, sender="jane", received_from="2025-03-01", received_to="2025-03-02") == []
    assert found(caller, state="in_review") == [second]
    assert found(caller, batch=piece["batch_id"]) == [second, first]
    assert found(caller, batch=piece["batch_id"], state="in_work") == []


def test_a_sender_is_looked_for_in_the_index_of_names_and_no_field_is_read(caller: Caller, world: World) -> None:
    with noted(world.database) as statements:
        assert found(caller, sender="rhys owen", **DAYS) == [ids(world)[1]]
    plans = plans_of(world.database, statements)
    [plan] = [plan for statement, plan in plans.items() if "field_class" in statement]
    index = r"Index Only Scan using ix_fields_names|USING COVERING INDEX ix_fields_names"
    assert re.search(index, plan), plan
    assert re.search(r"SCAN (fields|documents|pieces|files)|Seq Scan", plan) is None, plan


def test_any_text_can_stand_in_a_field_of_names_and_what_is_as_long_as_a_name_is_found(
    caller: Caller, world: World
) -> None:
    letters = random.Random(7)  # noqa: S311  # no secret: what no compression makes short
    longest = "jane" + "".join(chr(letters.randrange(0x20000, 0x2A000)) for _ in range(196))
    first, second, _ = ids(world)
    with world.database.write() as session:
        session.execute(update(FieldRow).where(FieldRow.document_id == 1).values(text=longest))
        session.execute(update(FieldRow).where(FieldRow.document_id == 2).values(text=50 * longest))
    assert found(caller, sender="jane", **DAYS) == [first]
    assert found(caller, control_number=second) == [second]


def test_a_list_goes_on_where_the_page_before_ended(caller: Caller, world: World) -> None:
    first, second, third = ids(world)
    page = caller.get("/v1/pieces", params={"limit": 2}).json()
    assert [piece["id"] for piece in page["pieces"]] == [third, second]
    assert found(caller, limit=2, after=page["next"]) == [first]
    assert caller.get("/v1/pieces", params={"after": page["next"]}).json()["next"] is None


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"sender": "jane"}, "query.received_from"),
        ({"sender": "jane", "received_from": "2026-03-01"}, "query.received_to"),
        ({"sender": "jane", "received_from": "2026-03-01", "received_to": "2026-03-09"}, "query.received_to"),
        ({"received_from": "02.03.2026"}, "query.received_from"),
        ({"state": "lost"}, "query.state"),
        ({"control_number": "\x00"}, "query.control_number"),
        ({"name": "a" * 201}, "query.name"),
        ({"limit": "0"}, "query.limit"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(caller: Caller, asked: dict[str, str], place: str) -> None:
    problem = problem_of(caller.get("/v1/pieces", params=asked), 422, "invalid_request")
    assert [fault["place"] for fault in problem["errors"]] == [place]


def test_one_piece_is_told_with_its_pages_and_by_when_it_is_due(caller: Caller, world: World) -> None:
    _, second, _ = ids(world)
    piece = caller.get(f"/v1/pieces/{second}").json()
    assert (piece["id"], piece["state"], piece["file_name"]) == (second, "in_review", "1.tif")
    assert piece["pages"] == [{"number": 2, "label": "content"}]
    assert [document["record_id"] for document in piece["documents"]] == [None]
    # Received on a Monday, within five working days: by the end of the next Monday.
    assert piece["due_at"] == "2026-03-10T00:00:00Z"
    problem_of(caller.get(f"/v1/pieces/{UUID(int=0)}"), 404, "not_found")


def test_form_types_are_told_with_the_schemas_of_their_records(caller: Caller) -> None:
    forms = {form.id: form for form in chosen_form_types((), None)}
    told = caller.get("/v1/form-types").json()["form_types"]
    assert [each["id"] for each in told] == sorted(forms)
    for id, form_type in forms.items():
        one = caller.get(f"/v1/form-types/{id}").json()
        assert [each["name"] for each in one["fields"]] == [spec.name for spec in form_type.fields]
        assert [each["id"] for each in one["editions"]] == [edition.id for edition in form_type.editions]
        schema = caller.get(f"/v1/form-types/{id}/schema")
        assert schema.headers["content-type"] == "application/schema+json"
        assert schema.json() == json.loads(json.dumps(form_schema(form_type)))
        assert schema.json()["$id"] == one["schema_id"]
    assert caller.get("/v1/schemas/record").json() == json.loads(json.dumps(record_schema()))
    for event in EventType:
        assert caller.get(f"/v1/schemas/events/{event.value}").json() == json.loads(json.dumps(event_schema(event)))
    problem_of(caller.get("/v1/schemas/events/record.lost"), 422, "invalid_request")
    for rest in ("", "/schema"):
        problem_of(caller.get(f"/v1/form-types/nothing{rest}"), 404, "not_found")
