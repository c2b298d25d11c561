"""Decide: accepted, or to a person, with the reason; a pure function of what was read, the checks and the policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from extract.calibrate import SCORE_DIGITS, Calibration
from schemas.extraction import Normal
from schemas.field import CheckResult, FieldSpec, FieldStatus
from schemas.reading import Mark, MarkState, Reading

# Ticks and signatures are judged by rules that either doubt or do not.
_WITHOUT_DOUBT = 1.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one field.

    confidence: calibrated probability that the value is right; None where there is no evidence. The curves speak of
                values that passed their checks and of no others.
    reasons:    why a person must look, in words; empty if nobody must.
    score:      the raw score that is compared with the threshold; None where the decision does not rest on one.
    """

    status: FieldStatus
    confidence: float | None
    reasons: tuple[str, ...]
    decided_by: str
    score: float | None = None


def decide_text(
    spec: FieldSpec,
    normal: Normal,
    reading: Reading,
    checks: Sequence[CheckResult],
    calibration: Calibration,
    *,
    form_type: str,
) -> Decision:
    """Decide on a field of writing."""
    failed = _messages(checks)
    if reading.text == "" and reading.area is not None:
        return _decision(
            FieldStatus.UNREADABLE,
            ("There is ink here that could not be read; it may be an answer or only dirt.",),
            calibration,
        )
    if reading.text == "":
        return _decision(FieldStatus.REVIEW if failed else FieldStatus.BLANK, failed, calibration)
    if normal.value is None:
        reason = normal.problem or "What stands here could not be understood."
        return _decision(FieldStatus.REVIEW, (reason, *failed), calibration)
    score = round(min(max(reading.weakest, 0.0), 1.0), SCORE_DIGITS)
    return _by_score(_Scored(form_type, spec.field_class, score, reading.reader), failed, calibration)


def decide_choice(
    spec: FieldSpec,
    chosen: Sequence[str],
    marks: Sequence[Mark],
    checks: Sequence[CheckResult],
    calibration: Calibration,
    *,
    form_type: str,
) -> Decision:
    """Decide on tick boxes: any doubtful box sends the whole question to a person."""
    failed = _messages(checks)
    doubts = tuple(f"{mark.option}: {mark.reason}" for mark in marks if mark.state is MarkState.DOUBTFUL)
    if doubts:
        return _decision(FieldStatus.REVIEW, (*doubts, *failed), calibration)
    value = _Scored(form_type, spec.field_class, _WITHOUT_DOUBT, None)
    return _by_score(value, failed, calibration, FieldStatus.ACCEPTED if chosen else FieldStatus.BLANK)


def decide_signature(
    spec: FieldSpec, *, doubtful: bool, reason: str, calibration: Calibration, form_type: str
) -> Decision:
    """Decide on whether somebody signed."""
    if doubtful:
        return _decision(FieldStatus.REVIEW, (reason,), calibration)
    return _by_score(_Scored(form_type, spec.field_class, _WITHOUT_DOUBT, None), (), calibration)


def decide_exact(reading: Reading, checks: Sequence[CheckResult], calibration: Calibration) -> Decision:
    """Decide on a value that carries its own error detection, such as a barcode."""
    failed = _messages(checks)
    if reading.text == "" and reading.area is not None:
        return _decision(
            FieldStatus.UNREADABLE, ("A barcode seems to stand here that could not be read.",), calibration
        )
    if failed:
        return _decision(FieldStatus.REVIEW, failed, calibration)
    return _decision(FieldStatus.ACCEPTED if reading.text else FieldStatus.BLANK, (), calibration)


@dataclass(frozen=True, slots=True)
class _Scored:
    """What the calibration must know of a value; `reader` is None for what no reader read."""

    form_type: str
    field_class: str
    score: float
    reader: str | None


def _by_score(
    value: _Scored, failed: tuple[str, ...], calibration: Calibration, if_sure: FieldStatus = FieldStatus.ACCEPTED
) -> Decision:
    known = (value.form_type, value.field_class, value.score, value.reader)
    objection = calibration.objection(*known)
    reasons = (*failed, objection) if objection else failed
    probability = None if failed else calibration.probability(*known)
    confidence = None if probability is None else round(probability, 4)
    status = FieldStatus.REVIEW if reasons else if_sure
    return Decision(status, confidence, reasons, _policy(calibration), value.score)


def _messages(checks: Sequence[CheckResult]) -> tuple[str, ...]:
    return tuple(check.message for check in checks if not check.passed)


def _decision(status: FieldStatus, reasons: tuple[str, ...], calibration: Calibration) -> Decision:
    """A decision that rests on no score."""
    return Decision(status, None, reasons, _policy(calibration))


def _policy(calibration: Calibration) -> str:
    return f"policy@{calibration.version}"
