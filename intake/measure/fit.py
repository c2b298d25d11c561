"""Fits a calibration: weights and a rising curve on a quarter of the documents, and on the others what they promise.

What may be accepted is not fixed here: the counts of the others are kept, and the policy is held against them
whenever values are decided (`extract.standards`). As the order of the values was learned from the quarter only, the
tests on the others are honest ones. A quarter is enough for two dozen weights; tests prove more with every value.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from math import log
from typing import Final

import numpy as np

from extract.calibrate import Calibration, Curve, Step, Weighing, models_of
from extract.standards import BEGINNINGS
from intake.measure.evidence import Case, is_self_checking
from intake.measure.weigh import fit_weighings, logistic
from schemas.reading import Feature

# With fewer values than this, or fewer of either kind, steps would follow chance: a smooth curve is drawn instead
# (Niculescu-Mizil and Caruana 2005 put the limit at about a thousand).
_STEPS_FROM, _EACH_FROM = 1000, 20
_MOST_POINTS: Final = 24
# The score is a probability already, if a rough one: the smooth curve starts from it.
_SLOPE, _PENALTIES = 1.0, (1.0, 0.05)
# How finely the sets that a ceiling is tested on are kept: each so many times as large as the one before, and larger
# by no more than so many values: a sixth of the step that tests take under a ceiling of half a percent.
_FIRST_SET, _GROWTH, _MOST_GROWN = 1, 1.1, 50
_DIGITS: Final = 6

Pair = tuple[float, bool]  # the score of a value, and whether it is right


@dataclass(frozen=True, slots=True)
class Block:
    """Values of neighbouring scores, from `score` upwards, that share one probability."""

    score: float
    values: int
    right: int

    @property
    def share(self) -> float:
        """The share that was right."""
        return self.right / self.values

    @property
    def cautious_share(self) -> float:
        """What to expect of the next value (Laplace's rule of succession): few values never make certain."""
        return (self.right + 1) / (self.values + 2)


def fit(cases: Iterable[Case], *, per_form_type: bool = False) -> Calibration:
    """The calibration that `cases` give; the same cases in any order give the same.

    per_form_type: one set of curves for each form type alone, instead of one for all of them together.
    """
    known = [(_digest(case), case) for case in cases if case.features is not None and not is_self_checking(case)]
    known.sort(key=lambda pair: pair[0])  # by digest: the order of the records must not matter
    used = [case for _, case in known]
    by_form: dict[str, list[Case]] = defaultdict(list)
    for case in used:
        by_form[case.form_type if per_form_type else ""].append(case)
    curves = {form_type: _curves(members) for form_type, members in sorted(by_form.items())}
    return Calibration(
        version=_version([digest for digest, _ in known]),
        curves=curves.get("", {}),
        form_types=frozenset() if per_form_type else frozenset(case.form_type for case in used),
        own=curves if per_form_type else {},
        readers=frozenset(models_of(case.reader) for case in used if case.reader is not None),
        classes={} if per_form_type else _classes(used),
    )


def fit_curve(pairs: Sequence[Pair]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Rising scores and the probability from each of them on. Raises ValueError without a single value."""
    if not pairs:
        raise ValueError("a curve needs at least one value")
    right = sum(is_right for _, is_right in pairs)
    if len(pairs) < _STEPS_FROM or min(right, len(pairs) - right) < _EACH_FROM:
        return _smooth(pairs)
    blocks = pool(pool(_levels(pairs), lambda block: block.share), lambda block: block.cautious_share)
    return tuple(block.score for block in blocks), tuple(round(block.cautious_share, _DIGITS) for block in blocks)


def pool(blocks: Iterable[Block], height: Callable[[Block], float]) -> list[Block]:
    """Merge neighbours until each is higher than the one before (pool adjacent violators: Ayer and others 1955)."""
    pooled: list[Block] = []
    for block in blocks:
        last = block
        while pooled and height(pooled[-1]) >= height(last):
            before = pooled.pop()
            last = Block(before.score, before.values + last.values, before.right + last.right)
        pooled.append(last)
    return pooled


def sets_to_test(pairs: Sequence[Pair]) -> tuple[Step, ...]:
    """The sets a ceiling can be tested on, from the highest scores to all values. Values of one score stay together.

    Among them are those that series of tests begin with (`extract.standards`), to the value.
    """
    steps: list[Step] = []
    values = wrong = 0
    wanted: float = _FIRST_SET
    begun = [share * len(pairs) for share, _ in BEGINNINGS]
    levels = _levels(pairs)[::-1]
    for place, level in enumerate(levels, 1):
        values += level.values
        wrong += level.values - level.right
        is_begun = bool(begun) and values >= begun[0]
        if values >= wanted or is_begun or place == len(levels):
            steps.append(Step(level.score, values, wrong))
            wanted = min(values * _GROWTH, values + _MOST_GROWN)
            begun = [size for size in begun if size > values]
    return tuple(steps)


def _curves(cases: Sequence[Case]) -> dict[str, Curve]:
    """The curve of every class of field that has a value in the quarter for fitting."""
    sorts: dict[str, list[Case]] = defaultdict(list)
    held_out: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.is_held_out:
            held_out[case.field_class].append(case)
        else:
            sorts[_sort(case)].append(case)
    curves = {}
    for members in sorts.values():
        weighings = fit_weighings(members)
        for name, group in groupby(sorted(members, key=_class), key=_class):
            curves[name] = _curve(weighings[name], list(group), held_out[name])
    return dict(sorted(curves.items()))


def _classes(cases: Iterable[Case]) -> dict[str, frozenset[str]]:
    """By form type, the classes of field it gave values of."""
    found: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        found[case.form_type].add(case.field_class)
    return {form_type: frozenset(names) for form_type, names in sorted(found.items())}


def _curve(weighing: Weighing, fitted: Sequence[Case], held_out: Sequence[Case]) -> Curve:
    scores, probabilities = fit_curve(_pairs(weighing, fitted))
    return Curve(weighing, scores, probabilities, len(fitted), sets_to_test(_pairs(weighing, held_out)))


def _pairs(weighing: Weighing, cases: Iterable[Case]) -> list[Pair]:
    return [(weighing.score(case.features or {}), case.is_right) for case in cases]


def _class(case: Case) -> str:
    return case.field_class


def _sort(case: Case) -> str:
    """Which classes are weighed alike, told by what is known of them. Signed and not signed have nothing in common."""
    features = case.features or {}
    if Feature.CANCELLED in features:
        return "boxes"
    if Feature.FAINTEST in features or Feature.FULLEST in features:
        return case.field_class
    return "writing" if Feature.WEAKEST in features else "empty"


def _smooth(pairs: Sequence[Pair]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A logistic curve of the score's log odds (Platt 1999, with his targets), at points where values are."""
    right = sum(is_right for _, is_right in pairs)
    high, low = (right + 1) / (right + 2), 1 / (len(pairs) - right + 2)
    table = np.array([[_log_odds(score), 1.0] for score, _ in pairs])
    wanted = np.array([high if is_right else low for _, is_right in pairs])
    slope, level = logistic(table, wanted, np.array([_SLOPE, 0.0]), np.array(_PENALTIES))
    if slope < 0:
        slope, level = 0.0, _log_odds((right + 1) / (len(pairs) + 2))
    distinct = sorted({score for score, _ in pairs})
    places = sorted({round(place) for place in np.linspace(0, len(distinct) - 1, _MOST_POINTS)})
    at_most = (len(pairs) + 1) / (len(pairs) + 2)  # few values never make certain
    chances = [min(_chance(slope * _log_odds(distinct[place]) + level), at_most) for place in places]
    points = dict(zip((distinct[place] for place in places), chances, strict=True))
    rising: list[tuple[float, float]] = []
    for score, chance in points.items():
        if not rising or chance > rising[-1][1]:
            rising.append((score, round(chance, _DIGITS)))
    return tuple(score for score, _ in rising), tuple(chance for _, chance in rising)


def _log_odds(share: float) -> float:
    inside = min(max(share, 10**-_DIGITS), 1 - 10**-_DIGITS)
    return log(inside / (1 - inside))


def _chance(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def _levels(pairs: Iterable[Pair]) -> list[Block]:
    """One block per score, the lowest first."""
    levels = []
    for score, group in groupby(sorted(pairs), key=lambda pair: pair[0]):
        answers = [right for _, right in group]
        levels.append(Block(score, len(answers), sum(answers)))
    return levels


def _digest(case: Case) -> bytes:
    """Of all that is known of a case; two cases of which the same is known count the same."""
    facts = [case.form_type, case.field_class, case.reader, case.is_right, case.is_held_out, case.features]
    return sha256(json.dumps(facts, sort_keys=True).encode()).digest()


def _version(digests: Sequence[bytes]) -> str:
    """The number of values and a digest of all that the calibration follows from."""
    return f"{len(digests)}-{sha256(b''.join(digests)).hexdigest()[:8]}"
