"""Reads lines of text with Tesseract: a second reader of another family than PP-OCR, and the better one for Welsh."""

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytesseract
from PIL import Image

from extract.engines import ANYTHING, Expected, LineRead
from extract.page import Grey
from schemas.errors import Unavailable

_MARGIN = 12  # pixels of white paper around a line: Tesseract misses ink that touches the edge
_SECONDS_PER_LINE = 5  # far above the 0.03 to 0.15 seconds a line takes
_PAPER = 255
_LOWEST = 40  # pixels: a lower line is scaled up, for Tesseract wants capitals of about 30
_FAINTEST_INK = 40  # grey levels between paper and ink; with less an image is blank, where Tesseract would guess


class TesseractReader:
    """A LineReader on Tesseract's line mode (page segmentation mode 7).

    One process reads all lines of a call, handed over as the pages of one TIFF: starting Tesseract takes longer
    than reading a line (about 100 and 30 milliseconds), so ask for many lines at once.
    A character's score is the confidence of its word.
    """

    def __init__(self, languages: str = "eng") -> None:
        """`languages` as Tesseract writes them. Raises Unavailable if one is not installed.

        For Welsh ask for "cym+eng": with "eng+cym" the circumflexes of "tŷ" and "môr" are lost.
        """
        try:
            installed = pytesseract.get_languages(config="")
            version = str(pytesseract.get_tesseract_version())
        except pytesseract.TesseractNotFoundError as error:
            raise Unavailable("Tesseract is not installed: run `make setup`") from error
        missing = sorted(set(languages.split("+")) - set(installed))
        if missing:
            raise Unavailable(f"Tesseract has no data for {', '.join(missing)}: run `make setup`")
        self._languages = languages
        self.name = f"tesseract-{version}/{languages}"

    def read(self, lines: Sequence[Grey], alphabet: str = "", expected: Expected = ANYTHING) -> list[LineRead]:
        """One answer per line image, in the same order. Raises Unavailable if Tesseract failed."""
        written = [place for place, line in enumerate(lines) if _holds_ink(line)]
        answers = [LineRead("", ())] * len(lines)
        if written:
            table = self._table([_prepared(lines[place]) for place in written], alphabet)
            space = " " if not alphabet or " " in alphabet else ""
            for place, answer in zip(written, _line_reads(table, len(written), space), strict=True):
                answers[place] = answer
        return answers

    def _table(self, lines: Sequence[Grey], alphabet: str) -> dict[str, list[str]]:
        """Tesseract's table of words for lines written as the pages of one picture file."""
        with tempfile.TemporaryDirectory(prefix="postroom-") as folder:
            book = Path(folder) / "lines.tif"
            first, *others = [Image.fromarray(line) for line in lines]
            first.save(book, save_all=True, append_images=others, dpi=(300, 300))
            return self._read_book(book, alphabet, seconds=_SECONDS_PER_LINE * (len(lines) + 1))

    def _read_book(self, book: Path, alphabet: str, *, seconds: int) -> dict[str, list[str]]:
        config = "--psm 7"
        if alphabet:
            config += f" -c {shlex.quote(f'tessedit_char_whitelist={alphabet}')}"
        try:
            table: dict[str, list[str]] = pytesseract.image_to_data(
                str(book),
                lang=self._languages,
                config=config,
                timeout=seconds,
                output_type=pytesseract.Output.DICT,
            )
        except (RuntimeError, OSError) as error:  # TesseractError is the first, and so is its timeout
            raise Unavailable("Tesseract failed on a line") from error
        return table


def _holds_ink(line: Grey) -> bool:
    """Whether anything dark stands on the line. Raises ValueError for an image without pixels."""
    if not line.size:
        raise ValueError("a line image needs at least one pixel")
    return int(line.max()) - int(line.min()) >= _FAINTEST_INK


def _prepared(line: Grey) -> Grey:
    """The line large enough, with white paper around it."""
    if line.shape[0] < _LOWEST:
        size = (max(1, round(line.shape[1] * _LOWEST / line.shape[0])), _LOWEST)
        line = cv2.resize(line, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)
    framed = np.full((line.shape[0] + 2 * _MARGIN, line.shape[1] + 2 * _MARGIN), _PAPER, np.uint8)
    framed[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = line
    return framed


def _line_reads(table: dict[str, list[str]], lines: int, space: str) -> list[LineRead]:
    """The words of each page of Tesseract's table, joined by `space`, each character with its word's confidence."""
    words: list[list[tuple[str, float]]] = [[] for _ in range(lines)]
    for page, text, confidence in zip(table["page_num"], table["text"], table["conf"], strict=True):
        if text.strip() and float(confidence) > 0:
            words[int(page) - 1].append((text.strip(), min(max(float(confidence) / 100, 0.0), 1.0)))
    return [_line_read(line, space) for line in words]


def _line_read(words: list[tuple[str, float]], space: str) -> LineRead:
    scores: list[float] = []
    for text, score in words:
        scores += [1.0] * (len(space) if scores else 0) + [score] * len(text)
    return LineRead(space.join(text for text, _ in words), tuple(scores))
