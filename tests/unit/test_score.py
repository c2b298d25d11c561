"""What counts as right, how far a text is from the truth, and what a count of errors proves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.bounds import lower_bound, upper_bound
from extract.score import Expected, Read, character_errors, distance, is_right, normalised
from schemas.extraction import Value
from schemas.field import FieldKind, FieldStatus

TEXT, DATE, MONEY, INTEGER = FieldKind.TEXT, FieldKind.DATE, FieldKind.MONEY, FieldKind.INTEGER
CHOICE, SIGNATURE = FieldKind.CHOICE, FieldKind.SIGNATURE


@pytest.mark.parametrize(
    ("kind", "true", "read", "right"),
    [
        (TEXT, "SW1A 1AA", "sw1a1aa", True),
        (TEXT, "Siân O'Neill", "SIAN ONEILL", True),
        (TEXT, "Smith", "Smyth", False),
        (TEXT, None, None, True),
        (TEXT, None, "-", True),  # no letter and no figure: nothing was read
        (TEXT, None, "x", False),
        (TEXT, "x", None, False),
        (DATE, "2024-12-05", "2024-12-05", True),
        (DATE, "2024-12-05", "20241205", False),  # not in normal form: nobody downstream could use it
        (DATE, "2024-12-05", "2024-05-12", False),
        (MONEY, "12.50", "12.5", True),
        (MONEY, "12.50", "1250", False),
        (MONEY, "12.50", "twelve", False),
        (INTEGER, 90210, 90210, True),
        (INTEGER, 90210, 90211, False),
        (CHOICE, ("yes", "no"), ("no", "yes"), True),
        (CHOICE, ("yes",), ("yes", "no"), False),
        (CHOICE, (), (), True),
        (CHOICE, (), None, True),
        (CHOICE, ("yes",), None, False),
        (SIGNATURE, True, True, True),
        (SIGNATURE, True, None, False),
        (SIGNATURE, False, None, True),
        (SIGNATURE, False, True, False),
    ],
)
def test_a_value_is_right_when_it_is_the_true_one(kind: FieldKind, true: Value, read: Value, right: bool) -> None:
    assert is_right(Expected(kind, true), Read(read, "any text", FieldStatus.REVIEW)) is right


def test_the_text_as_read_counts_only_where_people_keyed_what_they_saw() -> None:
    read = Read("1955-01-01", "Jan. 1, 1955")
    assert is_right(Expected(TEXT, "JAN 1 1955", as_keyed=True), read)
    assert not is_right(Expected(TEXT, "JAN 1 1955"), read)


def test_text_beside_no_value_is_wrong_where_people_keyed_nothing() -> None:
    assert not is_right(Expected(TEXT, "", as_keyed=True), Read(None, "stray ink"))


def test_an_option_that_does_not_count_is_neither_right_nor_wrong() -> None:
    expected = Expected(CHOICE, ("officer",), uncounted=frozenset({"other"}))
    assert is_right(expected, Read(("officer", "Other")))
    assert not is_right(expected, Read(("other",)))


def test_nobody_may_claim_that_an_answer_on_a_page_never_scanned_is_blank() -> None:
    expected = Expected(TEXT, None, missing=True)
    assert is_right(expected, Read(None, "", FieldStatus.NOT_FOUND))
    assert not is_right(expected, Read(None, "", FieldStatus.BLANK))
    assert not is_right(expected, Read("made up", "made up", FieldStatus.REVIEW))


def test_blank_and_accepted_are_what_no_person_looks_at() -> None:
    taken = {status for status in FieldStatus if Read(status=status).is_taken}
    assert taken == {FieldStatus.ACCEPTED, FieldStatus.BLANK}


def test_compatibility_forms_and_accents_are_taken_off_before_texts_are_compared() -> None:
    assert normalised("ﬁrst – Ŵyn_№ 1") == "firstwynno1"


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("flaw", "lawn", 2), ("same", "same", 0)],
)
def test_the_distance_is_the_fewest_edits(one: str, other: str, edits: int) -> None:
    assert distance(one, other) == edits


@given(st.text("abc", max_size=8), st.text("abcd", max_size=8))
def test_the_distance_by_bit_vectors_is_the_one_by_the_table(one: str, other: str) -> None:
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        above, row = row, [place]
        for column, facing in enumerate(other, 1):
            row.append(min(row[-1] + 1, above[column] + 1, above[column - 1] + (letter != facing)))
    assert distance(one, other) == row[-1]


def test_characters_are_counted_as_written_but_for_runs_of_spaces() -> None:
    assert character_errors(Expected(TEXT, "A b", "A  b"), Read("A B", " A B ")) == (1, 3)
    assert character_errors(Expected(TEXT, "é", "e\u0301"), Read("é", "é")) == (0, 1)
    assert character_errors(Expected(CHOICE, ("yes",)), Read(("no",), "no")) == (0, 0)


# 1 - 0.05**(1/n) for no error; the others from tables of the Clopper-Pearson interval (R: qbeta(0.95, k + 1, n - k)).
@pytest.mark.parametrize(
    ("errors", "cases", "bound"),
    [(0, 100, 0.0295130), (0, 59, 0.0495076), (1, 10, 0.3941633), (3, 100, 0.0757108), (10, 10, 1.0), (0, 0, 1.0)],
)
def test_the_upper_bound_is_that_of_clopper_and_pearson(errors: int, cases: int, bound: float) -> None:
    assert upper_bound(errors, cases) == pytest.approx(bound, abs=1e-6)


def test_fifty_nine_cases_without_error_are_the_fewest_that_prove_less_than_five_per_cent() -> None:
    assert upper_bound(0, 59) < 0.05 < upper_bound(0, 58)


def test_both_bounds_enclose_the_rate_and_mirror_each_other() -> None:
    assert lower_bound(3, 100) == pytest.approx(1 - upper_bound(97, 100))
    assert lower_bound(3, 100) < 0.03 < upper_bound(3, 100)
    assert lower_bound(0, 0) == 0.0


def test_many_cases_do_not_run_out_of_digits() -> None:
    # The normal approximation: 0.2 + 1.645 * sqrt(0.2 * 0.8 / 45000)
    assert upper_bound(9000, 45000) == pytest.approx(0.2031, abs=1e-4)


def test_more_errors_than_cases_cannot_be() -> None:
    with pytest.raises(ValueError, match="2 errors in 1 cases"):
        upper_bound(2, 1)
