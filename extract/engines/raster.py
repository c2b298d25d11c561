"""Pillow behind one door: the pages of a TIFF, PNG or JPEG file as grey levels."""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from extract.page import Grey
from schemas.errors import Cause, Unreadable

RESCAN = "Scan the paper again, or ask the sender for the file again."
_SMALLER = "Scan at 300 dpi, or split the file, and hand it over again."

# Whatever a broken file makes Pillow and its codecs raise; anything else is our own fault and must show.
_BROKEN: Final = (
    OSError, EOFError, SyntaxError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError,
    struct.error, ZeroDivisionError, RuntimeError,
)  # fmt: skip

_ORIENTATION, _PHOTOMETRIC = 274, 262
_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES = 273, 279, 324, 325
_TURNED_ON_ITS_SIDE = (5, 6, 7, 8)  # EXIF orientations that swap width and height


@dataclass(frozen=True, slots=True, eq=False)
class RasterPage:
    """One decoded page. claimed_dpi: (across, down) as the header says, None if it does not; often wrong."""

    pixels: Grey
    claimed_dpi: tuple[float, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class RasterFile:
    """The pages of one TIFF, PNG or JPEG file, decoded one at a time.

    format: "TIFF", "PNG" or "JPEG", from the content's first bytes.
    whole:  how many pages have a complete directory.
    is_cut: there should be one more page, but the file ends or loops before it.
    """

    content: bytes
    format: str
    whole: int
    is_cut: bool
    _open: list[Image.Image] = field(default_factory=list)  # the file as Pillow holds it, opened once

    @property
    def count(self) -> int:
        """Pages in the file, the one that is cut off included."""
        return self.whole + self.is_cut

    def page(self, number: int, max_pixels: int) -> RasterPage:
        """Page `number` (from 1). Raises Unreadable for this page if it is damaged or larger than allowed."""
        if number > self.whole:
            raise _damaged(number, "it is cut off, the file ends (or runs in a circle) before it")
        try:
            with _quiet():
                image = self._image(number)
                _refuse_large(image, number, max_pixels)
                if self.format == "TIFF" and _data_end(image) > len(self.content):
                    raise _damaged(number, "its picture data is cut off")
                claim = _claimed_dpi(image)  # before decoding: it turns the page and forgets how it lay
                return RasterPage(_grey(image), claim)
        except MemoryError as error:
            raise _too_large(number, "it needs more memory than one page may") from error
        except _BROKEN as error:
            raise _damaged(number, f"its picture data cannot be decoded ({type(error).__name__})") from error

    def _image(self, number: int) -> Image.Image:
        if not self._open:
            self._open.append(Image.open(io.BytesIO(self.content), formats=(self.format,)))
        image = self._open[0]
        if self.format == "TIFF":
            image.seek(number - 1)
        return image


def open_raster(content: bytes, format: str) -> RasterFile:
    """The pages of a TIFF, PNG or JPEG file. Raises Unreadable if not even one page can be found in it."""
    whole, is_cut = _tiff_pages(content) if format == "TIFF" else (1, False)
    if not whole:
        raise Unreadable(f"The {format} file is cut off before its first page.", cause=Cause.DAMAGED, remedy=RESCAN)
    return RasterFile(content, format, whole, is_cut)


def stretched(pixels: Grey, width: int, height: int) -> Grey:
    """The same picture at `width` x `height` pixels, smoothly interpolated."""
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image)


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow without its own pixel limit (ours is checked first, in clear words) and without its warnings."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError as error:
        raise OSError("no picture") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _damaged(number: int, what: str) -> Unreadable:
    return Unreadable(f"Page {number} is damaged: {what}.", cause=Cause.DAMAGED, remedy=RESCAN, page=number)


def _too_large(number: int, what: str) -> Unreadable:
    return Unreadable(f"Page {number} is too large: {what}.", cause=Cause.TOO_LARGE, remedy=_SMALLER, page=number)


def _refuse_large(image: Image.Image, number: int, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        limit = f"{max_pixels / 1e6:g} megapixels"
        raise _too_large(number, f"{width} x {height} pixels, where at most {limit} are allowed")


def _data_end(image: Image.Image) -> int:
    """Where the picture data of this TIFF page ends, in bytes from the start of the file; 0 if not stated."""
    tags = getattr(image, "tag_v2", {})
    ends = [0]
    for offsets, sizes in ((_STRIP_OFFSETS, _STRIP_BYTES), (_TILE_OFFSETS, _TILE_BYTES)):
        if offsets in tags and sizes in tags:
            ends += [offset + size for offset, size in zip(tags[offsets], tags[sizes], strict=False)]
    return max(ends)


def _grey(image: Image.Image) -> Grey:
    """(height, width) uint8, upright as the header says, transparent parts white."""
    inverted = image.mode.startswith("I;16") and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0
    image.load()
    if image.format != "TIFF":  # Pillow turns TIFF pages itself while loading
        image = ImageOps.exif_transpose(image)
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    if image.mode.startswith("I;16"):
        levels = (np.asarray(image) >> 8).astype(np.uint8)
        return 255 - levels if inverted else levels
    if image.mode in ("I", "F"):
        return _levels(np.asarray(image, dtype=np.float64))
    if image.mode == "LAB":
        return np.asarray(image.getchannel(0))
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        image = paper
    return np.asarray(image.convert("RGB").convert("L") if image.mode == "P" else image.convert("L"))


def _levels(values: NDArray[np.float64]) -> Grey:
    """Numbers of unknown range as grey levels: 0 to 1, 0 to 255 or 0 to 65535, whichever holds the largest."""
    largest = float(np.nanmax(values, initial=0.0))
    top = next((top for top in (1.0, 255.0, 65535.0) if largest <= top), largest)
    shares = np.clip(np.nan_to_num(values) / top, 0, 1)
    return (shares * 255).astype(np.uint8)


def _claimed_dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        across, down = map(float, image.info.get("dpi") or image.info.get("resolution") or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not (0 < across < float("inf") and 0 < down < float("inf")):
        return None
    return (down, across) if image.getexif().get(_ORIENTATION) in _TURNED_ON_ITS_SIDE else (across, down)


def _tiff_pages(content: bytes) -> tuple[int, bool]:
    """(pages with a complete directory, whether one more should follow but is cut off), TIFF 6.0 and BigTIFF."""
    order = "<" if content[:2] == b"II" else ">"
    is_big = content[2:4] in (b"+\0", b"\0+")
    link = struct.Struct(order + ("Q" if is_big else "I"))
    entries = struct.Struct(order + ("Q" if is_big else "H"))
    entry_bytes = 20 if is_big else 12
    seen: set[int] = set()
    place = 8 if is_big else 4
    while place + link.size <= len(content):
        (directory,) = link.unpack_from(content, place)
        if directory == 0:
            return len(seen), False
        if directory in seen or directory + entries.size > len(content):
            return len(seen), True
        (number,) = entries.unpack_from(content, directory)
        place = directory + entries.size + number * entry_bytes
        if place > len(content):
            break
        seen.add(directory)
    # The last directory is there but the link after it is not: the page itself may still be whole.
    return len(seen), True
