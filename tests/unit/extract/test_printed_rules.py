"""Rules are looked for where they may be only; that finds what a look at the whole page finds."""

import cv2
import numpy as np
import pytest

from extract import printed
from extract.page import Grey


def _opened(mask: Grey, across: int, down: int) -> Grey:
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((down, across), np.uint8)), np.uint8)


def _spread(mask: Grey, across: int, down: int) -> Grey:
    return np.asarray(cv2.dilate(mask, np.ones((down, across), np.uint8)), np.uint8)


def _form_and_page(seed: int) -> tuple[Grey, Grey]:
    """A form with rules in random places, and the ink of a page of it: worn, moved by a pixel, and written across."""
    random = np.random.default_rng(seed)
    form = np.full((420, 520), 255, np.uint8)
    for at in random.integers(0, 416, 5):
        form[at : at + 3, random.integers(0, 150) : 370 + random.integers(0, 150)] = 0
    for at in random.integers(0, 516, 3):
        form[random.integers(0, 100) : 320 + random.integers(0, 100), at : at + 3] = 0
    page = np.roll(form, (1, -1), (0, 1)) < 128
    page &= random.random(page.shape) < 0.995
    for left, top in zip(random.integers(0, 500, 40), random.integers(0, 400, 40), strict=True):
        page[top : top + 25, left : left + 5] = True
    return form, page.view(np.uint8)


@pytest.mark.parametrize("seed", range(8))
def test_rules_and_crossings_are_those_of_the_whole_page(seed: int) -> None:
    form, ink = _form_and_page(seed)
    blank = printed.prepare(form)
    places = printed._places_of_rules(blank.flags)
    level_place, upright_place = (((blank.flags & flag) != 0).view(np.uint8) for flag in (8, 16))
    level, upright = _opened(ink & level_place, 36, 1), _opened(ink & upright_place, 1, 36)
    rules = ink & ((_spread(level, 3, 5) & level_place) | (_spread(upright, 5, 3) & upright_place))
    assert rules.any()
    assert (printed._rules(ink, blank.flags, places) == rules).all()
    remaining = ink & (1 - rules)
    closed = cv2.morphologyEx(remaining, cv2.MORPH_CLOSE, np.ones((15, 3), np.uint8))
    crossings = np.zeros_like(ink)
    for place in places:
        crossings[place.rows, place.columns] |= printed._crossing(remaining, rules, place)
    assert (crossings == (closed & rules)).all()
