"""Validate: every check a form type declares, and those its fields imply, applied to what was found.

Blank is not wrong: on a field without an answer only `required` speaks.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from extract.rules import RULES, driver_number_disagrees
from schemas.errors import NotAForm
from schemas.extraction import Normal
from schemas.field import CheckResult, FieldKind, FieldSpec, Rule
from schemas.form_type import FormType

Results = Iterator[tuple[str, CheckResult]]

_PARSED = (FieldKind.DATE, FieldKind.INTEGER, FieldKind.MONEY)
_AS_WRITTEN = (FieldKind.TEXT, FieldKind.BARCODE)


def validate(form: FormType, found: Mapping[str, Normal]) -> dict[str, tuple[CheckResult, ...]]:
    """The checks of each field by name, passed and failed; every field of the form has an entry, maybe empty.

    A field missing from `found` was not found on the paper: nothing is checked on it, not even `required`.
    Raises NotAForm if the form type declares a check that does not exist.
    """
    check_names(form)
    results: dict[str, list[CheckResult]] = {spec.name: [] for spec in form.fields}
    for spec in form.fields:
        if spec.name in found:
            results[spec.name] += _implied(spec, found[spec.name])
    for rule in form.checks:
        for name, result in _declared(form, rule, found):
            results[name].append(result)
    return {name: tuple(_once(given)) for name, given in results.items()}


def check_names(form: FormType) -> None:
    """Raise NotAForm, naming form and check, if the form type declares a check unknown here or on too few fields."""
    for rule in form.checks:
        if rule.name not in RULES and rule.name not in _CHECKS:
            raise NotAForm(f"form type {form.id!r}: there is no check named {rule.name!r}")
        if rule.name == "date_order" and len(rule.fields) != 2:
            raise NotAForm(f"form type {form.id!r}: the check 'date_order' needs two fields, the earlier first")
        if rule.name == "gb_driver_number":
            _check_driver_facts(form, rule)


def _check_driver_facts(form: FormType, rule: Rule) -> None:
    for key, name in rule.arguments:
        spec = form.by_name.get(name)
        if key not in _DRIVER_FACTS or spec is None or spec.kind is not _DRIVER_FACTS[key]:
            raise NotAForm(f"form type {form.id!r}: the check {rule.name!r} cannot use {key} = {name!r}")


def _once(results: list[CheckResult]) -> Iterator[CheckResult]:
    """The results without repetitions: a form type may declare what a field implies already."""
    return iter(dict.fromkeys(results))


def _is_blank(normal: Normal) -> bool:
    if normal.problem:
        return False
    # The number 0 is an answer, and equals False: hence no plain comparison.
    return normal.value is None or normal.value is False or normal.value in ("", ())


def _result(name: str, message: str) -> CheckResult:
    return CheckResult(name, passed=not message, message=message)


def _implied(spec: FieldSpec, normal: Normal) -> Iterator[CheckResult]:
    """The checks that follow from the field itself: required, understood, alphabet, pattern_full, one_of_choice."""
    if spec.required:
        yield _result("required", "An answer is required here." if _is_blank(normal) else "")
    if _is_blank(normal):
        return
    if normal.problem or spec.kind in _PARSED:
        yield _result("understood", normal.problem)
    if spec.kind in _AS_WRITTEN and spec.alphabet:
        # Numbers and dates have no say here: their parser is stricter and mends what readers confuse.
        is_known = all(character in spec.alphabet for character in normal.text)
        yield _result("alphabet", "" if is_known else "A character stands here that such an answer cannot hold.")
    if spec.pattern_full and not normal.problem:
        fits = re.fullmatch(spec.pattern_full, normal.text)
        yield _result("pattern_full", "" if fits else "The answer is not built as it must be.")
    if spec.kind is FieldKind.CHOICE and not spec.several:
        yield _result("one_of_choice", _one_of(spec, normal))


def _one_of(spec: FieldSpec, normal: Normal) -> str:
    chosen = normal.value if isinstance(normal.value, tuple) else (normal.value,)
    if len(chosen) != 1:
        return f"Only one box may be ticked here; {len(chosen)} are."
    return "" if chosen[0] in spec.options else "The answer is none of those the form offers."


def _declared(form: FormType, rule: Rule, found: Mapping[str, Normal]) -> Results:
    """One declared check's results, with the fields they belong to."""
    if rule.name in _CHECKS:
        yield from _CHECKS[rule.name](form, rule, found)
        return
    for name in rule.fields:
        if answer := _answer(found, name):
            yield name, _result(rule.name, RULES[rule.name](answer))


def _answer(found: Mapping[str, Normal], name: str) -> str:
    """The answer as rules take it: the value if it is text or a date, else the text; "" if there is none to check."""
    normal = found.get(name)
    if normal is None or normal.problem or _is_blank(normal):
        return ""
    return normal.value if isinstance(normal.value, str) else normal.text


def _one_of_choice(form: FormType, rule: Rule, found: Mapping[str, Normal]) -> Results:
    for name in rule.fields:
        if name in found and not _is_blank(found[name]):
            yield name, _result(rule.name, _one_of(form.by_name[name], found[name]))


def _date_order(form: FormType, rule: Rule, found: Mapping[str, Normal]) -> Results:
    """The first field's date is not after the second's; both in normal form, so that text order is time order."""
    earlier, later = rule.fields
    first, second = _answer(found, earlier), _answer(found, later)
    if not first or not second:
        return
    labels = [form.by_name[name].label or name for name in rule.fields]
    message = "" if first <= second else f"“{labels[0]}” is after “{labels[1]}”."
    yield earlier, _result(rule.name, message)
    yield later, _result(rule.name, message)


# The fields a form type may name beside a driver number (surname = "FIELD"), for comparison, and their kinds.
_DRIVER_FACTS = {"surname": FieldKind.TEXT, "forenames": FieldKind.TEXT, "born": FieldKind.DATE}


def _gb_driver_number(form: FormType, rule: Rule, found: Mapping[str, Normal]) -> Results:
    """The number's build and, where the rule names fields with surname, forenames or date of birth, agreement."""
    facts = {key: _answer(found, rule.argument(key)) for key in _DRIVER_FACTS}
    for name in rule.fields:
        number = _answer(found, name)
        if not number:
            continue
        message = RULES[rule.name](number)
        yield name, _result(rule.name, message)
        if message or not any(facts.values()):
            continue
        disagreement = driver_number_disagrees(number, **facts)
        yield name, _result("driver_number_agrees", disagreement)
        for key in _DRIVER_FACTS:
            if facts[key]:
                alone = driver_number_disagrees(number, **{key: facts[key]})
                yield rule.argument(key), _result("driver_number_agrees", alone)


_CHECKS: Mapping[str, Callable[[FormType, Rule, Mapping[str, Normal]], Results]] = {
    "date_order": _date_order,
    "gb_driver_number": _gb_driver_number,
    "one_of_choice": _one_of_choice,
}
