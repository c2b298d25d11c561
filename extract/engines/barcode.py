"""Finds and reads barcodes with zxing-cpp."""

from importlib.metadata import version

import zxingcpp

from extract.engines import FoundBarcode
from extract.page import Grey
from schemas.geometry import Box, hull


class ZxingBarcodes:
    """A BarcodeFinder for every symbology zxing-cpp reads, at any turn and slant."""

    name = f"zxing-cpp-{version('zxing-cpp')}"

    def find(self, pixels: Grey) -> list[FoundBarcode]:
        """Every barcode on the image, top to bottom; an empty list means none.

        Light bars on dark ground are not looked for: paper mail has none, and looking costs half as much again.
        """
        found = zxingcpp.read_barcodes(pixels, try_invert=False)
        height, width = pixels.shape
        barcodes = [FoundBarcode(one.format.name, one.text, _box(one.position, width, height)) for one in found]
        return sorted(barcodes, key=lambda barcode: (barcode.box.top, barcode.box.left))


def _box(position: zxingcpp.Position, width: int, height: int) -> Box:
    """The upright rectangle around a barcode that may lie slanted."""
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    # zxing names the pixels of the corners themselves; a Box excludes its right and bottom edge.
    return hull(Box(point.x, point.y, point.x + 1, point.y + 1) for point in corners).within(width, height)
