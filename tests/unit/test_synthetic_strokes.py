"""Strokes of the pen: ticks are in their box, stray strokes hardly, a signature is one person's."""

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from intake.synthetic import strokes
from intake.synthetic.barcode import bars
from intake.synthetic.strokes import TickStyle


def random_of(seed: int) -> Generator:
    return Generator(PCG64(seed))


def share_inside(cover: np.ndarray, size: int) -> float:
    """The share of the middle box that is inked, its edge left out as a reader would."""
    inside = cover[size + 4 : 2 * size - 4, size + 4 : 2 * size - 4]
    return float((inside > 127).mean())


@pytest.mark.parametrize("style", TickStyle)
def test_every_kind_of_tick_leaves_plain_ink_in_its_box(style: TickStyle) -> None:
    shares = [share_inside(strokes.tick(47, style, 5.0, random_of(seed)), 47) for seed in range(30)]
    assert min(shares) > 0.04


def test_a_stray_stroke_leaves_next_to_nothing_in_the_box() -> None:
    shares = [share_inside(strokes.stray(47, 5.0, random_of(seed)), 47) for seed in range(30)]
    assert np.median(shares) < 0.02


def test_a_cancelled_box_is_darker_than_a_ticked_one() -> None:
    ticked = [share_inside(strokes.tick(47, TickStyle.CROSS, 5.0, random_of(seed)), 47) for seed in range(20)]
    cancelled = [share_inside(strokes.cancel(47, 5.0, random_of(seed)), 47) for seed in range(20)]
    assert np.median(cancelled) > 1.3 * np.median(ticked)


def test_a_person_signs_alike_twice_and_unlike_another() -> None:
    first = strokes.signature(7, 200, 600, 5.0, random_of(1)) > 127
    again = strokes.signature(7, 200, 600, 5.0, random_of(2)) > 127
    other = strokes.signature(8, 200, 600, 5.0, random_of(1)) > 127
    assert not np.array_equal(first, again)
    widths = [np.flatnonzero(picture.any(axis=0)).size for picture in (first, again, other)]
    assert abs(widths[0] - widths[1]) < 0.35 * widths[0]
    assert not np.array_equal(first, other)


def test_a_code_128_of_one_character_has_the_modules_of_the_standard() -> None:
    # Start B 11010010000, "A" 10100011000, check character (104 + 33) mod 103 = 34: 10001011000, stop 1100011101011.
    wanted = "11010010000" + "10100011000" + "10001011000" + "1100011101011"
    row = bars("A", len(wanted), 1)[0]
    assert "".join("1" if ink else "0" for ink in row) == wanted


def test_bars_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        bars("POSTROOM-SEPARATOR", 100, 10)
