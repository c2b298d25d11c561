"""The target: within how many working days of its receipt a batch is to be done."""

from dataclasses import dataclass
from datetime import date, timedelta

from intake.working_days import Deadline


@dataclass(frozen=True, slots=True)
class Target:
    """How a batch stands against its target on one day.

    due_on:   the last day on which it is in time.
    days:     working days since it was received, until it was done, or until today.
    late_by:  working days beyond `due_on`; 0 if it is in time.
    """

    due_on: date
    days: int
    late_by: int

    @property
    def is_late(self) -> bool:
        return self.late_by > 0


def target_of(received_on: date, until: date, deadline: Deadline) -> Target:
    """until: the day it was done, or today."""
    due_on, calendar = deadline.due_on(received_on), deadline.calendar
    return Target(due_on, calendar.between(received_on, until), calendar.between(due_on, until))


def last_late_receipt(today: date, deadline: Deadline) -> date:
    """What was received on that day or earlier, and is not done, is late today."""
    found = deadline.calendar.before(today, deadline.days)
    # One working day beyond the target, not merely a weekend or a holiday.
    while target_of(found, today, deadline).late_by == 0:
        found -= timedelta(days=1)
    return found
