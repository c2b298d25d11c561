"""PageImage: the only type that carries the pixels of a page."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class ExactWord:
    """A word taken from the text layer of a born-digital PDF: exact, no recognition needed.

    left, top, right, bottom: pixels of the page image it belongs to.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, eq=False)
class PageImage:
    """One side of paper.

    pixels: (height, width) uint8 grey levels, 0 black to 255 white.
    dpi:    dots per inch of `pixels`: the header's claim where it gives a sensible paper size, else estimated from it.
    number: 1 for the first page of the file.
    words:  the text layer of a born-digital page; empty for a scan (a scan's invisible OCR layer is not trusted).
    """

    pixels: Grey
    dpi: int
    number: int
    words: tuple[ExactWord, ...] = ()

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])
