"""A correction makes a new revision and changes nothing that was published; nothing is lost, doubled or overwritten."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from intake import audit, corrections
from intake.corrections import (
    Correction,
    Corrector,
    DoubtfulValue,
    InReview,
    NoSuchRecord,
    NotAsAsked,
    Stood,
    Superseded,
    Wanted,
)
from intake.database.engine import Database
from intake.database.tables import AuditRow, OutboxRow, RecordRow, RevisionRow
from intake.events import cloud_event
from intake.review.answers import NOT_SIGNED, Answer
from intake.review.entering import Stale
from intake.review.rules import Rules
from intake.review.undoing import CannotUndo
from schemas.events import EventType
from schemas.field import FieldKind, FieldSpec, Rule
from schemas.form_type import FormType
from schemas.json_schema import event_schema
from schemas.record import Record
from schemas.review import Act
from schemas.states import MailState
from tests.integration.database.review_world import ANNA, BEN, COLOUR, FORM, NAME, SIGNED, World, field, form
from tests.integration.database.test_record_rows import record
from tests.schema_check import faults_of

SENIOR, CALLER = Corrector("person:3", "senior"), Corrector("warehouse", "caller")
SURE = field("Jane Doe", status="accepted", reasons=[], confidence=0.999)
BORN = field("1984-03-27", "27 3 84", kind="date", field_class="date", status="accepted", reasons=[])
NHS = field("9434765919", field_class="health", status="accepted", reasons=[])


def sure(**fields: dict[str, Any]) -> Record:
    """A record nobody has to look at."""
    return record("complete", fields, form_type=FORM.id)


@pytest.fixture
def world(database: Database) -> World:
    """Two documents that are out: one nobody had to look at, one with a name that Anna settled."""
    world = World(database)
    world.read(sure(name=SURE, born=BORN, nhs=NHS), form(name=NAME, born=BORN))
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    assert world.publish() == 2
    return world


def correct(
    world: World,
    answers: Mapping[str, Answer | str],
    *,
    document: int = 1,
    by: Corrector = SENIOR,
    expected: int = 1,
    reason: str = "The applicant rang.",
) -> Correction:
    given = {name: Answer(Act.VALUE, answer) if isinstance(answer, str) else answer for name, answer in answers.items()}
    with world.database.write() as session:
        record = session.scalars(select(RecordRow.public_id).where(RecordRow.document_id == document)).one()
        return corrections.correct(session, world.rules, record, Wanted(given, reason, by, expected), world.now)


def bodies(world: World, document: int = 1) -> list[str]:
    query = select(RevisionRow.body).join(RecordRow, RevisionRow.record_id == RecordRow.id)
    with world.database.read() as session:
        return list(session.scalars(query.where(RecordRow.document_id == document).order_by(RevisionRow.number)))


def test_a_correction_is_the_next_revision_of_the_same_record_and_the_first_stays(world: World) -> None:
    [before] = bodies(world)
    world.later(hours=1)
    made = correct(world, {"name": "  Jane  Doyle "})
    assert (made.revision, made.sequence, made.by, made.reason) == (2, 3, SENIOR, "The applicant rang.")
    assert [(each.field, each.old, each.new) for each in made.changes] == [
        ("name", Stood("accepted", "Jane Doe", "Jane Doe"), Stood("corrected", "Jane Doyle", "Jane Doyle"))
    ]
    first, second = bodies(world)
    assert first == before
    old, new = Record.model_validate_json(first), Record.model_validate_json(second)
    corrected = new.fields["name"]
    assert (new.record_id, new.revision, new.status) == (old.record_id, 2, "complete")
    assert (corrected.status, corrected.value, corrected.confidence) == ("corrected", "Jane Doyle", None)
    assert [(entry.by, entry.action, entry.at) for entry in corrected.entries] == [
        ("senior", "corrected", world.now.isoformat())
    ]
    assert corrected.decided_by == "person:senior"
    assert corrected.readings == old.fields["name"].readings
    unchanged = {"revision": 1, "fields": {**new.fields, "name": old.fields["name"]}}
    assert new.model_copy(update=unchanged) == old


def test_nothing_moves_and_the_books_still_add_up(world: World) -> None:
    correct(world, {"name": "Jane Doyle", "born": "28 3 84"})
    correct(world, {"name": Answer(Act.BLANK)}, expected=2, by=CALLER)
    assert (world.state(), world.differences()) == (MailState.PUBLISHED, {})
    assert world.publish() == 0
    latest = Record.model_validate_json(bodies(world)[-1])
    assert (latest.fields["name"].status, latest.fields["name"].value) == ("blank", None)
    assert [entry.by for entry in latest.fields["name"].entries] == ["senior", "caller"]
    assert latest.fields["name"].decided_by == "caller"
    assert latest.fields["born"].value == "1984-03-28"


def test_the_news_and_the_audit_say_that_it_was_corrected_and_hold_no_value(world: World) -> None:
    correct(world, {"name": "Jane Doyle", "born": "28 3 84"})
    with world.database.read() as session:
        news = session.execute(select(OutboxRow.event, RevisionRow.number).join(RevisionRow)).all()
        assert ("record.corrected", 2) in [tuple(each) for each in news]
        said = session.scalars(select(AuditRow).where(AuditRow.action == "record corrected")).one()
        assert (said.actor, said.subject) == ("person:3", "document:1")
        assert json.loads(said.details) == {"record": 1, "revision": 2, "fields": 2}
        assert audit.verify(session) is None


@pytest.mark.parametrize("with_record", [True, False])
def test_what_is_told_of_a_correction_is_as_its_schema_says(world: World, *, with_record: bool) -> None:
    correct(world, {"name": "Jane Doyle", "born": Answer(Act.BLANK)})
    with world.database.read() as session:
        for row in session.scalars(select(OutboxRow).where(OutboxRow.revision_id.is_not(None))).all():
            message = cloud_event.message(session, row.id, "urn:test", with_record=with_record)
            event = json.loads(message.body)
            schema = event_schema(EventType(row.event))
            assert event["dataschema"] == schema["$id"]
            assert faults_of(json.dumps(event["data"]), schema) == []
            assert ("record" in event["data"]) is with_record
        assert row.event == "record.corrected"
        assert [change["field"] for change in event["data"]["changes"]] == ["name", "born"]


def test_what_was_corrected_can_be_asked_for(world: World) -> None:
    first = correct(world, {"name": "Jane Doyle"})
    second = correct(world, {"name": "Jane Doe"}, expected=2, by=CALLER, reason="It was right before.")
    with world.database.read() as session:
        assert corrections.corrections_of(session, 1) == [first, second]
        assert corrections.corrections_of(session, 2) == []


def test_ticks_and_signatures_are_corrected_too(database: Database) -> None:
    world = World(database)
    settled = {"status": "accepted", "reasons": []}
    world.read(sure(colour=COLOUR | settled, signed=SIGNED | settled))
    world.publish()
    correct(
        world,
        {"colour": Answer(Act.VALUE, options=("Blue",)), "signed": Answer(Act.VALUE, options=(NOT_SIGNED,))},
    )
    latest = Record.model_validate_json(bodies(world)[-1])
    assert (latest.fields["colour"].value, latest.fields["signed"].value) == (["Blue"], False)


def test_a_value_that_fails_a_check_is_taken_only_from_somebody_who_is_sure(world: World) -> None:
    for name, value in (("born", "31 2 84"), ("nhs", "9434765918")):
        with pytest.raises(DoubtfulValue) as doubtful:
            correct(world, {name: value, "name": "Jane Doyle"})
        assert list(doubtful.value.faults) == [name]
        assert doubtful.value.may_be_meant
    assert len(bodies(world)) == 1
    assert world.field("name").value == "Jane Doe"
    correct(world, {"nhs": Answer(Act.VALUE, "9434765918", sure=True)})
    checked = Record.model_validate_json(bodies(world)[-1]).fields["nhs"]
    assert (checked.value, [check.passed for check in checked.checks]) == ("9434765918", [True, False])


def test_fields_corrected_together_are_checked_together(database: Database) -> None:
    dates = (FieldSpec("from", FieldKind.DATE, "From"), FieldSpec("until", FieldKind.DATE, "Until"))
    span = FormType("a-span", "A span", 1, dates, (Rule("date_order", ("from", "until")),), ())
    world = World(database, Rules({span.id: span}))
    start, end = (BORN | {"value": f"2026-03-{day}", "text": f"{day} 3 26"} for day in ("10", "20"))
    world.read(record("complete", {"from": start, "until": end}, form_type=span.id))
    world.publish()
    with pytest.raises(DoubtfulValue) as doubtful:
        correct(world, {"from": "21 3 26"})
    assert list(doubtful.value.faults) == ["from"]
    correct(world, {"from": "21 3 26", "until": "22 3 26"})
    fields = Record.model_validate_json(bodies(world)[-1]).fields
    assert [check.passed for field in fields.values() for check in field.checks] == [True] * 4


WRONG: list[tuple[dict[str, Answer | str], str, str]] = [
    ({}, "fields", "no such field"),
    ({"nothing": "a"}, "nothing", "no such field"),
    ({"name": "Jane Doe"}, "name", "already"),
    ({"name": "Jane Doyle", "born": "27 March 1984"}, "born", "already"),
    ({"name": " "}, "name", "Nothing is keyed"),
    ({"name": "x" * 10_001}, "name", "too long"),
    ({"name": "Jane\x00"}, "name", "nobody can write"),
    ({"name": "Jane\ud800"}, "name", "nobody can write"),
    ({"name": Answer(Act.VALUE, options=("Jane",))}, "name", "nothing to tick"),
]


def test_what_is_no_correction_is_refused(world: World) -> None:
    for answers, where, words in WRONG:
        with pytest.raises(NotAsAsked) as refused:
            correct(world, answers)
        assert not isinstance(refused.value, DoubtfulValue)
        assert list(refused.value.faults) == [where]
        assert words in refused.value.faults[where][0]
    assert len(bodies(world)) == 1


def test_a_correction_needs_a_reason_that_people_can_read(world: World) -> None:
    for reason in ("", " \n", "x" * 501, "rang\x1b[2J"):
        with pytest.raises(NotAsAsked) as refused:
            correct(world, {"name": "Jane Doyle"}, reason=reason)
        assert list(refused.value.faults) == ["reason"]


def test_a_record_that_is_not_there_or_has_a_newer_revision_is_not_corrected(world: World) -> None:
    correct(world, {"name": "Jane Doyle"})
    with pytest.raises(Superseded, match="latest revision of this record is 2"):
        correct(world, {"name": "Jane Dunn"})
    with pytest.raises(NoSuchRecord), world.database.write() as session:
        corrections.correct(session, world.rules, "none", Wanted({}, "So.", SENIOR, 1), world.now)


def test_of_many_corrections_of_one_revision_exactly_one_wins(world: World) -> None:
    def attempt(number: int) -> str:
        try:
            return f"revision {correct(world, {'name': f'Jane {number}'}).revision}"
        except Superseded:
            return "superseded"

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(attempt, range(16)))
    assert found == ["revision 2", *["superseded"] * 15]
    assert len(bodies(world)) == 2
    assert world.differences() == {}


def test_two_documents_corrected_at_once_keep_the_order_of_publication_without_gaps(world: World) -> None:
    def attempt(document: int) -> None:
        for expected in range(1, 9):
            correct(world, {"born": f"{expected} 3 84"}, document=document, expected=expected)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(attempt, (1, 2)))
    with world.database.read() as session:
        assert list(session.scalars(select(RevisionRow.sequence).order_by(RevisionRow.id))) == list(range(1, 19))


def test_what_a_person_keyed_is_not_taken_back_over_a_correction(world: World) -> None:
    world.later(minutes=1)
    correct(world, {"name": "Jane Doyle"}, document=2)
    with pytest.raises(CannotUndo, match="corrected since"):
        world.undo(ANNA)
    assert (world.state(2), world.field("name", 2).value) == (MailState.PUBLISHED, "Jane Doyle")


def test_what_a_person_keyed_can_be_taken_back_if_another_field_was_corrected_which_stays(world: World) -> None:
    world.later(minutes=1)
    correct(world, {"born": "28 3 84"}, document=2)
    task = world.undo(ANNA)
    with pytest.raises(InReview, match="worked on again"):
        correct(world, {"born": "29 3 84"}, document=2, expected=2)
    world.enter(ANNA, task, "Jane Dove")
    assert world.publish() == 1
    latest = Record.model_validate_json(bodies(world, 2)[-1])
    assert (latest.revision, latest.fields["name"].value, latest.fields["born"].value) == (3, "Jane Dove", "1984-03-28")
    assert world.differences() == {}


def test_a_screen_that_saw_the_value_before_the_correction_does_not_overwrite_it_unseen(database: Database) -> None:
    world = World(database)
    world.read(form(name=NAME))
    [mine] = world.claim(BEN)
    world.later(hours=1)  # his lease passes
    theirs = world.one(ANNA)
    world.enter(ANNA, theirs, "Jane Dow")
    with pytest.raises(Stale) as stale:
        world.enter(BEN, mine, "Jane Dove")
    seen = stale.value.there.version
    world.publish()
    correct(world, {"name": "Jane Doyle"})
    with pytest.raises(Stale) as stale:
        world.enter(BEN, mine, "Jane Dove", over=seen)
    assert (stale.value.there.value, stale.value.there.status) == ("Jane Doyle", "corrected")
    assert world.field("name").value == "Jane Doyle"


def test_the_database_itself_refuses_to_change_a_correction(world: World) -> None:
    correct(world, {"name": "Jane Doyle"})
    for statement in ("UPDATE corrections SET reason = ''", "DELETE FROM corrections"):
        with pytest.raises(DBAPIError, match="corrections is never changed"), world.database.write() as session:
            session.execute(text(statement))
