"""How well handwriting is read, reader by reader, next to Tesseract on the same pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import default_rng

from extract.bounds import lower_bound, upper_bound
from extract.engines import LineReader
from extract.score import distance, normalised
from intake.measure.handwriting_sets import HandwritingSet, Line

_RESAMPLES, _SEED = 2000, 5
# Two one-sided bounds of 97.5 % are the two ends of an interval of 95 %.
_ONE_SIDED, _TAILS = 0.975, (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class ReaderScore:
    """What one reader made of one set.

    errors:     characters to insert, delete or replace, over all lines; `characters` is how many are written.
    error_interval: 95 % of the character error rate, by resampling writers whole (lines where no writer is known).
    right:      lines read exactly; `right_interval`: 95 %, after Clopper and Pearson, as if lines were independent.
    right_apart_from_accents: lines read right but for case, accents and punctuation.
    """

    set_name: str
    alphabet: str
    reader: str
    lines: int
    writers: int
    characters: int
    errors: int
    error_interval: tuple[float, float]
    right: int
    right_interval: tuple[float, float]
    right_apart_from_accents: int

    @property
    def error_rate(self) -> float:
        return self.errors / self.characters if self.characters else 0.0

    @property
    def right_share(self) -> float:
        return self.right / self.lines if self.lines else 0.0


def score_readers(handwriting: HandwritingSet, readers: Mapping[str, LineReader]) -> list[ReaderScore]:
    """Let every reader read every line within the set's alphabet. Raises Unavailable if an engine failed."""
    pictures = [line.pixels for line in handwriting.lines]
    return [
        _score(handwriting, name, [found.text for found in reader.read(pictures, handwriting.alphabet)])
        for name, reader in readers.items()
    ]


def _score(handwriting: HandwritingSet, reader: str, texts: Sequence[str]) -> ReaderScore:
    lines = handwriting.lines
    errors = [distance(_compared(line.text), _compared(text)) for line, text in zip(lines, texts, strict=True)]
    right = sum(error == 0 for error in errors)
    return ReaderScore(
        set_name=handwriting.name,
        alphabet=handwriting.alphabet,
        reader=reader,
        lines=len(lines),
        writers=len({line.writer for line in lines if line.writer}),
        characters=sum(len(_compared(line.text)) for line in lines),
        errors=sum(errors),
        error_interval=_error_interval(lines, errors),
        right=right,
        right_interval=(lower_bound(right, len(lines), _ONE_SIDED), upper_bound(right, len(lines), _ONE_SIDED)),
        right_apart_from_accents=sum(
            normalised(line.text) == normalised(text) for line, text in zip(lines, texts, strict=True)
        ),
    )


def _compared(text: str) -> str:
    """Every character counts; the number of blanks in a row does not."""
    return " ".join(text.split())


def _error_interval(lines: Sequence[Line], errors: Sequence[int]) -> tuple[float, float]:
    """The characters of one writer stand or fall together, so that whole writers are drawn, with replacement."""
    if not lines:
        return 0.0, 1.0
    of: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        of.setdefault(line.writer or str(place), []).append(place)
    wrong = np.array([sum(errors[place] for place in places) for places in of.values()], np.float64)
    written = np.array(
        [sum(len(_compared(lines[place].text)) for place in places) for places in of.values()], np.float64
    )
    drawn = default_rng(_SEED).integers(0, len(of), (_RESAMPLES, len(of)))
    rates = wrong[drawn].sum(axis=1) / np.maximum(written[drawn].sum(axis=1), 1)
    low, high = np.percentile(rates, _TAILS)
    return float(low), float(high)
