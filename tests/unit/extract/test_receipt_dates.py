"""A date is found in what a reader saw of a stamp, however badly inked, and nothing else is taken for one."""

from datetime import date

import numpy as np
import pytest

from extract.receipt_dates import Layout, likeliest_dates, years_in_use
from tests.unit.extract.decoding_steps import BLANK, CLASSES, Doubt, steps_of

YEARS = range(2007, 2013)
STAMPED = (Layout.YEAR_MONTH_DAY,)


def best(*lines: str | list[str | Doubt], layouts: tuple[Layout, ...] = STAMPED) -> date:
    return likeliest_dates([steps_of(list(line)) for line in lines], CLASSES, YEARS, layouts)[0].value


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
    assert likeliest_dates([nothing], CLASSES, YEARS, STAMPED) == []
    assert likeliest_dates([nothing, steps_of("2010 MAR -9 PM")], CLASSES, YEARS, STAMPED)[0].value == date(2010, 3, 9)


def test_no_day_is_found_that_is_not_in_the_calendar() -> None:
    found = likeliest_dates([steps_of("2009 FEB 30 AM")], CLASSES, YEARS, STAMPED)
    assert found[0].value.month != 2 or found[0].fit < -3


def test_writing_without_a_date_fits_no_date() -> None:
    plain = likeliest_dates([steps_of("2009 APR 15")], CLASSES, YEARS, STAMPED)[0]
    other = likeliest_dates([steps_of("CRM/ISS/REGISTRATION UNIT")], CLASSES, YEARS, STAMPED)[0]
    assert plain.fit > -1.0
    assert other.fit < -20.0
    assert likeliest_dates([], CLASSES, YEARS, STAMPED) == []


def test_a_form_comes_in_after_its_edition_was_printed() -> None:
    assert 2011 in years_in_use("nsd-6-2011-03")
    assert 2010 not in years_in_use("nsd-6-2011-03")
    assert 1999 in years_in_use("without-a-year")
