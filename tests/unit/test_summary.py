"""The numbers of a run, and that they must add up."""

from collections import Counter

from intake.summary import FileResult, Summary
from schemas.errors import Cause
from schemas.extraction import Failure
from schemas.page import PageLabel

FAILURE = Failure(Cause.DAMAGED, "Page 2 is damaged.", "Scan it again.", 2)


def result(received: int, failures: tuple[Failure, ...] = (), **labels: int) -> FileResult:
    return FileResult(
        name="a.tif",
        records=(b"{}",),
        received=received,
        labels={PageLabel(label): count for label, count in labels.items()},
        documents=(),
        failures=failures,
    )


def test_files_are_read_partly_read_or_failed() -> None:
    summary = Summary()
    summary.add("a.tif", result(2, content=1, blank=1))
    summary.add("b.tif", result(2, (FAILURE,), content=1, failed=1))
    summary.add("c.tif", result(1, (FAILURE,), failed=1))
    summary.add("d.txt", result(0, (FAILURE,)))
    assert summary.files == Counter(read=1, partly_read=1, failed=2)


def test_a_run_in_which_every_page_has_a_label_adds_up() -> None:
    summary = Summary()
    summary.add("a.tif", result(3, content=1, blank=1, separator=1))
    summary.check(files_received=1, records_written=1)
    assert summary.as_json()["difference"] == 0
    assert summary.as_json()["pages"] == {"received": 3, "content": 1, "blank": 1, "separator": 1, "failed": 0}


def test_a_page_without_a_label_does_not_add_up() -> None:
    summary = Summary()
    summary.add("a.tif", result(3, content=2))
    summary.check(files_received=1, records_written=1)
    assert summary.mismatches == ["3 pages received, but 2 accounted for"]


def test_a_file_or_a_record_too_few_does_not_add_up() -> None:
    summary = Summary()
    summary.add("a.tif", result(1, content=1))
    summary.check(files_received=2, records_written=0)
    assert summary.mismatches == ["2 files received, but 1 accounted for", "1 records received, but 0 accounted for"]
