"""The service at a glance says what stands in the database, on either kind of it."""

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import select

from intake import overview, steps, whereabouts
from intake.database.engine import Database
from intake.database.tables import ReconciliationRow, StepRow, WorkerRow
from intake.overview import Overview, Throughput
from intake.overview_screen import screen
from intake.service import Service
from intake.settings import Settings
from intake.store.opening import open_store
from schemas.errors import Cause
from schemas.states import MailState, StepName, StepState
from tests.integration.database.small_world import BROKEN, MINUTE, NOW, claimed, receive_files, unpack

SECOND = timedelta(seconds=1)


@pytest.fixture
def seen(database: Database, tmp_path: Path) -> Overview:
    """Four pieces of two pages: one published half a minute ago, one in review for five, one set aside, one being read
    by a living worker; a file that waits; another worker idle, one gone with a lease."""
    with database.write() as session:
        first, _second, third = receive_files(session, 3)
        pieces = unpack(session, first, pieces=4, pages=2)
        whereabouts.move_piece(session, pieces[0], MailState.PUBLISHED, NOW - 30 * SECOND)
        whereabouts.move_piece(session, pieces[1], MailState.IN_REVIEW, NOW - 5 * MINUTE)
        for piece, worker in zip(pieces[2:], ("worker-1", "worker-2"), strict=True):
            step = session.scalars(select(StepRow.id).where(StepRow.piece_id == piece)).one()
            claim = claimed(steps.claim_one(session, step, worker, NOW - 4 * SECOND))
            if worker == "worker-1":
                steps.quarantine(session, claim, BROKEN, NOW)
        step = session.scalars(select(StepRow.id).where(StepRow.file_id == third)).one()
        claimed(steps.claim_one(session, step, "worker-9", NOW - 5 * MINUTE))
        for name, sign, idle in (("worker-1", 2, NOW - MINUTE), ("worker-2", 3, None), ("worker-9", 300, None)):
            started, at = NOW - 60 * MINUTE, NOW - sign * SECOND
            session.add(WorkerRow(name=name, started_at=started, seen_at=at, idle_since=idle, steps_done=7))
        session.add(ReconciliationRow(at=NOW - MINUTE, seconds=0.1, difference=0, differences={}, actor="anna"))
    store = open_store(str(tmp_path / "store"))
    return overview.take(Service(Settings(home=tmp_path), database.with_clock(lambda: NOW), store))


def test_it_says_how_fast_it_goes_and_where_mail_stands(seen: Overview) -> None:
    assert seen.throughput == (Throughput(1, 1.0, 2.0), Throughput(10, 0.2, 0.4))
    assert {state: standing.count for state, standing in seen.mail["pieces"].items()} == {
        MailState.IN_WORK: 1,
        MailState.IN_REVIEW: 1,
        MailState.PUBLISHED: 1,
        MailState.QUARANTINED: 1,
        MailState.REJECTED: 0,
    }
    assert seen.steps[StepName.READ, StepState.RUNNING] == 1
    assert seen.oldest_ready_seconds == 0.0
    assert seen.quarantine == {Cause.DAMAGED: 1}
    assert seen.reconciled == (60.0, 0)
    assert (seen.free_bytes or 0) > 0


def test_it_says_who_works_who_is_idle_and_who_is_gone(seen: Overview) -> None:
    idle, working, gone = seen.workers
    assert (idle.name, idle.is_alive, idle.step, idle.idle_seconds, idle.seen_seconds) == (
        "worker-1", True, None, 60.0, 2.0,
    )  # fmt: skip
    assert (working.name, working.is_alive, working.step, working.seconds) == ("worker-2", True, StepName.READ, 4.0)
    assert working.subject == "piece 4"
    assert (gone.name, gone.is_alive, gone.step, gone.subject) == ("worker-9", False, StepName.UNPACK, "file 3")


def test_as_json_it_holds_the_same(seen: Overview) -> None:
    told = seen.as_json()
    assert told["per_minute"] == {"1_min": {"pieces": 1.0, "pages": 2.0}, "10_min": {"pieces": 0.2, "pages": 0.4}}
    assert told["mail"]["pages"]["in_review"] == {"count": 2, "oldest_seconds": 300.0}  # type: ignore[index]
    assert told["steps"]["read"] == {"ready": 2, "running": 1, "waiting": 0, "quarantined": 1}  # type: ignore[index]
    assert [worker["name"] for worker in told["workers"]] == ["worker-1", "worker-2", "worker-9"]  # type: ignore[attr-defined]
    assert told["quarantine"] == {"damaged": 1}


def drawn(seen: Overview, columns: int = 80, low_water_bytes: int = 0) -> list[str]:
    console = Console(width=columns, file=io.StringIO())
    with console.capture() as shown:
        console.print(screen(seen, low_water_bytes=low_water_bytes, stalled_seconds=130))
    return shown.get().splitlines()


def line_of(lines: list[str], word: str) -> list[str]:
    return next(line for line in lines if word in line).replace("│", " ").split()


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_on_a_screen_nothing_is_cut_off(seen: Overview, columns: int) -> None:
    lines = drawn(seen, columns)
    assert all(len(line) <= columns for line in lines)
    assert "…" not in "".join(lines)
    assert line_of(lines, "in review")[:6] == ["in", "review", "1", "2", "0", "5"]
    assert line_of(lines, "quarantined")[:5] == ["quarantined", "1", "2", "0", "0"]
    assert line_of(lines, "worker-9")[:5] == ["worker-9", "gone", "unpack", "file", "3"]
    assert line_of(lines, "damaged")[-2:] == ["damaged", "1"]
    assert "Workers: 2 alive" in "".join(lines)
    assert "balance, 1 min ago" in "".join(lines)


def test_what_is_wrong_is_said_in_words_and_not_in_colour_alone(seen: Overview) -> None:
    wrong = replace(seen, free_bytes=5 * 1024**2, reconciled=(60.0, 3), workers=())
    text = "".join(drawn(wrong, low_water_bytes=10 * 1024**2))
    assert "DIFFERENCE 3" in text
    assert "too little" in text
    assert "none: start `postroom worker`" in text
    assert "does not answer" in "".join(drawn(replace(seen, free_bytes=None)))
