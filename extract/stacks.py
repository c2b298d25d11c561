"""Stacks: rubber stamps set on their side, told from level writing by how their shapes lie to one another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extract.piles import piles_of
from extract.shapes import HEIGHT, LEFT, TOP, WIDTH, Flags, Labels, around
from schemas.geometry import Box, hull

# All lengths in pixels at 300 dpi.
# Writing is level where a row of at least so many shapes is so many times as wide as high and longer than any letter
# of a stamp is tall; a word of two or three letters where these are of one height.
_ROW_SHAPES, _ROW_WIDE, _ROW_LONG = 4, 1.8, 60
_WORD_SHAPES, _WORD_WIDE, _WORD_EVEN = 2, 1.3, 0.25
_LETTER_LOW, _LETTER_TALL = 14, 64
# Letters of a row are at least this share of its height; points, dashes and specks are less.
_LETTER_SHARE = 0.4
# A stamp's column: its letters stand over one another, no farther apart than this, the blanks between words included.
_STAMP_GAP = 80
_OVER_ONE_ANOTHER = 0.5
# A run wider than this, two of a stamp's letters side by side, is a word that touches the stamp.
_LETTERS_WIDE = 115
# So tall at least, so narrow in proportion, of at least so many shapes.
_STAMP_TALL, _STAMP_NARROW, _STAMP_SHAPES = 150, 0.45, 4
# A last word of a stamp that has a line of its own beside a longer one, such as "UNIT": no farther from it and no
# nearer than this, of so many letters or pieces of them, none larger than the longer line's by more than this factor,
# so narrow in proportion, and aslant by no more than this. They stand no farther apart than letters of one word do, 3
# to 5 in such stamps; rows of writing are 30 apart.
_NEXT_TO, _TOUCHING, _WORD_OF_STAMP, _LETTERS_LARGER = 20, -12, 3, 1.4
_WORD_NARROW, _ASLANT, _WITHIN_WORD = 0.75, 0.1, 8
# A column of which so many runs stand beside level writing, no farther than this, is the first column of a list.
_BESIDE, _BESIDE_WRITING = 45, 0.5
# Pieces of letters in a stamp's column, to so much beside it, are the stamp's.
_COLUMN_MARGIN = 8
# A run so many times as wide as the others of its column holds something else as well.
_STICKS_OUT = 1.6
# A word of level writing that stands in a stamp's column is at least this tall; pieces of its letters are less.
_WORD_TALL = 20


@dataclass(frozen=True, slots=True, eq=False)
class Stacks:
    """Which shapes belong to stamps set on their side, and where these are."""

    sideways: Flags
    places: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    number: int
    box: Box
    shapes: int
    is_level: bool


def stacks_of(stats: Labels, run: Labels) -> Stacks:
    """The stamps among shapes, given each shape's place and the number of its run; 0 is no run."""
    runs = _runs(stats, run)
    level = [each for each in runs if each.is_level]
    free = [each for each in runs if not each.is_level and each.box.width <= _LETTERS_WIDE]
    columns = [column for column in _columns(free) if _is_stamp(column, level)]
    sideways = np.zeros(len(stats), np.bool_)
    places: list[Box] = []
    middle = stats[:, LEFT] + stats[:, WIDTH] / 2
    for column in columns:
        place = _middle(column)
        numbers = {each.number for each in column} | {each.number for each in runs if _stands_in(each, column, place)}
        # A word that a letter of the stamp touches is of one run with it, but stands beside the column.
        inside = (middle >= place.left - _COLUMN_MARGIN) & (middle <= place.right + _COLUMN_MARGIN)
        of_column = np.isin(run, list(numbers))
        if not (of_column & inside).any():
            continue
        sideways |= of_column & inside
        places.append(around(stats[of_column & inside]))
    # They hide nothing, unlike the stamp's own place: an answer that looks like one leaves a doubt.
    for place in places:
        for word in _words_beside(place, stats, run, sideways, level):
            sideways[word] = True
    for pile in piles_of(stats, run, np.isin(run, [each.number for each in level if each.shapes > _WORD_SHAPES])):
        sideways[pile] = True
        _add(places, around(stats[pile]))
    return Stacks(sideways, tuple(places))


def _add(places: list[Box], place: Box) -> None:
    """Add a place, or widen the one it is a part of or goes on."""
    for at, other in enumerate(places):
        shared = min(place.right, other.right) - max(place.left, other.left)
        apart = max(place.top - other.bottom, other.top - place.bottom)
        if shared >= _OVER_ONE_ANOTHER * place.width and apart <= _STAMP_GAP:
            places[at] = hull([place, other])
            return
    places.append(place)


def _middle(column: Sequence[_Run]) -> Box:
    """The place of a column without the runs that stick out of it."""
    usual = float(np.median([each.box.width for each in column]))
    return hull([each.box for each in column if each.box.width <= _STICKS_OUT * usual])


def _runs(stats: Labels, run: Labels) -> list[_Run]:
    shapes = np.flatnonzero(run)
    if not shapes.size:
        return []
    of = run[shapes]
    order = np.argsort(of, kind="stable")
    starts = np.flatnonzero(np.diff(of[order], prepend=-1))
    left, top = stats[shapes, LEFT][order], stats[shapes, TOP][order]
    right, bottom = left + stats[shapes, WIDTH][order], top + stats[shapes, HEIGHT][order]
    edges = zip(
        np.minimum.reduceat(left, starts),
        np.minimum.reduceat(top, starts),
        np.maximum.reduceat(right, starts),
        np.maximum.reduceat(bottom, starts),
        strict=True,
    )
    ends = [*starts[1:], len(order)]
    found = []
    for (x0, y0, x1, y1), start, end in zip(edges, starts, ends, strict=True):
        box = Box(int(x0), int(y0), int(x1), int(y1))
        is_level = _is_level(box, top[start:end], bottom[start:end])
        found.append(_Run(int(of[order[start]]), box, int(end - start), is_level))
    return found


def _is_level(box: Box, tops: NDArray[np.int32], bottoms: NDArray[np.int32]) -> bool:
    letters = bottoms - tops >= _LETTER_SHARE * box.height
    tops, bottoms = tops[letters], bottoms[letters]
    if len(tops) >= _ROW_SHAPES:
        return box.width > _ROW_WIDE * box.height and box.width >= _ROW_LONG
    if len(tops) < _WORD_SHAPES or not _LETTER_LOW <= box.height <= _LETTER_TALL:
        return False
    uneven = max(int(np.ptp(tops)), int(np.ptp(bottoms)))
    return box.width > _WORD_WIDE * box.height and uneven <= _WORD_EVEN * box.height


def _columns(runs: Sequence[_Run]) -> list[list[_Run]]:
    """Runs that stand over one another, as columns."""
    if not runs:
        return []
    edges = np.array([(run.box.left, run.box.top, run.box.right, run.box.bottom) for run in runs])
    left, top, right, bottom = edges.T
    width = right - left
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    apart = np.maximum(top[:, None] - bottom, top - bottom[:, None])
    over = (apart <= _STAMP_GAP) & (shared >= _OVER_ONE_ANOTHER * np.minimum(width[:, None], width))
    columns: list[list[_Run]] = []
    left_over = np.ones(len(runs), np.bool_)
    while left_over.any():
        column = np.zeros(len(runs), np.bool_)
        column[int(left_over.argmax())] = True
        while (grown := column | over[column].any(axis=0)).sum() > column.sum():
            column = grown
        left_over &= ~column
        columns.append([runs[int(place)] for place in np.flatnonzero(column)])
    return columns


def _is_stamp(column: Sequence[_Run], level: Sequence[_Run]) -> bool:
    place = hull([each.box for each in column])
    if place.height < _STAMP_TALL or place.width >= _STAMP_NARROW * place.height:
        return False
    if sum(each.shapes for each in column) < _STAMP_SHAPES:
        return False
    return not _is_beside_writing(column, level)


def _words_beside(
    stamp: Box, stats: Labels, run: Labels, sideways: Flags, level: Sequence[_Run]
) -> Iterator[list[int]]:
    """Letters over one another, by their numbers, that are one more line of a stamp: close beside it and as small."""
    left, top = stats[:, LEFT], stats[:, TOP]
    right, bottom = left + stats[:, WIDTH], top + stats[:, HEIGHT]
    within = (top >= stamp.top) & (bottom <= stamp.bottom)
    own = within & sideways & (left >= stamp.left) & (right <= stamp.right)
    if not own.any():
        return
    largest = _LETTERS_LARGER * int(stats[own, WIDTH].max())
    reach = _NEXT_TO + largest
    # What begins and ends in the stamp's letters is no word, however level its pieces lie.
    words = [
        each
        for each in level
        if each.box.left < stamp.left - reach or each.box.right > stamp.right + reach or not each.box.overlaps(stamp)
    ]
    free = (run > 0) & ~sideways & ~np.isin(run, [each.number for each in words])
    near = (left <= stamp.right + reach) & (right >= stamp.left - reach)
    small = stats[:, WIDTH : HEIGHT + 1].max(axis=1) <= largest
    for word in _columns(_runs(stats, np.where(free & near & within & small, np.arange(len(run)), 0).astype(np.int32))):
        place = hull([each.box for each in word])
        apart = max(place.left - stamp.right, stamp.left - place.right)
        widest = min(largest + _ASLANT * place.height, _WORD_NARROW * place.height)
        is_line = place.width <= widest and len(word) >= _WORD_OF_STAMP
        if not is_line or not _TOUCHING <= apart <= _NEXT_TO or _is_beside_writing(word, words):
            continue
        numbers = [each.number for each in word]
        others = np.flatnonzero((run > 0) & ~sideways & ~np.isin(np.arange(len(run)), numbers))
        if _widest_usual_gap(stats[numbers]) <= _WITHIN_WORD and not _stands_in_rows(stats[numbers], stats[others]):
            yield numbers


def _widest_usual_gap(letters: Labels) -> float:
    """The median of the rows between letters that stand over one another; pieces of one letter have none."""
    order = np.argsort(letters[:, TOP], kind="stable")
    top, bottom = letters[order, TOP], np.maximum.accumulate(letters[order, TOP] + letters[order, HEIGHT])
    return float(np.median(top[1:] - bottom[:-1]))


def _stands_in_rows(letters: Labels, others: Labels) -> bool:
    """Whether half of the letters have another one level with them: two columns of them are short words in rows."""
    letters = letters[letters[:, HEIGHT] >= _LETTER_LOW]
    others = others[others[:, HEIGHT] >= _LETTER_LOW]
    top, low = letters[:, TOP, np.newaxis], (letters[:, TOP] + letters[:, HEIGHT])[:, np.newaxis]
    left, right = letters[:, LEFT, np.newaxis], (letters[:, LEFT] + letters[:, WIDTH])[:, np.newaxis]
    shared = np.minimum(low, others[:, TOP] + others[:, HEIGHT]) - np.maximum(top, others[:, TOP])
    apart = np.maximum(others[:, LEFT] - right, left - others[:, LEFT] - others[:, WIDTH])
    level = (shared >= _OVER_ONE_ANOTHER * np.minimum(low - top, others[:, HEIGHT])) & (apart >= 0) & (apart <= _BESIDE)
    return bool(len(letters)) and float(level.any(axis=1).mean()) >= _BESIDE_WRITING


def _is_beside_writing(column: Sequence[_Run], level: Sequence[_Run]) -> bool:
    beside = sum(any(_is_beside(each.box, other.box) for other in level) for each in column)
    return beside >= _BESIDE_WRITING * len(column)


def _is_beside(one: Box, other: Box) -> bool:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    apart = max(other.left - one.right, one.left - other.right)
    return 0 <= apart <= _BESIDE and shared >= _OVER_ONE_ANOTHER * min(one.height, other.height)


def _stands_in(run: _Run, column: Sequence[_Run], place: Box) -> bool:
    """A letter or a piece of one in a stamp's column, or at its ends; not a word that happens to stand there."""
    box = run.box
    inside = (
        box.left >= place.left - _COLUMN_MARGIN
        and box.right <= place.right + _COLUMN_MARGIN
        and box.top >= place.top - _STAMP_GAP
        and box.bottom <= place.bottom + _STAMP_GAP
    )
    if not inside or not run.is_level or box.height < _WORD_TALL:
        return inside
    nearest = min(column, key=lambda each: abs(each.box.top + each.box.bottom - box.top - box.bottom)).box
    return max(abs(box.left - nearest.left), abs(box.right - nearest.right)) <= _COLUMN_MARGIN
