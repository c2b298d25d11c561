"""The reliability diagram: how often values of about the same confidence are right, drawn as SVG coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from intake.measure.reliability import Bin

# Both axes are log odds, so that 99 % and 99.9 % stand as far apart as 90 % and 99 %.
_LOWEST, _HIGHEST = 0.3, 0.9997
TICKS: Final = (0.5, 0.7, 0.9, 0.97, 0.99, 0.997, 0.999)
SIDE: Final = 320.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A bin as drawn: x across, y downwards, and the ends of its interval; in pixels of a square of SIDE."""

    x: float
    y: float
    low: float
    high: float
    radius: float
    bin: Bin


def place_of(probability: float) -> float:
    """Where a probability stands on an axis of length SIDE; what lies beyond the ends is put at the end."""
    inside = min(max(probability, _LOWEST), _HIGHEST)
    return SIDE * (_log_odds(inside) - _log_odds(_LOWEST)) / (_log_odds(_HIGHEST) - _log_odds(_LOWEST))


def dots(bins: Sequence[Bin]) -> list[Dot]:
    """One dot per bin, the larger the more fields it holds."""
    most = max((bin.fields for bin in bins), default=1)
    return [
        Dot(
            x=round(place_of(bin.mean_confidence), 1),
            y=round(SIDE - place_of(bin.right / bin.fields), 1),
            low=round(SIDE - place_of(bin.interval[0]), 1),
            high=round(SIDE - place_of(bin.interval[1]), 1),
            radius=round(3 + 6 * (bin.fields / most) ** 0.5, 1),
            bin=bin,
        )
        for bin in bins
    ]


def _log_odds(probability: float) -> float:
    return log(probability / (1 - probability))
