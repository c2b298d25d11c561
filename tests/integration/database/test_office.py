"""Batches against their target, pieces found again, the day in numbers: on both databases."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from intake import steps, whereabouts
from intake.database.engine import Database
from intake.database.tables import BatchRow, DocumentRow, FileRow, PageRow, PieceRow, StepRow
from intake.office import batches, pieces
from intake.office.batches import BatchLine, Which
from intake.office.pieces import NO_FORM, Asked
from intake.office.target import last_late_receipt, target_of
from intake.office.today import DayBook, Need
from intake.review.rules import Rules
from intake.service import Service
from intake.settings import Settings
from intake.store.opening import open_store
from intake.working_days import Calendar, Deadline
from schemas.page import PageLabel
from schemas.states import MailState
from tests.integration.database.small_world import (
    BROKEN,
    NOW,
    add_document,
    add_task,
    claimed,
    publish,
    receive_files,
    unpack,
)

MONDAY = date(2026, 3, 2)
FIVE = Deadline(5)
EASTER = Calendar(frozenset({date(2026, 4, 3), date(2026, 4, 6)}))


def later(days: int) -> date:
    return MONDAY + timedelta(days=days)


def test_a_batch_is_late_a_working_day_after_its_target() -> None:
    assert target_of(MONDAY, later(0), FIVE).due_on == later(7)
    assert [target_of(MONDAY, later(days), FIVE).late_by for days in (7, 8, 9)] == [0, 1, 2]
    assert not target_of(MONDAY, later(7), FIVE).is_late
    # Received on a Thursday, due on a Thursday; a weekend makes nothing late.
    assert [target_of(later(4), later(days), FIVE).late_by for days in (11, 12, 13, 14)] == [0, 0, 0, 1]


@pytest.mark.parametrize("calendar", [Calendar(), EASTER], ids=["plain", "Easter"])
@pytest.mark.parametrize("target_days", [0, 1, 5, 20])
def test_the_last_day_of_receipt_that_is_late_agrees_with_the_target(target_days: int, calendar: Calendar) -> None:
    deadline = Deadline(target_days, calendar)
    for days in range(14):
        today = later(40 + days)
        last = last_late_receipt(today, deadline)
        assert target_of(last, today, deadline).is_late
        following = last + timedelta(days=1)
        assert not target_of(following, today, deadline).is_late


def make_batch(session: Session, received_on: date, *states: MailState) -> UUID:
    """A batch with one file of one piece of two pages for each state."""
    files = receive_files(session, len(states))
    for file, state in zip(files, states, strict=True):
        [piece] = unpack(session, file)
        document = add_document(session, piece)
        session.execute(update(PageRow).where(PageRow.piece_id == piece).values(document_id=document.id))
        for step in moves_to(state):
            whereabouts.move_piece(session, piece, step, NOW, BROKEN if step is MailState.QUARANTINED else None)
    session.flush()
    batch = session.scalars(select(BatchRow).order_by(BatchRow.id.desc()).limit(1)).one()
    batch.received_on = received_on
    batch.closed_at = NOW
    return batch.public_id


def moves_to(state: MailState) -> Sequence[MailState]:
    return () if state is MailState.IN_WORK else (state,)


def listed(session: Session, today: date, which: Which) -> list[BatchLine]:
    return list(batches.listed(session, today, FIVE, which, limit=50)[0])


def test_lists_of_batches_show_all_the_open_and_the_late_ones(database: Database) -> None:
    with database.write() as session:
        done = make_batch(session, MONDAY, MailState.PUBLISHED, MailState.REJECTED)
        late = make_batch(session, MONDAY, MailState.PUBLISHED, MailState.QUARANTINED)
        open_ = make_batch(session, later(7), MailState.IN_REVIEW)
    today = later(9)
    with database.read() as session:
        assert [line.id for line in listed(session, today, Which.ALL)] == [open_, late, done]
        assert [line.id for line in listed(session, today, Which.OPEN)] == [late, open_]
        [only] = listed(session, today, Which.LATE)
        assert (only.id, only.target.late_by, only.target.due_on, only.is_done) == (late, 2, later(7), False)
        assert only.files == {MailState.PUBLISHED: 1, MailState.QUARANTINED: 1}
        assert batches.counted(session, today, FIVE) == {Which.ALL: 3, Which.OPEN: 2, Which.LATE: 1}
        # What is done stopped ageing on the day on which it was done.
        done_line = listed(session, today, Which.ALL)[-1]
        assert (done_line.is_done, done_line.target.days) == (True, 0)


def test_a_holiday_makes_no_batch_late(database: Database) -> None:
    with database.write() as session:
        make_batch(session, date(2026, 4, 1), MailState.IN_REVIEW)
        fewer = [batches.counted(session, date(2026, 4, day), Deadline(2, EASTER))[Which.LATE] for day in (6, 7, 8)]
        without = [batches.counted(session, date(2026, 4, day), Deadline(2))[Which.LATE] for day in (3, 6, 7)]
        [line], _ = batches.listed(session, date(2026, 4, 8), Deadline(2, EASTER), limit=2)
    assert (fewer, without) == ([0, 0, 1], [0, 1, 1])
    assert (line.target.due_on, line.target.days, line.target.late_by) == (date(2026, 4, 7), 3, 1)


def test_what_people_are_asked_is_due_by_the_same_calendar() -> None:
    assert Rules(deadline=Deadline(2, EASTER)).due_at(date(2026, 4, 1)) == datetime(2026, 4, 8, tzinfo=UTC)


def test_long_lists_come_in_pages_without_gaps(database: Database) -> None:
    with database.write() as session:
        made = [make_batch(session, MONDAY, MailState.IN_REVIEW) for _ in range(5)]
    for which, expected in ((Which.ALL, made[::-1]), (Which.OPEN, made)):
        found, before = [], None
        with database.read() as session:
            while True:
                lines, before = batches.listed(session, MONDAY, FIVE, which, before=before, limit=2)
                found += [line.id for line in lines]
                if before is None:
                    break
        assert found == expected


def test_the_stages_of_a_batch_add_up(database: Database) -> None:
    with database.write() as session:
        files = receive_files(session, 5)
        [unread] = unpack(session, files[0])
        [in_review], [published] = unpack(session, files[1]), unpack(session, files[2])
        for piece, state in ((in_review, MailState.IN_REVIEW), (published, MailState.PUBLISHED)):
            add_document(session, piece)
            whereabouts.move_piece(session, piece, state, NOW)
        [to_be_published] = unpack(session, files[3])
        add_document(session, to_be_published)
        batch = session.scalars(select(BatchRow)).one()
        session.execute(update(PageRow).where(PageRow.piece_id == published).values(label=PageLabel.BLANK))
        found = batches.stages(session, batch)
    assert (found.files, found.unpacking, found.unopened, found.pieces) == (5, 1, {}, 4)
    assert (found.reading, found.publishing, found.in_review, found.published) == (1, 1, 1, 1)
    assert (found.quarantined, found.rejected) == (0, 0)
    assert found.pages == {None: 6, PageLabel.BLANK: 2}
    assert found.is_moving
    assert unread


def test_a_file_that_could_not_be_opened_says_why_and_is_counted(database: Database) -> None:
    with database.write() as session:
        [file] = receive_files(session)
        step = session.scalars(select(StepRow.id)).one()
        claim = claimed(steps.claim_one(session, step, "worker-1", NOW))
        steps.quarantine(session, claim, BROKEN, NOW)
        batch = session.scalars(select(BatchRow)).one()
        [line] = batches.files_of(session, batch, limit=10)[0]
        stages = batches.stages(session, batch)
    assert (line.problem, line.remedy, line.pages) == (BROKEN.problem, BROKEN.remedy, [])
    assert (stages.unopened, stages.pieces, stages.is_moving) == ({MailState.QUARANTINED: 1}, 0, False)
    assert file


def test_the_files_of_a_batch_come_with_their_pages_and_name_where_they_came_before(database: Database) -> None:
    with database.write() as session:
        for _ in range(2):
            for file in receive_files(session, 3):
                unpack(session, file)
        first, second = session.scalars(select(BatchRow).order_by(BatchRow.id)).all()
        lines, after = batches.files_of(session, second, limit=2)
        rest, end = batches.files_of(session, second, after=after or 0, limit=2)
        known = batches.known_already(session, ["0" * 63 + "1", "f" * 64])
        original = batches.files_of(session, first, limit=9)[0]
    assert [line.position for line in [*lines, *rest]] == [1, 2, 3]
    assert end is None
    assert [[page.number for page in line.pages] for line in lines] == [[1, 2], [1, 2]]
    assert lines[0].duplicate_of == (first.public_id, "1.tif")
    assert {line.duplicate_of for line in original} == {None}
    assert {digest: (batch.id, name) for digest, (batch, name) in known.items()} == {
        "0" * 63 + "1": (first.id, "1.tif")
    }


@pytest.fixture
def three(database: Database) -> list[int]:
    """Three pieces: a fee refund in review, one of no known form that is published, and one in work."""
    with database.write() as session:
        made = []
        for form_type, state in (("fee-refund", MailState.IN_REVIEW), (None, MailState.PUBLISHED)):
            [piece] = unpack(session, receive_files(session)[0])
            document = add_document(session, piece)
            document.form_type = form_type
            whereabouts.move_piece(session, piece, state, NOW)
            made.append(piece)
        publish(session, document)
        made += unpack(session, receive_files(session)[0])
        names = zip(
            session.scalars(select(FileRow).order_by(FileRow.id)), ("a%b.tif", "Anna.PDF", "x_y.tif"), strict=True
        )
        for file, name in names:
            file.name = name
        batch_rows = session.scalars(select(BatchRow).order_by(BatchRow.id)).all()
        batch_rows[1].name = "Second Bag"
        batch_rows[2].received_on = later(7)
    return made


ASKED = [
    (Asked(), {0, 1, 2}),
    (Asked(state=MailState.IN_REVIEW), {0}),
    (Asked(form_type="fee-refund"), {0}),
    (Asked(form_type=NO_FORM), {1}),
    (Asked(name="anna"), {1}),
    (Asked(name="%"), {0}),
    (Asked(name="_"), {2}),
    (Asked(received_from=later(1)), {2}),
    (Asked(received_to=later(1)), {0, 1}),
    (Asked(received_from=later(7), state=MailState.IN_WORK), {2}),
    (Asked(control="00000000"), {0, 1, 2}),
    (Asked(control="0000000"), set()),
    (Asked(control="' OR 1=1 --"), set()),
    (Asked(control="#999999"), set()),
    (Asked(control=str(uuid4())), set()),
    (Asked(batch=str(uuid4())), set()),
    (Asked(batch="bag"), {1}),
    (Asked(batch="2"), {1}),
    (Asked(batch="99999999999999999999999"), set()),
]


def test_pieces_are_found_again(database: Database, three: list[int]) -> None:
    with database.read() as session:
        for asked, expected in ASKED:
            lines, after = pieces.found(session, asked, limit=50)
            assert {three.index(line.number) for line in lines} == expected, asked
            assert (pieces.counted(session, asked), after) == (len(expected), None), asked


def test_pieces_are_found_by_every_id_they_are_known_by(database: Database, three: list[int]) -> None:
    with database.read() as session:
        piece = session.get_one(PieceRow, three[1])
        file = session.get_one(FileRow, piece.file_id)
        batch = session.get_one(BatchRow, file.batch_id)
        document = session.scalars(select(DocumentRow.id).where(DocumentRow.piece_id == piece.id)).one()
        for control in (str(piece.public_id).upper(), str(file.public_id), str(batch.public_id), f"#{document}"):
            [line] = pieces.found(session, Asked(control=f" {control} "), limit=50)[0]
            assert line.number == piece.id
        [line] = pieces.found(session, Asked(batch=str(batch.public_id)), limit=50)[0]
        assert [document.id for document in line.documents] == [document]
        assert pieces.form_types(session) == ["fee-refund"]


def test_long_lists_of_pieces_come_in_pages_without_gaps(database: Database) -> None:
    with database.write() as session:
        made = unpack(session, receive_files(session)[0], pieces=5)
    for asked, expected in ((Asked(), made[::-1]), (Asked(state=MailState.IN_WORK), made)):
        found, after = [], None
        with database.read() as session:
            while True:
                lines, after = pieces.found(session, asked, after=after, limit=2)
                found += [line.number for line in lines]
                if after is None:
                    break
        assert found == expected


@pytest.fixture
def service(database: Database, tmp_path: Path) -> Service:
    # At noon local time, so that a minute ago was today.
    noon = datetime(2026, 3, 2, 12).astimezone()
    settings = Settings(home=tmp_path, low_water_bytes=0)
    return Service(settings, database.with_clock(lambda: noon), open_store(str(tmp_path / "store")))


def test_the_day_in_numbers_adds_up(service: Service) -> None:
    noon = service.database.now()
    with service.database.write() as session:
        make_batch(session, MONDAY - timedelta(days=30), MailState.PUBLISHED, MailState.PUBLISHED, MailState.IN_REVIEW)
        receive_files(session, 2)
        session.execute(update(BatchRow).values(received_at=noon))
        hour_ago = noon - timedelta(hours=1)
        session.execute(update(PieceRow).values(state_since=hour_ago))
        session.execute(update(StepRow).where(StepRow.name == "read").values(state="done", state_since=hour_ago))
        touched = session.scalars(select(PieceRow).where(PieceRow.state == MailState.PUBLISHED).limit(1)).one()
        document = session.scalars(select(DocumentRow).where(DocumentRow.piece_id == touched.id)).one()
        add_task(session, document)
    today = DayBook(service).today()
    assert (today.received.batches, today.received.files, today.received.pieces, today.received.pages) == (2, 5, 3, 6)
    assert today.received_in_all == {"files": 5, "pieces": 3, "pages": 6}
    assert [today.differs_by(kind) for kind in ("files", "pieces", "pages")] == [0, 0, 0]
    assert today.states["pieces"][MailState.IN_REVIEW].count == 1
    assert (today.published, today.untouched, today.people_wait) == (2, 1, 1)
    assert [hour.pages_read for hour in today.hours][-3:] == [0, 6, 0]
    assert [hour.pieces_published for hour in today.hours][-3:] == [0, 2, 0]
    assert today.pages_last_hour == 6
    assert (today.open_batches, today.late_batches, today.oldest_receipt) == (2, 1, MONDAY - timedelta(days=30))
    assert {each.need: each.count for each in today.attention} == {Need.NO_WORKER: 2, Need.LATE: 1}


def test_what_was_lost_and_what_was_set_aside_need_attention(service: Service) -> None:
    with service.database.write() as session:
        [piece] = unpack(session, receive_files(session)[0])
        step = session.scalars(select(StepRow.id).where(StepRow.piece_id == piece)).one()
        claim = claimed(steps.claim_one(session, step, "worker-1", NOW))
        steps.quarantine(session, claim, BROKEN, NOW)
        session.execute(update(FileRow).values(page_count=3))
    today = DayBook(service).today()
    assert today.differs_by("pages") == 1
    assert [each.need for each in today.attention][:1] == [Need.BOOKS]
    assert {each.need: each.count for each in today.attention}[Need.SET_ASIDE] == 1
    assert dict(today.set_aside) == {BROKEN.cause: 1}


def test_numbers_are_kept_for_a_moment_only(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    book = DayBook(service)
    assert book.today() is book.today()
    monkeypatch.setattr(book, "_until", 0.0)
    with service.database.write() as session:
        receive_files(session, 2)
    assert book.today().received_in_all["files"] == 2
