"""Piles: words set on their side, told letter by letter: the letters stand over one another and are equally wide."""

import numpy as np
from numpy.typing import NDArray

from extract.shapes import HEIGHT, LEFT, TOP, WIDTH, Flags, Labels

# All lengths in pixels at 300 dpi.
# A capital or figure on its side is so wide (its height), and so high (its width), letters that touch included.
_WIDE, _HIGH = (14, 70), (4, 150)
# Letters of a pile begin and end at the same columns, to this share of their width or so many pixels, and stand no
# farther apart than this share of it, blanks between words included.
_EVEN, _EVEN_PIXELS, _BLANK = 0.15, 4, 1.8
# A pile is so many letters and so many times as tall as wide.
_LETTERS, _TALL = 4, 2.2
# Level writing has so many letters in a row, this near; stamps have three lines at most, side by side.
_ROW, _ROW_REACH, _SHARED = 4, 150, 0.5
# Letters of fewer rows than this may be the columns of a list, unless no letter stands in a row of writing.
_LONG, _LONG_TALL = 5, 150
_LEVEL_SHARE = 0.5


def piles_of(stats: Labels, run: Labels, is_level: Flags) -> list[NDArray[np.int64]]:
    """The piles among shapes, each as the numbers of its shapes, pieces of letters included.

    stats, run: place and run of every shape, run 0 for none; is_level: for each shape whether its run is a level word.
    """
    wide, high = stats[:, WIDTH], stats[:, HEIGHT]
    is_letter = (run > 0) & (wide >= _WIDE[0]) & (wide <= _WIDE[1]) & (high >= _HIGH[0]) & (high <= _HIGH[1])
    letters = np.flatnonzero(is_letter)
    if letters.size < _LETTERS:
        return []
    of = stats[letters]
    in_row = _row_lengths(of) >= _ROW
    numbers = _linked(of)
    piles = []
    for number in np.flatnonzero(np.bincount(numbers) >= _LETTERS):
        of_pile = numbers == number
        if _is_pile(of[of_pile], in_row[of_pile] | is_level[letters[of_pile]]):
            piles.append(_with_pieces(stats, run, letters[of_pile], is_level))
    return piles


def _row_lengths(of: Labels) -> NDArray[np.int64]:
    """For each letter how many others stand beside it, on either side."""
    left, top, right, bottom = _edges(of)
    shared = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    apart = np.maximum(left[:, None] - right, left - right[:, None])
    level = shared >= _SHARED * np.maximum(of[:, None, HEIGHT], of[:, HEIGHT])
    return np.asarray((level & (apart >= 0) & (apart <= _ROW_REACH)).sum(axis=1), np.int64)


def _linked(of: Labels) -> NDArray[np.int64]:
    """For each letter the number of the pile that it would be of."""
    left, top, right, bottom = _edges(of)
    width = of[:, WIDTH].astype(np.float64)
    even = np.maximum(_EVEN * np.minimum(width[:, None], width), _EVEN_PIXELS)
    apart = np.maximum(top[:, None] - bottom, top - bottom[:, None])
    link = (np.abs(left[:, None] - left) <= even) & (np.abs(right[:, None] - right) <= even)
    link &= (apart >= -_EVEN_PIXELS) & (apart <= _BLANK * np.minimum(width[:, None], width))
    numbers = np.arange(len(of))
    while True:
        lowest = np.where(link, numbers, len(of)).min(axis=1, initial=len(of))
        joined = np.minimum(numbers, lowest)
        if (joined == numbers).all():
            return numbers
        numbers = joined


def _is_pile(of: Labels, is_level: Flags) -> bool:
    left, top, right, bottom = _edges(of)
    tall = int(bottom.max() - top.min())
    if tall < _TALL * int(right.max() - left.min()):
        return False
    if len(of) >= _LONG and tall >= _LONG_TALL:
        return float(is_level.mean()) < _LEVEL_SHARE
    return not is_level.any()


def _with_pieces(stats: Labels, run: Labels, pile: NDArray[np.int64], is_level: Flags) -> NDArray[np.int64]:
    left, top, right, bottom = (side[1:] for side in _edges(stats))
    own_left, own_top, own_right, own_bottom = _edges(stats[pile])
    inside = (left >= own_left.min() - _EVEN_PIXELS) & (right <= own_right.max() + _EVEN_PIXELS)
    inside &= (top >= own_top.min()) & (bottom <= own_bottom.max()) & (run[1:] > 0) & ~is_level[1:]
    return np.union1d(pile, np.flatnonzero(inside) + 1)


def _edges(of: Labels) -> tuple[Labels, Labels, Labels, Labels]:
    return of[:, LEFT], of[:, TOP], of[:, LEFT] + of[:, WIDTH], of[:, TOP] + of[:, HEIGHT]
