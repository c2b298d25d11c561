"""A page laid into the frame of its form: exact words come along, and every place leads back to the page."""

import numpy as np
import pytest

from extract import references, registration, views
from extract.align import Laid, align
from extract.page import ExactWord, PageImage
from schemas.geometry import Box
from tests.drawn_form import HEIGHT, PLACES, WIDTH, draw_form, moved, moving

MOVE = {"turn": 0.6, "shift": (20.0, -11.0)}


def on_the_page(x: float, y: float) -> tuple[float, float]:
    """Where hand arithmetic says a point of the form lies on the page."""
    there = moving(**MOVE) @ np.array([x, y, 1.0])
    return float(there[0]), float(there[1])


@pytest.fixture(scope="module")
def laid() -> Laid:
    blank = draw_form()
    reference = references.prepare(blank, 300)
    left, top = on_the_page(500, 560)
    page = PageImage(moved(blank, **MOVE), 300, 1, (ExactWord("SMITH", left, top, left + 120, top + 40),))
    return align(page, blank, reference, registration.align(views.view(page), reference))


def test_the_laid_page_has_the_size_of_the_form_and_carries_its_print(laid: Laid) -> None:
    assert laid.pixels.shape == laid.reference.shape == (HEIGHT, WIDTH)


def test_exact_words_stand_where_they_were_written_on_the_form(laid: Laid) -> None:
    (word,) = laid.words
    assert word.text == "SMITH"
    assert (word.left, word.top) == pytest.approx((500, 560), abs=1)
    assert (word.right - word.left, word.bottom - word.top) == pytest.approx((120, 40), abs=2)


@pytest.mark.parametrize("place", [PLACES[0], PLACES[-1]], ids=["first", "last"])
def test_a_place_of_the_form_is_told_in_fractions_of_the_page(place: Box, laid: Laid) -> None:
    corners = [on_the_page(x, y) for x in (place.left, place.right) for y in (place.top, place.bottom)]
    area = laid.area(place)
    assert area.left * WIDTH == pytest.approx(min(x for x, _ in corners), abs=1)
    assert area.right * WIDTH == pytest.approx(max(x for x, _ in corners), abs=1)
    assert area.top * HEIGHT == pytest.approx(min(y for _, y in corners), abs=1)
    assert area.bottom * HEIGHT == pytest.approx(max(y for _, y in corners), abs=1)
