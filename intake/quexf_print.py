"""Lay the blank of a queXF form onto queXF's frame, by its corner marks, and the boxes onto the blank's print."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.ink import local_shift, moved
from extract.page import Grey
from intake.quexf import QUEXF_DPI, BandedPage, Banding, BoxGroup
from schemas.errors import NotAForm
from schemas.geometry import hull

# Corner marks are two bars, about 6 pixels thick and 20 mm long; this much of each bar is looked for,
_MARK_LENGTH, _MARK_THICKNESS = 150, 6
# as far as this (10 mm) from where they should be: a flatbed's paper feed is never worse.
_MARK_SEARCH = 120
# Correlation of a mark on a clean scan turned by 1 degree is 0.7; of lines of text below 0.3.
_MARK_LIKENESS = 0.45
# Below this misfit the rendered page is left as it is: warping would only blur it.
_MISFIT_WORTH_WARPING = 3.0
# Boxes that lie farther than this (1.5 mm) from their print after that are boxes of another form;
_PRINT_SEARCH = 18
# less than this is the width of a line. Lines of which this share of the search remains as misfit were not seen.
_MISFIT_WORTH_MOVING, _LINES_SEEN = 2, 0.25
# Lighter print than this is tint, which black-and-white scanners drop; darker than the other is line and letter.
_TINT, _LETTER = 180, 120


def references(banding: Banding, blank: Sequence[Grey], blank_source: str) -> list[Grey]:
    """The blank's pages laid onto queXF's own frame, tints whitened: the reference images at 300 dpi.

    blank: every page rendered at 300 dpi. A printed and scanned blank is moved by its corner marks.
    Raises NotAForm if the page counts differ, the marks are missing, or a box lies outside its page.
    """
    if len(blank) != len(banding.pages):
        raise NotAForm(
            f"{blank_source}: it has {len(blank)} pages, but {banding.source} describes {len(banding.pages)}"
        )
    placed = [_placed(page, pixels, blank_source) for page, pixels in zip(banding.pages, blank, strict=True)]
    for group in banding.groups:
        height, width = placed[group.page - 1].shape
        for box in group.boxes:
            if box.box.right > width or box.box.bottom > height:
                raise NotAForm(
                    f"{banding.source}: {group.variable}: a box lies outside page {group.page} of {blank_source}, "
                    f"which is {width} x {height} pixels at {QUEXF_DPI} dpi"
                )
    return [_without_tints(page) for page in placed]


def on_the_print(banding: Banding, pages: Sequence[Grey]) -> Banding:
    """The banding with every group of boxes moved onto the lines printed in `pages`, its reference images.

    Paper that a scanner feeds unevenly lies up to a millimetre off between its corner marks. A group whose lines the
    scan has lost moves as the nearest other group of its page does.
    """
    seen = [(group, *_shift(group, pages[group.page - 1])) for group in banding.groups]
    sure = [(group, dx, dy) for group, dx, dy, misfit in seen if misfit <= _LINES_SEEN]
    groups = []
    for group, dx, dy, misfit in seen:
        beside = [other for other in sure if other[0].page == group.page]
        if misfit <= _LINES_SEEN or not beside:
            by = (dx, dy) if misfit <= _LINES_SEEN else (0, 0)
        else:
            top = group.boxes[0].box.top
            by = min(beside, key=lambda other: abs(other[0].boxes[0].box.top - top))[1:]
        groups.append(_moved(group, *by))
    return replace(banding, groups=tuple(groups))


def _shift(group: BoxGroup, page: Grey) -> tuple[int, int, float]:
    """(dx, dy) in pixels from the group's boxes to printed lines, and how badly those fit, 0.0 to 1.0."""
    outer = hull(box.box for box in group.boxes).grown(_PRINT_SEARCH)
    lines = np.zeros((outer.height, outer.width), np.uint8)
    for banded in group.boxes:
        box = moved(banded.box, -outer.left, -outer.top)
        cv2.rectangle(lines, (box.left, box.top), (box.right, box.bottom), 1, 1)
    return local_shift(page, outer, lines.astype(np.bool_), _PRINT_SEARCH)


def _moved(group: BoxGroup, dx: int, dy: int) -> BoxGroup:
    if max(abs(dx), abs(dy)) <= _MISFIT_WORTH_MOVING:
        return group
    return replace(group, boxes=tuple(replace(banded, box=moved(banded.box, dx, dy)) for banded in group.boxes))


def _placed(page: BandedPage, pixels: Grey, source: str) -> Grey:
    if page.corners is None:
        return pixels
    found = corner_marks(pixels, page.corners)
    if found is None:
        raise NotAForm(
            f"{source}: page {page.number} shows no corner marks near the places the banding names; "
            "is it the blank of this form, printed at its true size?"
        )
    wanted = np.array(page.corners, np.float32)
    if np.abs(found - wanted).max() <= _MISFIT_WORTH_WARPING:
        return pixels
    # The marks stand at equal distances from opposite edges, which gives the size of queXF's page.
    width, height = int(wanted[0, 0] + wanted[1, 0]), int(wanted[0, 1] + wanted[3, 1])
    onto = cv2.getPerspectiveTransform(found, wanted)
    warped = cv2.warpPerspective(pixels, onto, (width, height), flags=cv2.INTER_LINEAR, borderValue=255)
    return np.asarray(warped, np.uint8)


def corner_marks(pixels: Grey, expected: Sequence[tuple[int, int]]) -> NDArray[np.float32] | None:
    """(4, 2) x, y of the inner corners of the four marks in pixels at 300 dpi; None if any is not seen.

    expected: top left, top right, bottom right, bottom left; each is looked for within 10 mm.
    """
    dark = np.where(pixels < 128, 255, 0).astype(np.uint8)
    found = []
    for (x, y), (flip_x, flip_y) in zip(
        expected, ((False, False), (True, False), (True, True), (False, True)), strict=True
    ):
        mark = _corner_template(flip_x=flip_x, flip_y=flip_y)
        inner = np.array(
            [
                mark.shape[1] - 1 - _MARK_INNER if flip_x else _MARK_INNER,
                mark.shape[0] - 1 - _MARK_INNER if flip_y else _MARK_INNER,
            ]
        )
        start = np.maximum(np.array([x, y]) - inner - _MARK_SEARCH, 0)
        end = start + 2 * _MARK_SEARCH + mark.shape[0]
        window = dark[start[1] : end[1], start[0] : end[0]]
        if window.shape[0] < mark.shape[0] or window.shape[1] < mark.shape[1] or not window.any():
            return None
        likeness = cv2.matchTemplate(window, mark, cv2.TM_CCOEFF_NORMED)
        _, best, _, place = cv2.minMaxLoc(likeness)
        if best < _MARK_LIKENESS:
            return None
        found.append(start + np.array(place) + inner)
    return np.array(found, np.float32)


# In the template of the top left mark the inner corner is the first white pixel after both bars.
_MARK_MARGIN = 12
_MARK_INNER = _MARK_MARGIN + _MARK_THICKNESS


def _corner_template(*, flip_x: bool, flip_y: bool) -> Grey:
    mark = np.zeros((_MARK_LENGTH, _MARK_LENGTH), np.uint8)
    mark[_MARK_MARGIN:_MARK_INNER, _MARK_MARGIN:] = 255
    mark[_MARK_MARGIN:, _MARK_MARGIN:_MARK_INNER] = 255
    return np.ascontiguousarray(mark[:: -1 if flip_y else 1, :: -1 if flip_x else 1])


def _without_tints(pixels: Grey) -> Grey:
    """The same page with backgrounds white and letters as they are: what a black-and-white scan of it would show."""
    levels = np.interp(np.arange(256), (0, _LETTER, _TINT, 255), (0, _LETTER, 255, 255))
    return np.asarray(cv2.LUT(pixels, levels.astype(np.uint8)), np.uint8)
