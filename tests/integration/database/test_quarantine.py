"""What was set aside is listed with its reason, tried again or rejected by name, and the books balance all along."""

import json
import threading
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from intake import audit, ledger, quarantine, steps
from intake.database.engine import Database
from intake.database.tables import AuditRow, FileRow, PageRow, PieceRow, StepRow, TaskRow
from intake.steps import NotInQuarantine
from schemas.errors import Cause
from schemas.extraction import Failure
from schemas.states import MailState, StepName, StepState, TaskState
from tests.integration.database.small_world import (
    BROKEN,
    MINUTE,
    NOW,
    add_document,
    add_task,
    claimed,
    receive_files,
    unpack,
)

LATER = NOW + MINUTE
LOCKED = Failure(Cause.ENCRYPTED, "It asks for a password.", "Ask the sender for it.")


@dataclass
class World:
    """File 1: pieces 1 and 2 given up, 3 to be read. File 2 could not be unpacked. File 3 waits."""

    database: Database

    def names(self, cause: Cause | None = None) -> list[tuple[str, int | None, Cause]]:
        with self.database.read() as session:
            return [(each.name, each.piece, each.cause) for each in quarantine.listed(session, cause)]

    def id_of(self, row: type[FileRow] | type[PieceRow], number: int) -> UUID:
        with self.database.read() as session:
            return session.get_one(row, number).public_id

    def states(self) -> tuple[list[MailState], list[MailState]]:
        with self.database.read() as session:
            assert ledger.take(session).differences == {}
            assert audit.verify(session) is None
            files, pieces = (session.scalars(select(row.state).order_by(row.id)).all() for row in (FileRow, PieceRow))
            return list(files), list(pieces)


@pytest.fixture
def world(database: Database) -> World:
    with database.write() as session:
        first, second, _third = receive_files(session, 3)
        pieces = unpack(session, first, pieces=3, pages=2)
        for piece in pieces[:2]:
            step = session.scalars(select(StepRow.id).where(StepRow.piece_id == piece)).one()
            steps.quarantine(session, claimed(steps.claim_one(session, step, "worker-1", NOW)), BROKEN, NOW)
        step = session.scalars(select(StepRow.id).where(StepRow.file_id == second)).one()
        steps.quarantine(session, claimed(steps.claim_one(session, step, "worker-1", NOW)), LOCKED, NOW)
    return World(database)


def test_it_is_listed_with_everything_a_person_needs(world: World) -> None:
    assert sorted(world.names(), key=str) == [
        ("1.tif", 1, Cause.DAMAGED),
        ("1.tif", 2, Cause.DAMAGED),
        ("2.tif", None, Cause.ENCRYPTED),
    ]
    with world.database.read() as session:
        [locked] = quarantine.listed(session, Cause.ENCRYPTED)
        whole = quarantine.listed(session)
        pages = [each for after in (0, *(each.step_id for each in whole))
                 for each in quarantine.listed(session, limit=1, after=after)]  # fmt: skip
        assert quarantine.by_cause(session) == {Cause.DAMAGED: 2, Cause.ENCRYPTED: 1}
    assert pages == whole
    assert (locked.step, locked.problem, locked.remedy) == (StepName.UNPACK, LOCKED.problem, LOCKED.remedy)
    assert (locked.id, locked.page, locked.attempts, locked.since) == (locked.file_id, None, 1, NOW)
    damaged = next(each for each in whole if each.piece == 1)
    assert (damaged.page, damaged.step) == (2, StepName.READ)
    assert damaged.id != damaged.file_id != locked.file_id


def act(world: World, which: int | UUID, reason: str = "") -> int:
    with world.database.write() as session:
        if reason:
            return len(quarantine.reject(session, which, "anna", reason, LATER))
        return len(quarantine.retry(session, which, "anna", LATER))


def entries(world: World, action: str) -> list[tuple[str, str, dict[str, object]]]:
    with world.database.read() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.sequence)).all()
        return [(row.actor, row.subject, json.loads(row.details)) for row in rows]


def test_a_piece_is_retried_by_its_id_a_file_with_all_its_pieces_and_a_step_by_its_number(world: World) -> None:
    assert act(world, world.id_of(PieceRow, 1)) == 1
    assert world.states()[1] == [MailState.IN_WORK, MailState.QUARANTINED, MailState.IN_WORK]
    with world.database.write() as session:
        step = session.scalars(select(StepRow.id).where(StepRow.piece_id == 1)).one()
        steps.quarantine(session, claimed(steps.claim_one(session, step, "worker-1", NOW)), BROKEN, NOW)
    assert act(world, world.id_of(FileRow, 1)) == 2
    with world.database.read() as session:
        [number] = [each.step_id for each in quarantine.listed(session)]
    assert act(world, number) == 1
    assert world.states() == ([MailState.IN_WORK] * 3, [MailState.IN_WORK] * 3)
    assert world.names() == []
    assert [actor for actor, _, _ in entries(world, "step retried")] == ["anna"] * 4


def test_what_is_rejected_ends_with_its_steps_and_tasks_and_is_audited_without_the_words(world: World) -> None:
    with world.database.write() as session:
        task = add_task(session, add_document(session, 1)).id
    assert act(world, world.id_of(PieceRow, 1), "Jane Doe wrote to the wrong office") == 1
    assert world.states()[1] == [MailState.REJECTED, MailState.QUARANTINED, MailState.IN_WORK]
    with world.database.read() as session:
        piece = session.get_one(PieceRow, 1)
        assert (piece.cause, piece.problem) == (Cause.DAMAGED, "Rejected: Jane Doe wrote to the wrong office")
        step = session.scalars(select(StepRow).where(StepRow.piece_id == 1)).one()
        # Why the machine gave up is still there.
        assert (step.state, step.problem) == (StepState.CANCELLED, BROKEN.problem)
        assert session.get_one(TaskRow, task).state is TaskState.WITHDRAWN
        pages = select(PageRow.state).where(PageRow.piece_id == 1)
        assert session.scalars(pages).all() == [MailState.REJECTED] * 2
    [(actor, subject, details)] = entries(world, "rejected")
    assert (actor, subject) == ("anna", "piece:1")
    assert details == {"step": step.id, "cause": "damaged", "cancelled": 1}


def test_a_whole_file_is_rejected_unpacked_or_not(world: World) -> None:
    assert act(world, world.id_of(FileRow, 2), "no mail of ours") == 1
    assert act(world, world.id_of(FileRow, 1), "no mail of ours") == 2
    files, pieces = world.states()
    assert files == [MailState.IN_WORK, MailState.REJECTED, MailState.IN_WORK]
    assert pieces == [MailState.REJECTED, MailState.REJECTED, MailState.IN_WORK]


def test_what_is_not_in_quarantine_is_neither_retried_nor_rejected(world: World) -> None:
    before = world.states()
    for which in (world.id_of(FileRow, 3), world.id_of(PieceRow, 3), uuid4(), 999_999):
        for reason in ("", "no mail of ours"):
            with pytest.raises(NotInQuarantine):
                act(world, which, reason)
    act(world, world.id_of(FileRow, 2), "no mail of ours")
    with pytest.raises(NotInQuarantine):
        act(world, world.id_of(FileRow, 2))
    assert world.states() == ([before[0][0], MailState.REJECTED, before[0][2]], before[1])


@pytest.mark.parametrize("reason", [" ", "x" * 501, "a\nb", "\x1b[31m"])
def test_a_rejection_needs_a_reason_that_can_be_shown(world: World, reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        act(world, world.id_of(FileRow, 2), reason)
    assert world.states()[0][1] is MailState.QUARANTINED


def test_of_two_people_who_decide_at_once_each_gets_an_answer_and_the_books_balance(world: World) -> None:
    which, answers = world.id_of(FileRow, 2), []

    def decide(reason: str) -> None:
        try:
            answers.append(act(world, which, reason))
        except NotInQuarantine:
            answers.append(0)

    threads = [threading.Thread(target=decide, args=(reason,)) for reason in ("not ours", "", "a jest", "")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert sum(answers) in (1, 2)  # a retry may come first, and what is in work again can still be found by its step
    assert world.states()[0][1] in (MailState.REJECTED, MailState.IN_WORK)
