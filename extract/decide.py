"""Decide: accepted, or to a person, with the reason; a pure function of what was seen, the checks and the standards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from extract.policy import TYPED
from extract.standards import Standards
from schemas.extraction import Value
from schemas.field import STAMP, CheckResult, FieldKind, FieldStatus
from schemas.reading import Feature, MarkState

# The class of what is taken for empty: by the kind of field, as it does not matter what should have been written there.
# But a receipt that is not found is seldom one that nobody set: stamps have a class of their own.
EMPTY: Final = "blank:"
# More ink of other fields' writing, or in lines that were read as nothing, is no accident: two letters, in pixels at
# 300 dpi. Of values that were read surely beside so much foreign ink one in five is wrong (113 on synthetic post).
_FOREIGN: Final = 250
_UNREAD_LINE: Final = 250
# Beside a stamp it is the stamp that reaches into the line: less hides a letter (1 of 50 values that looked sure).
_STAMPED_INTO: Final = 60
# Ink of no line, as much as a line of writing: one of six values that look sure beside it lacks a part (8 of 45 on
# synthetic post; elsewhere 3 in a thousand).
_LOST_LINE: Final = 2000
# A level stroke through writing, in heights of its line. Where bold letters touch there is one of 1.3 at
# most (780 fields of real post), in what people crossed out or blackened one of 1.6 and more.
_STRUCK_OUT: Final = 1.5
# From this evenness on writing is taken for typed: on synthetic post 95 in 100 typed answers and 10 in 100 written by
# hand are (of 1,380); on real forms 97 in 100 and 1 of 57 (of 675).
_TYPED_EVENNESS: Final = 0.8
# More ink right beside a number's ends than specks leave, in pixels at 300 dpi, or a wider blank between two of its
# figures than type leaves, in heights of the line. Of 635 synthetic typed numbers that fit their grammar and were read
# rightly 20 have one of them, and both of those that had lost figures.
_HEMMED, _GAP = 30, 0.6
# A letter that another reader saw so surely and the answer lacks, or a capital for a figure: of 2,000 typed answers of
# real post that were sure otherwise six have one, and five of these were wrong.
_MISSED, _CAPITAL = 0.8, 0.8
# Of two whole answers in one place one is another field's, or was replaced by the other.
_ONE_ANSWER = 1
# Where so many fields of a page hold ink that could not be read, writing has faded there, and some of it to nothing: of
# 66 places taken for empty on such pages of synthetic post 19 were not. Of 240 real pages none has more than two.
_FAINT: Final = 2
_DRAWN: Final = frozenset({FieldKind.CHOICE, FieldKind.SIGNATURE})


@dataclass(frozen=True, slots=True)
class Judged:
    """One tick box, or the box of a signature, as far as a decision needs it."""

    option: str
    state: MarkState
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one decision rests on. The record carries every one of them, so that it can be taken again.

    has_page: whether the field's page is among those received.
    was_read: whether a reader saw any writing; False for what is not read, such as ticks.
    problem:  why the writing could not be understood; "" for no reason that could be told.
    reader:   None if nothing was read.
    features: by `schemas.reading.Feature`, rounded as in the record.
    page_problems: why the page is too poor to be read; empty if it is not.
    """

    form_type: str
    field_class: str
    kind: FieldKind
    value: Value
    has_page: bool = True
    was_read: bool = False
    problem: str = ""
    reader: str | None = None
    marks: Sequence[Judged] = ()
    checks: Sequence[CheckResult] = ()
    features: Mapping[str, float] = field(default_factory=dict)
    page_problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one field.

    confidence: calibrated probability that the value is right; None where there is no evidence. The curves speak of
                values that passed their checks and of no others.
    reasons:    why a person must look, in words; empty if nobody must.
    score:      the score that is compared with the threshold; None where the decision does not rest on one.
    """

    status: FieldStatus
    confidence: float | None
    reasons: tuple[str, ...]
    decided_by: str
    score: float | None = None


def decide(facts: Facts, standards: Standards) -> Decision:
    """What becomes of one field: the same facts under the same standards always give the same decision."""
    if not facts.has_page:
        return _by_rule(
            FieldStatus.NOT_FOUND,
            ("The place of this field is not on the scan: its page is missing, or was cut off.",),
            standards,
        )
    if facts.page_problems:
        return _by_rule(FieldStatus.UNREADABLE, tuple(facts.page_problems), standards)
    if is_unread_ink(facts):
        return _by_rule(FieldStatus.UNREADABLE, (_unread(facts.kind),), standards)
    failed = (*_doubts(facts), *(check.message for check in facts.checks if not check.passed))
    field_class = weighed_as(facts)
    if field_class is None:
        return _by_rule(FieldStatus.REVIEW, failed, standards)
    if facts.kind in standards.policy.self_checking and facts.was_read:
        return _by_rule(FieldStatus.REVIEW if failed else FieldStatus.ACCEPTED, failed, standards)
    return _by_score(facts, standards.known_as(facts.form_type, field_class), failed, standards)


def weighed_as(facts: Facts) -> str | None:
    """The class of field a decision is weighed by; None where a rule decides: doubt, or nothing understood."""
    if not facts.has_page or facts.page_problems or is_unread_ink(facts) or _doubts(facts):
        return None
    if facts.kind in _DRAWN:
        return facts.field_class if facts.value else EMPTY + facts.kind.value
    if not facts.was_read:
        return EMPTY + (STAMP if facts.field_class == STAMP else facts.kind.value)
    if facts.kind is FieldKind.BARCODE:  # of the class of barcodes, whatever it stands for: nobody wrote it
        return facts.kind.value
    is_typed = facts.features.get(Feature.EVENNESS, 0.0) >= _TYPED_EVENNESS
    return TYPED + facts.field_class if is_typed else facts.field_class


def is_unread_ink(facts: Facts) -> bool:
    """Whether ink stands there that may be an answer, although nothing was read."""
    return facts.kind not in _DRAWN and not facts.was_read and facts.features.get(Feature.INKED, 0.0) > 0


def _by_score(facts: Facts, field_class: str, failed: tuple[str, ...], standards: Standards) -> Decision:
    score = standards.score(facts.form_type, field_class, facts.features)
    is_empty = field_class.startswith(EMPTY)
    reader = None if is_empty else facts.reader
    objection = standards.objection(facts.form_type, field_class, score, reader)
    # That nobody signed is an answer of its own; every other field without one is blank.
    status = FieldStatus.BLANK if is_empty and facts.kind is not FieldKind.SIGNATURE else FieldStatus.ACCEPTED
    more = (objection, _contradiction(facts, standards), _unwanted(status, standards))
    reasons = (*failed, *(reason for reason in more if reason))
    known = None if failed else standards.probability(facts.form_type, field_class, score, reader)
    confidence = None if known is None else round(known, 4)
    return Decision(FieldStatus.REVIEW if reasons else status, confidence, reasons, standards.name, score)


def _doubts(facts: Facts) -> tuple[str, ...]:
    """What keeps the value from being one, whatever its score."""
    if facts.kind in _DRAWN:
        return tuple(f"{mark.option}: {mark.reason}" for mark in facts.marks if mark.state is MarkState.DOUBTFUL)
    if facts.was_read and facts.value is None:
        return (facts.problem or "What stands here could not be understood.",)
    foreign = _STAMPED_INTO if facts.was_read and facts.features.get(Feature.STAMPED, 0.0) > 0 else _FOREIGN
    doubts = (
        (Feature.FOREIGN, foreign, "Writing that was taken for another field's reaches in here."),
        (Feature.UNREAD, _UNREAD_LINE, "A line of writing here could not be read."),
        (Feature.STRAY, _LOST_LINE, "Much ink here belongs to no line that was read."),
        (Feature.STRUCK, _STRUCK_OUT, "Something written here seems to be crossed out."),
        (Feature.HEMMED, _HEMMED, "Other ink stands so near to the number that it may hide a figure of it."),
        (Feature.GAP, _GAP, "Between two figures is room for one more, which may have faded."),
        (Feature.MISSED, _MISSED, "Another reader saw a letter or figure that is not in this answer."),
        (Feature.CAPITAL, _CAPITAL, "Another reader saw a letter in place of a figure."),
        (Feature.FAINT, _FAINT, "Writing on this page is too faint to be read; what is empty here may hold some."),
        (Feature.ANSWERS, _ONE_ANSWER, "More than one answer stands here; one may belong to another field."),
    )
    return tuple(reason for name, most, reason in doubts if facts.features.get(name, 0.0) > most)


def _contradiction(facts: Facts, standards: Standards) -> str:
    is_critical = facts.was_read and facts.field_class in standards.policy.critical
    differ = facts.features.get(Feature.AGREEMENT, 1.0) < 1.0
    return "Two readers read this differently." if is_critical and differ else ""


def _unwanted(status: FieldStatus, standards: Standards) -> str:
    if status in standards.policy.unseen:
        return ""
    what = "taken for empty" if status is FieldStatus.BLANK else "read here"
    return f"The policy asks that a person sees all that is {what}."


def _unread(kind: FieldKind) -> str:
    if kind is FieldKind.BARCODE:
        return "A barcode seems to stand here that could not be read."
    return "There is ink here that could not be read; it may be an answer or only dirt."


def _by_rule(status: FieldStatus, reasons: tuple[str, ...], standards: Standards) -> Decision:
    """A decision that rests on no score."""
    return Decision(status, None, reasons, standards.name)
