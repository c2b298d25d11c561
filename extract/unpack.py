"""One file's bytes become pages: told by content, never by name, one page in memory at a time."""

from collections.abc import Iterator
from typing import Final, Protocol

from extract.engines.pdf import open_pdf
from extract.engines.raster import open_raster, stretched
from extract.limits import DEFAULT_LIMITS, Limits, UnreadablePage, too_many_bytes
from extract.page import ExactWord, Grey, PageImage
from schemas.errors import Cause, Unreadable


class Paper(Protocol):
    """An opened file: so many pages, each to be had by its number."""

    @property
    def count(self) -> int:
        """Pages in the file, readable or not; at least 1."""
        ...

    def page(self, number: int) -> PageImage:
        """Page `number`, from 1. Raises Unreadable if this page is damaged or too large."""
        ...


def unpack(content: bytes, limits: Limits = DEFAULT_LIMITS, first: int = 1) -> Iterator[PageImage | UnreadablePage]:
    """The pages of a TIFF, PDF, PNG or JPEG file from page `first` on, each decoded when it is asked for.

    Raises Unreadable, before the first page, if the whole file is refused.
    """
    paper = open_paper(content, limits)
    for number in range(first, paper.count + 1):
        yield page_of(paper, number)


def page_of(paper: Paper, number: int) -> PageImage | UnreadablePage:
    """Page `number`, or the reason why it cannot be had."""
    try:
        return paper.page(number)
    except Unreadable as error:
        return UnreadablePage(number, error)


def open_paper(content: bytes, limits: Limits) -> Paper:
    """The opened file. Raises Unreadable if it is empty, of another format, damaged, locked or beyond the limits."""
    if not content:
        raise Unreadable("The file is empty (0 bytes).", cause=Cause.EMPTY, remedy="Send the file again.")
    if len(content) > limits.file_bytes:
        raise too_many_bytes(len(content), limits)
    format = format_of(content)
    paper: Paper = _PdfPaper(content, limits) if format == "PDF" else _RasterPaper(content, format, limits)
    if paper.count > limits.pages_per_file:
        raise Unreadable(
            f"The file has {paper.count} pages, where at most {limits.pages_per_file} are allowed.",
            cause=Cause.TOO_LARGE,
            remedy="Split the file, or raise the limit with --max-pages.",
        )
    return paper


_MAGIC: Final = (
    (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"II+\0", "TIFF"), (b"MM\0+", "TIFF"),
    (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"),
)  # fmt: skip
# PDF readers accept the mark anywhere in the first kilobyte, and scanners' mail gateways do put bytes before it.
MARK_WITHIN_BYTES: Final = 1024
_OTHERS: Final = (
    (b"PK\x03\x04", "a ZIP archive or office document"), (b"GIF8", "a GIF picture"), (b"BM", "a BMP picture"),
    (b"\xd0\xcf\x11\xe0", "an old office document"), (b"{\\rtf", "an RTF document"), (b"%!PS", "PostScript"),
    (b"Rar!", "a RAR archive"), (b"\x1f\x8b", "a gzip archive"), (b"RIFF", "a WebP picture"),
)  # fmt: skip


def format_of(content: bytes) -> str:
    """Which of our formats it is, by its first `MARK_WITHIN_BYTES`. Raises Unreadable, with what it looks like."""
    for mark, format in _MAGIC:
        if content.startswith(mark):
            return format
    if b"%PDF-" in content[:MARK_WITHIN_BYTES]:
        return "PDF"
    raise Unreadable(
        f"The content is no TIFF, PDF, PNG or JPEG: it looks like {_looks_like(content)}.",
        cause=Cause.UNKNOWN_FORMAT,
        remedy="Hand over the scan itself as TIFF, PDF, PNG or JPEG; the file's name does not matter.",
    )


def _looks_like(content: bytes) -> str:
    for mark, what in _OTHERS:
        if content.startswith(mark):
            return what
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return "a HEIC or AVIF picture"
    start = content[:512]
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in start):
        return "plain text"
    return "something else"


class _RasterPaper:
    def __init__(self, content: bytes, format: str, limits: Limits) -> None:
        self._file = open_raster(content, format)
        self._limits = limits
        self.count = self._file.count

    def page(self, number: int) -> PageImage:
        raster = self._file.page(number, self._limits.pixels_per_page)
        pixels, claim = square_pixels(raster.pixels, raster.claimed_dpi)
        return PageImage(pixels, sensible_dpi(pixels.shape[1], pixels.shape[0], claim), number)


class _PdfPaper:
    def __init__(self, content: bytes, limits: Limits) -> None:
        self._file = open_pdf(content, limits.pages_per_file)
        self._limits = limits
        self.count = self._file.count

    def page(self, number: int) -> PageImage:
        page = self._file.page(number, self._limits.pixels_per_page)
        words = tuple(ExactWord(*word) for word in page.words)
        height, width = page.pixels.shape
        dpi = sensible_dpi(width, height, page.dpi) if page.is_scan else round(page.dpi)
        return PageImage(page.pixels, dpi, number, words)


# Fax machines scan 204 x 98 or 204 x 196 dots per inch (ITU-T T.4). A claim further apart than this is nonsense.
_MOST_UNEQUAL = 4.0
_EQUAL_WITHIN = 0.01


def square_pixels(pixels: Grey, claim: tuple[float, float] | None) -> tuple[Grey, float | None]:
    """The page with as many dots per inch down as across, and the dots per inch claimed for it, None for none."""
    if claim is None:
        return pixels, None
    across, down = claim
    if abs(across - down) <= _EQUAL_WITHIN * across or not 1 / _MOST_UNEQUAL <= across / down <= _MOST_UNEQUAL:
        return pixels, max(across, down)
    dpi = max(across, down)
    height, width = pixels.shape
    return stretched(pixels, round(width * dpi / across), round(height * dpi / down)), dpi


# A6 is 4.1 x 5.8 inches, A3 11.7 x 16.5; a little more on either side for borders and long slips.
_LONG_SIDE_INCHES = (5.5, 18.0)
_SHORT_SIDE_INCHES = (3.5, 13.0)
_A4_ASPECT, _A4_LONG_INCHES = 1.414, 11.69
_LETTER_ASPECT, _LETTER_LONG_INCHES = 1.294, 11.0
_USUAL_DPI = (72, 96, 100, 120, 150, 200, 204, 240, 300, 400, 600)
_USUAL_WITHIN = 0.04  # margins cut off or added move an estimate by about so much
_LEAST_DPI = 72  # a picture smaller than a page at this resolution is a cutting, not a page


def sensible_dpi(width: int, height: int, claim: float | None) -> int:
    """Dots per inch of a page of that many pixels: the claim if it gives a size of paper, else as if A4 or Letter."""
    long, short = max(width, height), min(width, height)
    if claim is not None and _is_paper(long / claim, short / claim):
        return round(claim)
    aspect = long / short
    nearer_letter = abs(aspect - _LETTER_ASPECT) < abs(aspect - _A4_ASPECT)
    estimate = long / (_LETTER_LONG_INCHES if nearer_letter else _A4_LONG_INCHES)
    usual = min(_USUAL_DPI, key=lambda dpi: abs(dpi - estimate))
    if abs(usual - estimate) <= _USUAL_WITHIN * usual:
        return usual
    return max(round(estimate), _LEAST_DPI)


def _is_paper(long_inches: float, short_inches: float) -> bool:
    return (
        _LONG_SIDE_INCHES[0] <= long_inches <= _LONG_SIDE_INCHES[1]
        and _SHORT_SIDE_INCHES[0] <= short_inches <= _SHORT_SIDE_INCHES[1]
    )
