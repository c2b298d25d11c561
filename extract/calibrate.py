"""Calibrate: what is known of a value becomes a score, and the score a probability of being right, per class of field.

All of it is read from measured tables: they speak of the paper and the readers they were measured with, and of no
other. What may be accepted follows from the same tables and the policy, in `extract.standards`.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import exp
from pathlib import Path
from typing import Any, Final

from extract.features import SCALES
from schemas.errors import Unavailable

SHIPPED_TABLE = Path(__file__).parent / "calibration.toml"
FORMAT: Final = 2  # of the file; 1 knew one score and one threshold per class
# Scores are compared as the record carries them, so that a decision can be taken again from the record.
SCORE_DIGITS: Final = 6
# One feature, however far from what is usual, counts for no more than this many standard deviations.
FARTHEST: Final = 4.0


@dataclass(frozen=True, slots=True)
class Weight:
    """How one feature counts in the score of a class of field.

    mean, scale: of the feature, spread by `extract.features.SCALES`, among the values the weights were fitted on.
    weight: what a standard deviation above the mean adds to the log odds.
    absent: what is added where the feature is absent; None if it never was: then it counts as at its worst.
    """

    mean: float
    scale: float
    weight: float
    absent: float | None = None


@dataclass(frozen=True, slots=True)
class Weighing:
    """Features become one score: a logistic function of their weighted sum. Features it does not name do not count."""

    intercept: float
    weights: Mapping[str, Weight]

    def score(self, features: Mapping[str, float]) -> float:
        """The score (0 to 1), higher for a value that is more likely to be right. It is no probability yet."""
        total = self.intercept + sum(_part(features.get(name), name, weight) for name, weight in self.weights.items())
        return round(1.0 / (1.0 + exp(-max(min(total, 30.0), -30.0))), SCORE_DIGITS)


def _part(value: float | None, name: str, weight: Weight) -> float:
    if value is None:
        return -FARTHEST * abs(weight.weight) if weight.absent is None else weight.absent
    away = (SCALES[name].spread(value) - weight.mean) / weight.scale
    return weight.weight * max(min(away, FARTHEST), -FARTHEST)


@dataclass(frozen=True, slots=True)
class Step:
    """Of the values tested, those with at least this score: how many, and how many of them wrong."""

    score: float
    values: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Curve:
    """What was measured for one class of field, among values that passed their checks.

    weighing: fitted on a part of the documents, as are
    scores, probabilities: steps of a rising curve: from `scores[i]` on, the share that was right.
    evidence: how many values they rest on.
    tested:   the others, from the highest scores to all of them: what a ceiling is held against. Empty for a
              class that is closed whatever the policy.
    """

    weighing: Weighing
    scores: tuple[float, ...]
    probabilities: tuple[float, ...]
    evidence: int
    tested: tuple[Step, ...] = ()

    def probability(self, score: float) -> float:
        """The calibrated probability (0 to 1) that a value of this score is right."""
        return self.probabilities[max(bisect_right(self.scores, score) - 1, 0)]


Curves = Mapping[str, Curve]


@dataclass(frozen=True, slots=True)
class Calibration:
    """All curves of one measurement; `version` stands on every decision made with it.

    curves:     by class of field; they hold for `form_types` and for no other paper.
    form_types: the form types whose values the curves were fitted on.
    own:        by form type, the curves fitted on that form type alone; they win over `curves`.
    readers:    the models, as `models_of` names them, whose readings the curves were fitted on.
    classes:    by form type, the classes of field it gave values of: the general curves hold for these alone. A form
                type that is not named gave values of all of them.
    """

    version: str
    curves: Curves
    form_types: frozenset[str] = frozenset()
    own: Mapping[str, Curves] = field(default_factory=dict)
    readers: frozenset[str] = frozenset()
    classes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def has_evidence_about(self, form_type: str) -> bool:
        """Whether any value of this form type was measured."""
        return form_type in self.form_types or form_type in self.own

    def curves_of(self, form_type: str, field_class: str) -> Curves:
        """The set of curves that holds for a class of field on a form type: its own, else the general ones."""
        own = self.own.get(form_type, {})
        if field_class in own:
            return own
        is_seen = form_type in self.form_types and field_class in self.classes.get(form_type, {field_class})
        return self.curves if is_seen else {}

    def curve(self, form_type: str, field_class: str) -> Curve | None:
        """The curve that holds for a class of field on a form type; None if there is no evidence about it."""
        return self.curves_of(form_type, field_class).get(field_class)

    def knows(self, reader: str | None) -> bool:
        """Whether the curves speak of a reader; None is what no reader read: ticks, signatures and empty places."""
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
        if raw.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}; write it anew with `postroom fit`")
        return Calibration(
            version=str(raw["version"]),
            curves=_curves(raw),
            form_types=frozenset(map(str, raw.get("form_types", ()))),
            own={str(form_type): _curves(entry) for form_type, entry in raw.get("form", {}).items()},
            readers=frozenset(map(str, raw.get("readers", ()))),
            classes={str(form): frozenset(map(str, names)) for form, names in raw.get("classes", {}).items()},
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
    weights = {str(name): _weight(name, weight) for name, weight in entry.get("weights", {}).items()}
    tested = tuple(Step(float(score), int(values), int(wrong)) for score, values, wrong in entry.get("tested", ()))
    if any(later.score >= step.score or later.values <= step.values for step, later in pairwise(tested)):
        raise ValueError("what was tested must begin with the highest score, each set larger than the one before")
    return Curve(Weighing(float(entry["intercept"]), weights), scores, probabilities, int(entry["evidence"]), tested)


def _weight(name: str, entry: Mapping[str, Any]) -> Weight:
    if name not in SCALES:
        raise ValueError(f"there is no feature {name!r}")
    absent = float(entry["absent"]) if "absent" in entry else None
    weight = Weight(float(entry["mean"]), float(entry["scale"]), float(entry["weight"]), absent)
    if weight.scale <= 0:
        raise ValueError(f"the scale of {name!r} must be above 0")
    return weight
