"""From received bytes to published records through the step table, with a real sandbox and a real store.

The reading itself is a double (`scripted_workshop`); everything else is what a worker runs.
"""

import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from extract.limits import DEFAULT_LIMITS
from extract.page import PageImage
from intake import ledger
from intake.database.engine import Database
from intake.database.tables import (
    AuditRow,
    DocumentRow,
    FileRow,
    OutboxRow,
    PageRow,
    PieceRow,
    RevisionRow,
    StepRow,
    TaskRow,
)
from intake.journey import Journey
from intake.receive import Arrival, Sender, receive
from intake.sandbox import Sandbox
from intake.step_runner import StepRunner
from intake.store.opening import open_store
from intake.sweep import sweep
from intake.worker import Desk, Stopwatch, Workshop, WorkshopSettings
from schemas.errors import Cause
from schemas.extraction import Document
from schemas.record import Record
from schemas.states import MailState, StepName, StepState, TaskKind
from tests.integration.database.office import below

sys.path.insert(0, str(Path(__file__).parents[1]))
import scripted_workshop

CONTENT, BLANK = 700, scripted_workshop.IS_BLANK  # widths of pages, by which the double knows them


def scan(*widths: int) -> bytes:
    pages = [Image.new("1", (width, 400), 1) for width in widths]
    file = io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:], dpi=(100, 100))
    return file.getvalue()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


class Office:
    """A database, a store and one worker."""

    def __init__(self, database: Database, folder: Path, sandbox: Sandbox) -> None:
        self.database = database
        self.store = open_store(str(folder / "store"))
        watch = Stopwatch()
        shop = scripted_workshop.open_workshop(WorkshopSettings(), watch)
        self.desk = Desk(shop, sandbox, DEFAULT_LIMITS, watch, lambda _: None)
        journey = Journey(database, self.store, sandbox, self.desk, DEFAULT_LIMITS)
        self.runner = StepRunner(database, journey.bodies, "worker-1", timedelta(minutes=5))

    def take_in(self, **files: bytes) -> None:
        arrivals = (Arrival(name, io.BytesIO(content)) for name, content in files.items())
        receive(self.database, self.store, arrivals, Sender("anna", "test", date(2026, 3, 2)))

    def work(self) -> None:
        while self.runner.run_next():
            pass

    def states(self) -> dict[str, tuple[MailState, str | None]]:
        with self.database.read() as session:
            rows = session.execute(select(FileRow.name, FileRow.state, FileRow.cause)).all()
            assert ledger.take(session).differences == {}
        return {name: (state, None if cause is None else cause.value) for name, state, cause in rows}

    def count(self, row: type) -> int:
        with self.database.read() as session:
            return session.scalars(select(func.count()).select_from(row)).one()


@pytest.fixture
def office(database: Database, tmp_path: Path, sandbox: Sandbox) -> Office:
    return Office(database, tmp_path, sandbox)


def test_a_scan_nobody_must_look_at_is_published_once_with_its_news(office: Office) -> None:
    office.take_in(a=scan(BLANK, BLANK))
    office.work()
    assert office.states() == {"a": (MailState.PUBLISHED, None)}
    with office.database.read() as session:
        bodies = session.scalars(select(RevisionRow.body).order_by(RevisionRow.sequence)).all()
        sha256 = session.scalars(select(FileRow.sha256)).one()
        news = session.scalars(select(OutboxRow.event).order_by(OutboxRow.id)).all()
        assert news == ["batch.received", *["record.published"] * 2, "batch.completed"]
    records = [Record.model_validate_json(body) for body in bodies]
    assert [record.source.pages for record in records] == [[1], [2]]
    assert {record.source.sha256 for record in records} == {sha256}
    assert {(record.status, record.revision) for record in records} == {("complete", 1)}
    assert len({record.record_id for record in records}) == 2


def test_what_no_form_was_found_for_waits_for_a_person(office: Office) -> None:
    office.take_in(a=scan(CONTENT, BLANK))
    office.work()
    assert office.states() == {"a": (MailState.IN_REVIEW, None)}
    with office.database.read() as session:
        tasks = session.scalars(select(TaskRow)).all()
        assert [(task.kind, task.field) for task in tasks] == [(TaskKind.IDENTIFY, "")]
        assert session.scalars(select(PageRow.label).order_by(PageRow.number)).all() == ["content", "blank"]
    assert office.count(RevisionRow) == 0


def test_bytes_that_are_no_scan_are_set_aside_with_a_reason_and_the_rest_goes_on(office: Office) -> None:
    office.take_in(good=scan(BLANK), notes=b"Dear Sir", cut=scan(CONTENT)[:60])
    office.work()
    found = office.states()
    assert found["good"] == (MailState.PUBLISHED, None)
    assert found["notes"] == (MailState.QUARANTINED, Cause.UNKNOWN_FORMAT.value)
    assert found["cut"][0] is MailState.QUARANTINED
    with office.database.read() as session:
        problems = session.execute(
            select(FileRow.problem, FileRow.remedy).where(FileRow.state == MailState.QUARANTINED)
        ).all()
    assert all(problem and remedy for problem, remedy in problems)


def test_an_accident_in_reading_is_tried_again_and_then_set_aside(office: Office) -> None:
    office.take_in(a=scan(scripted_workshop.RAISES))
    now = office.database.now()
    for minutes in (0, 5, 10, 15):
        moment = now + timedelta(minutes=minutes)
        office.runner.database = office.database.with_clock(_standing(moment))
        sweep(office.database, moment)
        office.work()
    assert office.states() == {"a": (MailState.QUARANTINED, Cause.FAILED.value)}
    with office.database.read() as session:
        told = [*session.scalars(select(FileRow.problem)), *session.scalars(select(AuditRow.details))]
    assert "ValueError" in str(told)
    assert scripted_workshop.WRITTEN not in str(told)


def test_a_reading_whose_decoder_was_killed_is_thrown_away_and_done_again(office: Office, sandbox: Sandbox) -> None:
    usual = office.desk.shop.read

    def read(pages: Iterable[PageImage]) -> list[Document]:
        first, *others = _with_the_decoder_killed(pages, sandbox)
        office.desk.shop = Workshop(usual)
        return usual([first, *others])

    office.desk.shop = Workshop(read)
    image = Image.new("1", (BLANK, 20_000), 1)  # more than fits into the pipe: the child is still there
    file = io.BytesIO()
    image.save(file, "TIFF", save_all=True, append_images=[image, image], dpi=(100, 100))
    office.take_in(a=file.getvalue())
    office.work()
    assert office.count(DocumentRow) == 0
    with office.database.read() as session:
        step = session.scalars(select(StepRow).where(StepRow.name == StepName.READ)).one()
        assert (step.state, step.attempts, step.cause) == (StepState.WAITING, 1, Cause.CRASHED)
    later = office.database.now() + timedelta(minutes=5)
    sweep(office.database, later)
    office.work()
    assert office.states() == {"a": (MailState.PUBLISHED, None)}
    assert office.count(RevisionRow) == 3


def _with_the_decoder_killed(pages: Iterable[PageImage], sandbox: Sandbox) -> Iterator[PageImage]:
    coming = iter(pages)
    yield next(coming)
    for child in below(sandbox._template.pid):
        with suppress(ProcessLookupError):  # the first of them takes the others along
            os.kill(child, signal.SIGKILL)
    yield from coming


def _standing(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def test_pages_the_reading_forgets_are_never_passed_over(office: Office) -> None:
    office.take_in(a=scan(BLANK, scripted_workshop.IS_FORGOTTEN))
    office.work()
    assert (office.count(DocumentRow), office.count(RevisionRow)) == (0, 0)
    with office.database.read() as session:
        step = session.scalars(select(StepRow).where(StepRow.name == StepName.READ)).one()
    assert "Miscounted" in (step.problem or "")


def test_the_same_scan_handed_over_twice_is_two_pieces(office: Office) -> None:
    office.take_in(a=scan(BLANK), b=scan(BLANK))
    office.work()
    assert set(office.states().values()) == {(MailState.PUBLISHED, None)}
    assert office.count(PieceRow) == 2
    with office.database.read() as session:
        ids = [json.loads(body)["record_id"] for body in session.scalars(select(RevisionRow.body))]
    assert len(set(ids)) == 2
