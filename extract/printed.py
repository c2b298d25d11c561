"""Printed: what stands on the blank form, and a page's ink without it.

Print is taken off shape by shape, not pixel by pixel: a letter that merely touches a rule stays whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.page import Grey
from extract.shapes import AREA, HEIGHT, LEFT, TOP, WIDTH, Flags, Shapes, shapes_of

# All lengths in pixels at 300 dpi, the frame the pages are aligned in.
# Print on the page lies within this of print on the reference, after alignment (its residual is about 1).
_NEAR = 4
# What a letter that ran into print sticks out by at least; worn and misplaced print never does.
_CLEAR = 10
# A shape with at least this share of its ink near print is print; with at most that share it only touches some.
_IS_PRINT = 0.8
# Print also lies exactly on print with this share of its ink; a letter that merely stands beside a label does not.
_EXACTLY = 0.25
_ONLY_TOUCHES = 0.12
# A printed rule is at least this long, may lie this far from where the reference has it, and pieces of it this long
# are still known for what they are: no stroke of writing is so straight for so long.
_RULE = 150
_RULE_ASTRAY = 11
_RULE_PIECE = 36
# A piece of a rule's worn edge is no thicker than this.
_SLIVER = 9
# A rule is no thicker than this where a stroke crosses it.
_CROSSING = 15
# What is left of a shape that was wiped in part must be larger than this to be an answer and not an edge of print.
_SCRAP_PIXELS = 40

# So far from print lies what wears off it, and what blots it.
_WORN = 14

_EXACT_FLAG, _NEAR_FLAG, _CLEAR_FLAG, _LEVEL_FLAG, _UPRIGHT_FLAG, _WORN_FLAG = 1, 2, 4, 8, 16, 32


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """What is printed on a blank form, prepared once for taking it off many pages.

    flags: (height, width) uint8, one bit each for the places below; read it through the methods, which give masks of
           0 and 1 for a part of the page.
    """

    flags: Grey

    def exact(self, part: tuple[slice, slice] | slice = slice(None)) -> Grey:
        """Print and the pixel around it."""
        return self._mask(_EXACT_FLAG, part)

    def beside(self, part: tuple[slice, slice] | slice = slice(None)) -> Grey:
        """Print, all within a misfit of it, and where pieces and worn edges of long rules may lie."""
        return self._mask(_NEAR_FLAG | _LEVEL_FLAG | _UPRIGHT_FLAG, part)

    def is_worn(self, places: NDArray[np.int64]) -> Flags:
        """For places, indices into the flattened form, whether they are as near to print as what wears off it."""
        return np.asarray((self.flags.reshape(-1)[places] & _WORN_FLAG) != 0, np.bool_)

    def _mask(self, flag: int, part: tuple[slice, slice] | slice) -> Grey:
        return np.asarray((self.flags[part] & flag) != 0, np.bool_).view(np.uint8)


def prepare(reference: Grey) -> Print:
    """Prepare a blank form, (height, width) uint8 dark on light at 300 dpi."""
    print_ = (reference < 128).astype(np.uint8)
    astray, near, clear, worn = (2 * reach + 1 for reach in (_RULE_ASTRAY, _NEAR, _CLEAR, _WORN))
    flags = np.zeros_like(print_)
    for flag, mask in (
        (_EXACT_FLAG, _spread(print_, 3, 3)),
        (_NEAR_FLAG, _spread(print_, near, near)),
        (_CLEAR_FLAG, 1 - _spread(print_, clear, clear)),
        (_LEVEL_FLAG, _spread(_opened(print_, _RULE, 1), 1, astray)),
        (_UPRIGHT_FLAG, _spread(_opened(print_, 1, _RULE), astray, 1)),
        (_WORN_FLAG, _spread(print_, worn, worn)),
    ):
        flags |= mask * np.uint8(flag)
    return Print(flags)


def without_print(ink: Grey, blank: Print, rows: slice) -> tuple[Grey, Grey]:
    """(ink that is not print, ink of shapes that had to be cut from print); masks of 0 and 1.

    ink: the ink of some rows of a page laid onto the blank form.
    """
    flags = blank.flags[rows]
    places = _places_of_rules(flags)
    rules = _rules(ink, flags, places)
    shapes = shapes_of(ink & ~rules)
    on = flags.reshape(-1)[shapes.places]
    area = np.maximum(shapes.stats[:, AREA], 1)
    overlap = shapes.count((on & _NEAR_FLAG) != 0) / area
    exactly = shapes.count((on & _EXACT_FLAG) != 0) / area
    whole = (overlap <= _ONLY_TOUCHES) | ((exactly < _EXACTLY) & (area >= _SCRAP_PIXELS))
    whole &= ~_slivers_beside_rules(shapes, flags)
    in_part = ~whole & (overlap < _IS_PRINT)
    runs_on = ~whole & ~in_part & (shapes.count((on & _CLEAR_FLAG) != 0) > 0)
    whole[0] = in_part[0] = runs_on[0] = False
    remaining, cut = shapes.mask(whole), np.zeros_like(ink)
    if in_part.any() or runs_on.any():
        cut = _pieces(shapes, in_part, runs_on, flags)
        remaining |= cut
    # Where a stroke crossed a rule it gets its crossing back.
    crossings = [_crossing(remaining, rules, place) for place in places]
    for place, crossing in zip(places, crossings, strict=True):
        remaining[place.rows, place.columns] |= crossing
    return remaining, cut


def _places_of_rules(flags: Grey) -> "list[_Place]":
    """The rows, all across, where level rules may lie, and the columns, all down, where upright ones may."""
    height, width = flags.shape
    level = np.asarray((flags & _LEVEL_FLAG).any(axis=1), np.bool_)
    upright = np.asarray((flags & _UPRIGHT_FLAG).any(axis=0), np.bool_)
    return [
        *(_Place(slice(top, bottom), slice(0, width), True) for top, bottom in _runs(level)),
        *(_Place(slice(0, height), slice(left, right), False) for left, right in _runs(upright)),
    ]


@dataclass(frozen=True, slots=True)
class _Place:
    """A part of the page where rules of one direction may lie."""

    rows: slice
    columns: slice
    is_level: bool


def _runs(chosen: Flags) -> list[tuple[int, int]]:
    """(start, end) of every stretch that is chosen."""
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _crossing(remaining: Grey, rules: Grey, place: _Place) -> Grey:
    """The parts of rules that close a gap between what remains above and below them."""
    top, left = max(place.rows.start - _CROSSING, 0), max(place.columns.start - _CROSSING, 0)
    around = remaining[top : place.rows.stop + _CROSSING, left : place.columns.stop + _CROSSING]
    closed = np.asarray(cv2.morphologyEx(around, cv2.MORPH_CLOSE, np.ones((_CROSSING, 3), np.uint8)), np.uint8)
    found = rules[place.rows, place.columns]
    height, width = found.shape
    top, left = place.rows.start - top, place.columns.start - left
    return found & closed[top : top + height, left : left + width]


def _pieces(shapes: Shapes, in_part: Flags, runs_on: Flags, flags: Grey) -> Grey:
    """What sticks out of print of shapes that are partly print; of those that mostly are, what is clear of it."""
    cut = shapes.mask(in_part | runs_on)
    pieces = shapes_of(cut & ((flags & _NEAR_FLAG) == 0).view(np.uint8))
    large = pieces.stats[:, AREA] >= _SCRAP_PIXELS
    if runs_on.any():
        clear = pieces.count((flags.reshape(-1)[pieces.places] & _CLEAR_FLAG) != 0) > 0
        of = np.zeros(len(pieces), np.int32)
        of[pieces.of] = shapes.of[np.searchsorted(shapes.places, pieces.places)]
        large &= clear | ~runs_on[of]
    large[0] = False
    kept = pieces.mask(large)
    # The wiped letters get back the ink that hid in the halo of the print, but not the print itself.
    grown = _spread(kept, 2 * _NEAR + 1, 2 * _NEAR + 1)
    return np.asarray(kept | (grown & cut & ((flags & _EXACT_FLAG) == 0)), np.uint8)


def _rules(ink: Grey, flags: Grey, places: Sequence[_Place]) -> Grey:
    """Printed rules where they really lie on the page: worn and bent ones miss the reference by a millimetre.

    places: as `_places_of_rules` gives them; elsewhere there is none.
    """
    rules = np.zeros_like(ink)
    for place in places:
        part = place.rows, place.columns
        flag = _LEVEL_FLAG if place.is_level else _UPRIGHT_FLAG
        here = ink[part] & ((flags[part] & flag) != 0).view(np.uint8)
        if place.is_level:
            rules[part] |= here & _spread(_opened(here, _RULE_PIECE, 1), 3, 5)
        else:
            rules[part] |= here & _spread(_opened(here, 1, _RULE_PIECE), 5, 3)
    return rules


def _slivers_beside_rules(shapes: Shapes, flags: Grey) -> Flags:
    """Which shapes are thin slivers that lie along a printed rule: its worn edge."""
    stats = shapes.stats
    rows, columns = flags.shape
    middle = flags[
        np.minimum(stats[:, TOP] + stats[:, HEIGHT] // 2, rows - 1),
        np.minimum(stats[:, LEFT] + stats[:, WIDTH] // 2, columns - 1),
    ]
    level = (stats[:, HEIGHT] <= _SLIVER) & ((middle & _LEVEL_FLAG) > 0)
    upright = (stats[:, WIDTH] <= _SLIVER) & ((middle & _UPRIGHT_FLAG) > 0)
    return np.asarray(level | upright, np.bool_)


def _spread(mask: Grey, across: int, down: int) -> Grey:
    return np.asarray(cv2.dilate(mask, np.ones((down, across), np.uint8)), np.uint8)


def _opened(mask: Grey, across: int, down: int) -> Grey:
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((down, across), np.uint8)), np.uint8)
