"""What a calibration under a policy does with records whose truth is known, as figures, table and JSON."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rich.markup import escape
from rich.table import Table

from extract.bounds import lower_bound, upper_bound
from extract.calibrate import Calibration, Curves
from extract.standards import Standards
from intake.measure.evidence import Case, is_self_checking
from intake.measure.measures import share
from intake.measure.reliability import Belief, Reliability, reliability
from intake.measure.table import class_name, number, percent


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the values of one class of field, or of all.

    values:   all that the records say, whatever is decided about them.
    accepted, wrong: of them taken on their score; of these wrong.
    belief:   how far their confidences can be believed.
    """

    name: str
    values: int
    accepted: int
    wrong: int
    belief: Reliability

    @property
    def error_bound(self) -> float:
        """The error among the accepted is below this with 95 % confidence."""
        return upper_bound(self.wrong, self.accepted)


def trials(cases: Iterable[Case], standards: Standards) -> list[Trial]:
    """One trial per class of field, and one of all together at the end, named ""."""
    by_class: dict[str, list[_Tried]] = defaultdict(list)
    for case in cases:
        if not is_self_checking(case):
            by_class[case.field_class].append(_tried(case, standards))
    everything = [tried for members in by_class.values() for tried in members]
    return [_trial(name, by_class[name]) for name in sorted(by_class)] + [_trial("", everything)]


def broken(tried: Iterable[Trial], standards: Standards) -> list[str]:
    """The classes of field of which more was wrong among the accepted than the policy allows."""
    return [
        trial.name
        for trial in tried
        if trial.name and trial.wrong > standards.policy.ceiling(trial.name) * trial.accepted
    ]


def contradicted(tried: Iterable[Trial], standards: Standards) -> list[str]:
    """The classes of field of which so much was wrong that the ceiling cannot hold for post like this.

    Of few documents one error is more than the policy allows and says nothing; they are no test by themselves, but
    added to many. So the lower bound (95 %) of the error must be above the ceiling.
    """
    return [
        trial.name
        for trial in tried
        if trial.name and lower_bound(trial.wrong, trial.accepted) > standards.policy.ceiling(trial.name)
    ]


def closed(calibration: Calibration, classes: Sequence[str]) -> Calibration:
    """The calibration without the evidence that could open these classes of field; its version names them."""
    if not classes:
        return calibration

    def without(curves: Curves) -> Curves:
        return {name: replace(curve, tested=()) if name in classes else curve for name, curve in curves.items()}

    return replace(
        calibration,
        version=f"{calibration.version}-without-{'-'.join(classes)}",
        curves=without(calibration.curves),
        own={form_type: without(curves) for form_type, curves in calibration.own.items()},
    )


def accepted_table(tried: Sequence[Trial], standards: Standards) -> Table:
    """One row per class of field: evidence and threshold, then what became of the values held out."""
    table = Table(title="Values held out", title_justify="left")
    table.add_column("Class of field")
    for heading in ("Fitted on", "Accepted from", "Values", "Accepted", "Wrong", "At most (95 %)", "Ceiling"):
        table.add_column(heading, justify="right")
    for heading in ("Confidence off", "Brier"):
        table.add_column(heading, justify="right")
    for trial in tried:
        table.add_row(
            escape(class_name(trial.name) or "all"),
            *_fitted(trial.name, standards),
            str(trial.values),
            percent(share(trial.accepted, trial.values)),
            str(trial.wrong),
            percent(trial.error_bound) if trial.accepted else "-",
            percent(standards.policy.ceiling(trial.name)) if trial.name else "",
            percent(trial.belief.calibration_error),
            number(trial.belief.brier),
        )
    return table


def as_json(tried: Sequence[Trial], standards: Standards) -> dict[str, object]:
    """What `--json` prints: the figures of the table."""
    calibration = standards.calibration
    return {
        "version": calibration.version,
        "policy": standards.policy.version,
        "readers": sorted(calibration.readers),
        "form_types": sorted(calibration.form_types | set(calibration.own)),
        "held_out": [
            {
                "class": trial.name or None,
                "values": trial.values,
                "accepted": trial.accepted,
                "wrong_accepted": trial.wrong,
                "error_among_accepted_bound": round(trial.error_bound, 4),
                "ceiling": standards.policy.ceiling(trial.name) if trial.name else None,
                "calibration_error": _rounded(trial.belief.calibration_error),
                "brier": _rounded(trial.belief.brier),
            }
            for trial in tried
        ],
    }


@dataclass(frozen=True, slots=True)
class _Tried:
    is_accepted: bool
    is_right: bool
    confidence: float | None


def _tried(case: Case, standards: Standards) -> _Tried:
    score = case.score(standards)
    known = standards.probability(case.form_type, case.field_class, score, case.reader)
    return _Tried(case.is_accepted(standards, score), case.is_right, known)


def _trial(name: str, members: Sequence[_Tried]) -> Trial:
    taken = [tried for tried in members if tried.is_accepted]
    beliefs: list[Belief] = [(one.confidence, one.is_right) for one in members if one.confidence is not None]
    wrong = sum(not tried.is_right for tried in taken)
    return Trial(name, len(members), len(taken), wrong, reliability(beliefs))


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 4)


def _fitted(name: str, standards: Standards) -> tuple[str, str]:
    """How many values a class rests on and where it opens; per form type if the curves are."""
    calibration = standards.calibration
    curves = [curves[name] for curves in (calibration.curves, *calibration.own.values()) if name in curves]
    levels = sorted(calibration.form_types | set(calibration.own))
    found = [threshold for level in levels if (threshold := standards.threshold(level, name)) is not None]
    opened = sorted(set(found))
    evidence = sum(curve.evidence for curve in curves)
    return str(evidence) if evidence else "-", ", ".join(map(str, opened)) or ("closed" if name else "")
