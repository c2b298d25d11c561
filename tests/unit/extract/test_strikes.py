"""Strikes: what a pen drew through writing is found; dashes, underlines and bold letters are none."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from extract.page import Grey
from extract.strikes import longest_strike

FONT = ImageFont.load_default(40)


def line(text: str, *strokes: tuple[int, int, int], bold: int = 0) -> Grey:
    """The text with level strokes (left, right, row), 4 pixels thick."""
    picture = Image.new("L", (700, 80), 255)
    draw = ImageDraw.Draw(picture)
    draw.text((20, 15), text, font=FONT, fill=0, stroke_width=bold)
    for left, right, row in strokes:
        draw.line((left, row, right, row), fill=0, width=4)
    return np.asarray(picture, np.uint8)


def test_a_word_struck_out_before_the_answer_is_found_with_its_length() -> None:
    found = longest_strike([line("Lawrence Street", (15, 185, 40))])
    assert 3.5 < found < 7.0
    assert longest_strike([line("Harbour"), line("Lawrence Street", (15, 185, 40))]) == found


@pytest.mark.parametrize("text", ["Harbour Street 12", "EFFECT 1939-1945", "a \u2014 b --- c", "letter"])
def test_plain_writing_holds_no_strike(text: str) -> None:
    assert longest_strike([line(text)]) == 0.0


def test_an_underline_is_no_strike() -> None:
    assert longest_strike([line("Senior Advisor", (15, 330, 64))]) == 0.0


def test_bold_letters_that_touch_hold_none_worth_a_doubt() -> None:
    assert longest_strike([line("Mexico Serbia", bold=1)]) < 1.5


def test_paper_and_no_line_at_all_hold_none() -> None:
    assert longest_strike([]) == 0.0
    assert longest_strike([np.full((40, 300), 255, np.uint8)]) == 0.0
