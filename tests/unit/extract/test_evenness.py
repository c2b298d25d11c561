"""Type stands on its line, handwriting does not; what is too short to tell says nothing."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from extract import evenness as measured
from extract.page import Grey

HEIGHT, GAP = 60, 30


def line(feet: Sequence[int], *, lean: float = 0.0, tall: int = 24) -> Grey:
    """Upright letters 30 pixels apart, each with its foot so many pixels below the line; `lean` in pixels a pixel."""
    picture = np.full((2 * HEIGHT, GAP * (len(feet) + 2)), 255, np.uint8)
    for number, foot in enumerate(feet):
        left = GAP * (number + 1)
        bottom = HEIGHT + foot + round(lean * left)
        cv2.rectangle(picture, (left, bottom - tall), (left + 11, bottom - 1), (0,), -1)
    return picture


def evenness(lines: Sequence[Grey], texts: Sequence[str] = ()) -> float | None:
    return measured.evenness(lines, texts or [""] * len(lines))


def test_letters_on_one_line_are_even_however_the_line_leans() -> None:
    assert evenness([line([0] * 12)]) == 1.0
    assert evenness([line([0, 1, 2, 3] * 3)]) == 1.0  # as far as copying and scanning move them
    assert evenness([line([0] * 12, lean=0.015)]) == 1.0


def test_the_share_of_letters_that_leave_the_line_is_what_is_missing() -> None:
    assert evenness([line([0, 0, 0, 9])]) == 0.75  # a letter with a tail
    assert evenness([line([0, 8, -9, 17, 3, -14, 24, 12])]) == pytest.approx(0.25, abs=0.13)


def test_lines_count_by_their_letters() -> None:
    assert evenness([line([0] * 6), line([0, 12])]) == pytest.approx((6 * 1.0 + 2 * 0.5) / 8)


def test_dots_and_dashes_stand_on_no_line_and_a_letter_alone_on_any() -> None:
    assert evenness([line([0, 0, 0, 0]), line([0, 20, 40], tall=8)]) == 1.0
    assert evenness([line([0])]) is None
    assert evenness([]) is None


def test_one_long_stroke_does_not_speak_for_a_whole_line() -> None:
    picture = line([0, 9, -9, 18, -18, 27, 36, -24])
    cv2.rectangle(picture, (0, 0), (picture.shape[1] - 1, 9), (0,), -1)
    assert evenness([picture]) == pytest.approx(60 / (60 + 8 * 12))


def test_a_letter_that_has_a_tail_is_no_letter_out_of_line() -> None:
    uneven = [0, 0, 0, 9, 0, 9, 0, 0]
    assert evenness([line(uneven)]) == 0.75
    assert evenness([line(uneven)], ["Ma, gi-px."]) == 1.0
    assert evenness([line(uneven)], ["Marginal"]) == pytest.approx(0.75 * 8 / 7)
    assert evenness([line([0, 0, 0, 0])], ["gypy"]) == 1.0  # misread: they stand on the line


def test_writing_by_hand_does_not_pass_for_type_by_its_tails() -> None:
    feet = [0, 8, -9, 17, 3, -14, 24, 12]
    assert (evenness([line(feet)], ["gyppy(y)"]) or 1.0) <= 2 * (evenness([line(feet)]) or 0.0)
    assert (evenness([line(feet)], ["gyppy(y)"]) or 1.0) < 0.8
