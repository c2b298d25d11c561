"""Calibrate: a reader's raw score becomes a probability of being right, per class of field, from measured tables.

A table speaks of the paper and the reader it was measured with, and of no other: values of a form type or of a model
without evidence are not accepted.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from schemas.errors import Unavailable

SHIPPED_TABLE = Path(__file__).parent / "calibration.toml"
# Scores are compared as the record carries them, so that a decision can be taken again from the record.
SCORE_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Curve:
    """What was measured for one class of field, among values that passed their checks.

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
    """All curves of one measurement; `version` stands on every decision made with it.

    curves:     by class of field; they hold for `form_types` and for no other paper.
    form_types: the form types whose values the curves were fitted on.
    own:        by form type, the curves fitted on that form type alone; they win over `curves`.
    readers:    the models, as `models_of` names them, whose scores the curves were fitted on.
    """

    version: str
    curves: Mapping[str, Curve]
    form_types: frozenset[str] = frozenset()
    own: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)
    readers: frozenset[str] = frozenset()

    def curve(self, form_type: str, field_class: str) -> Curve | None:
        """The curve that holds for a class of field on a form type; None if there is no evidence about it."""
        general = self.curves if form_type in self.form_types else {}
        return self.own.get(form_type, {}).get(field_class) or general.get(field_class)

    def probability(self, form_type: str, field_class: str, score: float, reader: str | None) -> float | None:
        """The probability that a value which passed its checks is right; None where there is no evidence.

        `reader` is None for what no reader read: ticks and signatures.
        """
        curve = self.curve(form_type, field_class)
        return curve.probability(score) if curve and self._knows(reader) else None

    def objection(self, form_type: str, field_class: str, score: float, reader: str | None) -> str:
        """Why a value which passed its checks must not be accepted unseen, in words; "" if it may."""
        if form_type not in self.form_types and form_type not in self.own:
            return "There is no evidence about this form type yet."
        curve = self.curve(form_type, field_class)
        if curve is None or curve.threshold is None:
            return "There is too little evidence about this class of field to accept it unseen."
        if not self._knows(reader):
            return "There is no evidence about the reader of this value yet."
        return "" if score >= curve.threshold else "The reading is not sure enough."

    def _knows(self, reader: str | None) -> bool:
        return reader is None or models_of(reader) in self.readers


def models_of(reader: str) -> str:
    """A reader's name without the library that runs its models: that changes no answer by more than rounding.

    Names are engine/model/library, joined by ">" where readers follow one another.
    """
    return ">".join("/".join(name.split("/")[:2]) for name in reader.split(">"))


def load_calibration(path: Path = SHIPPED_TABLE) -> Calibration:
    """Raises Unavailable naming the file if it is missing or not a calibration."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return Calibration(
            version=str(raw["version"]),
            curves=_curves(raw),
            form_types=frozenset(map(str, raw.get("form_types", ()))),
            own={str(form_type): _curves(entry) for form_type, entry in raw.get("form", {}).items()},
            readers=frozenset(map(str, raw.get("readers", ()))),
        )
    except (OSError, tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"{path}: not a calibration: {error}") from error


def _curves(raw: Mapping[str, Any]) -> dict[str, Curve]:
    return {str(name): _curve(entry) for name, entry in raw.get("class", {}).items()}


def _curve(entry: Mapping[str, Any]) -> Curve:
    scores = tuple(float(score) for score in entry["scores"])
    probabilities = tuple(float(share) for share in entry["probabilities"])
    if not scores or len(scores) != len(probabilities) or list(scores) != sorted(scores):
        raise ValueError("a curve needs rising scores, and a probability for each")
    threshold = float(entry["threshold"]) if "threshold" in entry else None
    return Curve(scores, probabilities, int(entry["evidence"]), threshold)
