"""Code 128 bars as pixels, for what is printed on paper that is not a form: separators, personal numbers."""

import numpy as np
from reportlab.graphics.barcode.code128 import Code128

from extract.page import Grey


def bars(payload: str, width: int, height: int) -> Grey:
    """Ink cover (height, at most `width`) 0 to 255 of the barcode, each module a whole number of pixels wide.

    Raises ValueError if `width` is less than one pixel a module.
    """
    symbol = Code128(payload, quiet=0)
    symbol.validate()
    symbol.encode()
    symbol.decompose()
    # One letter per bar (capital) and space (small): A is one module wide, B two, and so on.
    runs = [(mark.isupper(), ord(mark.upper()) - ord("A") + 1) for mark in symbol.decomposed]
    module = width // sum(count for _, count in runs)
    if module < 1:
        raise ValueError(f"{len(payload)} characters do not fit into {width} pixels")
    row = np.concatenate([np.full(count * module, 255 if is_bar else 0, np.uint8) for is_bar, count in runs])
    return np.tile(row, (height, 1))
