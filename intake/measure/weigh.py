"""Fits how features are weighed: logistic regression whose weights keep a sensible sign, one for each class of field.

Classes of the same sort (writing, empty places, marks) are fitted together first; each class then starts from there and
leaves it as far as its own values ask for. So a class with few values is weighed like the others, and a class with many
by itself. Penalties, not choices, keep weights small (ridge regression: Hoerl and Kennard 1970).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from extract.calibrate import FARTHEST, Weighing, Weight
from extract.features import SCALES
from intake.measure.evidence import Case

Floats = NDArray[np.float64]

# Before any evidence, a standard deviation of a feature speaks this much for a value, or against it.
_EXPECTED: Final = 0.3
# How many values, about, it takes to move a weight: of all classes together, and of one class away from the others.
_PENALTY, _OWN_PENALTY = 5.0, 10.0
_INTERCEPT_PENALTY: Final = 0.05
_ROUNDS: Final = 60
_SMALL_ENOUGH: Final = 1e-9
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class _Columns:
    """The features of one sort of values as columns: means and scales of their spread values, and which count how."""

    names: tuple[str, ...]
    means: Floats
    scales: Floats

    @property
    def signs(self) -> Floats:
        """+1 or -1 where only that makes sense: of the features, then of their absence, then of the constant."""
        known = [float(SCALES[name].sign) for name in self.names]
        return np.array([*known, *[0.0] * (len(self.names) + 1)])


def fit_weighings(cases: Sequence[Case]) -> dict[str, Weighing]:
    """For each class of field how its features are weighed. All cases must have features, and be of one sort.

    The order of the cases matters to the last digits only, which are rounded away.
    """
    raw = _raw(cases)
    columns = _columns(raw)
    table = _table(raw, columns, len(cases))
    right = np.array([case.is_right for case in cases], np.float64)
    signs = columns.signs
    shared = _fitted(table, right, _EXPECTED * signs, signs, _PENALTY)
    of_class: dict[str, list[int]] = {}
    for place, case in enumerate(cases):
        of_class.setdefault(case.field_class, []).append(place)
    weighings = {}
    for name, places in sorted(of_class.items()):
        own = table[places]
        weighings[name] = _weighing(columns, _fitted(own, right[places], shared, signs, _OWN_PENALTY), own)
    return weighings


def logistic(table: Floats, share_right: Floats, expected: Floats, penalties: Floats) -> Floats:
    """The weights that make `share_right` (0 to 1, one per row) most likely, pulled towards `expected`.

    Newton's method; the penalties, one per weight, are the inverse variances of a normal prior.
    """
    weights = expected.copy()
    reached = _likelihood(table, share_right, weights, expected, penalties)
    for _ in range(_ROUNDS):
        chances = _chances(table @ weights)
        uphill = table.T @ (share_right - chances) - penalties * (weights - expected)
        bend = (table * (chances * (1 - chances))[:, None]).T @ table + np.diag(penalties)
        step = np.linalg.solve(bend, uphill)
        gained = 0.0
        while np.abs(step).max() > _SMALL_ENOUGH:
            there = _likelihood(table, share_right, weights + step, expected, penalties)
            if there >= reached:
                gained, weights, reached = there - reached, weights + step, there
                break
            step = step / 2
        if gained <= _SMALL_ENOUGH * (1 + abs(reached)):
            break
    return weights


def _fitted(table: Floats, right: Floats, expected: Floats, signs: Floats, penalty: float) -> Floats:
    """As `logistic`, with every weight of the sign it must have: what would turn out otherwise counts for nothing."""
    wrong, all_right = float((1 - right).sum()), float(right.sum())
    start = expected.copy()
    if start[-1] == 0:
        start[-1] = np.log((all_right + 1) / (wrong + 1))
    penalties = np.full(len(start), penalty)
    penalties[-1] = _INTERCEPT_PENALTY
    used = table.any(axis=0)  # a column of nothing else but 0 has no say
    while True:
        weights = np.zeros(len(start))
        weights[used] = logistic(table[:, used], right, start[used], penalties[used])
        against = used & (weights * signs < 0)
        if not against.any():
            return weights
        used &= ~against


def _raw(cases: Sequence[Case]) -> dict[str, Floats]:
    """Each feature spread, NaN where it is absent."""
    names = sorted({name for case in cases for name in case.features or {} if name in SCALES})
    raw = {}
    for name in names:
        spread = SCALES[name].spread
        values = [(case.features or {}).get(name) for case in cases]
        raw[name] = np.array([np.nan if value is None else spread(value) for value in values], np.float64)
    return raw


def _columns(raw: dict[str, Floats]) -> _Columns:
    """The features that differ from value to value, or are absent from some."""
    names, means, scales = [], [], []
    for name, values in raw.items():
        there = values[~np.isnan(values)]
        scale = float(there.std()) if len(there) else 0.0
        if scale <= _SMALL_ENOUGH and len(there) == len(values):
            continue
        names.append(name)
        means.append(round(float(there.mean()), _DIGITS))
        scales.append(round(scale, _DIGITS) or 1.0)
    return _Columns(tuple(names), np.array(means), np.array(scales))


def _table(raw: dict[str, Floats], columns: _Columns, rows: int) -> Floats:
    """(rows, 2 * features + 1): features in standard deviations, 0 where absent; 1 where absent; a constant."""
    known = np.empty((rows, len(columns.names)))
    for place, name in enumerate(columns.names):
        known[:, place] = (raw[name] - columns.means[place]) / columns.scales[place]
    absent = np.isnan(known)
    known = np.clip(np.where(absent, 0.0, known), -FARTHEST, FARTHEST)
    return np.concatenate([known, absent.astype(np.float64), np.ones((rows, 1))], axis=1)


def _weighing(columns: _Columns, fitted: Floats, own: Floats) -> Weighing:
    """The weights of one class; `own`: its rows, which tell what is never there, or always."""
    count = len(columns.names)
    absent = own[:, count : 2 * count].mean(axis=0)
    intercept, weights = float(fitted[-1]), {}
    for place, name in enumerate(columns.names):
        if absent[place] == 1:
            intercept += float(fitted[count + place])  # nothing is known of this feature in this class
            continue
        is_missed = absent[place] > 0
        weights[name] = Weight(
            mean=float(columns.means[place]),
            scale=float(columns.scales[place]),
            weight=round(float(fitted[place]), _DIGITS),
            absent=round(float(fitted[count + place]), _DIGITS) if is_missed else None,
        )
    return Weighing(round(intercept, _DIGITS), weights)


def _chances(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))), np.float64)


def _likelihood(table: Floats, share_right: Floats, weights: Floats, expected: Floats, penalties: Floats) -> float:
    log_odds = table @ weights
    fit = share_right * log_odds - np.logaddexp(0, log_odds)
    return float(fit.sum() - (penalties * (weights - expected) ** 2).sum() / 2)
