"""A date is found in what a reader saw of a stamp, however badly inked, and nothing else is taken for one."""

from datetime import date

import numpy as np
import pytest

from extract.receipt_dates import Layout, Span, days_in_use, likeliest_dates
from tests.unit.extract.decoding_steps import BLANK, CLASSES, Doubt, steps_of

DAYS = Span(date(2007, 1, 1), date(2012, 12, 31))
STAMPED = (Layout.YEAR_MONTH_DAY,)


def best(*lines: str | list[str | Doubt], layouts: tuple[Layout, ...] = STAMPED) -> date:
    return likeliest_dates([steps_of(list(line)) for line in lines], CLASSES, DAYS, layouts)[0].value


@pytest.mark.parametrize(
    ("seen", "meant"),
    [
        ("2009 APR 15 PM 9:39", date(2009, 4, 15)),
        ("2010DEC -8 AM 9:17", date(2010, 12, 8)),
        ("2O09 0CT 28 PM 2:03", date(2009, 10, 28)),
        ("209 JUN -9 PH 3:37", date(2009, 6, 9)),
        ("F2011 FEB-4", date(2011, 2, 4)),
    ],
)
def test_a_worn_stamp_is_read_as_the_date_it_shows(seen: str, meant: date) -> None:
    assert best(seen) == meant


def test_a_day_does_not_end_before_its_last_figure() -> None:
    assert best("2010 AUG 20 PM 3:34") == date(2010, 8, 20)
    assert best("2010 AUG 2 PM 3:34") == date(2010, 8, 2)


def test_a_date_in_figures_begins_and_ends_where_its_figures_do() -> None:
    american = (Layout.NUMERIC_MONTH_DAY_YEAR,)
    assert best("Received 11/12/2012 8:50:20 AM", layouts=american) == date(2012, 11, 12)
    assert best("Received 11/12/2012 8:50:20 AM", layouts=(Layout.NUMERIC_DAY_MONTH_YEAR,)) == date(2012, 12, 11)
    assert best("3/7/2012", layouts=american) == date(2012, 3, 7)


def test_several_pictures_of_one_line_outvote_the_one_that_is_misread() -> None:
    assert best("2010 MAR -3 PM", "2010 MAR -9 PM", "2010 MAR -9 PM") == date(2010, 3, 9)


def test_between_two_days_that_look_alike_the_working_day_is_taken() -> None:
    doubtful: list[str | Doubt] = [*"2009 OCT -", {"3": 0.5, "6": 0.45}, {BLANK: 0.99}, *" AM"]
    assert date(2009, 10, 3).weekday() == 5
    assert best(doubtful) == date(2009, 10, 6)


def test_a_picture_in_which_nothing_is_seen_holds_no_date() -> None:
    nothing = np.zeros((9, len(CLASSES)), np.float32)
    nothing[:, 0] = 1.0
    assert likeliest_dates([nothing], CLASSES, DAYS, STAMPED) == []
    assert likeliest_dates([nothing, steps_of("2010 MAR -9 PM")], CLASSES, DAYS, STAMPED)[0].value == date(2010, 3, 9)


def test_no_day_is_found_that_is_not_in_the_calendar() -> None:
    found = likeliest_dates([steps_of("2009 FEB 30 AM")], CLASSES, DAYS, STAMPED)
    assert found[0].value.month != 2 or found[0].fit < -3


def test_writing_without_a_date_fits_no_date() -> None:
    plain = likeliest_dates([steps_of("2009 APR 15")], CLASSES, DAYS, STAMPED)[0]
    other = likeliest_dates([steps_of("CRM/ISS/REGISTRATION UNIT")], CLASSES, DAYS, STAMPED)[0]
    assert plain.fit > -1.0
    assert other.fit < -20.0
    assert likeliest_dates([], CLASSES, DAYS, STAMPED) == []


def test_a_form_comes_in_after_its_edition_was_printed() -> None:
    assert date(2011, 1, 1) in days_in_use("nsd-6-2011-03")
    assert date(2010, 12, 31) not in days_in_use("nsd-6-2011-03")
    assert date(1999, 5, 1) in days_in_use("without-a-year")


def test_nothing_that_is_read_today_comes_in_later_than_where_it_is_tomorrow_already() -> None:
    for edition in ("nsd-6-2011-03", "without-a-year"):
        assert date(2026, 11, 28) in days_in_use(edition, date(2026, 11, 27))
        assert date(2026, 11, 29) not in days_in_use(edition, date(2026, 11, 27))
    assert date(2036, 1, 1) not in days_in_use("nsd-6-2011-03", date(2040, 1, 1))


def test_of_two_days_that_look_alike_the_one_that_has_come_is_taken() -> None:
    doubtful: list[str | Doubt] = [*"20", {"1": 0.4, "7": 0.55}, *"2 MAR -9 PM"]
    days = days_in_use("without-a-year", date(2013, 1, 1))
    assert likeliest_dates([steps_of(doubtful)], CLASSES, days, STAMPED)[0].value == date(2012, 3, 9)


def test_a_day_that_is_still_to_come_is_not_found() -> None:
    in_march = Span(date(2012, 1, 1), date(2012, 3, 8))
    found = [fit.value for fit in likeliest_dates([steps_of("2012 MAR -9 PM")], CLASSES, in_march, STAMPED)]
    assert found
    assert max(found) == date(2012, 3, 8)
    none = Span(date(2012, 1, 1), date(2011, 3, 8))
    assert likeliest_dates([steps_of("2012 MAR -9 PM")], CLASSES, none, STAMPED) == []
