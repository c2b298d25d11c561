"""Digits: a number written by hand, read on several drawings of the same ink that then vote under its grammar.

One big open 6 is read as two noughts, a 4 and its neighbour as one figure: mostly on one drawing and not on the next.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from extract.decoding.alphabet import Floats
from extract.decoding.automaton import Constraint
from extract.decoding.beam import decode
from extract.decoding.candidate import Candidate, forward
from extract.engines import StepReader
from extract.page import Grey

# A first reading this likely (natural logarithm), its next candidate so much less so, is not asked about again.
_PLAIN, _PLAINLY = -0.05, 3.0
# No drawing outvotes the others by more than this.
_LEAST = -15.0
# Writing less likely than this on average is not a number: a printed label's end, a word, something crossed out.
_HOPELESS = -13.0
# How much narrower, and with how much paper above and below (in heights of the ink), the drawings are.
_NARROWER, _ROOM = 0.8, 0.2
# Figures set apart: their height, the gap on either side, and how much their strokes are thickened, in pixels.
_FIGURE_HIGH, _GAP, _THICKER = 56, 10, 3
# Smaller than this share of the tallest, a shape is a speck or a comma; pieces that overlap by half are one figure.
_FIGURE_SHARE, _SAME_FIGURE = 0.35, 0.5
_INK, _SPECK, _MARGIN = 140, 20, 6


@dataclass(frozen=True, slots=True)
class NumberRead:
    """A number and what speaks for it.

    characters: the reader's raw score for each character on the line as it stands.
    score:      natural logarithm of its probability, the mean over the drawings; 0 is certain.
    margin:     by how much the next answer is less likely (logarithm).
    agreement:  0 to 1: the share of drawings that are best read as this.
    line:       which of the lines given it stands on.
    """

    text: str
    characters: tuple[float, ...]
    score: float
    margin: float
    agreement: float
    line: int


def read_number(lines: Sequence[Grey], reader: StepReader, constraint: Constraint) -> NumberRead | None:
    """The number that one of a zone's lines holds, the likeliest; None if none of them holds any.

    lines: pictures of single lines, dark on light, with little margin.
    """
    steps = reader.probabilities(lines)
    found = [
        _read(number, line, seen, reader, constraint)
        for number, (line, seen) in enumerate(zip(lines, steps, strict=True))
    ]
    numbers = [read for read in found if read is not None and read.score > _HOPELESS]
    return max(numbers, key=lambda read: (read.score, -read.line), default=None)


def _read(number: int, line: Grey, seen: Floats, reader: StepReader, constraint: Constraint) -> NumberRead | None:
    candidates = decode(seen, reader.classes, constraint)
    if _is_plain(candidates):
        first = candidates[0]
        margin = first.score - (candidates[1].score if len(candidates) > 1 else _LEAST)
        return NumberRead(first.text, first.characters, first.score, margin, 1.0, number)
    readings = [seen, *reader.probabilities(_drawings(line))]
    decoded = [candidates, *(decode(steps, reader.classes, constraint) for steps in readings[1:])]
    return _vote(number, readings, decoded, reader.classes)


def _is_plain(candidates: Sequence[Candidate]) -> bool:
    if not candidates or candidates[0].score < _PLAIN:
        return False
    return len(candidates) == 1 or candidates[0].score - candidates[1].score > _PLAINLY


def _vote(
    number: int, readings: Sequence[Floats], decoded: Sequence[Sequence[Candidate]], classes: str
) -> NumberRead | None:
    """The answer that is likeliest on all drawings together."""
    texts = {candidate.text: candidate for candidates in reversed(decoded) for candidate in reversed(candidates)}
    if not texts:
        return None
    scores = {text: _mean(max(forward(steps, classes, text), _LEAST) for steps in readings) for text in texts}
    order = sorted(scores, key=lambda text: (-scores[text], text))
    best = order[0]
    margin = scores[best] - (scores[order[1]] if len(order) > 1 else _LEAST)
    agreement = _mean(float(bool(candidates) and candidates[0].text == best) for candidates in decoded)
    return NumberRead(best, texts[best].characters, scores[best], margin, agreement, number)


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return sum(every) / len(every)


def _drawings(line: Grey) -> list[Grey]:
    """The line narrower; smaller between more paper; figure by figure with gaps between and thicker strokes."""
    inked = np.asarray(line < _INK)
    if not inked.any():
        return []
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    core = line[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]
    room = int(core.shape[0] * _ROOM)
    narrow = cv2.resize(line, None, fx=_NARROWER, fy=1.0, interpolation=cv2.INTER_AREA)
    small = np.pad(core, ((room + _MARGIN, room + _MARGIN), (2 * _MARGIN, 2 * _MARGIN)), constant_values=255)
    return [np.asarray(narrow, np.uint8), small, _apart(_figures(line))]


def _figures(line: Grey) -> list[Grey]:
    """The shapes of a line, left to right; pieces over one another together, specks left out."""
    mask = (line < _INK).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    order = [int(shape) for shape in np.argsort(stats[:, 0], kind="stable") if shape and stats[shape, 4] >= _SPECK]
    groups: list[list[int]] = []
    for shape in order:
        left, right = int(stats[shape, 0]), int(stats[shape, 0] + stats[shape, 2])
        for group in groups:
            start = min(int(stats[member, 0]) for member in group)
            end = max(int(stats[member, 0] + stats[member, 2]) for member in group)
            if min(end, right) - max(start, left) > _SAME_FIGURE * min(end - start, right - left):
                group.append(shape)
                break
        else:
            groups.append([shape])
    figures = [_alone(line, np.isin(labels, group).astype(np.uint8)) for group in groups]
    tallest = max((figure.shape[0] for figure in figures), default=0)
    return [figure for figure in figures if figure.shape[0] >= _FIGURE_SHARE * tallest] or [line]


def _alone(line: Grey, own: Grey) -> Grey:
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    soft = np.asarray(cv2.dilate(own, np.ones((3, 3), np.uint8)))
    shown = np.where(soft > 0, line, 255).astype(np.uint8)
    return shown[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]


def _apart(figures: Sequence[Grey]) -> Grey:
    """Figures side by side on one foot, at one scale."""
    scale = _FIGURE_HIGH / max(figure.shape[0] for figure in figures)
    drawn = []
    for figure in figures:
        width, height = max(1, round(figure.shape[1] * scale)), max(1, round(figure.shape[0] * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        sized = np.asarray(cv2.resize(figure, (width, height), interpolation=method), np.uint8)
        framed = np.pad(sized, ((_FIGURE_HIGH - min(height, _FIGURE_HIGH), 0), (_GAP, _GAP)), constant_values=255)
        drawn.append(np.asarray(cv2.erode(framed, np.ones((_THICKER, _THICKER), np.uint8)), np.uint8)[-_FIGURE_HIGH:])
    return np.pad(np.concatenate(drawn, axis=1), ((_MARGIN, _MARGIN), (2, 2)), constant_values=255)
