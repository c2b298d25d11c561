"""Standards: how sure a value must be to go without a person; policy and measured evidence together say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from extract.bounds import fewest_cases, is_below
from extract.calibrate import Calibration, Curve, Curves, Step
from extract.policy import TYPED, Policy

# Each set of values that is tested for a threshold is larger than the one before by so much of what it takes to prove
# the ceiling without an error. Where few values prove it barely, finer steps would stop at the first error although a
# larger set with that one error may well pass; where many do, steps that grew with them would end far above the limit.
STEP: Final = 0.5
# Series of sets are begun at so large a share of the values, each with its part of what may be wrongly concluded: one
# error among the highest scores of all then closes nothing that much evidence speaks for. The same for every class and
# every evidence: to choose them anew for some evidence would spoil what they prove.
BEGINNINGS: Final = ((0.25, 0.5), (0.5, 0.25), (0.75, 0.25))


@dataclass(frozen=True)
class Standards:
    """A calibration under a policy. The name stands on every decision made with it."""

    calibration: Calibration
    policy: Policy

    @property
    def name(self) -> str:
        return f"policy@{self.policy.version}/{self.calibration.version}"

    def known_as(self, form_type: str, field_class: str) -> str:
        """The class whose evidence counts: the one it is in without telling type from handwriting, if that is all
        there is."""
        base = field_class.removeprefix(TYPED)
        is_known = self.calibration.curve(form_type, field_class) is not None
        return field_class if is_known or self.calibration.curve(form_type, base) is None else base

    def score(self, form_type: str, field_class: str, features: Mapping[str, float]) -> float | None:
        """The score of a value; None where there is no evidence to weigh its features by."""
        curve = self.calibration.curve(form_type, field_class)
        return None if curve is None else curve.weighing.score(features)

    def probability(self, form_type: str, field_class: str, score: float | None, reader: str | None) -> float | None:
        """The probability that a value which passed its checks is right; None where there is no evidence."""
        curve = self.calibration.curve(form_type, field_class)
        if curve is None or score is None or not self.calibration.knows(reader):
            return None
        return curve.probability(score)

    def threshold(self, form_type: str, field_class: str) -> float | None:
        """The score from which a class is accepted unseen on a form type; None if it is closed."""
        is_own = field_class in self.calibration.own.get(form_type, {})
        if self.calibration.curve(form_type, field_class) is None:
            return None
        return self._thresholds.get((form_type if is_own else "", field_class))

    def objection(self, form_type: str, field_class: str, score: float | None, reader: str | None) -> str:
        """Why a value which passed its checks must not be accepted unseen, in words; "" if it may."""
        if not self.calibration.has_evidence_about(form_type):
            return "There is no evidence about this form type yet."
        threshold = self.threshold(form_type, field_class)
        if threshold is None or score is None:
            return "There is too little evidence about this class of field to accept it unseen."
        if not self.calibration.knows(reader):
            return "There is no evidence about the reader of this value yet."
        return "" if score >= threshold else "The reading is not sure enough."

    @cached_property
    def _thresholds(self) -> Mapping[tuple[str, str], float | None]:
        """By form type ("" for the general curves) and class of field; worked out once."""
        levels: dict[str, Curves] = {"": self.calibration.curves, **self.calibration.own}
        found = {}
        for form_type, curves in levels.items():
            for name in curves:
                peers = {peer: curves[peer] for peer in self.policy.peers(name) if peer in curves}
                found[form_type, name] = _together(peers, self.policy.ceiling(name), self.policy.confidence)[name]
        return found


def _together(curves: Mapping[str, Curve], ceiling: float, confidence: float) -> dict[str, float | None]:
    return thresholds({name: curve.tested for name, curve in curves.items()}, ceiling, confidence)


def thresholds(
    tested: Mapping[str, Sequence[Step]], ceiling: float, confidence: float = 0.95
) -> dict[str, float | None]:
    """For each class the lowest score from which the error of all of them together is proven to be below `ceiling`.

    Sets of the highest scores are tested one after the other, each larger than the last, until one fails. Their sizes
    depend on the scores alone, not on what is right, so that no choice among them was made by looking at the answers
    (fixed-sequence testing, with the bound of Clopper and Pearson). There are several such series, each begun at a
    larger set and with a part of the error that `confidence` leaves; a series that reaches the beginning of the next
    without a failure hands its part on (the fallback procedure: B. Wiens, Pharmaceutical Statistics 2, 2003). It takes
    the values for independent of one another, which those of one document are only nearly. None for a class of which no
    set passed.
    """
    reached: dict[str, Step] = {}
    found: dict[str, float | None] = dict.fromkeys(tested)
    everything = sum(steps[-1].values for steps in tested.values() if steps)
    beginnings = _beginnings(everything, ceiling, confidence)
    step_size = max(1, round(STEP * fewest_cases(ceiling, confidence)))
    risk = 0.0  # what this series has left to be wrong with; 0.0 between two series
    wanted = beginnings[0][0]
    by_score = sorted(((step.score, name, step) for name, steps in tested.items() for step in steps), reverse=True)
    for place, (score, name, step) in enumerate(by_score):
        reached[name] = step
        if place + 1 < len(by_score) and by_score[place + 1][0] == score:
            continue  # classes that share a score are let in together
        values = sum(seen.values for seen in reached.values())
        if values < wanted and place + 1 < len(by_score):
            continue
        while beginnings and values >= beginnings[0][0]:
            risk += beginnings.pop(0)[1]
        wrong = sum(seen.wrong for seen in reached.values())
        if risk and is_below(ceiling, wrong, values, 1 - risk):
            found.update({name: seen.score for name, seen in reached.items()})
            wanted = min([values + step_size, *(size for size, _ in beginnings)])
        elif beginnings:
            risk, wanted = 0.0, beginnings[0][0]
        else:
            break
    return found


def _beginnings(values: int, ceiling: float, confidence: float) -> list[tuple[float, float]]:
    """(size of the set a series begins with, its part of the error), the smallest first.

    Series that would begin with sets too small to prove anything are one, which begins where it can.
    """
    alone = [(share * values, part * (1 - confidence)) for share, part in BEGINNINGS]
    fewest = fewest_cases(ceiling, confidence)
    begun = [(max(size, fewest_cases(ceiling, 1 - risk)), risk) for size, risk in alone if size > fewest]
    left = sum(risk for size, risk in alone if size <= fewest)
    if left:
        begun.append((fewest_cases(ceiling, 1 - left), left))
    return sorted(begun)
