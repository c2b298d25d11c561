"""Features: the measures a decision rests on, gathered from what was seen, and on which scale each of them counts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log1p, log10, sqrt
from typing import Final

from schemas.reading import FEATURE_DIGITS, Feature, Mark, MarkState, Reading

# Scores this near 1 are all the same: readers are over-sure, and single precision says no more.
_NEAR_ONE, _NEAR_ALL = 1e-5, 1e-2


@dataclass(frozen=True, slots=True)
class Scale:
    """How a feature counts before it is weighed.

    spread: brings its values to a scale on which equal steps matter about equally.
    sign:   +1 if more of it can only speak for a value, -1 if only against it, 0 if either may be.
    """

    spread: Callable[[float], float]
    sign: int


def _as_it_is(value: float) -> float:
    return value


def _nines(value: float) -> float:
    """0.9 is 1, 0.99 is 2, 0.999 is 3."""
    return -log10(max(1.0 - value, 0.0) + _NEAR_ONE)


def _few_nines(value: float) -> float:
    return -log10(max(1.0 - value, 0.0) + _NEAR_ALL)


def _count(value: float) -> float:
    return log1p(max(value, 0.0))


def _loss(value: float) -> float:
    """0 is 0; -1, -10 and -50 are about -0.7, -2.4 and -3.9."""
    return -log1p(max(-value, 0.0))


def _part(value: float) -> float:
    return sqrt(max(value, 0.0))


SCALES: Final[Mapping[str, Scale]] = {
    Feature.WEAKEST: Scale(_nines, +1),
    Feature.MEAN: Scale(_nines, +1),
    Feature.MARGIN: Scale(_part, +1),
    Feature.AGREEMENT: Scale(_few_nines, +1),
    Feature.FAMILY_AGREEMENT: Scale(_few_nines, +1),
    Feature.MISSED: Scale(_as_it_is, -1),
    Feature.CAPITAL: Scale(_as_it_is, -1),
    Feature.LIKELIHOOD: Scale(_loss, +1),
    Feature.GRAMMAR: Scale(_as_it_is, +1),
    Feature.KNOWN: Scale(_as_it_is, +1),
    Feature.UNLISTED: Scale(_nines, +1),
    Feature.ODD: Scale(_count, -1),
    Feature.RESPELLED: Scale(_count, -1),
    Feature.STRAY: Scale(_count, -1),
    Feature.CUT: Scale(_part, -1),
    Feature.OVERFLOW: Scale(_part, -1),
    Feature.FOREIGN: Scale(_count, -1),
    Feature.ADJACENT: Scale(_count, -1),
    Feature.BESIDE: Scale(_count, -1),
    Feature.HEMMED: Scale(_count, -1),
    Feature.GAP: Scale(_as_it_is, -1),
    Feature.UNREAD: Scale(_count, -1),
    Feature.STAMPED: Scale(_as_it_is, -1),
    Feature.UNUSED: Scale(_part, -1),
    Feature.LENGTH: Scale(_count, 0),
    Feature.LINES: Scale(_count, -1),
    Feature.ANSWERS: Scale(_count, -1),
    Feature.HEIGHT: Scale(_count, 0),
    Feature.TALLEST: Scale(_count, -1),
    Feature.EVENNESS: Scale(_as_it_is, +1),
    Feature.STRUCK: Scale(_as_it_is, -1),
    Feature.FAINT: Scale(_count, -1),
    Feature.FAINTEST: Scale(_part, +1),
    Feature.FULLEST: Scale(_part, -1),
    Feature.CANCELLED: Scale(_count, -1),
    Feature.PLAIN: Scale(_as_it_is, +1),
    Feature.RESIDUAL: Scale(_as_it_is, -1),
    Feature.CONTRAST: Scale(_as_it_is, +1),
    Feature.BLUR: Scale(_as_it_is, -1),
}


def of_reading(reading: Reading) -> dict[str, float]:
    """What the reader says of its reading; where nothing was read, only what stands in the zone."""
    features = {str(name): value for name, value in reading.features.items()}
    if reading.text == "":
        # Scores of nothing say nothing; what is left speaks of the place.
        kept = (Feature.STRAY, Feature.CUT, Feature.OVERFLOW, Feature.FOREIGN, Feature.UNREAD, Feature.STAMPED)
        return {str(name): features[name] for name in kept if name in features} | {
            str(Feature.INKED): float(reading.area is not None)
        }
    own = {Feature.WEAKEST: reading.weakest, Feature.MEAN: reading.mean, Feature.LENGTH: float(len(reading.text))}
    return {str(name): value for name, value in own.items()} | features


def of_marks(marks: Sequence[Mark]) -> dict[str, float]:
    """How far the boxes of one question are from being taken for something else."""
    ticked = [mark.ink_share for mark in marks if mark.state is MarkState.TICKED]
    empty = [mark.ink_share for mark in marks if mark.state in (MarkState.EMPTY, MarkState.STRAY)]
    features = {str(Feature.CANCELLED): float(sum(mark.state is MarkState.CANCELLED for mark in marks))}
    if marks:
        features[Feature.PLAIN.value] = min(mark.score for mark in marks)
    if ticked:
        features[Feature.FAINTEST.value] = min(ticked)
    if empty:
        features[Feature.FULLEST.value] = max(empty)
    return features


def of_signature(ink_share: float, *, is_signed: bool) -> dict[str, float]:
    """How much is written in the box of a signature: much speaks for one, and against there being none."""
    return {(Feature.FAINTEST if is_signed else Feature.FULLEST).value: ink_share}


def rounded(*parts: Mapping[str, float]) -> dict[str, float]:
    """All features together as the record carries them: names sorted, later parts first in doubt, few digits."""
    together = {str(name): value for part in parts for name, value in part.items()}
    return {name: round(float(together[name]), FEATURE_DIGITS) for name in sorted(together)}
