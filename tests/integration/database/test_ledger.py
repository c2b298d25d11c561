"""Everything received is somewhere once; a row that somebody broke by hand is a difference."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from intake import ledger, steps, whereabouts
from intake.database.engine import Database
from intake.database.tables import BatchRow, DocumentRow, FileRow, OutboxRow, PageRow, PieceRow, StepRow, TaskRow
from schemas.states import DocumentState, MailState, StepName, StepState, TaskState
from tests.integration.database.small_world import (
    BROKEN,
    MINUTE,
    NOW,
    add_document,
    add_task,
    claimed,
    publish,
    receive_files,
    unpack,
)


@pytest.fixture
def day(database: Database) -> Database:
    """A file in every state. File 1: pieces published, in review, in quarantine, in work; 2 not yet unpacked;
    3 rejected at the door; 4 could not be unpacked."""
    with database.write() as session:
        first, _second, third, fourth = receive_files(session, 4)
        pieces = unpack(session, first, pieces=4, pages=2)
        for piece in pieces[:3]:
            claim = claimed(steps.claim(session, [StepName.READ], "worker-1", NOW))
            if piece == pieces[2]:
                steps.quarantine(session, claim, BROKEN, NOW)
                continue
            steps.finish(session, claim, NOW)
            if piece == pieces[0]:
                publish(session, add_document(session, piece, DocumentState.PUBLISHED))
                whereabouts.move_piece(session, piece, MailState.PUBLISHED, NOW)
            else:
                add_task(session, add_document(session, piece, DocumentState.REVIEW))
                whereabouts.move_piece(session, piece, MailState.IN_REVIEW, NOW - MINUTE)
        steps.cancel(session, steps.Subject(file_id=third), NOW)
        whereabouts.move_file(session, third, MailState.REJECTED, NOW, BROKEN)
        order = {StepRow.file_id == fourth: claimed}
        for which in order:
            [step] = session.query(StepRow.id).where(which).one()
            steps.quarantine(session, claimed(steps.claim_one(session, step, "worker-1", NOW)), BROKEN, NOW)
    return database


def test_a_day_adds_up(day: Database) -> None:
    with day.read() as session:
        found = ledger.take(session)
    assert found.differences == {}
    assert found.as_json(NOW + timedelta(minutes=2)) == {
        "difference": 0,
        "received": {"files": 4, "pages": 8, "pieces": 4},
        "states": {
            "files": {"in_work": 2, "in_review": 0, "published": 0, "quarantined": 1, "rejected": 1},
            "pages": {"in_work": 2, "in_review": 2, "published": 2, "quarantined": 2, "rejected": 0},
            "pieces": {"in_work": 1, "in_review": 1, "published": 1, "quarantined": 1, "rejected": 0},
        },
        "oldest_seconds": {
            "files": {"in_work": 120.0, "in_review": None, "published": None, "quarantined": 120.0, "rejected": 120.0},
            "pages": {"in_work": 120.0, "in_review": 180.0, "published": 120.0, "quarantined": 120.0, "rejected": None},
            "pieces": {
                "in_work": 120.0,
                "in_review": 180.0,
                "published": 120.0,
                "quarantined": 120.0,
                "rejected": None,
            },
        },
        "differences": {},
    }


def test_nothing_received_adds_up(database: Database) -> None:
    with database.read() as session:
        found = ledger.take(session)
    assert (found.difference, found.received) == (0, {"files": 0, "pages": 0, "pieces": 0})


def lose_a_file(session: Session) -> None:
    session.execute(delete(StepRow).where(StepRow.file_id == 2))
    session.execute(delete(FileRow).where(FileRow.id == 2))


def lose_a_page(session: Session) -> None:
    session.execute(delete(PageRow).where(PageRow.number == 8))


def lose_a_piece(session: Session) -> None:
    session.execute(delete(StepRow).where(StepRow.piece_id == 4))
    session.execute(delete(PageRow).where(PageRow.piece_id == 4))
    session.execute(delete(PieceRow).where(PieceRow.id == 4))
    session.execute(update(FileRow).where(FileRow.id == 1).values(state=MailState.IN_REVIEW, page_count=6))


def double_a_page(session: Session) -> None:
    session.add(PageRow(file_id=1, number=99, piece_id=4, state_since=NOW))


def count_pages_never_unpacked(session: Session) -> None:
    session.add(PageRow(file_id=2, number=1, state_since=NOW))


BREAKS: dict[str, tuple[Callable[[Session], object], dict[str, int]]] = {
    "a file lost": (lose_a_file, {"files_missing": 1}),
    "two files too many in the count": (
        lambda session: session.execute(update(BatchRow).values(file_count=6)),
        {"files_missing": 2},
    ),
    "a page lost": (lose_a_page, {"pages_missing": 1}),
    "a page too many": (double_a_page, {"pages_missing": 1}),
    "a page of a file never unpacked": (count_pages_never_unpacked, {"pages_missing": 1}),
    "a piece lost": (lose_a_piece, {"pieces_missing": 1}),
    "a page that stands elsewhere than its piece": (
        lambda session: session.execute(update(PageRow).where(PageRow.number == 1).values(state=MailState.IN_WORK)),
        {"pages_astray": 1},
    ),
    "a file that stands elsewhere than its pieces": (
        lambda session: session.execute(update(FileRow).where(FileRow.id == 1).values(state=MailState.PUBLISHED)),
        {"files_astray": 1},
    ),
    "a file nobody will unpack": (
        lambda session: session.execute(
            update(StepRow).where(StepRow.file_id == 2).values(state=StepState.DONE),
        ),
        {"files_without_step": 1},
    ),
    "a piece nobody will read": (
        lambda session: session.execute(delete(StepRow).where(StepRow.piece_id == 4)),
        {"pieces_without_step": 1},
    ),
    "a step for a piece that is out": (
        lambda session: session.execute(
            update(StepRow).where(StepRow.piece_id == 1).values(state=StepState.READY),
        ),
        {"steps_astray": 1},
    ),
    "a step given up, its file rejected": (
        lambda session: session.execute(update(FileRow).where(FileRow.id == 4).values(state=MailState.REJECTED)),
        {"steps_astray": 1},
    ),
    "a review nobody was asked for": (
        lambda session: session.execute(update(TaskRow).values(state=TaskState.DONE)),
        {"pieces_without_task": 1},
    ),
    "a file in quarantine, no one knows why": (
        lambda session: session.execute(update(FileRow).where(FileRow.id == 4).values(problem="")),
        {"files_without_reason": 1},
    ),
    "a piece in quarantine, no one knows why": (
        lambda session: session.execute(update(PieceRow).where(PieceRow.id == 3).values(problem=None)),
        {"pieces_without_reason": 1},
    ),
    "a document that was never published": (
        lambda session: session.add(
            DocumentRow(piece_id=1, ordinal=2, state=DocumentState.COMPLETE, state_since=NOW),
        ),
        {"pieces_without_record": 1},
    ),
    "a revision nobody was told of": (
        lambda session: session.execute(delete(OutboxRow)),
        {"revisions_without_outbox": 1},
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_whatever_is_broken_by_hand_is_a_difference(day: Database, what: str) -> None:
    breaking, expected = BREAKS[what]
    with day.write() as session:
        breaking(session)
    with day.read() as session:
        found = ledger.take(session)
    assert found.differences == expected
    assert found.difference == sum(expected.values())


def test_the_ledger_sees_one_moment_while_others_write(day: Database) -> None:
    with day.read() as session:
        before = ledger.take(session)
        with day.write() as other:
            receive_files(other, 5)
        assert ledger.take(session) == before
    with day.read() as session:
        assert ledger.take(session).received["files"] == before.received["files"] + 5


def test_a_state_that_is_none_is_refused_by_the_database(day: Database) -> None:
    with pytest.raises(Exception, match=r"ck_pieces_state"), day.write() as session:
        session.execute(text("UPDATE pieces SET state = 'lost'"))
