"""Today: where the post of the day stands, understood in five seconds; every number leads to its list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from intake.ledger import Standing
from intake.office.today import KINDS, Attention, Hour, Need
from intake.office.today import Today as Numbers
from intake.people.person import Person
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.policy import AsPerson, SiteRoute, allows
from review_ui.site.shell import render
from review_ui.site.state_words import CAUSES, STATES, StateWords
from review_ui.site.words import number
from schemas.people import Right
from schemas.states import MailState

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_CHART_WIDTH, _CHART_HEIGHT, _CHART_LEFT, _CHART_TOP, _CHART_BOTTOM = 720, 190, 46, 12, 26
_GAP: Final = 4  # between two bars
_STEPS: Final = (1, 2, 5)
_LABEL_EVERY: Final = 4  # hours


@dataclass(frozen=True, slots=True)
class Row:
    """A state in the books: how many stand there, where their list is, and since when the oldest waits."""

    state: MailState
    words: StateWords
    counts: tuple[int, ...]
    address: str
    oldest: datetime | None
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the chart."""

    x: float
    y: float
    width: float
    height: float
    label: str
    label_x: float
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the chart, and the number it stands for."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Pages read per hour, as bars."""

    width: int
    height: int
    left: int
    base: int
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    hours: Sequence[Hour]
    summary: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """What needs attention, in words. address: where to look; "" for nowhere on this site."""

    is_urgent: bool
    words: str
    to_do: str
    address: str
    link: str


@router.get("/today")
@allows(Right.SEE_TODAY)
def today(request: Request, desk: AtSite, person: AsPerson) -> Response:
    """The page."""
    return render(request, "site/today.html", **_values(desk, person))


@router.get("/today/numbers")
@allows(Right.SEE_TODAY, quiet=True, gives_page=False)
def numbers(request: Request, desk: AtSite, person: AsPerson) -> Response:
    """All that changes on the page. The open page asks for it now and then."""
    return render(request, "site/today_numbers.html", **_values(desk, person))


def _values(desk: SiteDesk, person: Person) -> dict[str, Any]:
    found = desk.day_book.today()
    sees_documents = person.may(Right.SEE_DOCUMENTS)
    return {
        "today": found,
        "rows": _rows(found, sees_documents=sees_documents),
        "differences": {kind: found.differs_by(kind) for kind in KINDS},
        "untouched_share": _share(found.untouched, found.published),
        "alarms": [_alarm(each, found) for each in found.attention],
        "chart": chart_of(found.hours),
        "waiting": found.states["pieces"][MailState.IN_REVIEW].count,
        "late_address": "/batches?which=late",
        "sees_documents": sees_documents,
    }


def _rows(found: Numbers, *, sees_documents: bool) -> tuple[Row, ...]:
    return tuple(_row(found, state, words, sees_documents=sees_documents) for state, words in STATES.items())


def _row(found: Numbers, state: MailState, words: StateWords, *, sees_documents: bool) -> Row:
    standings: list[Standing] = [found.states[kind][state] for kind in KINDS]
    oldest = min((each.oldest for each in standings if each.oldest is not None), default=None)
    is_over = state in (MailState.PUBLISHED, MailState.REJECTED)
    return Row(
        state=state,
        words=words,
        counts=tuple(each.count for each in standings),
        address=_list_of(state, sees_documents=sees_documents),
        oldest=None if is_over else oldest,
        oldest_seconds=None if is_over or oldest is None else max(0.0, (found.at - oldest).total_seconds()),
    )


def _list_of(state: MailState, *, sees_documents: bool) -> str:
    """Where everything in that state is listed; "" for those who may not see it."""
    if state is MailState.QUARANTINED:
        return "/set-aside"
    return f"/documents?state={state}" if sees_documents else ""


def _alarm(each: Attention, found: Numbers) -> Alarm:
    count = number(each.count)
    match each.need:
        case Need.BOOKS:
            words = f"The books do not balance: {count} differences."
            return Alarm(True, words, "Tell whoever runs the service: postroom reconcile says what is missing.", "", "")
        case Need.NO_WORKER:
            words = f"Nobody reads: {count} files wait and no worker is alive."
            return Alarm(True, words, "Tell whoever runs the service: postroom top shows its workers.", "", "")
        case Need.NO_ROOM:
            return Alarm(
                True, "There is too little room: uploads are refused.", "Tell whoever runs the service.", "", ""
            )
        case Need.LATE:
            late = "1 batch is" if each.count == 1 else f"{count} batches are"
            oldest = _oldest_words(found.oldest_receipt)
            return Alarm(True, f"{late} beyond the target.", oldest, "/batches?which=late", "See late batches")
        case Need.SET_ASIDE:
            parts = ", ".join(f"{CAUSES[cause].lower()} {number(n)}" for cause, n in found.set_aside.items())
            one = each.count == 1
            words = f"{count} {'file or piece is' if one else 'files or pieces are'} set aside ({parts})."
            return Alarm(False, words, "Each says what to do.", "/set-aside", "See what is set aside")


def _oldest_words(day: date | None) -> str:
    return "" if day is None else f"The oldest was received on {day.day} {day:%B %Y}."


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}".replace("%", " %") if whole else ""


def chart_of(hours: Sequence[Hour]) -> Chart:
    """The pages read in each hour as bars, with round numbers at the side."""
    most = max((hour.pages_read for hour in hours), default=0)
    step, top = _scale(most)
    room = _CHART_HEIGHT - _CHART_TOP - _CHART_BOTTOM
    base = _CHART_HEIGHT - _CHART_BOTTOM
    pitch = (_CHART_WIDTH - _CHART_LEFT) / max(1, len(hours))
    bars = []
    for place, hour in enumerate(hours):
        begin = hour.begin.astimezone()
        height = round(room * hour.pages_read / top, 1)
        x = _CHART_LEFT + place * pitch
        label = f"{begin:%H}:00" if begin.hour % _LABEL_EVERY == 0 else ""
        words = f"{begin:%H:%M}: {number(hour.pages_read)} pages read, {number(hour.pieces_published)} pieces published"
        bars.append(
            Bar(
                round(x + _GAP / 2, 1),
                base - height,
                round(pitch - _GAP, 1),
                height,
                label,
                round(x + pitch / 2, 1),
                words,
            )
        )
    lines = tuple(Line(round(base - room * value / top, 1), number(value)) for value in range(0, top + 1, step))
    total = sum(hour.pages_read for hour in hours)
    busiest = max(hours, key=lambda hour: hour.pages_read, default=None)
    summary = f"{number(total)} pages were read in the last {len(hours)} hours."
    if busiest is not None and busiest.pages_read:
        summary += f" The busiest hour began at {busiest.begin.astimezone():%H:%M}, with {number(busiest.pages_read)}."
    return Chart(_CHART_WIDTH, _CHART_HEIGHT, _CHART_LEFT, base, tuple(bars), lines, hours, summary)


def _scale(most: int) -> tuple[int, int]:
    """A round step, and a multiple of it that is not below `most`: at most five lines."""
    size = 1
    while True:
        for step in _STEPS:
            if step * size * 4 >= most:
                return step * size, max(step * size, -(-most // (step * size)) * step * size)
        size *= 10
