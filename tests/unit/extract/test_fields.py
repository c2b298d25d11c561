"""What was read becomes a value in normal form, or a sentence that says why not; nothing is guessed."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.fields import NOTHING, normalise
from schemas.field import FieldKind, FieldSpec

# What `received` of a stamped form asks: a date among other words.
STAMP = FieldSpec(
    "received",
    FieldKind.DATE,
    day_first=False,
    patterns=(
        r"\b(\d{1,2}/\d{1,2}/(?:19|20)\d{2})\b",
        r"\b((?:19|20)\d{2}\s*(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)\s*[-–]?\s*\d{1,2})\b",
    ),
)
FEW = settings(max_examples=40, deadline=None)
# The characters that answers with figures are made of, and a few that only look so.
CHARACTERS = "0123456789OolI/.,-–'’ \n£pJanMrchstd²٣"
DAYS = st.dates(date(1850, 1, 1), date(2099, 12, 31))


def spec(kind: FieldKind, **more: object) -> FieldSpec:
    return FieldSpec("field", kind, **more)  # type: ignore[arg-type]


def value_of(kind: FieldKind, text: str, **more: object) -> object:
    return normalise(spec(kind, **more), text).value


READ_FROM_TEXT = [FieldKind.TEXT, FieldKind.DATE, FieldKind.INTEGER, FieldKind.MONEY, FieldKind.BARCODE]


@pytest.mark.parametrize("kind", READ_FROM_TEXT)
@pytest.mark.parametrize("text", ["", "  \n "])
def test_empty_text_is_blank_and_no_problem(kind: FieldKind, text: str) -> None:
    assert normalise(spec(kind), text) == NOTHING


@pytest.mark.parametrize("kind", [FieldKind.CHOICE, FieldKind.SIGNATURE])
def test_marks_are_not_read_from_text(kind: FieldKind) -> None:
    with pytest.raises(ValueError, match="not read from text"):
        normalise(spec(kind), "x")


@given(st.sampled_from(READ_FROM_TEXT), st.text(CHARACTERS, max_size=30), st.booleans())
@FEW
def test_any_text_gives_a_value_or_a_problem_or_nothing(kind: FieldKind, text: str, day_first: bool) -> None:
    normal = normalise(spec(kind, day_first=day_first), text)
    assert (normal.value is None) == (normal == NOTHING or normal.problem != "")


def test_lines_of_an_address_are_joined_by_one_space() -> None:
    normal = normalise(spec(FieldKind.TEXT), " 12  High Street,\nSwansea \n")
    assert (normal.value, normal.text) == ("12 High Street, Swansea", "12 High Street, Swansea")


def test_an_alphabet_without_a_space_takes_the_blanks_between_cells_out() -> None:
    assert value_of(FieldKind.TEXT, "SA 6 7JL", alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "SA67JL"


def test_an_alphabet_of_capitals_writes_capitals_and_one_of_figures_changes_nothing() -> None:
    assert value_of(FieldKind.TEXT, "rf 123", alphabet="RF0123456789 -") == "RF 123"
    assert value_of(FieldKind.TEXT, "a1", alphabet="0123456789") == "a1"
    assert value_of(FieldKind.TEXT, "Anne-Marie", alphabet="AEMRaeinr -") == "Anne-Marie"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("03112011", "2011-11-03"),
        ("0 3 1 1 2 0 1 1", "2011-11-03"),
        ("03/11/2011", "2011-11-03"),
        ("3.11.11", "2011-11-03"),
        ("3-11-'86", "1986-11-03"),
        ("2011-11-03", "2011-11-03"),
        ("12 March 1986", "1986-03-12"),
        ("12th of march, 1986", "1986-03-12"),
        ("MARCH 27. 1986", "1986-03-27"),
        ("Mar 27, 1986", "1986-03-27"),
        ("27MAR1986", "1986-03-27"),
        ("1 Sept 99", "1999-09-01"),
        ("2008 DEC 23", "2008-12-23"),
        ("2011 APR-11", "2011-04-11"),
        ("1 Mawrth 2024", "2024-03-01"),
        ("29 Chwefror 2024", "2024-02-29"),
        ("O3/l1/2O1I", "2011-11-03"),
        ("lOO22OO1", "2001-02-10"),
        ("1 Oct 2020", "2020-10-01"),
    ],
)
def test_dates_as_people_and_stamps_write_them_are_understood(text: str, expected: str) -> None:
    normal = normalise(spec(FieldKind.DATE), text)
    assert (normal.value, normal.text, normal.problem) == (expected, text, "")


def test_the_form_type_says_whether_day_or_month_comes_first() -> None:
    assert value_of(FieldKind.DATE, "03/11/2011", day_first=False) == "2011-03-11"
    assert value_of(FieldKind.DATE, "03112011", day_first=False) == "2011-03-11"
    assert value_of(FieldKind.DATE, "2011-11-03", day_first=False) == "2011-11-03"


def test_years_of_two_figures_turn_at_forty() -> None:
    assert value_of(FieldKind.DATE, "1/1/39") == "2039-01-01"
    assert value_of(FieldKind.DATE, "1/1/40") == "1940-01-01"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("31/02/2011", "no such day"),
        ("29.2.1900", "no such day"),
        ("03/27/2011", "no such day"),
        ("00112011", "no such day"),
        ("3/11/1011", "year"),
        ("20111103", "year"),
        ("0311201", "not a date"),
        ("031111", "not a date"),
        ("March 1986", "not a date"),
        ("12 Marsh 1986", "not a date"),
        ("12 Ma 1986", "not a date"),
        ("3/11/201", "not a date"),
        ("03/11/2011 and later", "not a date"),
        ("٠٣/١١/٢٠١١", "not a date"),
    ],
)
def test_what_is_no_day_of_the_calendar_is_a_problem_and_not_a_guess(text: str, sentence: str) -> None:
    normal = normalise(spec(FieldKind.DATE), text)
    assert normal.value is None
    assert normal.text == text
    assert sentence in normal.problem


@given(DAYS)
@FEW
def test_every_day_survives_every_way_of_writing_it(day: date) -> None:
    for way in ("%d%m%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d", "%d %B %Y", "%B %d, %Y", "%Y %b-%d"):
        assert value_of(FieldKind.DATE, day.strftime(way)) == day.isoformat(), way


def test_a_stamp_s_date_is_found_among_its_other_words() -> None:
    normal = normalise(STAMP, "Received by NSD/FARA\nRegistration Unit 04/24/2018 3:12:46 PM")
    assert (normal.value, normal.text) == ("2018-04-24", "04/24/2018")
    assert normalise(STAMP, "CRM-ISS\n2011 APR-11 AM 9:42").value == "2011-04-11"


def test_a_zone_that_holds_only_other_things_is_blank() -> None:
    assert normalise(STAMP, "Registration Unit") == NOTHING


def test_patterns_are_tried_in_order_and_may_have_no_group() -> None:
    field = spec(FieldKind.TEXT, patterns=(r"No\. (\d+)", r"\d+"))
    assert normalise(field, "7 of No. 12").value == "12"
    assert normalise(field, "7 of 12").value == "7"


def test_what_is_printed_is_erased_before_anything_else() -> None:
    field = spec(FieldKind.INTEGER, erase=(r"(?i)miles", "^Mileage:"))
    assert normalise(field, "Mileage: 12,345 MILES").value == 12345


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("186000", 186000), ("12,345", 12345), ("1.234.567", 1234567), ("1 2 3 4 5", 12345), ("1O,OOl", 10001)],
)
def test_whole_numbers_lose_their_separators(text: str, expected: int) -> None:
    normal = normalise(spec(FieldKind.INTEGER), text)
    assert (normal.value, normal.text, normal.problem) == (expected, text, "")


@pytest.mark.parametrize("text", ["12.5", "1,23", "1,234.567", "12345 miles", "-3", "1" * 5000, "²"])
def test_what_is_no_whole_number_is_a_problem(text: str) -> None:
    normal = normalise(spec(FieldKind.INTEGER), text)
    assert normal.value is None
    assert "whole number" in normal.problem


@given(st.integers(0, 10**12))
@FEW
def test_a_whole_number_written_with_commas_is_that_number(number: int) -> None:
    assert value_of(FieldKind.INTEGER, f"{number:,}") == number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("£1,234.50", "1234.50"),
        ("12", "12.00"),
        ("£ 82-50", "82.50"),
        ("82,50", "82.50"),
        ("1,234", "1234.00"),
        ("GBP 0.05", "0.05"),
        ("1O.OO", "10.00"),
        ("007.10", "7.10"),
    ],
)
def test_amounts_become_pounds_and_pence(text: str, expected: str) -> None:
    normal = normalise(spec(FieldKind.MONEY), text)
    assert (normal.value, normal.text, normal.problem) == (expected, text, "")


@pytest.mark.parametrize("text", ["82.5", "1,23.50", "12.345", "ten pounds", "£", "-5.00", "1.2.3"])
def test_what_is_no_amount_is_a_problem(text: str) -> None:
    normal = normalise(spec(FieldKind.MONEY), text)
    assert normal.value is None
    assert "amount" in normal.problem


def test_a_barcode_stays_as_it_is() -> None:
    assert value_of(FieldKind.BARCODE, "VR11-2024-1") == "VR11-2024-1"
