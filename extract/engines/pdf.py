"""pdfium and pdfplumber behind one door: PDF pages as grey levels, with the exact words of born-digital pages."""

import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pdfplumber
import pypdfium2
import pypdfium2.raw as pdfium
from pdfminer.pdfexceptions import PDFException
from pdfminer.psexceptions import PSException
from pdfplumber.utils.exceptions import PdfminerException

from extract.page import Grey
from schemas.errors import Cause, Unreadable

_POINTS_PER_INCH: Final = 72
_BORN_DIGITAL_DPI = 300
_LEAST_DPI, _MOST_DPI = 100, 600
# A page of which pictures cover at least this share is a scan: words on it are an OCR layer or a stamp.
_SCAN_FROM_SHARE = 0.5
# Scanners cut pages into strips and layers; smaller pictures (logos, signatures) say nothing about resolution.
_TELLS_RESOLUTION_FROM_SHARE = 0.02
# Beyond this share of characters without a known letter the text layer is no use ("(cid:12)").
_MOST_NAMELESS_SHARE = 0.05
# pdfplumber spells lines that run upwards or upside down backwards: such words are left out, and a page with many of
# them is read from its pixels.
_MOST_TURNED_SHARE = 0.1
_EQUAL_WITHIN = 0.01
_NESTING = 4  # form objects within form objects that are searched for pictures
_MOST_OBJECTS = 20_000  # drawings beyond this are not searched for pictures

# Whatever pdfminer makes of a text layer it cannot follow; the page is then read from its pixels.
_NO_TEXT_LAYER: Final = (
    PDFException, PSException, PdfminerException, ValueError, KeyError, IndexError, TypeError, AttributeError,
    AssertionError, RecursionError, OSError, OverflowError, ZeroDivisionError, NotImplementedError,
)  # fmt: skip


class PdfWord(NamedTuple):
    """A word of the text layer and its place in pixels of the page image."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, eq=False)
class PdfPage:
    """One page as pixels.

    dpi:     of `pixels`; for a scan it follows from the size of paper the PDF claims, which may be wrong.
    is_scan: pictures cover most of the page.
    words:   empty unless the page was born digital and its text layer makes sense.
    """

    pixels: Grey
    dpi: float
    is_scan: bool
    words: tuple[PdfWord, ...]


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture on a page: share of the page it covers, its pixels and dots per inch there; pdfium's own object."""

    share: float
    pixels: int
    dpi: float
    thing: Any


class PdfFile:
    """The pages of one PDF, rendered one at a time. pdfium is not thread-safe: one PdfFile at a time per process."""

    def __init__(self, content: bytes, document: pypdfium2.PdfDocument) -> None:
        self._content = content
        self._document = document
        self._plumber: pdfplumber.pdf.PDF | None = None
        self.count = len(document)

    def page(self, number: int, max_pixels: int) -> PdfPage:
        """Page `number` (from 1). Raises Unreadable for this page if it is damaged or larger than allowed."""
        try:
            page = self._document[number - 1]
            try:
                return self._rendered(page, number, max_pixels)
            finally:
                page.close()
        except MemoryError as error:
            raise _too_large(number, "it needs more memory than one page may") from error
        except (pypdfium2.PdfiumError, ValueError) as error:
            raise Unreadable(
                f"Page {number} is damaged: it cannot be rendered.",
                cause=Cause.DAMAGED,
                remedy="Print the PDF anew or scan the paper again.",
                page=number,
            ) from error

    def rendered_at(self, number: int, dpi: float) -> Grey:
        """Page `number` (from 1) at `dpi`."""
        page = self._document[number - 1]
        try:
            return _drawn(page, dpi)
        finally:
            page.close()

    def _rendered(self, page: pypdfium2.PdfPage, number: int, max_pixels: int) -> PdfPage:
        width, height = page.get_size()
        if not (width > 0 and height > 0):
            raise ValueError("a page without a size")
        pictures = list(_pictures(page, width * height))
        for picture in pictures:
            if picture.pixels > max_pixels:
                raise _too_large(number, f"it holds a picture of {picture.pixels / 1e6:.0f} megapixels")
        is_scan = sum(picture.share for picture in pictures) >= _SCAN_FROM_SHARE
        dpi = _scan_dpi(pictures) if is_scan else _BORN_DIGITAL_DPI
        dpi = _affordable(dpi, width, height, max_pixels)
        if dpi < _LEAST_DPI:
            inches = f"{width / _POINTS_PER_INCH:.0f} x {height / _POINTS_PER_INCH:.0f} inches"
            raise _too_large(number, f"{inches} of paper do not fit into {max_pixels / 1e6:g} megapixels")
        pixels = _drawn(page, dpi)
        if _is_picture_missing(pictures, pixels):
            raise ValueError("a picture that pdfium cannot decode")
        words = () if is_scan else tuple(self._words(number, pixels.shape[1], pixels.shape[0]))
        return PdfPage(pixels, dpi, is_scan, words)

    def _words(self, number: int, width: int, height: int) -> list[PdfWord]:
        """The text layer's words in pixels; empty if there is none or it cannot be trusted."""
        try:
            if self._plumber is None:
                self._plumber = pdfplumber.open(io.BytesIO(self._content))
            page = self._plumber.pages[number - 1]
            level = page.filter(_is_level)
            if len(page.chars) - len(level.chars) > _MOST_TURNED_SHARE * len(page.chars):
                return []
            found = level.extract_words()
            left, top, right, bottom = page.bbox
            page.close()
        except _NO_TEXT_LAYER:
            return []
        across, down = width / (right - left), height / (bottom - top)
        if abs(across / down - 1) > 0.02 or _is_nameless(word["text"] for word in found):
            return []
        words = [
            PdfWord(
                word["text"],
                (word["x0"] - left) * across,
                (word["top"] - top) * down,
                (word["x1"] - left) * across,
                (word["bottom"] - top) * down,
            )
            for word in found
        ]
        return [
            word for word in words if word.right > 0 and word.bottom > 0 and word.left < width and word.top < height
        ]


def _drawn(page: pypdfium2.PdfPage, dpi: float) -> Grey:
    # A hair less, so that rounding up gives a scan's own number of pixels and no row is interpolated.
    bitmap = page.render(scale=dpi / _POINTS_PER_INCH * (1 - 1e-6), grayscale=True)
    pixels = bitmap.to_numpy()
    return np.array(pixels.reshape(pixels.shape[0], pixels.shape[1]))


def open_pdf(content: bytes, max_pages: int) -> PdfFile:
    """The opened PDF, what is filled into its form fields included.

    Raises Unreadable if it asks for a password, is damaged or has no page. A PDF of more than `max_pages` pages is
    opened for its `count` only.
    """
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Unreadable(
                "The PDF is encrypted and asks for a password.",
                cause=Cause.ENCRYPTED,
                remedy="Ask the sender for a copy without a password, or print and scan it.",
            ) from error
        raise _damaged("The PDF is damaged: it cannot be opened.") from error
    if not len(document):
        raise _damaged("The PDF has no page.")
    if len(document) <= max_pages and document.get_formtype() != pdfium.FORMTYPE_NONE:
        return _with_fields_printed(content, document)
    return PdfFile(content, document)


def _with_fields_printed(content: bytes, document: pypdfium2.PdfDocument) -> PdfFile:
    """The PDF with what was typed into its form fields made part of the page, so that the text layer holds it too."""
    try:
        document.init_forms()
        for page in document:
            page.flatten()
            page.close()
        flat = io.BytesIO()
        document.save(flat)
        document.close()
        return PdfFile(flat.getvalue(), pypdfium2.PdfDocument(flat.getvalue()))
    except pypdfium2.PdfiumError:
        return PdfFile(content, pypdfium2.PdfDocument(content))


def _damaged(problem: str) -> Unreadable:
    return Unreadable(problem, cause=Cause.DAMAGED, remedy="Ask the sender for the PDF again, or scan the paper.")


def _too_large(number: int, what: str) -> Unreadable:
    return Unreadable(
        f"Page {number} is too large: {what}.",
        cause=Cause.TOO_LARGE,
        remedy="Scan at 300 dpi, or print the page at its paper size, and hand it over again.",
        page=number,
    )


def _pictures(page: pypdfium2.PdfPage, page_area: float) -> Iterator[_Picture]:
    objects: Iterable[Any] = page.get_objects(max_depth=_NESTING)
    for seen, thing in enumerate(objects):
        if seen >= _MOST_OBJECTS:
            return
        if thing.type != pdfium.FPDF_PAGEOBJ_IMAGE:
            continue
        across, down = thing.get_px_size()
        width, height = _size_on_page(thing)
        if width > 0 and height > 0 and across > 0 and down > 0:
            dpi = _finer(across / width, down / height) * _POINTS_PER_INCH
            yield _Picture(min(width * height / page_area, 1.0), across * down, dpi, thing)


def _is_picture_missing(pictures: Iterable[_Picture], pixels: Grey) -> bool:
    """Whether a picture was left out because pdfium cannot decode it: it says nothing, and leaves the paper white.

    Such a page must not pass for a blank one. A picture larger than all that is white has drawn something.
    """
    white = float((pixels == 255).mean())
    return any(
        _TELLS_RESOLUTION_FROM_SHARE <= picture.share <= white + _EQUAL_WITHIN and not _can_be_decoded(picture.thing)
        for picture in pictures
    )


def _can_be_decoded(thing: Any) -> bool:
    bitmap = pdfium.FPDFImageObj_GetBitmap(thing)
    if not bitmap:
        return False
    pdfium.FPDFBitmap_Destroy(bitmap)
    return True


def _size_on_page(picture: Any) -> tuple[float, float]:
    """(width, height) in points of a picture as it stands on the page, the forms it is nested in included."""
    matrix = picture.get_matrix()
    container = picture.container
    while container is not None:
        matrix = matrix.multiply(container.get_matrix())
        container = container.container
    a, b, c, d, _, _ = matrix.get()
    return (a * a + b * b) ** 0.5, (c * c + d * d) ** 0.5


def _finer(across: float, down: float) -> float:
    """The finer of two resolutions; of two that differ by rounding only the coarser, which gives no pixel too many."""
    return min(across, down) if abs(across - down) < _EQUAL_WITHIN * across else max(across, down)


def _scan_dpi(pictures: Iterable[_Picture]) -> float:
    """The finest resolution of the pictures that make up a scanned page."""
    telling = [picture.dpi for picture in pictures if picture.share >= _TELLS_RESOLUTION_FROM_SHARE]
    return min(max(max(telling, default=_BORN_DIGITAL_DPI), _LEAST_DPI), _MOST_DPI)


def _affordable(dpi: float, width: float, height: float, max_pixels: int) -> float:
    """`dpi`, or as much of it as keeps a page of `width` x `height` points within `max_pixels`."""
    # The sides are rounded up to whole pixels, so a little less than what would fit exactly.
    return min(dpi, _POINTS_PER_INCH * math.sqrt(0.999 * max_pixels / (width * height)))


def _is_level(thing: Mapping[str, Any]) -> bool:
    """Whether something on a page is no letter, or a letter that stands upright as the page is shown."""
    if thing["object_type"] != "char":
        return True
    right, up = thing["matrix"][:2]
    return bool(right > abs(up))


def _is_nameless(texts: Iterable[str]) -> bool:
    """Whether a text layer holds glyph numbers or private characters instead of letters."""
    text = "".join(texts)
    nameless = text.count("(cid:") + sum(0xE000 <= ord(letter) <= 0xF8FF or letter == "\ufffd" for letter in text)
    return nameless > _MOST_NAMELESS_SHARE * max(len(text), 1)


def render_pages(content: bytes, dpi: int) -> list[Grey]:
    """Every page of a trusted PDF at `dpi`, (height, width) uint8. Raises Unreadable as `open_pdf` does."""
    file = open_pdf(content, max_pages=len(content))
    return [file.rendered_at(number, dpi) for number in range(1, file.count + 1)]
