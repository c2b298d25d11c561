"""Shapes: the connected pieces of ink of a mask, as numbers to reckon with."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.page import Grey

Labels = NDArray[np.int32]
Flags = NDArray[np.bool_]

LEFT, TOP, WIDTH, HEIGHT, AREA = range(5)


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """Connected shapes of a mask, held by their pixels: a page of writing is nineteen parts paper.

    labels: (height, width) int32, 0 for paper.
    places: index into the flattened picture of every inked pixel, rising; `of`: the shape each belongs to.
    stats:  (shapes, 5) int32: left, top, width, height, area; row 0 is the paper.
    """

    labels: Labels
    places: NDArray[np.int64]
    of: Labels
    stats: Labels

    def __len__(self) -> int:
        return len(self.stats)

    def count(self, chosen: Flags) -> NDArray[np.int64]:
        """For each shape, how many of its pixels are among those chosen, one flag for each of `places`."""
        return np.bincount(self.of[chosen], minlength=len(self.stats))

    def mask(self, keep: Flags) -> Grey:
        """1 where the shapes are that are to be kept, one flag per shape."""
        mask = np.zeros(self.labels.shape, np.uint8)
        mask.reshape(-1)[self.places[keep[self.of]]] = 1
        return mask


def shapes_of(mask: Grey) -> Shapes:
    """The shapes of a mask of 0 and 1; pixels that touch at a corner belong together."""
    # Rows without ink are left out, but for one after each block of rows: they are a third of most pages.
    inked = np.asarray(mask.any(axis=1), np.bool_)
    wanted = inked.copy()
    wanted[1:] |= inked[:-1]
    labels = np.zeros(mask.shape, np.int32)
    count = 1
    if inked.any():
        count, labels[wanted] = cv2.connectedComponents(mask[wanted], connectivity=8, ltype=cv2.CV_32S)
    places = np.flatnonzero(mask.view(np.bool_))
    of = labels.reshape(-1)[places]
    return Shapes(labels, places, of, _stats(places, of, count, mask.shape[1]))


def _stats(places: NDArray[np.int64], of: Labels, count: int, width: int) -> Labels:
    rows, columns = np.divmod(places.astype(np.int32), np.int32(width))
    stats = np.zeros((count, 5), np.int32)
    order = np.argsort(of, kind="stable")
    starts = np.flatnonzero(np.diff(of[order], prepend=0))
    if not starts.size:
        return stats
    rows, columns = rows[order], columns[order]
    ends = np.append(starts[1:], len(order))
    left, right = np.minimum.reduceat(columns, starts), np.maximum.reduceat(columns, starts)
    # Within a shape the pixels come row by row.
    top, bottom = rows[starts], rows[ends - 1]
    stats[1:] = np.stack([left, top, right - left + 1, bottom - top + 1, ends - starts], axis=1)
    return stats


def groups(shapes: Shapes, keep: Flags, gap: tuple[int, int]) -> Labels:
    """For each shape the number of the group it belongs to; 0 for those not kept.

    Shapes nearer than `gap` pixels (across, down) are of one group, to a pixel: neighbours are looked for on a
    picture of half the size.
    """
    chosen = keep[shapes.of]
    rows, columns = np.divmod(shapes.places[chosen], shapes.labels.shape[1])
    rows >>= 1
    columns >>= 1
    height, width = (-(-side // 2) for side in shapes.labels.shape)
    half = np.zeros((height, width), np.uint8)
    half[rows, columns] = 1
    joined = cv2.dilate(half, np.ones((-(-gap[1] // 2), -(-gap[0] // 2)), np.uint8))
    _, numbers = cv2.connectedComponents(joined, connectivity=8, ltype=cv2.CV_32S)
    group = np.zeros(len(shapes), np.int32)
    group[shapes.of[chosen]] = numbers[rows, columns]
    return group
