"""Tasks are handed out honestly: one holder each, the oldest first, and never two of one field to one person."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from intake.database.engine import Database
from intake.database.tables import AuditRow, TaskRow
from intake.review import claims, queues
from intake.review.answers import Answer
from intake.review.entering import Stale
from intake.sweep import sweep
from schemas.review import Act, Queue
from schemas.states import TaskKind, TaskState
from tests.integration.database.review_world import (
    ACCOUNT,
    ANNA,
    BEN,
    BORN,
    CARA,
    NAME,
    NUMBER,
    SURE,
    World,
    field,
    form,
)  # fmt: skip
from tests.integration.database.test_cost_of_a_piece import noted, plans_of


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_the_policy_and_the_form_type_say_how_a_field_is_asked(world: World) -> None:
    failed = {"name": "nhs_number", "passed": False, "message": "The check digit fails."}
    nhs = field("4505577105", field_class="health", checks=[failed], reasons=["The check digit fails."])
    lost = field(None, status="not_found", page=None, box=None, readings=[])
    world.read(form(name=NAME, number=NUMBER, account=ACCOUNT, nhs=nhs, born=lost | {"kind": "date"}))
    with world.database.read() as session:
        rows = session.scalars(select(TaskRow).order_by(TaskRow.id)).all()
    assert [(row.field, row.kind, row.queue, row.ordinal) for row in rows] == [
        ("name", TaskKind.CONFIRM, Queue.READING, 1),
        ("number", TaskKind.KEY, Queue.READING, 1),
        ("account", TaskKind.DOUBLE_KEY, Queue.READING, 1),
        ("account", TaskKind.DOUBLE_KEY, Queue.READING, 2),
        ("nhs", TaskKind.CONFIRM, Queue.BUSINESS, 1),
        ("born", TaskKind.KEY, Queue.READING, 1),
    ]
    # Received on a Monday, to be done within five working days.
    assert {row.due_at for row in rows} == {datetime(2026, 3, 10, tzinfo=UTC)}


def test_the_oldest_comes_first_and_what_is_urgent_before_it(world: World) -> None:
    world.read(form(name=NAME), form(name=NAME))
    world.later(minutes=1)
    world.read(form(name=NAME))
    with world.database.write() as session:
        session.execute(update(TaskRow).where(TaskRow.id == 3).values(rank=-1))
    assert [task.id for task in world.claim(ANNA, most=2)] == [3, 1]
    assert [task.id for task in world.claim(BEN, most=9)] == [2]


def test_a_task_is_held_by_one_and_comes_back_when_its_holder_gives_no_sign(world: World) -> None:
    world.read(form(name=NAME))
    first = world.one(ANNA)
    assert world.claim(BEN) == []
    world.later(minutes=11)
    again = world.one(BEN)
    assert (again.id, again.fence) == (first.id, first.fence + 1)
    with pytest.raises(Stale) as refused:
        world.enter(ANNA, first, "Jane Dow")
    assert refused.value.there.state is TaskState.CLAIMED
    assert not refused.value.there.is_mine
    assert refused.value.there.text is None
    assert world.field("name").value == "Jane Doe"


def test_a_heartbeat_keeps_a_task_and_says_what_is_lost(world: World) -> None:
    world.read(form(name=NAME), form(name=NAME))
    one, other = world.claim(ANNA, most=2)
    world.later(minutes=9)
    with world.database.write() as session:
        assert claims.renew(session, ANNA, {one.id: one.fence}, world.now, world.rules.lease) == []
    world.later(minutes=9)
    assert [task.id for task in world.claim(BEN, most=2)] == [other.id]
    with world.database.write() as session:
        fences = {one.id: one.fence, other.id: other.fence}
        assert claims.renew(session, ANNA, fences, world.now, world.rules.lease) == [other.id]


def test_who_comes_back_before_anybody_else_has_lost_nothing(world: World) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    world.later(hours=3)
    assert sweep(world.database, world.now).tasks == 1
    assert world.task(task.id).state is TaskState.OPEN
    world.enter(ANNA, task, "Jane Dow")
    assert world.field("name").value == "Jane Dow"


def test_a_screen_that_is_loaded_anew_gets_back_what_it_held_with_its_draft(world: World) -> None:
    world.read(form(name=NAME), form(name=NAME), form(name=NAME))
    held = world.claim(ANNA, most=2)
    with world.database.write() as session:
        assert claims.save_draft(session, ANNA, held[0].id, held[0].fence, {"text": "Jane D"}, world.now)
    again = world.claim(ANNA, most=2)
    assert [task.id for task in again] == [task.id for task in held]
    assert [task.fence for task in again] == [task.fence for task in held]
    assert again[0].draft == {"text": "Jane D"}
    # Another tab of hers gets others, and one that knows what it has gets the next.
    assert [task.id for task in world.claim(ANNA, have=[task.id for task in held])] == [3]


def test_what_one_began_is_not_shown_to_the_next(world: World) -> None:
    world.read(form(number=NUMBER))
    task = world.one(ANNA)
    with world.database.write() as session:
        claims.save_draft(session, ANNA, task.id, task.fence, {"text": "AB1"}, world.now + world.rules.lease)
    world.enter(ANNA, task, "XY99")  # asked once more
    world.later(minutes=11)
    other = world.one(BEN)
    assert (other.draft, other.is_again) == (None, False)


def test_a_task_given_back_can_be_had_at_once(world: World) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    with world.database.write() as session:
        assert claims.release(session, ANNA, {task.id: task.fence}, world.now) == 1
    assert world.one(BEN).id == task.id


def test_nobody_gets_two_tasks_of_one_field(world: World) -> None:
    world.read(form(account=ACCOUNT))
    mine = world.claim(ANNA, most=5)
    assert len(mine) == 1
    assert world.claim(ANNA, most=5, have=[mine[0].id]) == []
    world.enter(ANNA, mine[0], "778899")
    assert world.claim(ANNA, most=5) == []
    assert len(world.claim(BEN, most=5)) == 1


def test_the_database_itself_refuses_a_second_task_of_one_field(world: World) -> None:
    world.read(form(account=ACCOUNT))
    world.one(ANNA)
    taken = {"state": TaskState.CLAIMED, "person_id": ANNA.id, "lease_until": world.now}
    second = update(TaskRow).where(TaskRow.ordinal == 2).values(**taken)
    with pytest.raises(IntegrityError), world.database.write() as session:
        session.execute(second)


def test_the_same_field_across_documents_or_one_document_to_its_end(world: World) -> None:
    world.read(form(name=NAME, born=BORN), form(name=NAME, born=BORN))
    across = world.claim(ANNA, most=5, field="born", form_type="a-form")
    assert [(task.document, task.field) for task in across] == [(1, "born"), (2, "born")]
    assert [(task.document, task.field) for task in world.claim(BEN, most=2, document=2)] == [(2, "name"), (1, "name")]


def test_what_is_skipped_comes_to_others_and_to_oneself_much_later(world: World) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    world.pass_on(ANNA, task)
    assert world.claim(ANNA) == []
    assert world.one(BEN).id == task.id
    world.later(hours=2)
    assert world.one(ANNA).id == task.id


def test_every_claim_is_in_the_audit_with_ids_alone(world: World) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    world.enter(ANNA, task, Answer(Act.VALUE, "Jane Smythe"))
    with world.database.read() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.subject == f"task:{task.id}")).all()
    assert [(row.actor, row.action) for row in rows] == [("person:1", "task claimed"), ("person:1", "task answered")]
    assert "Smythe" not in str([row.details for row in rows])


def test_queues_say_what_waits_what_is_held_what_is_late_and_since_when(world: World) -> None:
    began = world.now
    world.read(form(name=NAME, sure=SURE), form(name=NAME))
    world.read(form(number=NUMBER))
    world.one(ANNA)
    with world.database.read() as session:
        found = queues.standings(session, world.now)
        assert found[Queue.READING] == queues.Standing(2, 1, 0, began)
        assert found[Queue.REFERRED] == queues.Standing()
        late = queues.standings(session, began + timedelta(days=8))
        assert late[Queue.READING] == queues.Standing(3, 0, 3, began)  # the lease has passed: it waits again
        [names, numbers] = queues.by_field(session, Queue.READING, began + timedelta(days=8))
    assert (names.form_type, names.field, names.waiting, names.oldest) == ("a-form", "name", 2, began)
    assert (numbers.field, numbers.waiting) == ("number", 1)


def test_a_claim_looks_at_the_first_tasks_of_its_queue_and_reads_no_more(world: World) -> None:
    world.read(*[form(name=NAME)] * 30)
    with noted(world.database) as statements:
        world.claim(ANNA, most=3)
    [plan] = [plan for statement, plan in plans_of(world.database, statements).items() if "chosen" in plan]
    assert re.search(r"SCAN tasks|SCAN task\b|Seq Scan|TEMP B-TREE", plan) is None, plan
    if not world.database.is_postgresql:
        # Once to choose by; what else is asked of a task is looked up by its document.
        assert plan.count("ix_tasks_open") == 1, plan


def test_a_task_that_went_to_another_queue_is_not_given_from_the_old_one(world: World) -> None:
    world.read(form(name=NAME))
    assert world.claim(CARA, Queue.BUSINESS) == []
    assert len(world.claim(CARA, Queue.READING)) == 1
