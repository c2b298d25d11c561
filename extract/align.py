"""Align: the page laid into the frame of its edition's reference, with the way back to the scan."""

from dataclasses import dataclass

import numpy as np

from extract import answers
from extract.fit import Fit, to_page, warp
from extract.page import ExactWord, Grey, PageImage
from extract.references import Reference
from schemas.geometry import Box, PageArea


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A page in the frame of its reference.

    pixels:    (height, width) uint8, same size and dpi as `reference`.
    reference: the print of the blank form.
    two_levels: whether the page was scanned in black and white only.
    words:     the exact words of a born-digital page, in the frame of the reference; empty for a scan.
    """

    pixels: Grey
    reference: Grey
    two_levels: bool
    words: tuple[ExactWord, ...]
    _page: PageImage
    _fit: Fit
    _reference: Reference

    def area(self, box: Box) -> PageArea:
        """Where a place of the reference lies on the upright page, in fractions of it."""
        corners = [
            to_page(self._fit, self._reference, x, y) for x in (box.left, box.right) for y in (box.top, box.bottom)
        ]
        xs, ys = [corner[0] for corner in corners], [corner[1] for corner in corners]
        width, height = self._page.width, self._page.height
        return PageArea(min(xs) / width, min(ys) / height, max(xs) / width, max(ys) / height)


def align(page: PageImage, drawing: Grey, reference: Reference, fit: Fit) -> Laid:
    """Lay an upright page into the frame of the reference it was recognised by; `drawing` is that blank form."""
    pixels = warp(page, reference, fit)
    words = tuple(_in_frame(word, fit) for word in page.words)
    return Laid(pixels, drawing, answers.has_two_levels(page.pixels), words, page, fit, reference)


def _in_frame(word: ExactWord, fit: Fit) -> ExactWord:
    back = np.linalg.inv(fit.affine[:, :2])
    (left, top), (right, bottom) = (
        back @ (np.array(corner) - fit.affine[:, 2]) for corner in ((word.left, word.top), (word.right, word.bottom))
    )
    return ExactWord(word.text, float(left), float(top), float(right), float(bottom))
