"""Reads and finds lines of text with PP-OCRv6."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from unicodedata import normalize

import cv2
import numpy as np
from numpy.typing import NDArray

from extract.decoding.beam import decode
from extract.decoding.candidate import Candidate
from extract.decoding.lexicon import Lexicon
from extract.decoding.mending import mended
from extract.decoding.spelling import spelled
from extract.engines import ANYTHING, Expected, LineRead
from extract.engines.inference import Backend, Floats, Pictures, load_network
from extract.engines.models import letters, model_path, model_sha256
from extract.page import Grey
from schemas.geometry import Box

BLANK = "\0"

_LINE_HEIGHT = 48  # the height the recognisers were trained on
_STEP = 8  # one step of output stands for so many pixels of input
_WIDEST_LINE = 48 * 40  # a wider line is read in pieces
# Widths that lines are filled up to. OpenVINO prepares itself once for every width it meets and keeps what it
# prepared, 7 MB for two networks: with 35 widths a worker came to 0.81 GB, with these it stays near 0.7, and the
# networks take 6 % longer. How much grey follows a line changes what is read of the poorest only: 12 of 900 answers on
# real forms, none of them accepted before or after.
_WIDTHS = (56, 112, 208, 304, 384, 480, 576, 704, 896, 1264, _WIDEST_LINE)
_UNLIKELY = -50.0  # no answer counts for less likely than this (natural logarithm)
_CANDIDATES, _CERTAIN_MARGIN = 3, 20.0  # answers looked for under a constraint; nats that stand for "no other"
_WORD_SPACE = _LINE_HEIGHT // 5  # a gap at least this wide, at reading height, is a space between words

_Columns = NDArray[np.intp]


class PaddleReader:
    """A LineReader on a PP-OCRv6 recogniser.

    classes: one character for each column of `probabilities`; the first, `BLANK`, stands for "no character here".

    Every line goes through the network alone, filled up to the next of a few widths. On a processor a batch is no
    faster (measured at batches of 1, 2, 4 and 6), and this way no answer depends on which other lines were asked for
    with it.
    """

    def __init__(self, model: str, backend: Backend | None = None) -> None:
        """`model` is "rec-tiny" or "rec-small". Raises Unavailable if it is not installed or cannot be loaded."""
        self._network = load_network(model_path(model), Pictures.LINES, backend)
        self.classes = BLANK + letters(model)
        size = model.removeprefix("rec-")
        self.name = f"pp-ocrv6-{size}-latin/{model_sha256(model)[:8]}/{self._network.name}"

    def read(self, lines: Sequence[Grey], alphabet: str = "", expected: Expected = ANYTHING) -> list[LineRead]:
        """One answer per line image, in the same order.

        A character's score is its highest probability over the steps that spelt it. With an `alphabet`, a capital,
        small or accented twin that it does not hold counts for the letter it does hold ("é" for "e" where only "e"
        is allowed), every other character is left out, and scores are not raised to make up for what was left
        out: a character forced against what the network saw keeps a low score. What is `expected` is looked for in
        all that the steps can spell (`extract.decoding`); where it cannot be found the line is read without it.
        """
        columns, allowed = _allowed(self.classes, alphabet)
        return [
            _decoded(_folded(seen.steps, columns, len(allowed)), allowed, seen.columns, expected)
            for seen in self._seen(lines)
        ]

    def probabilities(self, lines: Sequence[Grey]) -> list[Floats]:
        """For each line (steps, classes): how likely each class is at each step from left to right.

        A step is 8 pixels of the line scaled to 48 pixels height. Raises Unavailable if the network failed.
        """
        return [seen.steps for seen in self._seen(lines)]

    def _seen(self, lines: Sequence[Grey]) -> Iterator["_Seen"]:
        for line in lines:
            factor = line.shape[0] / _LINE_HEIGHT
            steps, columns, left = [], [], 0
            for piece in _pieces(_at_reading_height(line)):
                seen = self._piece(piece)
                width = 0 if isinstance(piece, str) else piece.shape[1]
                steps.append(seen)
                columns.append(left + np.minimum(np.arange(len(seen)) * _STEP, width))
                left += width
            ends = np.append(np.concatenate(columns), left)
            yield _Seen(np.concatenate(steps), np.minimum(np.rint(ends * factor), line.shape[1]).astype(np.int64))

    def _piece(self, piece: Grey | str) -> Floats:
        """The steps of one piece of a line; a string stands for one certain step between two pieces."""
        if isinstance(piece, str):
            certain = np.zeros((1, len(self.classes)), np.float32)
            certain[0, self.classes.index(piece)] = 1.0
            return certain
        answer: Floats = self._network.run(_as_input(piece))[0][0]
        return answer


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What the network answered for one line: `steps` as `probabilities` gives them, and the column of the image at
    which each step begins, with the line's width as the last."""

    steps: Floats
    columns: NDArray[np.int64]


def _at_reading_height(line: Grey) -> Grey:
    """The line scaled to the height the network reads. Raises ValueError for an image without pixels."""
    height, width = line.shape
    if not line.size:
        raise ValueError("a line image needs at least one pixel")
    if height == _LINE_HEIGHT:
        return line
    reading_width = max(1, round(width * _LINE_HEIGHT / height))
    shrinks = height > _LINE_HEIGHT
    scaled = cv2.resize(
        line, (reading_width, _LINE_HEIGHT), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return scaled.astype(np.uint8, copy=False)


def _pieces(line: Grey) -> Iterator[Grey | str]:
    """A line at reading height, cut where it is whitest until no piece is too wide, with what joins the pieces."""
    if line.shape[1] <= _WIDEST_LINE:
        yield line
        return
    middle, reach = line.shape[1] // 2, _WIDEST_LINE // 4
    cut, gap = _widest_gap(line[:, middle - reach : middle + reach])
    cut += middle - reach
    yield from _pieces(line[:, :cut])
    yield " " if gap >= _WORD_SPACE else BLANK
    yield from _pieces(line[:, cut:])


def _widest_gap(part: Grey) -> tuple[int, int]:
    """(middle, width) of the widest run of columns without ink; the lightest column and 0 if ink is everywhere."""
    darkness = 255 - part.min(axis=0).astype(np.int32)
    empty = np.concatenate([[False], darkness < 64, [False]])
    edges = np.flatnonzero(empty[1:] != empty[:-1])
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return int(part.mean(axis=0).argmax()), 0
    widest = int((ends - starts).argmax())
    return int(starts[widest] + ends[widest]) // 2, int(ends[widest] - starts[widest])


def _as_input(line: Grey) -> Floats:
    """(1, 3, 48, width) of -1 to 1, the right side filled up with zeros, which is the grey between ink and paper."""
    width = next(width for width in _WIDTHS if line.shape[1] <= width)
    batch = np.zeros((1, 3, _LINE_HEIGHT, width), np.float32)
    batch[0, :, :, : line.shape[1]] = line.astype(np.float32) / 127.5 - 1.0
    return batch


@lru_cache(maxsize=256)
def _allowed(classes: str, alphabet: str) -> tuple[_Columns, str]:
    """For each class the place in `allowed` it counts for (-1: left out), and `allowed` itself, the blank first."""
    allowed = classes if not alphabet else BLANK + "".join(c for c in classes[1:] if c in alphabet)
    places = {character: place for place, character in enumerate(allowed)}
    columns = [next((places[twin] for twin in _twins(character) if twin in places), -1) for character in classes]
    return np.array(columns, np.intp), allowed


def _twins(character: str) -> tuple[str, ...]:
    """The character, then what it may stand for where it is not allowed itself, the nearest first."""
    plain = normalize("NFKD", character)[:1] if character.isalpha() else character
    return character, plain, character.swapcase(), plain.swapcase()


def _folded(steps: Floats, columns: _Columns, count: int) -> Floats:
    """(steps, count): the probabilities of classes that count for the same character, added up."""
    if count == steps.shape[1]:
        return steps
    folded = np.zeros((count, steps.shape[0]), np.float32)
    kept = columns >= 0
    np.add.at(folded, columns[kept], steps.T[kept])
    return folded.T


def _decoded(steps: Floats, classes: str, columns: NDArray[np.int64], expected: Expected) -> LineRead:
    if expected.constraint is not None:
        found = decode(steps, classes, expected.constraint, best=_CANDIDATES)
        if found and (found[0].fits or expected.words is None):
            return _constrained(found, columns)
    if expected.words is None:
        return _decode(steps, classes, columns)
    return _looked_up(steps, classes, columns, expected.words)


def _constrained(found: Sequence[Candidate], columns: NDArray[np.int64]) -> LineRead:
    best = found[0]
    # The free reading is among them; where it says the same it is no rival.
    rivals = [other.score for other in found[1:] if _letters(other.text) != _letters(best.text)]
    margin = min(best.score - max(rivals), _CERTAIN_MARGIN) if rivals else _CERTAIN_MARGIN
    places = tuple((int(columns[begin]), int(columns[end])) for begin, end in best.ranges)
    likelihood = max(best.score, _UNLIKELY)
    return LineRead(best.text, best.characters, places, margin=margin, likelihood=likelihood, fits=best.fits)


def _letters(text: str) -> str:
    return text.replace(" ", "").casefold()


def _looked_up(steps: Floats, classes: str, columns: NDArray[np.int64], words: Lexicon) -> LineRead:
    """The line with words of the lists in place of words of none that the steps can spell nearly as well."""
    read = _decode(steps, classes, columns)
    if not read.text:
        return read
    spelling = spelled(steps, classes, words)
    found = mended(spelling.text, spelling.characters, words)
    if found.text == read.text:
        return replace(read, known=found.known)
    return LineRead(
        found.text, found.characters, known=found.known, respelled=found.mended + (spelling.text != read.text)
    )


def _decode(steps: Floats, classes: str, columns: NDArray[np.int64]) -> LineRead:
    """The likeliest class at each step; equal neighbours are one character and blanks are none (greedy CTC)."""
    best = steps.argmax(axis=1)
    scores = steps.max(axis=1)
    begins = np.flatnonzero(np.diff(best, prepend=-1))
    ends = np.append(begins[1:], len(best))
    highest = np.maximum.reduceat(scores, begins)
    seen = [
        (classes[best[start]], min(float(score), 1.0), (int(columns[start]), int(columns[end])))
        for start, end, score in zip(begins, ends, highest, strict=True)
        if best[start]
    ]
    while seen and seen[0][0] == " ":
        seen.pop(0)
    while seen and seen[-1][0] == " ":
        seen.pop()
    return LineRead(
        "".join(character for character, _, _ in seen),
        tuple(score for _, score, _ in seen),
        tuple(place for _, _, place in seen),
    )


# A page is searched at about 105 dpi (long side of A4 in pixels). At 120 dpi it takes a third longer and finds the
# same lines of clean print; a page scanned more coarsely is scaled up, which finds more of it.
_SEARCH_LENGTH = 1216
_LARGEST_FACTOR = 1.5
_STRIDE = 32  # the network halves its input five times
_CHANNEL_MEANS = np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)
_CHANNEL_SPREADS = np.array([0.229, 0.224, 0.225], np.float32).reshape(3, 1, 1)
_TEXT_PIXEL = 0.2  # this and the next are what the detector's own description file names
_TEXT_LINE = 0.4
_UNSHRINK = 1.2  # the description says 1.4, but then the ink of the lines above and below gets into the snippet
_SMALLEST_CORE = 3  # pixels at search size: less is a speck


class PaddleLineFinder:
    """A LineFinder on the PP-OCRv6 tiny detector. Lines are taken to be level: straighten the page first."""

    def __init__(self, model: str = "det-tiny", backend: Backend | None = None) -> None:
        """Raises Unavailable if the model is not installed or cannot be loaded."""
        self._network = load_network(model_path(model), Pictures.ANY_SIZE, backend)
        self.name = f"pp-ocrv6-{model}/{model_sha256(model)[:8]}/{self._network.name}"

    def find(self, pixels: Grey) -> list[Box]:
        """Boxes of text lines, top to bottom; an empty list means no text was found."""
        factor = min(_LARGEST_FACTOR, _SEARCH_LENGTH / max(pixels.shape))
        size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        likely = self._network.run(_search_input(small.astype(np.uint8, copy=False)))[0][0, 0]
        cores = _cores(likely[: small.shape[0], : small.shape[1]])
        return sorted((_on_page(core, factor, pixels) for core in cores), key=lambda box: (box.top, box.left))


def _search_input(small: Grey) -> Floats:
    """(1, 3, height, width), filled up with white paper to whole strides, centred as the detector was trained."""
    height, width = (-(-side // _STRIDE) * _STRIDE for side in small.shape)
    paper = np.full((height, width), 255, np.uint8)
    paper[: small.shape[0], : small.shape[1]] = small
    batch: Floats = ((paper.astype(np.float32) / 255.0 - _CHANNEL_MEANS) / _CHANNEL_SPREADS)[np.newaxis]
    return batch


def _cores(likely: Floats) -> Iterator[Box]:
    """The shrunken middles of lines that the detector draws: patches of text pixels with a high mean."""
    mask = (likely > _TEXT_PIXEL).astype(np.uint8)
    count, labels, found, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    sums = np.bincount(labels.ravel(), weights=likely.ravel(), minlength=count)
    for left, top, width, height, area, total in np.column_stack([found, sums])[1:]:
        if min(width, height) >= _SMALLEST_CORE and total / area >= _TEXT_LINE:
            yield Box(int(left), int(top), int(left + width), int(top + height))


def _on_page(core: Box, factor: float, pixels: Grey) -> Box:
    """The whole line around a core, in pixels of the page: grown by what the training drew too small."""
    grow = _UNSHRINK * core.area / (2 * (core.width + core.height))
    line = Box(
        round((core.left - grow) / factor),
        round((core.top - grow) / factor),
        round((core.right + grow) / factor),
        round((core.bottom + grow) / factor),
    )
    return line.within(pixels.shape[1], pixels.shape[0])
