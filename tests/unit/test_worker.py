"""Small parts of the runner: the stopwatch, and the lines shown in logs."""

import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from intake.gather import FoundFile
from intake.output import CannotWrite, RecordFile
from intake.progress import BarProgress, LineProgress, progress_on
from intake.summary import FileResult, Summary
from intake.summary_table import print_summary
from intake.worker import Stopwatch
from schemas.errors import Cause
from schemas.extraction import Failure


def busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def test_a_stage_within_a_stage_is_counted_once() -> None:
    watch = Stopwatch()
    started = time.perf_counter()
    with watch.stage("outer"):
        busy(0.002)
        with watch.stage("inner"):
            busy(0.002)
    whole = time.perf_counter() - started
    seconds = watch.take()
    assert seconds["outer"] >= 0.002
    assert seconds["inner"] >= 0.002
    assert seconds["outer"] + seconds["inner"] <= whole
    assert watch.take() == {}


def test_a_stage_that_raises_is_counted_and_left() -> None:
    watch = Stopwatch()
    with pytest.raises(ValueError, match="oh"), watch.stage("read"):
        raise ValueError("oh")
    with watch.stage("next"):
        busy(0.001)
    assert set(watch.take()) == {"read", "next"}


def test_records_are_whole_lines_and_an_earlier_file_is_replaced(tmp_path: Path) -> None:
    output = tmp_path / "r.jsonl"
    output.write_bytes(b"left over from yesterday, and longer than what comes today")
    with RecordFile(output) as records:
        records.write(b'{"a": 1}')
        records.write(b'{"b": 2}')
        records.finish()
    assert output.read_bytes() == b'{"a": 1}\n{"b": 2}\n'


def test_records_hold_what_people_wrote_and_are_for_their_owner_only(tmp_path: Path) -> None:
    with RecordFile(tmp_path / "r.jsonl"):
        pass
    assert (tmp_path / "r.jsonl").stat().st_mode & 0o077 == 0


def test_a_device_without_room_is_told_at_the_first_record() -> None:
    with RecordFile(Path("/dev/full")) as records, pytest.raises(CannotWrite, match=r"No space left.* 0 whole records"):
        records.write(b"{}")


def test_logs_get_lines_and_terminals_a_bar() -> None:
    assert isinstance(progress_on(Console(file=io.StringIO()), []), LineProgress)
    assert isinstance(progress_on(Console(file=io.StringIO(), force_terminal=True), []), BarProgress)


def test_a_hostile_file_name_cannot_steer_the_terminal() -> None:
    summary = Summary()
    failure = Failure(Cause.EMPTY, "The file is empty.", "Send it again.")
    summary.add("\x1b[2J[red]scan.tif\n", FileResult("scan.tif", (), 0, {}, (), (failure,)))
    screen = io.StringIO()
    print_summary(summary, Console(file=screen, force_terminal=True, width=200))
    assert "\x1b[2J" not in screen.getvalue()
    assert "[red]scan.tif" in screen.getvalue()


def test_a_bar_counts_files_and_pages() -> None:
    screen = io.StringIO()
    found = [FoundFile(Path("a.tif"), 100), FoundFile(Path("b.tif"), 300)]
    with BarProgress(found, Console(file=screen, force_terminal=True, width=120)) as bar:
        bar.page()
        bar.page()
        bar.file(found[0], FileResult("a.tif", (), 2, {}, (), ()))
        bar.tick()
    assert "1/2 files" in screen.getvalue()
    assert "2 pages" in screen.getvalue()
