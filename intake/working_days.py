"""Working days, by which post is measured: Monday to Friday. Holidays are not known here, so that a target is never
later than the office thinks."""

from datetime import date, timedelta
from typing import Final

_FIRST_DAY_OFF: Final = 5  # Saturday, counted from Monday as 0


def after(day: date, working_days: int) -> date:
    """The day so many working days after `day`; of a Saturday the first is the Monday."""
    found = day
    while working_days > 0:
        found += timedelta(days=1)
        if is_working_day(found):
            working_days -= 1
    return found


def before(day: date, working_days: int) -> date:
    """The latest day that lies so many working days before `day`."""
    found = day
    while after(found, working_days) > day:
        found -= timedelta(days=1)
    return found


def between(earlier: date, later: date) -> int:
    """How many working days lie behind `earlier`, up to and with `later`; 0 if it is not later."""
    days = max(0, (later - earlier).days)
    weeks, rest = divmod(days, 7)
    return weeks * 5 + sum(is_working_day(later - timedelta(days=back)) for back in range(rest))


def is_working_day(day: date) -> bool:
    """Whether it is a Monday to Friday."""
    return day.weekday() < _FIRST_DAY_OFF
