"""The layout of our own forms: places lie on the paper, apart from each other, and cover every field."""

from itertools import combinations

import pytest

from intake.synthetic.blanks import every_blank
from intake.synthetic.layout import GAP_BETWEEN_CELL_GROUPS, PAGE_HEIGHT, PAGE_WIDTH, BlankForm, Place, Shape

BLANKS = every_blank()
IDS = [blank.edition for blank in BLANKS]


def apart(one: Place, other: Place) -> bool:
    return (
        one.left + one.width <= other.left
        or other.left + other.width <= one.left
        or one.top + one.height <= other.top
        or other.top + other.height <= one.top
    )


def test_the_cells_of_a_date_stand_in_groups_of_two_two_and_four() -> None:
    place = Place("date", Shape.CELLS, 10, 20, 8 * 6 + 2 * GAP_BETWEEN_CELL_GROUPS, 8, groups=(2, 2, 4))
    lefts = [left for left, _, _, _ in place.cells()]
    assert lefts == pytest.approx([10, 16, 24.5, 30.5, 39, 45, 51, 57])


@pytest.mark.parametrize("blank", BLANKS, ids=IDS)
def test_every_answer_lies_on_the_paper(blank: BlankForm) -> None:
    for sheet in blank.sheets:
        for place in sheet.places:
            assert place.left >= 10
            assert place.top >= 10
            assert place.left + place.width <= PAGE_WIDTH - 10
            assert place.top + place.height <= PAGE_HEIGHT - 10


@pytest.mark.parametrize("blank", BLANKS, ids=IDS)
def test_no_two_answers_overlap(blank: BlankForm) -> None:
    for sheet in blank.sheets:
        overlapping = [(a.field, b.field) for a, b in combinations(sheet.places, 2) if not apart(a, b)]
        assert overlapping == []


def test_one_form_has_two_pages_and_one_has_two_editions() -> None:
    assert [len(blank.sheets) for blank in BLANKS if blank.form_type == "licence-renewal"] == [2]
    assert len([blank for blank in BLANKS if blank.form_type == "change-of-keeper"]) == 2


def test_both_editions_of_a_form_ask_the_same_in_different_places() -> None:
    first, second = (blank for blank in BLANKS if blank.form_type == "change-of-keeper")
    asked_first = {(place.field, place.option): place for sheet in first.sheets for place in sheet.places}
    asked_second = {(place.field, place.option): place for sheet in second.sheets for place in sheet.places}
    assert asked_first.keys() == asked_second.keys()
    assert asked_first["vin", ""].top != asked_second["vin", ""].top
