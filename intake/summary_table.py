"""The summary of a run as tables for people."""

from rich.console import Console
from rich.table import Table

from intake.summary import Summary
from schemas.field import FieldStatus
from schemas.page import PageLabel

_REVIEW = (FieldStatus.REVIEW, FieldStatus.UNREADABLE, FieldStatus.NOT_FOUND)
_ACCEPTED = (FieldStatus.ACCEPTED, FieldStatus.CONFIRMED, FieldStatus.CORRECTED)


def print_summary(summary: Summary, console: Console) -> None:
    """Documents per form type and edition, what became of pages and files, and every failure with its remedy."""
    if summary.documents:
        console.print(_documents(summary))
    pages = ", ".join(f"{summary.pages[label]} {label.value}" for label in PageLabel)
    _say(console, f"Pages: {summary.pages_received} received = {pages}")
    files = (
        f"{summary.files['read']} read, {summary.files['partly_read']} partly read, {summary.files['failed']} failed"
    )
    _say(console, f"Files: {summary.files.total()} received = {files}")
    if summary.wall_seconds:
        speed = summary.pages_received / summary.wall_seconds
        _say(console, f"Time: {summary.wall_seconds:.1f} s with {summary.workers} workers, {speed:.2f} pages/s")
    for failed in summary.failures:
        failure = failed.failure
        page = "" if failure.page is None else f", page {failure.page}"
        _say(
            console, f"[red]Failed[/red] {_plain(failed.path)}{page}: {_plain(failure.problem)} ({failure.cause.value})"
        )
        _say(console, f"       {_plain(failure.remedy)}")
    for mismatch in summary.mismatches:
        _say(console, f"[red]Does not add up[/red] {_plain(mismatch)}")


def _documents(summary: Summary) -> Table:
    table = Table(title="Documents", title_justify="left")
    table.add_column("Form type", no_wrap=True)
    table.add_column("Edition", no_wrap=True)
    for heading in ("Documents", "Fields accepted", "To review", "Blank"):
        table.add_column(heading, justify="right")
    for entry in sorted(summary.documents, key=lambda kind: (kind[0] is None, kind[0] or "", kind[1] or "")):
        statuses = summary.fields[entry]
        table.add_row(
            _plain(entry[0]) if entry[0] else "no known form",
            _plain(entry[1]) if entry[1] else "",
            str(summary.documents[entry]),
            str(sum(statuses[status] for status in _ACCEPTED)),
            str(sum(statuses[status] for status in _REVIEW)),
            str(statuses[FieldStatus.BLANK]),
        )
    return table


def _plain(text: str) -> str:
    """Text that came from outside (a file's name), so that it can neither colour nor steer the terminal."""
    visible = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return visible.replace("[", r"\[")


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, soft_wrap=True)
