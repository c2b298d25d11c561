"""Working days: Monday to Friday, by the calendar of 2026."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake import working_days

MONDAY = date(2026, 3, 2)
FRIDAY, SATURDAY, SUNDAY = (MONDAY + timedelta(days=days) for days in (4, 5, 6))
DAYS = st.dates(date(2020, 1, 1), date(2035, 1, 1))


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
    assert working_days.after(day, days) == expected


def test_from_friday_to_monday_is_one_working_day() -> None:
    assert working_days.between(FRIDAY, MONDAY + timedelta(days=7)) == 1
    assert working_days.between(FRIDAY, SUNDAY) == 0
    assert working_days.between(MONDAY, MONDAY) == 0
    assert working_days.between(FRIDAY, MONDAY) == 0


@given(DAYS, st.integers(0, 40))
def test_the_ways_of_counting_agree(day: date, days: int) -> None:
    assert working_days.between(day, working_days.after(day, days)) == days
    earliest_late = working_days.before(day, days)
    assert working_days.after(earliest_late, days) <= day
    assert working_days.after(earliest_late + timedelta(days=1), days) > day or days == 0
