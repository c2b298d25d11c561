"""Whether a calibration keeps its promise on records that it was not fitted on, as figures, table and JSON."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.markup import escape
from rich.table import Table

from extract.bounds import upper_bound
from extract.calibrate import Calibration, Curve
from intake.measure.evidence import Case
from intake.measure.measures import share
from intake.measure.table import percent


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the values of one class of field, or of all.

    written:  values that the record says are there, whatever is decided about them.
    accepted, wrong: of them taken on their score; of these wrong.
    blank, missed: fields that the record says are empty, on no score; of them with an answer.
    calibration_error: how far confidence and share of right ones lie apart, the mean over the values with a
              confidence; None without one.
    """

    name: str
    written: int
    accepted: int
    wrong: int
    blank: int
    missed: int
    calibration_error: float | None

    @property
    def error_bound(self) -> float:
        """The error among the accepted is below this with 95 % confidence."""
        return upper_bound(self.wrong, self.accepted)

    @property
    def missed_bound(self) -> float:
        """The share of answers among fields taken for empty is below this with 95 % confidence."""
        return upper_bound(self.missed, self.blank)


def trials(cases: Iterable[Case], calibration: Calibration) -> list[Trial]:
    """One trial per class of field, and one of all together at the end, named ""."""
    by_class: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_class[case.field_class].append(case)
    everything = [case for members in by_class.values() for case in members]
    return [_trial(name, by_class[name], calibration) for name in sorted(by_class)] + [
        _trial("", everything, calibration)
    ]


def broken(tried: Iterable[Trial], ceiling: float) -> list[str]:
    """The classes of field of which more was wrong among the accepted than the calibration promised."""
    return [trial.name for trial in tried if trial.name and trial.wrong > ceiling * trial.accepted]


def closed(calibration: Calibration, classes: Sequence[str]) -> Calibration:
    """The calibration without a threshold for these classes of field; its version names them."""
    if not classes:
        return calibration

    def without(curves: Mapping[str, Curve]) -> dict[str, Curve]:
        return {name: replace(curve, threshold=None) if name in classes else curve for name, curve in curves.items()}

    return replace(
        calibration,
        version=f"{calibration.version}-without-{'-'.join(classes)}",
        curves=without(calibration.curves),
        own={form_type: without(curves) for form_type, curves in calibration.own.items()},
    )


def accepted_table(tried: Sequence[Trial], calibration: Calibration) -> Table:
    """One row per class of field: evidence and threshold, then what became of the values held out."""
    table = Table(title="Values held out", title_justify="left")
    table.add_column("Class of field")
    for heading in ("Fitted on", "Accepted from", "Values", "Accepted", "Wrong", "At most (95 %)", "Confidence off"):
        table.add_column(heading, justify="right")
    for trial in tried:
        table.add_row(
            escape(trial.name) or "all",
            *_fitted(trial.name, calibration),
            str(trial.written),
            percent(share(trial.accepted, trial.written)),
            str(trial.wrong),
            percent(trial.error_bound) if trial.accepted else "-",
            percent(trial.calibration_error),
        )
    return table


def empty_table(tried: Sequence[Trial]) -> Table:
    """One row per class of field: how often a field taken for empty was not. No threshold guards these."""
    table = Table(title="Taken for empty, both halves", title_justify="left")
    table.add_column("Class of field")
    for heading in ("Fields", "Not empty", "At most (95 %)"):
        table.add_column(heading, justify="right")
    for trial in tried:
        if trial.blank:
            name = escape(trial.name) or "all"
            table.add_row(name, str(trial.blank), str(trial.missed), percent(trial.missed_bound))
    return table


def as_json(tried: Sequence[Trial], everything: Sequence[Trial], calibration: Calibration) -> dict[str, object]:
    """What `--json` prints: the figures of both tables."""
    return {
        "version": calibration.version,
        "readers": sorted(calibration.readers),
        "form_types": sorted(calibration.form_types | set(calibration.own)),
        "held_out": [
            {
                "class": trial.name or None,
                "values": trial.written,
                "accepted": trial.accepted,
                "wrong_accepted": trial.wrong,
                "error_among_accepted_bound": round(trial.error_bound, 4),
                "calibration_error": None if trial.calibration_error is None else round(trial.calibration_error, 4),
            }
            for trial in tried
        ],
        "taken_for_empty": [
            {
                "class": trial.name or None,
                "blank": trial.blank,
                "wrong_blank": trial.missed,
                "error_among_blank_bound": round(trial.missed_bound, 4),
            }
            for trial in everything
        ],
    }


def _trial(name: str, cases: Sequence[Case], calibration: Calibration) -> Trial:
    taken = [case for case in cases if case.is_accepted(calibration)]
    blank = [case for case in cases if case.is_blank]
    return Trial(
        name=name,
        written=len(cases) - len(blank),
        accepted=len(taken),
        wrong=sum(not case.is_right for case in taken),
        blank=len(blank),
        missed=sum(not case.is_right for case in blank),
        calibration_error=_calibration_error(cases, calibration),
    )


def _calibration_error(cases: Iterable[Case], calibration: Calibration) -> float | None:
    """The expected calibration error (Naeini and others 2015), one bin for each step of a curve."""
    bins: dict[tuple[str, float], list[bool]] = defaultdict(list)
    for case in cases:
        if case.score is None:
            continue
        confidence = calibration.probability(case.form_type, case.field_class, case.score, case.reader)
        if confidence is not None:
            bins[case.field_class, confidence].append(case.is_right)
    apart = sum(abs(confidence * len(right) - sum(right)) for (_, confidence), right in bins.items())
    return share(apart, sum(map(len, bins.values())))


def _fitted(name: str, calibration: Calibration) -> tuple[str, str]:
    """How many values a class rests on and where it opens; per form type if the curves are."""
    curves = [curves[name] for curves in (calibration.curves, *calibration.own.values()) if name in curves]
    opened = [f"{curve.threshold:.6g}" for curve in curves if curve.threshold is not None]
    evidence = sum(curve.evidence for curve in curves)
    return str(evidence) if evidence else "-", ", ".join(opened) or ("closed" if name else "")
