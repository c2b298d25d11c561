"""Working days, by which post is measured: Monday to Friday without the holidays the office has named."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_FIRST_DAY_OFF: Final = 5  # Saturday, counted from Monday as 0


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked. holidays: on which nobody works, whatever day of the week they are."""

    holidays: frozenset[date] = frozenset()

    def after(self, day: date, working_days: int) -> date:
        """The day so many working days after `day`; of a Saturday the first is the Monday."""
        found = day
        while working_days > 0:
            found += timedelta(days=1)
            if self.is_working_day(found):
                working_days -= 1
        return found

    def before(self, day: date, working_days: int) -> date:
        """The latest day that lies so many working days before `day`."""
        found = day
        while self.after(found, working_days) > day:
            found -= timedelta(days=1)
        return found

    def between(self, earlier: date, later: date) -> int:
        """How many working days lie behind `earlier`, up to and with `later`; 0 if it is not later."""
        days = max(0, (later - earlier).days)
        weeks, rest = divmod(days, 7)
        weekdays = weeks * 5 + sum(_is_weekday(later - timedelta(days=back)) for back in range(rest))
        return weekdays - sum(earlier < holiday <= later and _is_weekday(holiday) for holiday in self.holidays)

    def is_working_day(self, day: date) -> bool:
        """Whether it is a Monday to Friday, and no holiday."""
        return _is_weekday(day) and day not in self.holidays


@dataclass(frozen=True, slots=True)
class Deadline:
    """Within how many working days of its receipt post is to be done, by which calendar."""

    days: int = 5
    calendar: Calendar = Calendar()

    def due_on(self, received_on: date) -> date:
        """The last day on which what was received on that day is done in time."""
        return self.calendar.after(received_on, self.days)


def _is_weekday(day: date) -> bool:
    return day.weekday() < _FIRST_DAY_OFF
