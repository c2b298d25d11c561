"""The overview on a terminal: one screen, the alarming parts in colour and in words."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from intake import queue_length
from intake.overview import Overview, Worker, steps_of
from schemas.states import MailState, StepName, StepState

_GOOD, _BAD, _FAINT, _HEAD = "green", "bold red", "dim", "bold cyan"
_KINDS: Final = ("pieces", "pages", "files")
_SHORT: Final = {StepState.QUARANTINED: "set aside"}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def screen(overview: Overview, *, low_water_bytes: int, stalled_seconds: float) -> RenderableType:
    """All of it, from 80 columns on. low_water_bytes, stalled_seconds: from where on room and waiting are alarming."""
    return Group(
        _title(overview),
        _beside(_mail(overview), _pace(overview, low_water_bytes), lines=len(MailState) + 1),
        _beside(_steps(overview, stalled_seconds), _quarantine(overview), lines=max(5, len(overview.quarantine) + 1)),
        _workers(overview.workers),
    )


def _beside(left: Panel, right: Panel, *, lines: int) -> Table:
    """Two panels of the same height, in fixed shares of the width."""
    row = Table.grid(expand=True)
    row.add_column(ratio=8)
    row.add_column(ratio=5)
    left.height = right.height = lines + 2  # with its frame
    row.add_row(left, right)
    return row


def _title(overview: Overview) -> Text:
    moment = overview.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return Text.assemble((" Postroom ", "bold white on blue"), f"  {moment}")


def _pace(overview: Overview, low_water_bytes: int) -> Panel:
    pace = _table("a minute", *(f"{each.minutes} min" for each in overview.throughput))
    pace.add_row("pieces", *(f"{each.pieces:,.1f}" for each in overview.throughput))
    pace.add_row("pages", *(f"{each.pages:,.1f}" for each in overview.throughput))
    rest = Table.grid(padding=(0, 2))
    rest.add_row("store", _store(overview, low_water_bytes))
    rest.add_row("books", _books(overview))
    return _panel("Pace and room", Group(pace, Text(), rest))


def _store(overview: Overview, low_water_bytes: int) -> Text:
    if overview.free_bytes is None:
        return Text("does not answer", _BAD)
    free = f"{overview.free_bytes / 1024**3:,.1f} GiB"
    if overview.free_bytes < low_water_bytes:
        return Text(f"too little: {free}", _BAD)
    return Text(f"{free} free", _GOOD)


def _books(overview: Overview) -> Text:
    if overview.reconciled is None:
        return Text("never balanced", _FAINT)
    seconds, difference = overview.reconciled
    if difference:
        return Text(f"DIFFERENCE {difference:,}", _BAD)
    return Text.assemble(("balance", _GOOD), (f", {_span(seconds)} ago", _FAINT))


def _mail(overview: Overview) -> Panel:
    """A row for each state, with the age of what has been there longest."""
    table = _table("", *_KINDS, "oldest")
    for state in MailState:
        standings = [overview.mail[kind][state] for kind in _KINDS]
        style = _BAD if state is MailState.QUARANTINED and any(standing.count for standing in standings) else ""
        since = [standing.oldest for standing in standings if standing.oldest is not None]
        oldest = _span((overview.at - min(since)).total_seconds() if since else None)
        counts = (Text(f"{standing.count:,}", style) for standing in standings)
        table.add_row(state.value.replace("_", " "), *counts, Text(oldest, _FAINT))
    return _panel("Where mail stands", table)


def _steps(overview: Overview, stalled_seconds: float) -> Panel:
    table = _table("", *(_SHORT.get(state, state.value) for state in queue_length.COUNTED))
    for name in StepName:
        table.add_row(name.value, *(f"{count:,}" for count in steps_of(overview, name)))
    waiting = overview.oldest_ready_seconds
    # A long queue is no fault as long as somebody works on it.
    is_at_work = any(overview.steps.get((name, StepState.RUNNING)) for name in StepName)
    style = _BAD if waiting is not None and waiting > stalled_seconds and not is_at_work else _FAINT
    return _panel("Steps", Group(table, Text(f"longest ready: {_span(waiting)}", style)))


def _quarantine(overview: Overview) -> Panel:
    if not overview.quarantine:
        return _panel("Quarantine", Text("empty", _GOOD))
    table = Table.grid(expand=True)
    table.add_column()
    table.add_column(justify="right", style=_BAD)
    for cause, count in sorted(overview.quarantine.items(), key=lambda each: -each[1]):
        table.add_row(cause.value.replace("_", " "), f"{count:,}")
    return _panel("Quarantine", Group(table, Text("postroom quarantine list", _FAINT)))


def _workers(workers: Sequence[Worker]) -> Panel:
    table = _table("host/process", "for", "done", "last sign", texts=("state", "in hand"))
    for worker in workers:
        table.add_row(
            Text(worker.name, "" if worker.is_alive else _FAINT),
            _state(worker),
            f"{worker.step.value} {worker.subject}" if worker.step is not None else "",
            _span(worker.seconds if worker.step is not None else worker.idle_seconds),
            f"{worker.steps_done:,}",
            Text(f"{_span(worker.seen_seconds)} ago", "" if worker.is_alive else _BAD),
        )
    alive = sum(worker.is_alive for worker in workers)
    if not table.row_count:
        return _panel("Workers", Text("none: start `postroom worker`", _BAD))
    return _panel(f"Workers: {alive} alive", table)


def _state(worker: Worker) -> Text:
    if not worker.is_alive:
        return Text("gone", _BAD)
    return Text("working", _GOOD) if worker.step is not None else Text("idle", _FAINT)


def _table(first: str, *numbers: str, texts: Sequence[str] = ()) -> Table:
    """A table without lines: what it is about, then texts, then numbers flush right."""
    table = Table(box=None, expand=True, pad_edge=False, header_style=_HEAD)
    for name in (first, *texts):
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _panel(title: str, inside: RenderableType) -> Panel:
    return Panel(inside, title=title, title_align="left", border_style="blue")


def _span(seconds: float | None) -> str:
    """A time in the unit that says most; "-" for none."""
    if seconds is None:
        return "-"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.1f} d"
