"""A snippet: the answer to one field, cut from the picture of its page with what stands around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from extract.page import Grey
from intake.pictures.upright import as_png
from schemas.geometry import Box, PageArea, fraction_of_page

CONTEXT: Final = 0.15  # of the answer's own width and height, on every side
_MILLIMETRES_PER_INCH: Final = 25.4
# Where forms print what they ask for: above the answer, or to its left. So much is in view whatever the answer's size.
_LEAST_ABOVE_MM, _LEAST_BELOW_MM, _LEAST_LEFT_MM, _LEAST_RIGHT_MM = 9.0, 3.0, 22.0, 22.0


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part of a page.

    png:     the picture, `width` x `height` pixels.
    width_on_paper_mm, height_on_paper_mm: how large it is on the paper, to be shown at that scale.
    target:  where the answer stands, in fractions of the snippet.
    """

    png: bytes
    width: int
    height: int
    width_on_paper_mm: float
    height_on_paper_mm: float
    target: PageArea


def cut(page: Grey, dpi: int, box: PageArea, context: float = CONTEXT) -> Snippet:
    """The part of an upright page around `box`, at least as far as its printed label is likely to stand."""
    height, width = page.shape
    answer = _in_pixels(box, width, height)
    dots_per_mm = dpi / _MILLIMETRES_PER_INCH
    part = Box(
        answer.left - round(max(context * answer.width, _LEAST_LEFT_MM * dots_per_mm)),
        answer.top - round(max(context * answer.height, _LEAST_ABOVE_MM * dots_per_mm)),
        answer.right + round(max(context * answer.width, _LEAST_RIGHT_MM * dots_per_mm)),
        answer.bottom + round(max(context * answer.height, _LEAST_BELOW_MM * dots_per_mm)),
    ).within(width, height)
    inner = Box(answer.left - part.left, answer.top - part.top, answer.right - part.left, answer.bottom - part.top)
    return Snippet(
        png=as_png(page[part.top : part.bottom, part.left : part.right]),
        width=part.width,
        height=part.height,
        width_on_paper_mm=part.width / dots_per_mm,
        height_on_paper_mm=part.height / dots_per_mm,
        target=fraction_of_page(inner, part.width, part.height),
    )


def area_of(box: Sequence[float]) -> PageArea:
    """A record's box, [x0, y0, x1, y1]. Raises ValueError if it is none."""
    left, top, right, bottom = box
    return PageArea(left, top, right, bottom)


def _in_pixels(box: PageArea, width: int, height: int) -> Box:
    """At least one pixel each way, and on the page."""
    left = min(max(int(box.left * width), 0), width - 1)
    top = min(max(int(box.top * height), 0), height - 1)
    right = min(max(round(box.right * width), left + 1), width)
    bottom = min(max(round(box.bottom * height), top + 1), height)
    return Box(left, top, right, bottom)
