"""A sketch finds its own form among others, wherever on the glass it lay, at whatever size and whichever way up."""

import numpy as np
import pytest

from extract.affine import Float
from extract.shortlist import Shortlist, alike, compact

# A page of A4 at 10 dpi.
HEIGHT, WIDTH = 117, 83


def drawn(seed: int) -> Float:
    """Blots of ink on paper, no two pages alike."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 2, (HEIGHT // 6 + 1, WIDTH // 6 + 1)).astype(np.float32) * 120
    return np.kron(coarse, np.ones((6, 6), np.float32))[:HEIGHT, :WIDTH] - 60


PAGES = [drawn(seed) for seed in range(30)]


@pytest.fixture(scope="module")
def shortlist() -> Shortlist:
    return Shortlist([compact(page) for page in PAGES])


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize("number", [0, 17])
def test_a_page_that_lies_turned_finds_its_form_and_the_turn(number: int, turned: int, shortlist: Shortlist) -> None:
    scanned = np.ascontiguousarray(np.rot90(PAGES[number], turned // 90))  # counter-clockwise
    best = shortlist.likeliest(scanned)[0]
    assert (best.number, best.turned) == (number, turned)
    assert best.likeness > 0.95


def test_a_shifted_page_says_where_it_lies(shortlist: Shortlist) -> None:
    shifted = np.roll(np.pad(PAGES[3], ((0, 6), (0, 6)), constant_values=-60), (4, 2), axis=(0, 1))
    best = shortlist.likeliest(shifted)[0]
    assert best.number == 3
    assert best.start.size == 1.0
    assert best.start.shift == (2.0, 4.0)  # across, down


def test_the_likeliest_comes_first_and_nothing_is_said_about_most(shortlist: Shortlist) -> None:
    found = shortlist.likeliest(PAGES[5])
    assert [one.likeness for one in found] == sorted((one.likeness for one in found), reverse=True)
    assert len({one.number for one in found}) < len(PAGES)


def test_paper_looks_like_nothing(shortlist: Shortlist) -> None:
    assert all(one.likeness < 0.05 for one in shortlist.likeliest(np.zeros((HEIGHT, WIDTH), np.float32)))


def test_without_known_pages_nothing_is_likely() -> None:
    assert Shortlist([]).likeliest(PAGES[0]) == []


def test_a_drawing_is_like_itself_and_unlike_another() -> None:
    one, other = compact(PAGES[0]), compact(PAGES[1])
    assert alike(one, one) > 0.99
    assert alike(one, other) < 0.5
