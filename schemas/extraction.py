"""What the journey found on one document: facts, before they become a record."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.errors import Cause
from schemas.field import CheckResult, FieldSpec, FieldStatus
from schemas.geometry import PageArea
from schemas.page import PageFact
from schemas.reading import Mark, Reading, Region

Value = str | int | bool | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Normal:
    """A text understood: its normal form, and the part of the writing it rests on.

    value:   None if there is no writing, or if it was not understood.
    problem: a sentence for a caseworker when it was not understood; "" when it was, or when nothing is written.
    """

    value: Value
    text: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One field of one document, decided.

    value:      normal form: ISO 8601 dates, tuples for choices, bool for a signature; None if nothing is known.
    text:       as written.
    confidence: calibrated probability that `value` is right; None where there is no evidence to calibrate on.
    score:      the raw score (0 to 1) the decision compared with its threshold; None if it rests on none.
    page:       page number in the file; None if the field's page is missing.
    problem:    why what stands there could not be understood, in words; "" if it could.
    features:   the measures the decision rests on, by `schemas.reading.Feature`.
    reasons:    why a person must look, in words; empty if nobody must.
    decided_by: the policy and the calibration with their versions.
    """

    spec: FieldSpec
    value: Value
    text: str
    status: FieldStatus
    confidence: float | None
    page: int | None
    area: PageArea | None
    readings: tuple[Reading, ...] = ()
    marks: tuple[Mark, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    reasons: tuple[str, ...] = ()
    decided_by: str = ""
    score: float | None = None
    problem: str = ""
    features: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something could not be read: the cause of the closed list, the problem and the remedy in words."""

    cause: Cause
    problem: str
    remedy: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One form or letter, or the leftover pages (blank, separator, failed) that belong to none.

    form_type, edition: None for pages of no known form type: never a guess.
    pages:    every page that belongs to it, in file order, each with its label.
    fields:   one per field of the form type, in its order; empty for an unknown form.
    regions:  what was read on pages of no known form type, in reading order.
    """

    form_type: str | None
    edition: str | None
    pages: tuple[PageFact, ...]
    fields: tuple[FieldValue, ...] = ()
    regions: tuple[Region, ...] = ()
    failures: tuple[Failure, ...] = ()
