"""Pages become documents: blank backs stay, separators part, and no page is lost or in two documents."""

from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from extract.page import PageImage
from extract.sheet import Match, Sheet
from extract.split import Pile, split
from schemas.form_type import FormType
from schemas.page import PageLabel

PAPER = np.full((2, 2), 255, np.uint8)
ONE_SIDE = FormType("refund", "Refund", 1, (), (), ())
TWO_SIDES = FormType("renewal", "Renewal", 2, (), (), ())
FORMS = {"R": ONE_SIDE, "N": TWO_SIDES}


def sheets(plan: str) -> list[Sheet]:
    """One sheet per word: `_` blank, `|` separator, `x` of no known form, `N2` page 2 of the form N."""
    return [sheet(word, number) for number, word in enumerate(plan.split(), start=1)]


def sheet(word: str, number: int) -> Sheet:
    page = PageImage(PAPER, 300, number)
    if word == "_":
        return Sheet(page, PageLabel.BLANK)
    if word == "|":
        return Sheet(page, PageLabel.SEPARATOR)
    if word == "x":
        return Sheet(page, PageLabel.CONTENT)
    nothing = cast(Any, None)  # how the page lies does not matter here
    match = Match(FORMS[word[0]], nothing, int(word[1]), 0, nothing, nothing, nothing, nothing)
    return Sheet(page, PageLabel.CONTENT, match)


def piles(plan: str) -> list[tuple[str | None, list[int]]]:
    """(form type, page numbers) of every document."""
    found: list[tuple[Pile, list[int]]] = []
    for pile, one in split(sheets(plan)):
        if not found or found[-1][0] is not pile:
            found.append((pile, []))
        found[-1][1].append(one.page.number)
    return [(pile.form_type.id if pile.form_type else None, numbers) for pile, numbers in found]


def test_no_pages_are_no_documents() -> None:
    assert list(split([])) == []


def test_each_new_form_begins_a_document() -> None:
    assert piles("R1 R1 N1") == [("refund", [1]), ("refund", [2]), ("renewal", [3])]


def test_the_second_side_belongs_to_the_first() -> None:
    assert piles("N1 N2 N1 N2") == [("renewal", [1, 2]), ("renewal", [3, 4])]


def test_a_second_side_that_comes_alone_or_first_is_a_document_of_its_own() -> None:
    assert piles("N2 N1") == [("renewal", [1]), ("renewal", [2])]
    assert piles("R1 N2") == [("refund", [1]), ("renewal", [2])]


def test_the_same_side_twice_is_two_documents() -> None:
    assert piles("N1 N1 N2") == [("renewal", [1]), ("renewal", [2, 3])]


def test_an_unrecognised_back_stays_with_a_form_that_has_a_back() -> None:
    assert piles("N1 x x") == [("renewal", [1, 2]), (None, [3])]


def test_a_letter_behind_a_form_of_one_side_is_a_document_of_its_own() -> None:
    assert piles("R1 x x") == [("refund", [1]), (None, [2, 3])]


def test_a_blank_back_stays_with_the_document_before_it() -> None:
    assert piles("R1 _ R1 _ x _") == [("refund", [1, 2]), ("refund", [3, 4]), (None, [5, 6])]


def test_a_blank_between_two_sides_does_not_part_them() -> None:
    assert piles("N1 _ N2 _") == [("renewal", [1, 2, 3, 4])]


def test_a_separator_ends_a_document_and_stands_alone() -> None:
    assert piles("N1 | N2") == [("renewal", [1]), (None, [2]), ("renewal", [3])]
    assert piles("x | x") == [(None, [1]), (None, [2]), (None, [3])]
    assert piles("| |") == [(None, [1]), (None, [2])]


def test_blank_pages_before_anything_else_belong_to_no_document() -> None:
    assert piles("_ R1") == [(None, [1]), ("refund", [2])]
    assert piles("R1 | _ R1") == [("refund", [1]), (None, [2]), (None, [3]), ("refund", [4])]


@given(st.lists(st.sampled_from(["_", "|", "x", "R1", "N1", "N2"]), max_size=25))
def test_no_page_is_lost_doubled_or_out_of_order(words: list[str]) -> None:
    found = piles(" ".join(words))
    assert [page for _, pages in found for page in pages] == list(range(1, len(words) + 1))
    for form, pages in found:
        kinds = [words[page - 1] for page in pages]
        assert "|" not in kinds or kinds == ["|"]
        assert {FORMS[kind[0]].id for kind in kinds if kind[0] in FORMS} == ({form} if form else set())
        assert len(set(kinds) - {"_", "x"}) == sum(kind not in ("_", "x") for kind in kinds)
