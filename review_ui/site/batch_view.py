"""A batch as its pages show it: the target in words, its states as a bar, and what is told while it moves."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from intake.office.batches import BatchLine, FileLine, PageLine, Stages
from review_ui.site.state_words import LABELS, STATES
from review_ui.site.words import day
from schemas.page import PageLabel
from schemas.states import MailState

_BAR: Final = 1000  # the width of a bar in its own units
_PAGES_OF_A_NARROW_ONE: Final = 2
_CHANNELS: Final = {"site": "on this site", "api": "by a program", "ingest": "from the command line"}
_LEAST_SEGMENT: Final = 12  # so that one of a thousand is still seen
_KIBIBYTE, _MEBIBYTE, _GIBIBYTE = 1024, 1024**2, 1024**3


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: how many stand there, and where it is drawn."""

    state: MailState
    label: str
    style: str
    count: int
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class BatchView:
    """due, tag: the target in words, and the class of its tag."""

    id: UUID
    name: str
    channel: str
    handed_over_by: str
    received_on: date
    received_at: datetime
    is_received: bool
    is_done: bool
    due: str
    due_on: date
    tag: str
    file_count: int
    bar: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class FileView:
    """A file with its pages. version: another one as soon as anything of it is shown otherwise."""

    id: UUID
    name: str
    size: str
    state: MailState
    problem: str
    remedy: str
    pages: Sequence[PageLine]
    labels: str
    is_wide: bool
    duplicate_of: tuple[UUID, str] | None
    version: str


def batch_view(line: BatchLine, today: date, names: Mapping[str, str]) -> BatchView:
    """names: what people call whoever handed it over."""
    due, tag = _due(line, today)
    return BatchView(
        id=line.id,
        name=line.name or f"Batch {line.number}",
        channel=_CHANNELS.get(line.channel, line.channel),
        handed_over_by=names.get(line.operator, line.operator),
        received_on=line.received_on,
        received_at=line.received_at,
        is_received=line.is_received,
        is_done=line.is_done,
        due=due,
        due_on=line.target.due_on,
        tag=tag,
        file_count=line.file_count,
        bar=bar_of(line.files),
    )


def bar_of(counts: Mapping[MailState, int]) -> tuple[Segment, ...]:
    """The states as parts of one bar, those that are none left out."""
    there = [(state, counts[state]) for state in STATES if counts.get(state)]
    total = sum(count for _, count in there)
    free = _BAR - _LEAST_SEGMENT * len(there)
    segments, x = [], 0
    for place, (state, count) in enumerate(there, 1):
        width = _BAR - x if place == len(there) else _LEAST_SEGMENT + round(free * count / total)
        words = STATES[state]
        segments.append(Segment(state, words.label, words.style, count, x, width))
        x += width
    return tuple(segments)


def live_values(line: BatchLine, stages: Stages) -> dict[str, Any]:
    """What an open page of the batch is told: numbers by their place on it, and whether more must be loaded anew."""
    counts = {
        "files": stages.files,
        "unpacking": stages.unpacking,
        "reading": stages.reading,
        "in_review": stages.in_review,
        "publishing": stages.publishing,
        "published": stages.published,
        "quarantined": stages.quarantined + stages.unopened.get(MailState.QUARANTINED, 0),
        "rejected": stages.rejected + stages.unopened.get(MailState.REJECTED, 0),
        "pages": sum(stages.pages.values()),
        **{f"pages_{label or 'none'}": stages.pages.get(label, 0) for label in (*PageLabel, None)},
    }
    shape = repr((sorted(line.files.items()), sorted((str(label), n) for label, n in stages.pages.items()), stages))
    return {
        "counts": counts,
        "bar": [
            {"style": part.style, "x": part.x, "width": part.width, "count": part.count, "label": part.label.lower()}
            for part in bar_of(line.files)
        ],
        "moving": stages.is_moving,
        "shape": _digest(shape),
    }


def file_view(file: FileLine) -> FileView:
    counts: dict[str, int] = {}
    for page in file.pages:
        label = LABELS[page.label]
        counts[label] = counts.get(label, 0) + 1
    shown = (file.state, file.problem, [(page.id, page.label, page.document) for page in file.pages])
    return FileView(
        id=file.id,
        name=file.name,
        size=size_in_words(file.bytes),
        state=file.state,
        problem=file.problem,
        remedy=file.remedy,
        pages=file.pages,
        labels=", ".join(f"{count} {label}" for label, count in counts.items()),
        is_wide=len(file.pages) > _PAGES_OF_A_NARROW_ONE,
        duplicate_of=file.duplicate_of,
        version=_digest(repr(shown)),
    )


def size_in_words(count: int) -> str:
    """Bytes as people say them."""
    if count < _MEBIBYTE:
        return f"{max(1, round(count / _KIBIBYTE))} kB"
    size, unit = (count / _MEBIBYTE, "MB") if count < _GIBIBYTE else (count / _GIBIBYTE, "GB")
    return f"{size:.1f} {unit}".replace(".0 ", " ")


def _due(line: BatchLine, today: date) -> tuple[str, str]:
    target = line.target
    if not line.is_received:
        return "Being received", "govuk-tag--blue"
    if line.is_done:
        words = "Done the same day" if target.days == 0 else f"Done after {_days(target.days)}"
        return (
            (f"{words}, {_days(target.late_by)} late", "govuk-tag--orange")
            if target.is_late
            else (words, "govuk-tag--green")
        )
    if target.is_late:
        return f"{_days(target.late_by)} late", "govuk-tag--red"
    if target.due_on <= today:
        return "Due today", "govuk-tag--yellow"
    return f"Due {day(target.due_on)}", "govuk-tag--grey"


def _days(count: int) -> str:
    return "1 working day" if count == 1 else f"{count} working days"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
