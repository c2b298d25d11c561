"""A cascade of readers: a quick one first; where it is not sure of a word, a careful one.

Only the doubtful words are read again, cut out of their line: the careful reader takes five times as long, and most
words of most lines are plain.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import numpy as np

from extract.decoding.lexicon import Lexicon
from extract.decoding.mending import is_in_lists, is_plain, mended
from extract.engines import ANYTHING, Expected, LineRead, LineReader, OtherRead
from extract.page import Grey

# The quick reader's word is kept if every character scores at least this.
_SURE = 0.985
# A word that is in the lists of words is no accident: it is kept from this score on.
_SURE_OF_A_WORD = 0.85
# Where the doubtful words hold more than this share of a line it is read again as a whole.
_MOST_OF_IT = 0.6
# Under a constraint the first answer must be so many nats likelier than the second.
_CLEAR_MARGIN = 3.0
# And it must be this likely by itself (natural logarithm): what was forced to fit is not.
_LIKELY = -0.5
# Paper around a word that was cut out, in pixels.
_MARGIN = 6
_PAPER = 255


class CascadeReader:
    """Reads each line with `quick`; the words it is not sure of are read again with `careful`, whose answer counts.

    A word is doubtful for its scores, or because lists of words are given and it is in none: most misreadings of a
    quick reader that is sure of itself are no words. Where the whole answer is constrained, or must be read twice, it
    is read again whole.
    """

    def __init__(self, quick: LineReader, careful: LineReader, *, sure: float = _SURE) -> None:
        self.name = f"{quick.name}>{careful.name}"
        self._quick = quick
        self._careful = careful
        self._sure = sure

    def read(self, lines: Sequence[Grey], alphabet: str = "", expected: Expected = ANYTHING) -> list[LineRead]:
        """One answer per line image, in the same order; see `LineReader`."""
        found = self._quick.read(lines, alphabet, Expected(expected.constraint))
        spans = [
            (index, span) for index, line in enumerate(found) for span in self._doubtful(line, lines[index], expected)
        ]
        pictures = [_cut(lines[index], found[index], span) for index, span in spans]
        again = self._careful.read(pictures, alphabet, expected)
        answers: dict[int, list[tuple[_Span, LineRead]]] = {}
        for (index, span), answer in zip(spans, again, strict=True):
            answers.setdefault(index, []).append((span, answer))
        whole = [_joined(line, answers[index]) if index in answers else line for index, line in enumerate(found)]
        return [self._beside(first, _looked_up(line, expected.words)) for first, line in zip(found, whole, strict=True)]

    def _beside(self, first: LineRead, line: LineRead) -> LineRead:
        """The line with what was read first beside it, if that is another text."""
        if not first.text or first.text == line.text:
            return line
        return replace(line, other=OtherRead(first.text, first.characters, self._quick.name))

    def _doubtful(self, line: LineRead, pixels: Grey, expected: Expected) -> "list[_Span]":
        """The stretches of a line to be read again, words side by side as one; the whole of it if most of it is."""
        width = pixels.shape[1]
        whole = _Span(0, len(line.text), 0, width)
        sure = min(line.characters, default=0.0) >= self._sure and not expected.twice
        if line.fits is not None:
            plain = (line.margin or 0.0) >= _CLEAR_MARGIN and (line.likelihood or 0.0) >= _LIKELY
            return [] if sure and line.fits and plain else [whole]
        if expected.twice or not line.text or not line.places:
            return [] if sure else [whole]
        spans: list[_Span] = []
        is_lone = False
        for start, end in _words(line.text):
            word = line.text[start:end]
            least = _SURE_OF_A_WORD if is_in_lists(word, expected.words) else self._sure
            sure = min(line.characters[start:end]) >= least and is_plain(word, expected.words)
            # What a lone O or I is shows beside another word only.
            if sure and not is_lone:
                continue
            is_lone = end - start == 1 and not is_lone
            before = spans.pop() if spans and spans[-1].end == start - 1 else None
            first, left = (before.start, before.left) if before else (start, line.places[start][0])
            spans.append(_Span(first, end, left, line.places[end - 1][1]))
        doubted = sum(span.right - span.left for span in spans)
        return [whole] if doubted > _MOST_OF_IT * width else spans


@dataclass(frozen=True, slots=True)
class _Span:
    """Characters `start` to `end` of a line, and the columns of the image they stand in."""

    start: int
    end: int
    left: int
    right: int


def _looked_up(line: LineRead, words: Lexicon | None) -> LineRead:
    """The line with its short forms and postal codes mended, which are seen as such only in the whole line."""
    if words is None or line.fits is not None or not line.text:
        return line
    found = mended(line.text, line.characters, words)
    known = found.known if line.known is None or found.known is None else min(line.known, found.known)
    places = line.places if found.text == line.text else ()
    return replace(
        line,
        text=found.text,
        characters=found.characters,
        places=places,
        known=known,
        respelled=line.respelled + found.mended,
    )


def _words(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of every word."""
    start = 0
    for word in text.split(" "):
        if word:
            yield start, start + len(word)
        start += len(word) + 1


def _cut(pixels: Grey, line: LineRead, span: _Span) -> Grey:
    """The part of a line's image that holds a span: from the middle of the gap before it to that of the gap after."""
    width = pixels.shape[1]
    if (span.left, span.right) == (0, width):
        return pixels
    before = line.places[span.start - 2][1] if span.start > 1 else 0
    after = line.places[span.end + 1][0] if span.end + 1 < len(line.places) else width
    darkness = 255 - pixels.min(axis=0).astype(np.int32)
    left = _gap(darkness, before, span.left) if span.start else 0
    right = _gap(darkness, span.right, after) if span.end < len(line.text) else width
    part = pixels[:, left:right]
    return np.pad(part, ((0, 0), (_MARGIN, _MARGIN)), constant_values=_PAPER)


def _gap(darkness: np.ndarray[tuple[int], np.dtype[np.int32]], start: int, end: int) -> int:
    """The middle of the lightest columns between two characters, given about where they end and begin."""
    start, end = max(min(start, end - 1), 0), min(max(start + 1, end), len(darkness))
    part = darkness[start:end]
    lightest = np.flatnonzero(part == part.min())
    return start + int(lightest[len(lightest) // 2])


def _joined(line: LineRead, answers: Sequence[tuple[_Span, LineRead]]) -> LineRead:
    """The line with what was read again in place of what was doubtful."""
    text, at, agreed, asked = "", 0, 0.0, 0
    characters: list[float] = []
    for span, answer in answers:
        text += line.text[at : span.start] + answer.text
        characters += [*line.characters[at : span.start], *answer.characters]
        at = span.end
        first = line.text[span.start : span.end]
        length = max(len(first), len(answer.text), 1)
        agreed += length * likeness(first, answer.text)
        asked += length
    text, characters = _without_gaps(text + line.text[at:], [*characters, *line.characters[at:]])
    _, last = answers[-1]
    looked_up = [answer.known for _, answer in answers if answer.known is not None]
    whole = answers[0][0].start == 0 and answers[0][0].end == len(line.text)
    return LineRead(
        text,
        tuple(characters),
        agreement=agreed / asked,
        margin=last.margin if whole else None,
        likelihood=last.likelihood if whole else None,
        fits=last.fits if whole else None,
        known=min(looked_up, default=None),
        respelled=sum(answer.respelled for _, answer in answers),
    )


def _without_gaps(text: str, characters: Sequence[float]) -> tuple[str, list[float]]:
    """Without blanks at the ends and double ones, where a word was read as nothing."""
    kept = [
        place
        for place, character in enumerate(text)
        if character != " " or (text[:place].strip() and text[place + 1 : place + 2].strip())
    ]
    return "".join(text[place] for place in kept), [characters[place] for place in kept]


def likeness(one: str, other: str) -> float:
    """The share (0 to 1) of the longer text that stands in both, in order; blanks do not count."""
    one, other = one.replace(" ", ""), other.replace(" ", "")
    if one == other:
        return 1.0
    matched = sum(block.size for block in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks())
    return matched / max(len(one), len(other))
