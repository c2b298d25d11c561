"""Validate: every check a form type declares, and those its fields imply, applied to what was found.

Blank is not wrong: on a field without an answer only `required` speaks, and what a form type declares of blanks.
"""

import re
from collections.abc import Iterator, Mapping

from extract.cross_checks import CROSS_CHECKS, Results, answer, is_blank, one_of, result
from extract.rules import RULES
from schemas.errors import NotAForm
from schemas.extraction import Normal
from schemas.field import CheckResult, FieldKind, FieldSpec, Rule
from schemas.form_type import FormType

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
            results[spec.name] += _implied(form, spec, found[spec.name])
    for rule in form.checks:
        for name, seen in _declared(form, rule, found):
            results[name].append(seen)
    return {name: tuple(_once(given)) for name, given in results.items()}


# Figures enough for pounds and pence, and nothing between them.
_BARE = re.compile(r"[^0-9]?[0-9]{3,}")
_LOST_POINT = "The point between pounds and pence may have been lost."


def check_names(form: FormType) -> None:
    """Raise NotAForm, naming form and check, if the form type declares a check unknown here, or one that cannot work.

    That is: too few fields or too many, a field of a kind the check knows nothing of, a wrong or missing argument.
    """
    for rule in form.checks:
        if rule.name in CROSS_CHECKS:
            refusal = CROSS_CHECKS[rule.name].refusal(form, rule)
            if refusal:
                raise NotAForm(f"form type {form.id!r}: the check {rule.name!r} {refusal}")
        elif rule.name not in RULES:
            raise NotAForm(f"form type {form.id!r}: there is no check named {rule.name!r}")
        elif rule.arguments:
            raise NotAForm(f"form type {form.id!r}: the check {rule.name!r} knows no {rule.arguments[0][0]!r}")


def _once(results: list[CheckResult]) -> Iterator[CheckResult]:
    """The results without repetitions: a form type may declare what a field implies already."""
    return iter(dict.fromkeys(results))


def _implied(form: FormType, spec: FieldSpec, normal: Normal) -> Iterator[CheckResult]:
    """The checks that follow from the field itself.

    They are: required, understood, alphabet, pattern_full, point, one_of_choice.
    """
    if spec.required:
        yield result("required", "An answer is required here." if is_blank(normal) else "")
    if is_blank(normal):
        return
    if normal.problem or spec.kind in _PARSED:
        yield result("understood", normal.problem)
    if spec.kind in _AS_WRITTEN and spec.alphabet:
        # Numbers and dates have no say here: their parser is stricter and mends what readers confuse.
        is_known = all(character in spec.alphabet for character in normal.text)
        yield result("alphabet", "" if is_known else "A character stands here that such an answer cannot hold.")
    if spec.pattern_full and not normal.problem:
        fits = re.fullmatch(spec.pattern_full, normal.text)
        yield result("pattern_full", "" if fits else "The answer is not built as it must be.")
    if spec.kind is FieldKind.MONEY and not normal.problem:
        # Points are small: "40475" may be what is left of "404.75", a hundred times too much.
        yield result("point", _LOST_POINT if _BARE.fullmatch(normal.text.replace(" ", "")) else "")
    if spec.kind is FieldKind.CHOICE and not spec.several:
        yield result("one_of_choice", one_of(form, spec.name, normal))


def _declared(form: FormType, rule: Rule, found: Mapping[str, Normal]) -> Results:
    """One declared check's results, with the fields they belong to."""
    if rule.name in CROSS_CHECKS:
        yield from CROSS_CHECKS[rule.name].apply(form, rule, found)
        return
    for name in rule.fields:
        if given := answer(found, name):
            yield name, result(rule.name, RULES[rule.name](given))
