"""A barcode is looked for where bars may be, and only there."""

import numpy as np
import pytest

from extract.engines import FoundBarcode
from extract.page import Grey, PageImage
from extract.separator import is_separator
from schemas.geometry import Box
from schemas.page import SEPARATOR_PAYLOAD

WHITE = np.full((600, 400), 255, np.uint8)


class Answering:
    """A finder that says what it was told to say, whatever it is shown, and counts how often it was asked."""

    name = "answering"

    def __init__(self, text: str) -> None:
        self.text, self.asked = text, 0

    def find(self, pixels: Grey) -> list[FoundBarcode]:
        self.asked += 1
        return [FoundBarcode("Code128", self.text, Box(0, 0, 1, 1))]


def barred() -> Grey:
    """Bars of 2, 4 and 6 pixels, as a Code 128 has them, an inch high."""
    page = WHITE.copy()
    left = 60
    for width in [2, 4, 6, 2, 2, 4] * 8:
        page[100:210, left : left + width] = 0
        left += 2 * width if left < 320 else 0
    return page


def ruled() -> Grey:
    page = WHITE.copy()
    page[50:560:24, 20:380] = 0
    return page


def written() -> Grey:
    """Specks of ink of the size of letters."""
    blots = np.random.default_rng(1).integers(0, 2, (120, 80)).astype(np.uint8)
    return (255 * np.kron(1 - blots, np.ones((5, 5), np.uint8))).astype(np.uint8)


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_bars_are_looked_at_whichever_way_they_lie(quarter_turns: int) -> None:
    fine = np.ascontiguousarray(np.rot90(barred(), quarter_turns))
    assert is_separator(PageImage(fine, 100, 1), fine, Answering(SEPARATOR_PAYLOAD))


def test_bars_that_say_something_else_are_no_separator() -> None:
    finder = Answering("ANOTHER CODE")
    assert not is_separator(PageImage(barred(), 100, 1), barred(), finder)
    assert finder.asked == 1


@pytest.mark.parametrize(
    "fine", [WHITE, ruled(), written(), WHITE[:10, :10]], ids=["paper", "rules", "writing", "slip"]
)
def test_where_no_bars_are_no_barcode_is_looked_for(fine: Grey) -> None:
    finder = Answering(SEPARATOR_PAYLOAD)
    assert not is_separator(PageImage(fine, 100, 1), fine, finder)
    assert finder.asked == 0
