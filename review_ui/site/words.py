"""How moments, spans and counts are written on pages: one way everywhere."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def moment(at: datetime) -> str:
    """A moment, to the minute, by the clock of this machine: "3 March 2026, 14:05"."""
    local = at.astimezone()
    return f"{local.day} {local:%B %Y}, {local:%H:%M}"


def moment_to_the_second(at: datetime) -> str:
    """A moment where seconds matter: "3 March 2026, 14:05:09"."""
    return f"{moment(at)}:{at.astimezone():%S}"


def capitalise(text: str) -> str:
    """With a capital letter at its beginning, and all else as it is."""
    return text[:1].upper() + text[1:]


def day(on: date) -> str:
    """A day, without the year where it is near: "Thu 5 March"."""
    return f"{on:%a} {on.day} {on:%B}"


def span(length: timedelta | float) -> str:
    """How long, in the one or two units that matter: "2 days 4 hours", "5 minutes", "12 seconds"."""
    seconds = int(length.total_seconds() if isinstance(length, timedelta) else length)
    if seconds < _MINUTE:
        return _many(seconds, "second")
    if seconds < _HOUR:
        return _many(seconds // _MINUTE, "minute")
    if seconds < _DAY:
        return _two(seconds // _HOUR, "hour", seconds % _HOUR // _MINUTE, "minute")
    return _two(seconds // _DAY, "day", seconds % _DAY // _HOUR, "hour")


def number(value: int) -> str:
    """A count with its thousands parted: "45,000"."""
    return f"{value:,}"


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "day": day,
    "capitalise": capitalise,
    "moment": moment,
    "moment_to_the_second": moment_to_the_second,
    "number": number,
    "span": span,
}


def _many(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return _many(large, large_unit) + (f" {_many(small, small_unit)}" if small else "")
