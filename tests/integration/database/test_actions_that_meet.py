"""Two people, or a person and a worker, act on the same mail at the same moment: the second waits for the first and
then sees what is so by then, not what was so when it began."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from intake import corrections, quarantine, steps
from intake.corrections import Correction, Corrector, InReview, Wanted
from intake.database.engine import Database
from intake.database.tables import EntryRow, FileRow, RecordRow, RevisionRow, StepRow
from intake.review import claims, entering, undoing
from intake.review.answers import Answer
from intake.review.claims import Held, Keyer, Wish
from intake.review.entering import Entered, NotForThisTask, Referral, Stale
from intake.review.showing import Shown
from intake.review.undoing import CannotUndo
from intake.steps import Claim, NotInQuarantine
from intake.sweep import sweep
from schemas.review import Act, Outcome, Queue, ReferReason
from schemas.states import MailState, StepName, StepState, TaskState
from tests.integration.database.review_world import (
    ACCOUNT,
    ANNA,
    BEN,
    BORN,
    CARA,
    NAME,
    NUMBER,
    World,
    form,
    publishing,
    with_settle,
)
from tests.integration.database.small_world import BROKEN, NOW, claimed, receive_pieces

Found = TypeVar("Found")
Deed = Callable[[Session], Found]
_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
def world(database: Database) -> World:
    """Pieces wait for a minute before they are published."""
    return with_settle(World(database), seconds=60)


def written(database: Database, do: Deed[Found]) -> Found:
    with database.write() as session:
        return do(session)


def meet(database: Database, first: Callable[[Session], object], second: Callable[[Session], Found]) -> Future[Found]:
    """Do `second` while `first` is done and not yet committed: what came of `second`, which had to wait."""
    with ThreadPoolExecutor(1) as other:
        with database.write() as session:
            first(session)
            met = other.submit(written, database, second)
            _until_it_waits(database, met)
        return met


def _until_it_waits(database: Database, met: Future[Found]) -> None:
    """SQLite lets nobody begin to write meanwhile, and does not tell who waits."""
    deadline = time.monotonic() + 5
    while not met.done() and time.monotonic() < deadline:
        if not database.is_postgresql:
            time.sleep(0.1)
            return
        with database.read() as session:
            if session.scalars(_WAITING).one():
                return
        time.sleep(0.01)


def entering_of(
    world: World, keyer: Keyer, task: Shown, answer: str, key: str, over: int | None = None
) -> Deed[Entered]:
    held = Held(task.id, task.fence, task.version, over)
    return lambda session: entering.enter(session, world.rules, keyer, held, Answer(Act.VALUE, answer), key, world.now)


def claiming_of(world: World, keyer: Keyer) -> Deed[list[int]]:
    return lambda session: claims.claim(session, keyer, Wish(Queue.READING), 1, world.now, world.rules.lease)


def undoing_of(world: World, keyer: Keyer, key: str, which: str | None = None) -> Deed[int]:
    return lambda session: undoing.undo(session, world.rules, keyer, key, world.now, which)


def publications(world: World) -> list[StepState]:
    with world.database.read() as session:
        query = select(StepRow.state).where(StepRow.name == StepName.PUBLISH).order_by(StepRow.id)
        return list(session.scalars(query))


def revisions(world: World) -> int:
    with world.database.read() as session:
        return session.scalars(select(func.count()).select_from(RevisionRow)).one()


# --- a last answer, and taking back ----------------------------------------------------------------------------------


def test_what_is_taken_back_while_the_last_answer_arrives_is_not_published(world: World) -> None:
    world.read(form(name=NAME, born=BORN))
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    last = entering_of(world, BEN, world.one(BEN), "27 3 84", "last")
    meet(world.database, last, undoing_of(world, ANNA, "back")).result()
    assert (world.state(), world.differences()) == (MailState.IN_REVIEW, {})
    assert publications(world) == [StepState.CANCELLED]


def test_what_is_put_in_anothers_place_while_the_last_answer_arrives_is_published_once(world: World) -> None:
    world.read(form(name=NAME, born=BORN))
    seen = world.one(ANNA)
    world.enter(ANNA, seen, "Jane Dow")
    version = world.task(seen.id).version
    last = entering_of(world, BEN, world.one(BEN), "27 3 84", "last")
    replacing = entering_of(world, BEN, seen, "Jane Dew", "instead", over=version)
    meet(world.database, last, replacing).result()
    assert (world.state(), world.differences()) == (MailState.IN_WORK, {})
    assert publications(world) == [StepState.CANCELLED, StepState.WAITING]
    publish_later(world)
    assert (world.state(), world.differences(), revisions(world)) == (MailState.PUBLISHED, {}, 1)
    assert world.field("name").value == "Jane Dew"


def test_what_is_taken_back_while_it_is_being_published_comes_out_again(world: World) -> None:
    world.read(form(name=NAME))
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    claim = being_published(world)

    def publish(session: Session) -> None:
        steps.finish(session, claim, world.now)
        publishing(world).publish(claim)(session, world.now)

    meet(world.database, publish, undoing_of(world, ANNA, "back")).result()
    assert (world.state(), world.differences(), revisions(world)) == (MailState.IN_REVIEW, {}, 1)
    [task] = world.claim(ANNA)
    world.enter(ANNA, task, "Jane Dew")
    publish_later(world)
    assert (world.state(), world.differences(), revisions(world)) == (MailState.PUBLISHED, {}, 2)


def test_what_is_being_taken_back_is_not_published_by_a_worker_at_its_end(world: World) -> None:
    world.read(form(name=NAME))
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    claim = being_published(world)
    met = meet(world.database, undoing_of(world, ANNA, "back"), lambda session: steps.finish(session, claim, world.now))
    assert isinstance(met.exception(), steps.Fenced)
    assert (world.state(), world.differences(), revisions(world)) == (MailState.IN_REVIEW, {}, 0)


# --- the same, sent twice at once ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_over", [False, True])
def test_an_entry_sent_twice_at_once_takes_effect_once_and_both_are_told_so(world: World, *, is_over: bool) -> None:
    world.read(form(name=NAME))
    task, over = world.one(ANNA), None
    if is_over:
        world.enter(ANNA, task, "Jane Dow")
        over = world.task(task.id).version
    sent = entering_of(world, BEN if is_over else ANNA, task, "Jane Dew", "twice", over=over)
    told: list[Entered] = []
    met = meet(world.database, lambda session: told.append(sent(session)), sent)
    assert met.result() == told[0]
    assert [entry.text for entry in world.entries()][-1:] == ["Jane Dew"]
    assert len(world.entries()) == (2 if is_over else 1)
    assert publications(world)[-1] is StepState.WAITING
    assert (world.state(), world.differences()) == (MailState.IN_WORK, {})


def test_a_task_passed_over_twice_at_once_is_passed_over_once(world: World) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    held = Held(task.id, task.fence, task.version)
    told: list[Entered] = []

    def skip(session: Session) -> Entered:
        return entering.pass_on(session, ANNA, held, "twice", world.now)

    assert meet(world.database, lambda session: told.append(skip(session)), skip).result() == told[0]
    assert len(world.entries()) == 1


def test_undo_sent_twice_at_once_takes_back_once_and_both_are_told_so(world: World) -> None:
    world.read(form(name=NAME), form(name=NAME))
    tasks = world.claim(ANNA, most=2)
    for task in tasks:
        world.enter(ANNA, task, "Jane Dow")
    back = undoing_of(world, ANNA, "back")
    assert meet(world.database, back, back).result() == tasks[1].id
    assert [entry.undoes for entry in world.entries() if entry.undoes] == [2]
    assert (world.state(1), world.state(2)) == (MailState.IN_WORK, MailState.IN_REVIEW)
    assert world.differences() == {}


def test_who_takes_back_on_two_screens_at_once_takes_back_two_entries(world: World) -> None:
    world.read(form(name=NAME), form(name=NAME))
    first, second = world.claim(ANNA, most=2)
    for task in (first, second):
        world.enter(ANNA, task, "Jane Dow")
    met = meet(world.database, undoing_of(world, ANNA, "here"), undoing_of(world, ANNA, "there"))
    assert met.result() == first.id
    assert [entry.undoes for entry in world.entries() if entry.undoes] == [2, 1]
    assert (world.state(1), world.state(2), world.differences()) == (MailState.IN_REVIEW, MailState.IN_REVIEW, {})


# --- what was on its way when a task was given up ---------------------------------------------------------------------


@pytest.mark.parametrize("given_up", ["skipped", "referred", "released"])
def test_a_sign_of_life_that_comes_late_takes_no_task_back(world: World, given_up: str) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    if given_up == "released":
        with world.database.write() as session:
            assert claims.release(session, ANNA, {task.id: task.fence}, world.now) == 1
    else:
        referral = Referral(ReferReason.OTHER) if given_up == "referred" else None
        world.pass_on(ANNA, task, referral)
    with world.database.write() as session:
        assert claims.renew(session, ANNA, {task.id: task.fence}, world.now, world.rules.lease) == [task.id]
        until = world.now + world.rules.lease
        assert not claims.save_draft(session, ANNA, task.id, task.fence, {"text": "J"}, until)
    queue = Queue.REFERRED if given_up == "referred" else Queue.READING
    assert [each.id for each in world.claim(CARA, queue)] == [task.id]


def test_an_answer_that_comes_after_its_task_was_given_back_still_counts(world: World) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    with world.database.write() as session:
        claims.release(session, ANNA, {task.id: task.fence}, world.now)
    world.enter(ANNA, task, "Jane Dow")
    assert world.field("name").value == "Jane Dow"


def test_a_screen_loaded_anew_while_its_answer_arrives_does_not_get_that_task_again(world: World) -> None:
    world.read(form(name=NAME), form(name=NAME))
    task = world.one(ANNA)
    met = meet(world.database, entering_of(world, ANNA, task, "Jane Dow", "key"), claiming_of(world, ANNA))
    assert met.result() == [2]
    assert (world.task(1).state, world.task(2).state) == (TaskState.DONE, TaskState.CLAIMED)


def test_a_screen_loaded_anew_gets_nothing_that_somebody_else_is_just_taking(world: World) -> None:
    world.read(form(name=NAME))
    world.one(ANNA)
    world.later(minutes=11)
    assert meet(world.database, claiming_of(world, BEN), claiming_of(world, ANNA)).result() == []
    assert (world.task(1).person_id, world.task(1).holder) == (BEN.id, BEN.screen)


def test_a_draft_that_comes_after_its_answer_is_not_there_when_the_keyer_is_asked_once_more(world: World) -> None:
    world.read(form(number=NUMBER))
    task = world.one(ANNA)
    asked = world.enter(ANNA, task, "XY99")
    assert asked.outcome is Outcome.AGAIN
    with world.database.write() as session:
        until = world.now + world.rules.lease
        assert not claims.save_draft(session, ANNA, task.id, task.fence, {"text": "XY99"}, until)
        assert claims.renew(session, ANNA, {task.id: asked.fence}, world.now, world.rules.lease) == []
    again = world.one(ANNA)
    assert (again.fence, again.version, again.draft, again.is_again) == (asked.fence, asked.version, None, True)


# --- what was set aside ----------------------------------------------------------------------------------------------


@pytest.fixture
def set_aside(world: World) -> UUID:
    """A file whose two pieces are in quarantine; its id."""
    with world.database.write() as session:
        for piece in receive_pieces(session, 2):
            step = session.scalars(select(StepRow.id).where(StepRow.piece_id == piece)).one()
            steps.quarantine(session, claimed(steps.claim_one(session, step, "worker-1", NOW)), BROKEN, NOW)
        return session.scalars(select(FileRow.public_id)).one()


@pytest.mark.parametrize("what", ["retried", "rejected"])
def test_a_file_and_a_piece_of_it_are_decided_about_at_once(world: World, set_aside: UUID, what: str) -> None:
    """The second waits for the first, whichever of the pieces that began with."""

    def whole(session: Session) -> int:
        if what == "retried":
            return len(quarantine.retry(session, set_aside, "ben", world.now))
        return len(quarantine.reject(session, set_aside, "ben", "not ours", world.now))

    with world.database.read() as session:
        last = max(each.step_id for each in quarantine.listed(session))
    met = meet(world.database, lambda session: quarantine.retry(session, last, "anna", world.now), whole)
    assert met.result() == 1
    state = MailState.IN_WORK if what == "retried" else MailState.REJECTED
    assert (world.state(1), world.state(2), world.differences()) == (state, MailState.IN_WORK, {})


def test_a_piece_and_its_file_decided_about_at_once_do_not_wait_for_each_other(world: World, set_aside: UUID) -> None:
    """Who rejects the file has begun with its first piece and goes on to the second, with which the other has begun."""
    cancel_quarantined, has_begun = steps.cancel_quarantined, threading.Event()
    with world.database.read() as session:
        last = max(each.step_id for each in quarantine.listed(session))

    def slowly(session: Session, step_id: int, now: datetime) -> int:
        if step_id == last:
            has_begun.set()
            time.sleep(1)  # for the other to begin
        return cancel_quarantined(session, step_id, now)

    def reject(session: Session) -> int:
        return len(quarantine.reject(session, set_aside, "ben", "not ours", world.now))

    def retry() -> None:
        assert has_begun.wait(10)
        try:
            with world.database.write() as session:
                quarantine.retry(session, last, "anna", world.now)
        except NotInQuarantine:
            pass

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(steps, "cancel_quarantined", slowly)
        rejected, retried = pool.submit(written, world.database, reject), pool.submit(retry)
    assert rejected.result() == 2
    retried.result()
    assert (world.state(1), world.state(2), world.differences()) == (MailState.REJECTED, MailState.REJECTED, {})


# --- what else may meet ----------------------------------------------------------------------------------------------


def test_of_two_last_answers_of_a_piece_one_lets_it_be_published(world: World) -> None:
    world.read(form(name=NAME, born=BORN))
    name, born = world.one(ANNA), world.one(BEN)
    answers = entering_of(world, ANNA, name, "Jane Dow", "one"), entering_of(world, BEN, born, "27 3 84", "two")
    meet(world.database, *answers).result()
    assert (world.state(), publications(world), world.differences()) == (MailState.IN_WORK, [StepState.WAITING], {})


def test_of_two_who_key_the_same_field_blind_the_second_is_compared_with_the_first(world: World) -> None:
    world.read(form(account=ACCOUNT))
    one, two = world.one(ANNA), world.one(BEN)
    answers = entering_of(world, ANNA, one, "778800", "one"), entering_of(world, BEN, two, "778800", "two")
    assert meet(world.database, *answers).result().outcome is Outcome.SETTLED
    assert (world.field("account").value, publications(world)) == ("778800", [StepState.WAITING])


def test_two_who_see_the_same_answer_do_not_both_put_theirs_in_its_place(world: World) -> None:
    world.read(form(name=NAME))
    seen = world.one(ANNA)
    world.enter(ANNA, seen, "Jane Dow")
    version = world.task(seen.id).version
    ben = entering_of(world, BEN, seen, "Jane Dew", "ben", over=version)
    met = meet(world.database, ben, entering_of(world, CARA, seen, "Jane Doo", "cara", over=version))
    assert isinstance(met.exception(), Stale)
    assert world.field("name").value == "Jane Dew"
    assert publications(world) == [StepState.CANCELLED, StepState.WAITING]


def test_a_task_whose_lease_is_over_is_either_answered_or_taken(world: World) -> None:
    world.read(form(name=NAME))
    task = world.one(ANNA)
    world.later(minutes=11)
    answer = entering_of(world, ANNA, task, "Jane Dow", "late")
    assert isinstance(meet(world.database, claiming_of(world, BEN), answer).exception(), Stale)
    world.later(minutes=11)
    [held] = world.claim(CARA)
    world.later(minutes=11)
    met = meet(world.database, entering_of(world, CARA, held, "Jane Dow", "in time"), claiming_of(world, BEN))
    assert (met.result(), world.task(1).state, world.field("name").value) == ([], TaskState.DONE, "Jane Dow")


def test_a_follow_up_is_either_begun_with_or_taken_back(world: World) -> None:
    world.read(form(number=NUMBER))
    task = world.one(ANNA)
    asked = world.enter(ANNA, task, "XY99")
    world.enter(ANNA, replace(task, fence=asked.fence, version=asked.version), "XY98")  # a second person is asked
    met = meet(world.database, claiming_of(world, BEN), undoing_of(world, ANNA, "back"))
    assert isinstance(met.exception(), CannotUndo)
    with world.database.write() as session:
        claims.release(session, BEN, {2: 1}, world.now)
    assert meet(world.database, undoing_of(world, ANNA, "back"), claiming_of(world, BEN)).result() == []
    assert (world.task(2).state, world.differences()) == (TaskState.WITHDRAWN, {})


def test_what_is_published_is_either_corrected_or_taken_back(world: World) -> None:
    world.read(form(name=NAME), form(name=NAME))
    for _ in range(2):
        world.enter(ANNA, world.one(ANNA), "Jane Dow")
    publish_later(world)
    met = meet(world.database, correcting_of(world, 2), undoing_of(world, ANNA, "too late"))
    assert isinstance(met.exception(), CannotUndo)
    world.later(minutes=1)
    with world.database.read() as session:
        [first, _] = session.scalars(select(EntryRow.key).order_by(EntryRow.id))
    back = undoing_of(world, ANNA, "back", first)
    assert isinstance(meet(world.database, back, correcting_of(world, 1)).exception(), InReview)
    assert (world.state(1), world.state(2), world.differences()) == (MailState.IN_REVIEW, MailState.PUBLISHED, {})
    assert (world.field("name", 1).value, world.field("name", 2).value) == ("Jane Doe", "Jane Dew")


def test_an_answer_seen_before_a_correction_is_not_overwritten_by_who_waited_for_it(world: World) -> None:
    world.read(form(name=NAME))
    seen = world.one(ANNA)
    world.enter(ANNA, seen, "Jane Dow")
    publish_later(world)
    instead = entering_of(world, BEN, seen, "Jane Doo", "instead", over=world.task(seen.id).version)
    assert isinstance(meet(world.database, correcting_of(world, 1), instead).exception(), Stale)
    assert (world.state(), revisions(world), world.field("name").value) == (MailState.PUBLISHED, 2, "Jane Dew")


@pytest.mark.parametrize("decided", ["retried", "rejected"])
def test_what_could_not_be_published_is_either_decided_about_or_taken_back(world: World, decided: str) -> None:
    world.read(form(name=NAME))
    world.enter(ANNA, world.one(ANNA), "Jane Dow")
    claim = being_published(world)
    with world.database.write() as session:
        steps.quarantine(session, claim, BROKEN, world.now)

    def decide(session: Session) -> None:
        if decided == "retried":
            quarantine.retry(session, claim.step_id, "ben", world.now)
        else:
            quarantine.reject(session, claim.step_id, "ben", "not ours", world.now)

    met = meet(world.database, decide, undoing_of(world, ANNA, "back"))
    if decided == "retried":
        assert met.result() == 1
        assert (world.state(), publications(world)) == (MailState.IN_REVIEW, [StepState.CANCELLED])
    else:
        assert isinstance(met.exception(), CannotUndo)
        assert (world.state(), publications(world)) == (MailState.REJECTED, [StepState.CANCELLED])
    assert world.differences() == {}


@pytest.mark.parametrize("is_rejected", [False, True])
def test_what_was_set_aside_is_not_put_in_anothers_place_and_says_why(world: World, *, is_rejected: bool) -> None:
    world.read(form(name=NAME))
    seen = world.one(ANNA)
    world.enter(ANNA, seen, "Jane Dow")
    claim = being_published(world)
    with world.database.write() as session:
        steps.quarantine(session, claim, BROKEN, world.now)
        if is_rejected:
            quarantine.reject(session, claim.step_id, "ben", "not ours", world.now)
    state = world.state()
    with pytest.raises(NotForThisTask, match="set aside"):
        world.enter(BEN, seen, "Jane Dew", over=world.task(seen.id).version)
    assert (world.state(), world.field("name").value, world.differences()) == (state, "Jane Dow", {})


def correcting_of(world: World, document: int) -> Deed[Correction]:
    with world.database.read() as session:
        record = session.scalars(select(RecordRow.public_id).where(RecordRow.document_id == document)).one()
    senior = Corrector("person:3", "senior")
    wanted = Wanted({"name": Answer(Act.VALUE, "Jane Dew")}, "Misread.", senior, 1)
    return lambda session: corrections.correct(session, world.rules, record, wanted, world.now)


def being_published(world: World) -> Claim:
    """A worker has the publication in hand: the time to take an answer back is over."""
    world.later(minutes=1)
    sweep(world.database, world.now)
    with world.database.write() as session:
        return claimed(steps.claim(session, [StepName.PUBLISH], "worker-1", world.now))


def publish_later(world: World) -> None:
    """As a worker does once the piece has waited."""
    world.later(minutes=2)
    sweep(world.database, world.now)
    world.publish()
