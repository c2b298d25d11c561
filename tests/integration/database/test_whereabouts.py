"""Pages stand where their piece stands, a file where its piece stands that is furthest from being done."""

import threading

import pytest
from sqlalchemy import select

from intake import ledger, whereabouts
from intake.database.engine import Database
from intake.database.tables import FileRow, PageRow, PieceRow
from schemas.states import ForbiddenMove, MailState
from tests.integration.database.small_world import BROKEN, MINUTE, NOW, receive_files, receive_pieces, unpack

LATER = NOW + MINUTE


def test_a_piece_takes_its_pages_along_and_no_others(database: Database) -> None:
    with database.write() as session:
        [file] = receive_files(session)
        first, second = unpack(session, file, pieces=2, pages=2)
        whereabouts.move_piece(session, first, MailState.PUBLISHED, LATER)
        rows = session.execute(select(PageRow.piece_id, PageRow.state, PageRow.state_since).order_by(PageRow.number))
        assert rows.all() == [
            (first, MailState.PUBLISHED, LATER),
            (first, MailState.PUBLISHED, LATER),
            (second, MailState.IN_WORK, NOW),
            (second, MailState.IN_WORK, NOW),
        ]


def test_a_file_follows_the_last_of_its_pieces(database: Database) -> None:
    with database.write() as session:
        first, second, third = receive_pieces(session, 3)
        file = session.scalars(select(FileRow)).one()
        for piece, to, expected in (
            (first, MailState.QUARANTINED, MailState.IN_WORK),
            (second, MailState.IN_REVIEW, MailState.IN_WORK),
            (third, MailState.PUBLISHED, MailState.IN_REVIEW),
            (second, MailState.IN_WORK, MailState.IN_WORK),
            (second, MailState.PUBLISHED, MailState.QUARANTINED),
            (first, MailState.IN_WORK, MailState.IN_WORK),
            (first, MailState.REJECTED, MailState.PUBLISHED),
        ):
            whereabouts.move_piece(session, piece, to, LATER, BROKEN if to is MailState.QUARANTINED else None)
            session.refresh(file)
            assert file.state is expected, (piece, to)
            # A file in quarantine says what its piece says, any other has nothing to say.
            assert file.problem == (BROKEN.problem if expected is MailState.QUARANTINED else None)


def test_a_file_takes_the_pages_along_that_belong_to_no_piece(database: Database) -> None:
    with database.write() as session:
        [file] = receive_files(session)
        session.add(PageRow(file_id=file, number=1, state_since=NOW))
        whereabouts.move_file(session, file, MailState.QUARANTINED, LATER, BROKEN)
        assert session.scalars(select(PageRow.state)).all() == [MailState.QUARANTINED]


def test_mail_goes_only_where_it_may(database: Database) -> None:
    with database.write() as session:
        [piece] = receive_pieces(session, 1)
        whereabouts.move_piece(session, piece, MailState.REJECTED, LATER, BROKEN)
        with pytest.raises(ForbiddenMove):
            whereabouts.move_piece(session, piece, MailState.PUBLISHED, LATER)
        assert session.scalars(select(PieceRow.state)).all() == [MailState.REJECTED]


def test_a_file_is_left_in_no_wrong_place_when_its_pieces_end_at_the_same_moment(database: Database) -> None:
    with database.write() as session:
        first, second = receive_pieces(session, 2)

    def send_to_review() -> None:
        with database.write() as session:
            whereabouts.move_piece(session, second, MailState.IN_REVIEW, LATER)

    beside = threading.Thread(target=send_to_review)
    with database.write() as session:
        whereabouts.move_piece(session, first, MailState.IN_REVIEW, LATER)
        beside.start()
        beside.join(0.5)  # it must wait for us: neither can know yet that the other ends too
        assert beside.is_alive()
    beside.join()
    with database.read() as session:
        assert session.scalars(select(FileRow.state)).one() is MailState.IN_REVIEW
        assert "files_astray" not in ledger.take(session).differences
