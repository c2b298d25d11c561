"""What a person keyed, understood: in the normal form of its field, checked as the machine's own reading is."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from extract.cross_checks import is_blank
from extract.fields import normalise
from extract.validate import validate
from intake.database.tables import FieldRow
from intake.review.rules import Rules
from schemas.errors import NotAForm
from schemas.extraction import Normal, Value
from schemas.field import CheckResult, FieldKind, FieldSpec, FieldStatus
from schemas.review import Act

SIGNED, NOT_SIGNED = "Signed", "Not signed"
NOT_WRITABLE = "There are signs in it that nobody can write."
_NO_CHOICE = "This is none of the answers the form offers."
_EMPTY = "Nothing is keyed. Key what stands here; if the form was left blank, press F4."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person sends.

    text: as keyed.  options: what is ticked, for choices and signatures.
    sure: they were told what is wrong with it, and mean it.
    """

    act: Act
    text: str = ""
    options: tuple[str, ...] = ()
    sure: bool = False


def is_writable(answer: Answer) -> bool:
    """Whether it holds nothing that no keyboard gives, and no database takes: control signs and halves of letters."""
    return not any(
        unicodedata.category(sign) in ("Cc", "Cs") and not sign.isspace()
        for text in (answer.text, *answer.options)
        for sign in text
    )


@dataclass(frozen=True, slots=True)
class Keyed:
    """One entry, or what the machine read, understood.

    status:   None for a value; else BLANK, UNREADABLE or NOT_FOUND.
    problem:  why it can be no value of its kind; "" if it can.
    checks:   what the checks say of it.
    """

    status: FieldStatus | None
    value: Value = None
    text: str = ""
    problem: str = ""
    checks: tuple[CheckResult, ...] = ()

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is wrong with it, in words."""
        failed = tuple(check.message for check in self.checks if not check.passed and check.message)
        return failed or ((self.problem,) if self.problem else ())

    def as_json(self) -> dict[str, Any]:
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"status": self.status, "value": value, "text": self.text}


def keyed_from(noted: Mapping[str, Any]) -> Keyed:
    """What `as_json` wrote."""
    value = noted["value"]
    status = noted["status"]
    return Keyed(
        None if status is None else FieldStatus(status),
        tuple(value) if isinstance(value, list) else value,
        noted["text"],
    )


def same(one: Keyed, other: Keyed) -> bool:
    """Whether two entries say the same; capitals and blanks at the ends do not matter."""
    return one.status is other.status and _bare(one) == _bare(other)


def _bare(keyed: Keyed) -> object:
    if keyed.value is None:
        return keyed.text.strip().casefold()
    if isinstance(keyed.value, tuple):
        return frozenset(keyed.value)
    return keyed.value.strip().casefold() if isinstance(keyed.value, str) else keyed.value


def machines(field: FieldRow) -> Keyed | None:
    """What the field row says, as if somebody had keyed it; None if nothing is known."""
    if field.status in (FieldStatus.UNREADABLE, FieldStatus.NOT_FOUND):
        return None
    normal = normal_of(field)
    if normal.problem:
        return None
    nothing = is_blank(normal) and field.kind is not FieldKind.SIGNATURE
    return Keyed(FieldStatus.BLANK if nothing else None, None if nothing else normal.value, normal.text)


def normal_of(field: FieldRow) -> Normal:
    """The field as checks take it."""
    value = tuple(field.value) if isinstance(field.value, list) else field.value
    return Normal(value, field.text, field.decision.get("problem", ""))


def understand(rules: Rules, form_type: str | None, fields: Mapping[str, FieldRow], name: str, answer: Answer) -> Keyed:
    """What was keyed for the field `name` of a document with these fields, with what is wrong with it.

    Unchanged from what the machine read and showed it is the machine's value, not another reading of its text.
    """
    field = fields[name]
    if answer.act is not Act.VALUE:
        return Keyed(FieldStatus(answer.act.value))
    spec = rules.spec_of(form_type, name, field.kind)
    normal = _normal(spec, answer)
    if normal.value is None and not normal.text:
        return Keyed(FieldStatus.BLANK, problem=_EMPTY)
    checks = checks_of(rules, form_type, fields, {name: normal}).get(name, ())
    return Keyed(None, normal.value, normal.text, normal.problem, checks)


def checks_of(
    rules: Rules, form_type: str | None, fields: Mapping[str, FieldRow], instead: Mapping[str, Normal]
) -> dict[str, tuple[CheckResult, ...]]:
    """The checks of every field of a document, some of its values replaced; empty if the form type is not known."""
    form = rules.forms.get(form_type or "")
    if form is None:
        return {}
    lost = (FieldStatus.NOT_FOUND, FieldStatus.UNREADABLE)
    found = {field.name: normal_of(field) for field in fields.values() if field.status not in lost} | dict(instead)
    try:
        return validate(form, found)
    except NotAForm:  # it was changed since the document was read
        return {}


def _normal(spec: FieldSpec, answer: Answer) -> Normal:
    if spec.kind is FieldKind.SIGNATURE:
        return _signature(answer.options)
    if spec.kind is FieldKind.CHOICE:
        return _choice(spec, answer.options)
    # A person keys the answer alone: there is nothing around it that it must be found in.
    return normalise(replace(spec, patterns=(), erase=()), answer.text)


def _signature(options: tuple[str, ...]) -> Normal:
    if options in ((SIGNED,), (NOT_SIGNED,)):
        return Normal(options == (SIGNED,), options[0])
    return Normal(None, ", ".join(options), _NO_CHOICE if options else "")


def _choice(spec: FieldSpec, options: tuple[str, ...]) -> Normal:
    text = ", ".join(options)
    if not options:
        return Normal(None, "")
    known = not spec.options or all(option in spec.options for option in options)
    return Normal(options, text) if known else Normal(None, text, _NO_CHOICE)
