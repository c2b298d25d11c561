"""Shapes: the connected pieces of ink of a mask, as numbers to reckon with."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.page import Grey
from schemas.geometry import Box

Labels = NDArray[np.int32]
Flags = NDArray[np.bool_]

LEFT, TOP, WIDTH, HEIGHT, AREA = range(5)


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """Connected shapes of a mask, held by their pixels: a page of writing is nineteen parts paper.

    shape:  (height, width) of the mask.
    places: index into the flattened picture of every inked pixel, rising; `of`: the shape each belongs to.
    stats:  (shapes, 5) int32: left, top, width, height, area; row 0 is the paper.
    """

    shape: tuple[int, int]
    places: NDArray[np.int64]
    of: Labels
    stats: Labels

    def __len__(self) -> int:
        return len(self.stats)

    @property
    def labels(self) -> Labels:
        """(height, width) int32, 0 for paper, else the shape; drawn anew each time."""
        labels = np.zeros(self.shape, np.int32)
        labels.reshape(-1)[self.places] = self.of
        return labels

    def alone(self, number: int) -> Grey:
        """1 where this one shape is, in the smallest window that holds it."""
        left, top, width, height = (int(value) for value in self.stats[number, :4])
        rows, columns = np.divmod(self.places[self.of == number], self.shape[1])
        window = np.zeros((height, width), np.uint8)
        window[rows - top, columns - left] = 1
        return window

    def count(self, chosen: Flags) -> NDArray[np.int64]:
        """For each shape, how many of its pixels are among those chosen, one flag for each of `places`."""
        return np.bincount(self.of[chosen], minlength=len(self.stats))

    def mask(self, keep: Flags) -> Grey:
        """1 where the shapes are that are to be kept, one flag per shape."""
        mask = np.zeros(self.shape, np.uint8)
        mask.reshape(-1)[self.places[keep[self.of]]] = 1
        return mask


def shapes_of(mask: Grey) -> Shapes:
    """The shapes of a mask of 0 and 1; pixels that touch at a corner belong together."""
    # Rows without ink are left out, but for one after each block of rows: they are a third of most pages.
    inked = np.asarray(mask.any(axis=1), np.bool_)
    wanted = inked.copy()
    wanted[1:] |= inked[:-1]
    height, width = mask.shape
    if not inked.any():
        return Shapes((height, width), np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros((1, 5), np.int32))
    written = mask[wanted]
    count, labels = cv2.connectedComponents(written, connectivity=8, ltype=cv2.CV_32S)
    near = np.flatnonzero(written.view(np.bool_))
    of = np.asarray(labels.reshape(-1)[near], np.int32)
    within = near.astype(np.int32) // np.int32(width)  # unlike `divmod`, done for many numbers at a time
    columns = near.astype(np.int32) - within * np.int32(width)
    rows = np.flatnonzero(wanted).astype(np.int32)[within]
    places = rows.astype(np.int64) * width + columns
    return Shapes((height, width), places, of, _stats(rows, columns, of, count))


# Numbers of so few bits are sorted by counting them.
_FEW = 1 << 16


def _stats(rows: Labels, columns: Labels, of: Labels, count: int) -> Labels:
    stats = np.zeros((count, 5), np.int32)
    order = np.argsort(of.astype(np.uint16) if count <= _FEW else of, kind="stable")
    rows, columns = rows[order], columns[order]
    starts = np.flatnonzero(np.diff(of[order], prepend=0))
    ends = np.append(starts[1:], len(order))
    left, right = np.minimum.reduceat(columns, starts), np.maximum.reduceat(columns, starts)
    # Within a shape the pixels come row by row.
    top, bottom = rows[starts], rows[ends - 1]
    stats[1:] = np.stack([left, top, right - left + 1, bottom - top + 1, ends - starts], axis=1)
    return stats


def around(stats: Labels) -> Box:
    """The place of some shapes together. Raises ValueError for none."""
    right, bottom = stats[:, LEFT] + stats[:, WIDTH], stats[:, TOP] + stats[:, HEIGHT]
    return Box(int(stats[:, LEFT].min()), int(stats[:, TOP].min()), int(right.max()), int(bottom.max()))


def groups(shapes: Shapes, keep: Flags, gap: tuple[int, int]) -> Labels:
    """For each shape the number of the group it belongs to; 0 for those not kept.

    Shapes nearer than `gap` pixels (across, down) are of one group, to a pixel: neighbours are looked for on a
    picture of half the size.
    """
    chosen = keep[shapes.of]
    rows, columns = np.divmod(shapes.places[chosen], shapes.shape[1])
    rows >>= 1
    columns >>= 1
    height, width = (-(-side // 2) for side in shapes.shape)
    half = np.zeros((height, width), np.uint8)
    half[rows, columns] = 1
    joined = cv2.dilate(half, np.ones((-(-gap[1] // 2), -(-gap[0] // 2)), np.uint8))
    _, numbers = cv2.connectedComponents(joined, connectivity=8, ltype=cv2.CV_32S)
    group = np.zeros(len(shapes), np.int32)
    group[shapes.of[chosen]] = numbers[rows, columns]
    return group
