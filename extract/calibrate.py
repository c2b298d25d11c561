"""Calibrate: a reader's raw score becomes a probability of being right, per class of field, from measured tables."""

import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import Unavailable

SHIPPED_TABLE = Path(__file__).parent / "calibration.toml"


@dataclass(frozen=True, slots=True)
class Curve:
    """What was measured for one class of field.

    scores, probabilities: steps of a rising curve (isotonic regression): from `scores[i]` on, the share that was right.
    evidence:  how many values it rests on.
    threshold: the raw score from which the error of accepted values stays under the ceiling with 95 % confidence
               (Clopper and Pearson 1934); None if there is too little evidence, and the class is closed.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]
    evidence: int
    threshold: float | None

    def probability(self, score: float) -> float:
        """The calibrated probability (0 to 1) that a value of this raw score is right."""
        return self.probabilities[max(bisect_right(self.scores, score) - 1, 0)]


@dataclass(frozen=True, slots=True)
class Calibration:
    """All curves of one measurement; `version` stands on every decision made with it."""

    version: str
    curves: Mapping[str, Curve]


def load_calibration(path: Path = SHIPPED_TABLE) -> Calibration:
    """Raises Unavailable naming the file if it is missing or not a calibration."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        curves = {
            name: Curve(
                scores=tuple(float(score) for score in entry["scores"]),
                probabilities=tuple(float(share) for share in entry["probabilities"]),
                evidence=int(entry["evidence"]),
                threshold=float(entry["threshold"]) if "threshold" in entry else None,
            )
            for name, entry in raw.get("class", {}).items()
        }
        return Calibration(str(raw["version"]), curves)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"{path}: not a calibration: {error}") from error
