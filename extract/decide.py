"""Decide: accepted, or to a person, with the reason; a pure function of what was read, the checks and the policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from extract.calibrate import Calibration
from schemas.extraction import Normal
from schemas.field import CheckResult, FieldSpec, FieldStatus
from schemas.reading import Mark, MarkState, Reading


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one field.

    confidence: calibrated probability that the value is right; None where there is no evidence.
    reasons:    why a person must look, in words; empty if nobody must.
    """

    status: FieldStatus
    confidence: float | None
    reasons: tuple[str, ...]
    decided_by: str


def decide_text(
    spec: FieldSpec, normal: Normal, reading: Reading, checks: Sequence[CheckResult], calibration: Calibration
) -> Decision:
    """Decide on a field of writing."""
    failed = tuple(check.message for check in checks if not check.passed)
    if reading.text == "" and reading.area is not None:
        return _decision(
            FieldStatus.UNREADABLE, None, ("Something is written here that could not be read.",), calibration
        )
    if reading.text == "":
        status = FieldStatus.REVIEW if failed else FieldStatus.BLANK
        return _decision(status, None, failed, calibration)
    if normal.value is None:
        reason = normal.problem or "What stands here could not be understood."
        return _decision(FieldStatus.REVIEW, None, (reason, *failed), calibration)
    return _by_score(spec, reading.weakest, failed, calibration)


def decide_choice(
    spec: FieldSpec,
    chosen: Sequence[str],
    marks: Sequence[Mark],
    checks: Sequence[CheckResult],
    calibration: Calibration,
) -> Decision:
    """Decide on tick boxes: any doubtful box sends the whole question to a person."""
    failed = tuple(check.message for check in checks if not check.passed)
    doubts = tuple(f"{mark.option}: {mark.reason}" for mark in marks if mark.state is MarkState.DOUBTFUL)
    if doubts or failed:
        return _decision(FieldStatus.REVIEW, _probability(spec, 0.0, calibration), (*doubts, *failed), calibration)
    decision = _by_score(spec, 1.0, (), calibration)
    if not chosen and decision.status is FieldStatus.ACCEPTED:
        return _decision(FieldStatus.BLANK, decision.confidence, (), calibration)
    return decision


def decide_signature(spec: FieldSpec, *, doubtful: bool, reason: str, calibration: Calibration) -> Decision:
    """Decide on whether somebody signed."""
    if doubtful:
        return _decision(FieldStatus.REVIEW, _probability(spec, 0.0, calibration), (reason,), calibration)
    return _by_score(spec, 1.0, (), calibration)


def decide_exact(spec: FieldSpec, value: str, checks: Sequence[CheckResult], calibration: Calibration) -> Decision:
    """Decide on a value that carries its own error detection, such as a barcode."""
    failed = tuple(check.message for check in checks if not check.passed)
    if failed:
        return _decision(FieldStatus.REVIEW, None, failed, calibration)
    return _decision(FieldStatus.ACCEPTED if value else FieldStatus.BLANK, None, (), calibration)


def _by_score(spec: FieldSpec, score: float, failed: tuple[str, ...], calibration: Calibration) -> Decision:
    curve = calibration.curves.get(spec.field_class)
    if curve is None or curve.threshold is None:
        reason = "There is too little evidence about this class of field to accept it unseen."
        confidence = curve.probability(score) if curve else None
        return _decision(FieldStatus.REVIEW, confidence, (*failed, reason), calibration)
    if failed:
        return _decision(FieldStatus.REVIEW, curve.probability(score), failed, calibration)
    if score < curve.threshold:
        return _decision(
            FieldStatus.REVIEW, curve.probability(score), ("The reading is not sure enough.",), calibration
        )
    return _decision(FieldStatus.ACCEPTED, curve.probability(score), (), calibration)


def _probability(spec: FieldSpec, score: float, calibration: Calibration) -> float | None:
    curve = calibration.curves.get(spec.field_class)
    return curve.probability(score) if curve else None


def _decision(
    status: FieldStatus, confidence: float | None, reasons: tuple[str, ...], calibration: Calibration
) -> Decision:
    rounded = None if confidence is None else round(confidence, 4)
    return Decision(status, rounded, reasons, f"policy@{calibration.version}")
