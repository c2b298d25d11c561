"""What people answer becomes the field, by the rules of its mode; nothing is overwritten, nothing happens twice."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update

from intake import quarantine, steps
from intake.database.engine import Database
from intake.database.tables import EntryRow, RevisionRow, StepRow, TaskRow
from intake.review import showing, undoing
from intake.review.answers import NOT_SIGNED, Answer
from intake.review.entering import Doubtful, NotForThisTask, Referral, Stale
from intake.review.undoing import CannotUndo
from schemas.errors import Cause
from schemas.extraction import Failure
from schemas.field import FieldStatus
from schemas.record import Record
from schemas.review import Act, Outcome, Queue, ReferReason
from schemas.states import MailState, StepName, StepState, TaskKind, TaskState
from tests.integration.database.review_world import (
    ACCOUNT,
    ANNA,
    BEN,
    BORN,
    CARA,
    COLOUR,
    DAI,
    NAME,
    NUMBER,
    SIGNED,
    SURE,
    World,
    field,
    form,
    with_settle,
)  # fmt: skip
from tests.integration.database.test_record_rows import record

BLANK, UNREADABLE, NOT_FOUND = Answer(Act.BLANK), Answer(Act.UNREADABLE), Answer(Act.NOT_FOUND)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


# --- one person, who sees the value ----------------------------------------------------------------------------------


ANSWERED: list[tuple[Answer | str, FieldStatus, str | None, str]] = [
    ("Jane Doe", FieldStatus.CONFIRMED, "Jane Doe", "Jane Doe"),
    ("Jane Dow", FieldStatus.CORRECTED, "Jane Dow", "Jane Dow"),
    (BLANK, FieldStatus.BLANK, None, ""),
    (UNREADABLE, FieldStatus.UNREADABLE, None, ""),
    (NOT_FOUND, FieldStatus.NOT_FOUND, None, ""),
]


def test_one_person_settles_a_field_and_it_is_published(world: World) -> None:
    world.read(*[form(name=NAME, sure=SURE)] * len(ANSWERED))
    readings = world.field("name").readings
    for given, status, value, written in ANSWERED:
        task = world.one(ANNA)
        assert world.enter(ANNA, task, given).outcome is Outcome.SETTLED
        settled = world.field("name", task.document)
        assert (settled.status, settled.value, settled.text) == (status, value, written)
        assert settled.decision["decided_by"] == "person:caseworker"
        assert settled.readings == readings
        assert settled.confidence == (0.8 if status is FieldStatus.CONFIRMED else None)
        assert (world.state(task.document), world.differences()) == (MailState.IN_WORK, {})
    assert world.publish() == len(ANSWERED)
    assert (world.state(), world.differences()) == (MailState.PUBLISHED, {})
    with world.database.read() as session:
        bodies = session.scalars(select(RevisionRow.body).order_by(RevisionRow.sequence)).all()
    for body, (_, status, _, _) in zip(bodies, ANSWERED, strict=True):
        out = Record.model_validate_json(body)
        assert (out.status, out.fields["name"].status) == ("complete", status)
        assert [(entry.by, entry.action) for entry in out.fields["name"].entries] == [("caseworker", status)]
        assert "anna" not in body


def test_a_date_is_keyed_as_one_likes(world: World) -> None:
    world.read(*[form(born=BORN)] * 4)
    for typed in ("28031984", "28 3 84", "28 Mar 1984", "28/03/1984"):
        task = world.one(ANNA)
        world.enter(ANNA, task, typed)
        assert world.field("born", task.document).value == "1984-03-28"
        assert world.field("born", task.document).text == typed


def test_ticks_and_signatures_are_answers_too(world: World) -> None:
    world.read(form(colour=COLOUR, signed=SIGNED))
    colour, signed = world.claim(ANNA, most=2)
    assert (colour.ticked, colour.options, signed.ticked) == (("Red",), ("Red", "Green", "Blue"), ("Signed",))
    world.enter(ANNA, colour, Answer(Act.VALUE, options=("Green",)))
    world.enter(ANNA, signed, Answer(Act.VALUE, options=(NOT_SIGNED,)))
    assert (world.field("colour").value, world.field("colour").status) == (["Green"], FieldStatus.CORRECTED)
    assert (world.field("signed").value, world.field("signed").status) == (False, FieldStatus.CORRECTED)


def test_a_value_that_cannot_be_right_is_taken_once_its_keyer_is_sure(world: World) -> None:
    world.read(form(born=BORN))
    task = world.one(ANNA)
    with pytest.raises(Doubtful) as doubtful:
        world.enter(ANNA, task, "31 2 84")
    assert doubtful.value.doubts == ("There is no such day in the calendar.",)
    assert world.entries() == []
    world.enter(ANNA, task, Answer(Act.VALUE, "31 2 84", sure=True))
    settled = world.field("born")
    assert (settled.status, settled.value, settled.text) == (FieldStatus.CORRECTED, None, "31 2 84")
    assert [check["passed"] for check in settled.decision["checks"]] == [False]
    assert world.publish() == 1


def test_a_check_that_fails_is_told_in_words_and_stays_on_the_record(world: World) -> None:
    world.read(form(nhs=field("4505577104", field_class="health")))
    task = world.one(ANNA)
    with pytest.raises(Doubtful) as doubtful:
        world.enter(ANNA, task, "4505577105")
    assert "no NHS number" in doubtful.value.doubts[0]
    world.enter(ANNA, task, Answer(Act.VALUE, "4505577105", sure=True))
    failed = [check["name"] for check in world.field("nhs").decision["checks"] if not check["passed"]]
    assert failed == ["nhs_number"]


def test_what_was_shown_with_its_failed_check_is_confirmed_with_one_key(world: World) -> None:
    failed = {"name": "nhs_number", "passed": False, "message": "The check digit fails."}
    world.read(form(nhs=field("4505577105", field_class="health", checks=[failed], reasons=["The check digit fails."])))
    task = world.one(ANNA, Queue.BUSINESS)
    assert task.reasons == ("The check digit fails.",)
    world.enter(ANNA, task, "4505577105")
    assert world.field("nhs").status is FieldStatus.CONFIRMED


def test_nothing_keyed_is_no_blank(world: World) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    for answer in (Answer(Act.VALUE, "  "), Answer(Act.VALUE, "", sure=True)):  # however often Enter is pressed
        with pytest.raises(Doubtful, match="doubtful") as doubtful:
            world.enter(ANNA, task, answer)
        assert not doubtful.value.may_be_meant
    world.enter(ANNA, task, Answer(Act.BLANK))
    assert world.field("name").status is FieldStatus.BLANK


def test_what_the_machine_took_for_empty_is_confirmed_as_blank(world: World) -> None:
    world.read(form(name=field(None, "", readings=[])))
    world.enter(ANNA, world.one(ANNA), "")
    assert world.field("name").status is FieldStatus.BLANK


def test_checks_are_taken_again_once_all_answers_are_there(world: World) -> None:
    world.read(form(nhs=field("4505577105", field_class="health"), name=NAME))
    nhs, name = world.claim(ANNA, most=2)
    world.enter(ANNA, nhs, "4505577104")
    world.enter(ANNA, name, "Jane Doe")
    checks = {check["name"]: check["passed"] for check in world.field("nhs").decision["checks"]}
    assert checks["nhs_number"]


# --- nothing twice, nothing overwritten ------------------------------------------------------------------------------


def test_an_entry_sent_twice_takes_effect_once(world: World) -> None:
    world.read(form(name=NAME, born=BORN))
    task = world.one(ANNA)
    first = world.enter(ANNA, task, "Jane Dow", key="once")
    assert world.enter(ANNA, task, "Jane Dow", key="once") == first
    assert len(world.entries()) == 1
    with pytest.raises(NotForThisTask):
        world.enter(BEN, task, "Jane Dow", key="once")


def test_a_second_screen_is_told_what_the_first_entered_and_can_put_its_own_in_its_place(world: World) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    world.enter(ANNA, task, "Jane Dow")
    with pytest.raises(Stale) as stale:
        world.enter(ANNA, task, "Jane Dew")
    there = stale.value.there
    assert (there.is_mine, there.status, there.text, there.by) == (True, "corrected", "Jane Dow", "caseworker")
    world.publish()
    world.enter(ANNA, task, "Jane Dew", over=there.version)
    assert world.field("name").text == "Jane Dew"
    assert [entry.text for entry in world.entries()] == ["Jane Dow", "Jane Dew"]
    assert world.publish() == 1
    with world.database.read() as session:
        assert session.scalars(select(RevisionRow.number).order_by(RevisionRow.id)).all() == [1, 2]
    assert world.differences() == {}


def test_what_was_changed_again_is_not_overwritten_either(world: World) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    world.enter(ANNA, task, "Jane Dow")
    with pytest.raises(Stale) as stale:
        world.enter(ANNA, task, "Jane Dew")
    seen = stale.value.there.version
    world.undo(ANNA)
    with pytest.raises(Stale):
        world.enter(BEN, task, "Jane Dew", over=seen)


def test_a_person_can_only_answer_what_is_asked(world: World) -> None:
    world.read(form(name=NAME))
    with pytest.raises(NotForThisTask):
        world.enter(ANNA, world.one(ANNA), Answer(Act.IDENTIFY, "a-form"))


def test_entries_are_never_changed(world: World) -> None:
    world.read(form(name=NAME))
    world.enter(ANNA, world.one(ANNA), "Jane Doe")
    for change in (update(EntryRow).values(text="x"), delete(EntryRow)):
        with pytest.raises(Exception, match="never changed"), world.database.write() as session:
            session.execute(change)


# --- blind -----------------------------------------------------------------------------------------------------------


def test_a_blind_entry_that_agrees_with_the_machine_stands_at_once(world: World) -> None:
    world.read(form(number=NUMBER))
    assert world.enter(ANNA, world.one(ANNA), "ab12").outcome is Outcome.SETTLED
    assert (world.field("number").value, world.field("number").status) == ("AB12", FieldStatus.CONFIRMED)


def test_a_blind_entry_that_differs_is_asked_for_once_more_and_twice_the_same_stands(world: World) -> None:
    world.read(form(number=NUMBER))
    task = world.one(ANNA)
    asked = world.enter(ANNA, task, "XY99")
    assert asked.outcome is Outcome.AGAIN
    assert world.field("number").value == "AB12"
    again = replace(task, version=asked.version, fence=asked.fence)
    assert world.enter(ANNA, again, "XY99").outcome is Outcome.SETTLED
    assert (world.field("number").value, world.field("number").status) == ("XY99", FieldStatus.CORRECTED)


def test_who_does_not_agree_with_themselves_is_followed_by_a_second_person_and_then_a_third(world: World) -> None:
    world.read(form(number=NUMBER))
    task = world.one(ANNA)
    asked = world.enter(ANNA, task, "XY99")
    assert world.enter(ANNA, replace(task, version=asked.version, fence=asked.fence), "XY98").outcome is Outcome.SECOND
    assert world.claim(ANNA, most=5) == []
    second = world.one(BEN)
    assert second.kind is TaskKind.DOUBLE_KEY
    assert world.enter(BEN, second, "QQ11").outcome is Outcome.ADJUDICATION
    assert world.claim(BEN, Queue.ADJUDICATION) == []
    third = world.one(CARA, Queue.ADJUDICATION)
    assert {choice.text for choice in third.choices} == {"XY98", "QQ11", "AB12"}
    world.enter(CARA, third, "XY98")
    assert world.field("number").value == "XY98"
    assert (world.publish(), world.differences()) == (1, {})


def test_the_second_persons_word_stands_if_it_is_the_first_ones(world: World) -> None:
    world.read(form(number=NUMBER))
    task = world.one(ANNA)
    asked = world.enter(ANNA, task, "XY99")
    world.enter(ANNA, replace(task, version=asked.version, fence=asked.fence), "XY98")
    assert world.enter(BEN, world.one(BEN), "XY98").outcome is Outcome.SETTLED


# --- double ----------------------------------------------------------------------------------------------------------


def test_two_people_who_agree_settle_a_field_whatever_the_machine_says(world: World) -> None:
    world.read(form(account=ACCOUNT))
    assert world.enter(ANNA, world.one(ANNA), "1 23").outcome is Outcome.SECOND
    assert (world.state(), world.differences()) == (MailState.IN_REVIEW, {})
    assert world.enter(BEN, world.one(BEN), "1 23").outcome is Outcome.SETTLED
    assert (world.field("account").value, world.field("account").status) == ("1 23", FieldStatus.CORRECTED)


def test_two_who_differ_are_decided_between_by_a_third_from_entries_without_a_name(world: World) -> None:
    world.read(*[form(account=ACCOUNT)] * 8)
    orders = set()
    for _ in range(8):
        one, other = world.one(ANNA), world.one(BEN)
        world.enter(ANNA, one, "111")
        world.enter(BEN, other, "222")
        third = world.one(CARA, Queue.ADJUDICATION)
        orders.add(tuple(choice.text for choice in third.choices))
        with world.database.read() as session:
            assert showing.show(session, world.rules, [third.id])[0].choices == third.choices
        world.enter(CARA, third, "222")
    assert {frozenset(order) for order in orders} == {frozenset({"111", "222", "778899"})}
    assert len(orders) > 2  # which is whose does not show in the place
    assert world.field("account").value == "222"


def test_the_machines_value_is_not_in_what_blind_and_double_keyers_are_shown(world: World) -> None:
    canary = "CANARY77"
    mark = {
        "option": canary, "state": "doubtful", "ink_share": 0.1, "score": 0, "reason": f"{canary}: faint",
        "box": [0, 0, 1, 1],
    }  # fmt: skip
    told = {"reasons": [f"Not {canary}"], "problem": canary, "marks": [mark]}
    world.read(
        form(
            number=field(canary, field_class="identifier", **told),
            account=field(canary, field_class="account", **told),
        )
    )
    shown = [*world.claim(ANNA, most=5), *world.claim(BEN, most=5)]
    assert len(shown) == 3
    assert canary not in json.dumps([task.as_json() for task in shown])


# --- handing on ------------------------------------------------------------------------------------------------------


def test_what_is_referred_waits_for_a_senior_with_the_reason_in_words(world: World) -> None:
    world.read(form(name=NAME))
    world.pass_on(ANNA, world.one(ANNA), Referral(ReferReason.TWO_ANSWERS, "He wrote two names."))
    assert world.claim(BEN) == []
    task = world.one(CARA, Queue.REFERRED)
    assert task.referred is not None
    assert (task.referred.by, task.referred.note) == ("caseworker", "He wrote two names.")
    assert task.referred.reason == "There is more than one answer"
    assert world.differences() == {}
    world.enter(CARA, task, "Jane Dow")
    assert world.field("name").decision["decided_by"] == "person:senior"


# --- taking back -----------------------------------------------------------------------------------------------------


def test_what_is_taken_back_is_as_it_was_and_its_keyer_has_it_again(world: World) -> None:
    with_settle(world, seconds=60).read(form(name=NAME))
    before = world.field("name")
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    assert (world.state(), world.differences()) == (MailState.IN_WORK, {})
    task = world.undo(ANNA)
    after = world.field("name")
    for column in ("status", "value", "text", "confidence", "decision", "readings"):
        assert getattr(after, column) == getattr(before, column)
    assert (world.state(), world.differences()) == (MailState.IN_REVIEW, {})
    assert task.text == "Jane Doe"
    assert world.claim(BEN) == []
    world.enter(ANNA, task, "Jane Dew")
    assert [entry.action for entry in world.entries()] == [Act.VALUE, Act.UNDO, Act.VALUE]


def test_the_last_ten_can_be_taken_back_and_no_more(world: World) -> None:
    world.read(*[form(name=NAME)] * 12)
    tasks = []
    for number in range(12):
        tasks.append(world.one(ANNA))
        world.enter(ANNA, tasks[-1], f"Jane {number}", key=f"entry-{number}")
    with pytest.raises(CannotUndo, match="too long ago"):
        world.undo(ANNA, "entry-1")
    taken = [world.undo(ANNA).id for _ in range(10)]
    assert taken == [task.id for task in tasks[:1:-1]]
    assert {world.field("name", document).text for document in range(3, 13)} == {"Jane Doe"}


def test_there_is_nothing_to_take_back_for_who_has_done_nothing(world: World) -> None:
    world.read(form(name=NAME))
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    with pytest.raises(CannotUndo, match="nothing left"):
        world.undo(BEN)


def test_what_was_published_and_is_taken_back_comes_out_as_a_second_revision(world: World) -> None:
    world.read(form(name=NAME))
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    world.publish()
    task = world.undo(ANNA)
    assert (world.state(), world.differences()) == (MailState.IN_REVIEW, {})
    world.enter(ANNA, task, "Jane Dew")
    assert world.publish() == 1
    with world.database.read() as session:
        bodies = session.scalars(select(RevisionRow.body).order_by(RevisionRow.sequence)).all()
    records = [Record.model_validate_json(body) for body in bodies]
    assert [(record.revision, record.fields["name"].value) for record in records] == [(1, "Jane Dow"), (2, "Jane Dew")]
    assert (world.state(), world.differences()) == (MailState.PUBLISHED, {})


def test_a_publication_under_way_is_fenced_off_when_something_is_taken_back(world: World) -> None:
    world.read(form(name=NAME))
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    with world.database.write() as session:
        claim = steps.claim(session, [StepName.PUBLISH], "worker-1", world.now)
    assert claim is not None
    world.undo(ANNA)
    with pytest.raises(steps.Fenced), world.database.write() as session:
        steps.finish(session, claim, world.now)


def test_a_piece_waits_to_be_published_so_that_taking_back_needs_no_correction(world: World) -> None:
    with_settle(world, seconds=60).read(form(name=NAME))
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    with world.database.read() as session:
        step = session.scalars(select(StepRow).where(StepRow.name == StepName.PUBLISH)).one()
    assert (step.state, step.not_before) == (StepState.WAITING, world.now + timedelta(seconds=60))
    assert (world.publish(), world.differences()) == (0, {})


def test_the_first_of_two_can_take_back_only_while_the_second_has_not_keyed(world: World) -> None:
    world.read(form(account=ACCOUNT))
    world.enter(ANNA, world.one(ANNA), "1")
    task = world.undo(ANNA)
    world.enter(ANNA, task, "2")
    world.enter(BEN, world.one(BEN), "2")
    with pytest.raises(CannotUndo, match="colleague has answered"):
        world.undo(ANNA)
    assert world.undo(BEN).kind is TaskKind.DOUBLE_KEY
    assert world.field("account").status is FieldStatus.REVIEW


def test_a_follow_up_goes_with_what_it_followed_from_unless_somebody_has_begun_with_it(world: World) -> None:
    world.read(form(account=ACCOUNT), form(account=ACCOUNT))
    for _ in range(2):
        world.enter(ANNA, world.one(ANNA), "1")
        world.enter(BEN, world.one(BEN), "2")
    begun = world.one(CARA, Queue.ADJUDICATION)
    assert begun.document == 1
    task = world.undo(BEN)
    assert task.document == 2
    assert world.claim(DAI, Queue.ADJUDICATION) == []
    assert world.enter(BEN, task, "1").outcome is Outcome.SETTLED
    world.undo(BEN)
    with pytest.raises(CannotUndo, match="begun with what follows"):
        world.undo(BEN)


def test_a_referral_is_taken_back_before_a_senior_has_it(world: World) -> None:
    world.read(form(name=NAME), form(name=NAME))
    for _ in range(2):
        world.pass_on(ANNA, world.one(ANNA), Referral(ReferReason.OTHER, "?"))
    world.one(CARA, Queue.REFERRED)
    task = world.undo(ANNA)
    assert (task.document, task.queue, world.task(task.id).note) == (2, Queue.READING, "")
    world.enter(ANNA, task, "Jane Doe")
    world.undo(ANNA)
    with pytest.raises(CannotUndo, match="in hand"):
        world.undo(ANNA, world.entries()[0].key)


def test_taking_back_once_more_asked_for_begins_anew(world: World) -> None:
    world.read(form(number=NUMBER))
    task = world.one(ANNA)
    world.enter(ANNA, task, "XY99")
    again = world.undo(ANNA)
    assert not again.is_again
    assert world.enter(ANNA, again, "XY98").outcome is Outcome.AGAIN


def test_undo_sent_twice_takes_back_once(world: World) -> None:
    world.read(form(name=NAME), form(name=NAME))
    for task in world.claim(ANNA, most=2):
        world.enter(ANNA, task, "Jane Dow")
    for _ in range(2):
        with world.database.write() as session:
            assert undoing.undo(session, world.rules, ANNA, "undo-once", world.now) == 2
    assert [world.field("name", document).text for document in (1, 2)] == ["Jane Dow", "Jane Doe"]


# --- what kind of document -------------------------------------------------------------------------------------------


def letter() -> Record:
    return record("review", {}, form_type=None, edition=None)


def test_a_document_that_is_named_has_its_fields_keyed_blind(world: World) -> None:
    world.read(letter())
    task = world.one(CARA, Queue.IDENTIFY)
    assert task.forms == (("a-form", "A form"),)
    assert world.enter(CARA, task, Answer(Act.IDENTIFY, "a-form")).outcome is Outcome.IDENTIFIED
    assert (world.state(), world.differences()) == (MailState.IN_REVIEW, {})
    mine = world.claim(ANNA, most=9)
    assert [(each.field, each.kind) for each in mine][:3] == [
        ("name", TaskKind.KEY), ("born", TaskKind.KEY), ("number", TaskKind.KEY),
    ]  # fmt: skip
    assert (mine[0].text, mine[0].page) == (None, 1)
    answers = {
        "name": "Jane Doe", "born": "1 2 1990", "number": BLANK, "account": BLANK, "nhs": BLANK,
        "colour": Answer(Act.VALUE, options=("Red",)), "signed": Answer(Act.VALUE, options=(NOT_SIGNED,)),
    }  # fmt: skip
    for each in mine:
        done = world.enter(ANNA, each, answers[each.field])
        if done.outcome is Outcome.AGAIN:
            world.enter(ANNA, replace(each, version=done.version, fence=done.fence), answers[each.field])
    world.enter(BEN, world.one(BEN), BLANK)
    assert (world.publish(), world.differences()) == (1, {})
    with world.database.read() as session:
        out = Record.model_validate_json(session.scalars(select(RevisionRow.body)).one())
    assert (out.form_type, out.status, out.fields["born"].value) == ("a-form", "complete", "1990-02-01")
    assert (out.fields["number"].status, out.fields["signed"].value) == (FieldStatus.BLANK, False)


def test_a_document_that_is_none_of_ours_is_published_as_it_is(world: World) -> None:
    world.read(letter())
    world.enter(CARA, world.one(CARA, Queue.IDENTIFY), Answer(Act.IDENTIFY, ""))
    assert (world.publish(), world.differences()) == (1, {})
    with world.database.read() as session:
        out = Record.model_validate_json(session.scalars(select(RevisionRow.body)).one())
    assert (out.form_type, out.status, out.fields) == (None, "complete", {})


def test_a_name_given_to_a_document_is_taken_back_before_anybody_keys_it(world: World) -> None:
    world.read(letter(), letter())
    for _ in range(2):
        world.enter(CARA, world.one(CARA, Queue.IDENTIFY), Answer(Act.IDENTIFY, "a-form"))
    task = world.undo(CARA)
    assert (task.document, task.form_type) == (2, None)
    assert {each.document for each in world.claim(ANNA, most=9)} == {1}
    world.enter(CARA, task, Answer(Act.IDENTIFY, "a-form"))
    assert {each.document for each in world.claim(BEN, most=9)} == {1, 2}
    with pytest.raises(CannotUndo, match="begun"):
        world.undo(CARA)
    assert world.differences() == {}


# --- rejecting -------------------------------------------------------------------------------------------------------


def test_what_is_rejected_is_nobodys_task_any_more(world: World) -> None:
    [piece] = world.read(form(name=NAME, born=BORN))
    name, born = world.claim(ANNA, most=2)
    world.enter(ANNA, name, "Jane Dow")
    world.enter(ANNA, born, "27 3 84")
    broken = Failure(Cause.FAILED, "It went wrong.", "Try again.")
    with world.database.write() as session:
        claim = steps.claim(session, [StepName.PUBLISH], "worker-1", world.now)
        assert claim is not None
        steps.quarantine(session, claim, broken, world.now)
        session.execute(update(TaskRow).where(TaskRow.id == born.id).values(state=TaskState.OPEN))
    with world.database.write() as session:
        [found] = quarantine.listed(session)
        quarantine.reject(session, found.step_id, "dai", "no mail of ours", world.now)
    assert (world.state(piece), world.differences()) == (MailState.REJECTED, {})
    assert world.claim(BEN, most=5) == []
    with pytest.raises(Stale):
        world.enter(ANNA, born, "27 3 84")
    with pytest.raises(CannotUndo, match=r"set aside|rejected"):
        world.undo(ANNA)


def test_a_task_left_open_on_a_piece_that_is_out_is_a_difference(world: World) -> None:
    world.read(form(name=NAME))
    world.enter(ANNA, world.one(ANNA), "Jane Doe")
    world.publish()
    with world.database.write() as session:
        session.execute(text("UPDATE tasks SET state = 'open'"))
    assert world.differences() == {"tasks_astray": 1}
