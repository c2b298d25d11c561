"""More documents for the thresholds of a calibration that stays as it was fitted.

Its weights and curves came from other documents, so every value of the new ones is an honest test of the order it puts
values in: the counts are added up. The records it was first tested on are not needed for that, nor is it fitted anew.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from extract.calibrate import Calibration, Curve, Curves, Step
from intake.measure.evidence import Case, is_self_checking
from schemas.errors import MailError

# By form type ("" for the general curves) and class of field: score and whether it is right, of each new value.
_Scored = Mapping[tuple[str, str], Sequence[tuple[float, bool]]]


def tried_further(calibration: Calibration, cases: Iterable[Case]) -> Calibration:
    """The calibration with the counts of `cases` added to what its ceilings are held against.

    Cases of classes it has no curve for, or read by readers it does not know, are left out; so is a class that it keeps
    closed whatever the policy. Raises MailError if the same documents were added to it before.
    """
    scored: dict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    digests = []
    for case in cases:
        curves = calibration.curves_of(case.form_type, case.field_class)
        curve = curves.get(case.field_class)
        is_known = curve is not None and case.features is not None and calibration.knows(case.reader)
        if curve is None or case.features is None or not is_known or is_self_checking(case):
            continue
        is_own = curves is calibration.own.get(case.form_type)
        score = curve.weighing.score(case.features)
        scored[case.form_type if is_own else "", case.field_class].append((score, case.is_right))
        facts = [case.form_type, case.field_class, case.reader, case.is_right, case.features]
        digests.append(sha256(json.dumps(facts, sort_keys=True).encode()).digest())
    added = f"+{len(digests)}-{sha256(b''.join(sorted(digests))).hexdigest()[:8]}"
    if added in calibration.version:
        raise MailError("these documents were added to this calibration before: they would count twice")
    return replace(
        calibration,
        version=calibration.version + added,
        curves=_counted("", calibration.curves, scored),
        own={form_type: _counted(form_type, curves, scored) for form_type, curves in calibration.own.items()},
    )


def _counted(form_type: str, curves: Curves, scored: _Scored) -> Curves:
    return {name: _with_more(curve, scored.get((form_type, name), ())) for name, curve in curves.items()}


def _with_more(curve: Curve, pairs: Sequence[tuple[float, bool]]) -> Curve:
    """The curve with more values in each of its sets. Which values form a set still follows from scores alone."""
    if not curve.tested or not pairs:
        return curve
    lowest = min(score for score, _ in pairs)
    steps = list(curve.tested)
    if lowest < steps[-1].score:  # the last set is that of all values
        steps.append(Step(lowest, steps[-1].values, steps[-1].wrong))
    added = [
        Step(
            step.score,
            step.values + sum(score >= step.score for score, _ in pairs),
            step.wrong + sum(score >= step.score and not is_right for score, is_right in pairs),
        )
        for step in steps
    ]
    return replace(curve, tested=tuple(added))
