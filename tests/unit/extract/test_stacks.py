"""Which short lines beside a rubber stamp on its side are of the stamp, by their places alone."""

import pytest

from extract.stacks import goes_with
from schemas.geometry import Box

STAMP = Box(500, 300, 540, 700)


@pytest.mark.parametrize(
    ("word", "belongs"),
    [
        (Box(455, 400, 490, 480), True),
        (Box(550, 400, 585, 480), True),
        (Box(430, 400, 470, 480), False),  # too far away
        (Box(455, 680, 490, 760), False),  # reaches beyond it
        (Box(455, 400, 490, 560), False),  # as long as a stamp: perhaps the one with the date
        (STAMP, False),
    ],
)
def test_a_short_line_close_beside_a_longer_one_goes_with_it(word: Box, *, belongs: bool) -> None:
    assert goes_with(word, STAMP) is belongs
