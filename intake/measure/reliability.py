"""Reliability: how often values of about the same confidence are right, and two figures that sum it up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from extract.bounds import lower_bound, upper_bound

# Where a confidence ends to mean the same: narrow near certainty, where the decisions are taken.
_CONFIDENCES: Final = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)

Belief = tuple[float, bool]  # the confidence in a value, and whether it is right


@dataclass(frozen=True, slots=True)
class Bin:
    """Values of about the same confidence, and how many of them are right."""

    low: float
    high: float
    fields: int
    right: int
    mean_confidence: float

    @property
    def interval(self) -> tuple[float, float]:
        """The share of right ones lies within, with 90 % confidence (5 % on either side)."""
        wrong = self.fields - self.right
        return 1 - upper_bound(wrong, self.fields), 1 - lower_bound(wrong, self.fields)


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far confidences can be believed.

    calibration_error: the expected calibration error (Naeini and others 2015): how far confidence and share of right
                       ones lie apart, the mean over all values, bin by bin.
    brier:             the mean squared distance between confidence and truth (Brier 1950): 0.0 is perfect.
    Both None without a value that has a confidence.
    """

    fields: int
    bins: tuple[Bin, ...]
    calibration_error: float | None
    brier: float | None


def reliability(beliefs: Iterable[Belief]) -> Reliability:
    """Sorted into bins, and summed up."""
    every = list(beliefs)
    if not every:
        return Reliability(0, (), None, None)
    found = _bins(every)
    apart = sum(abs(bin.mean_confidence * bin.fields - bin.right) for bin in found)
    squares = sum((confidence - is_right) ** 2 for confidence, is_right in every)
    return Reliability(len(every), found, apart / len(every), squares / len(every))


def _bins(beliefs: Sequence[Belief]) -> tuple[Bin, ...]:
    by_place: dict[int, list[Belief]] = {}
    for confidence, is_right in beliefs:
        by_place.setdefault(sum(confidence >= edge for edge in _CONFIDENCES[1:-1]), []).append((confidence, is_right))
    return tuple(
        Bin(
            _CONFIDENCES[place],
            _CONFIDENCES[place + 1],
            len(members),
            sum(right for _, right in members),
            sum(confidence for confidence, _ in members) / len(members),
        )
        for place, members in sorted(by_place.items())
    )
