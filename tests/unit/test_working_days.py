"""Working days: Monday to Friday without holidays, by the calendar of 2026."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.working_days import Calendar

MONDAY = date(2026, 3, 2)
FRIDAY, SATURDAY, SUNDAY = (MONDAY + timedelta(days=days) for days in (4, 5, 6))
PLAIN = Calendar()
# Good Friday, Easter Monday, Christmas Day and the substitute for Boxing Day in England and Wales in 2026.
ENGLISH = Calendar(frozenset({date(2026, 4, 3), date(2026, 4, 6), date(2026, 12, 25), date(2026, 12, 28)}))


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (MONDAY, 0, MONDAY),
        (MONDAY, 1, date(2026, 3, 3)),
        (MONDAY, 5, date(2026, 3, 9)),
        (FRIDAY, 1, date(2026, 3, 9)),
        (SATURDAY, 1, date(2026, 3, 9)),
        (SUNDAY, 5, date(2026, 3, 13)),
    ],
)
def test_a_target_counts_no_weekend(day: date, days: int, expected: date) -> None:
    assert PLAIN.after(day, days) == expected


def test_from_friday_to_monday_is_one_working_day() -> None:
    assert PLAIN.between(FRIDAY, MONDAY + timedelta(days=7)) == 1
    assert PLAIN.between(FRIDAY, SUNDAY) == 0
    assert PLAIN.between(MONDAY, MONDAY) == 0
    assert PLAIN.between(FRIDAY, MONDAY) == 0


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (date(2026, 4, 2), 0, date(2026, 4, 2)),
        (date(2026, 4, 2), 1, date(2026, 4, 7)),  # from Maundy Thursday to the Tuesday after Easter
        (date(2026, 4, 4), 1, date(2026, 4, 7)),
        (date(2026, 3, 31), 5, date(2026, 4, 9)),
        (date(2026, 12, 24), 3, date(2026, 12, 31)),
    ],
)
def test_a_target_counts_no_holiday(day: date, days: int, expected: date) -> None:
    assert ENGLISH.after(day, days) == expected
    assert ENGLISH.between(day, expected) == days


def test_a_holiday_on_a_weekend_changes_nothing() -> None:
    calendar = Calendar(frozenset({SATURDAY, SUNDAY}))
    assert calendar.after(FRIDAY, 1) == date(2026, 3, 9)
    assert calendar.between(FRIDAY, date(2026, 3, 9)) == 1


def test_nothing_ages_on_a_holiday() -> None:
    assert ENGLISH.between(date(2026, 4, 2), date(2026, 4, 6)) == 0
    assert ENGLISH.before(date(2026, 4, 6), 1) == date(2026, 4, 1)


CALENDARS = st.builds(Calendar, st.frozensets(st.dates(date(2025, 12, 1), date(2026, 3, 1)), max_size=20))


@given(st.dates(date(2025, 11, 1), date(2026, 3, 15)), st.integers(0, 40), CALENDARS)
def test_the_ways_of_counting_agree(day: date, days: int, calendar: Calendar) -> None:
    assert calendar.between(day, calendar.after(day, days)) == days
    earliest_late = calendar.before(day, days)
    assert calendar.after(earliest_late, days) <= day
    assert calendar.after(earliest_late + timedelta(days=1), days) > day or days == 0
