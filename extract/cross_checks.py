"""Cross-checks: what a form type may declare about several of its answers together.

An answer that is blank, was not found or was not understood has nothing to compare: only checks that ask whether
something is filled in speak of blanks. A check that fails does so on every field it rests on: any may be the wrong one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from extract.rules import RULES, driver_number_disagrees
from extract.rules.spacing import without_blanks
from schemas.extraction import Normal
from schemas.field import CheckResult, FieldKind, Rule
from schemas.form_type import FormType

Found = Mapping[str, Normal]
Results = Iterator[tuple[str, CheckResult]]

_AMOUNTS = (FieldKind.INTEGER, FieldKind.MONEY)
_WRITTEN = (FieldKind.TEXT, FieldKind.DATE, FieldKind.INTEGER, FieldKind.MONEY, FieldKind.BARCODE)


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """A check on several answers.

    apply:   its results, each with the field it belongs to.
    refusal: why a form type cannot declare it so, in words; "" if it can. All fields it names in `fields` exist.
    """

    apply: Callable[[FormType, Rule, Found], Results]
    refusal: Callable[[FormType, Rule], str]


def is_blank(normal: Normal) -> bool:
    """Whether nothing is written there; what was not understood is written."""
    if normal.problem:
        return False
    # The number 0 is an answer, and equals False: hence no plain comparison.
    return normal.value is None or normal.value is False or normal.value in ("", ())


def answer(found: Found, name: str) -> str:
    """The answer as rules take it: the value if it is text or a date, else the text; "" if there is none to check."""
    normal = found.get(name)
    if normal is None or normal.problem or is_blank(normal):
        return ""
    return normal.value if isinstance(normal.value, str) else normal.text


def result(name: str, message: str) -> CheckResult:
    """What a check said: passed where there is no message."""
    return CheckResult(name, passed=not message, message=message)


def _on_all(names: Sequence[str], rule: Rule, message: str) -> Results:
    for name in names:
        yield name, result(rule.name, message)


def _labels(form: FormType, names: Sequence[str]) -> str:
    return " and ".join(f"“{form.by_name[name].label or name}”" for name in names)


def _needs(
    form: FormType,
    rule: Rule,
    *,
    least: int,
    most: int | None = None,
    kinds: Sequence[FieldKind],
    arguments: Sequence[str] = (),
) -> str:
    """Why the rule's fields or arguments are not what it needs; "" if they are."""
    if not least <= len(rule.fields) <= (most or len(rule.fields)):
        many = f"{least}" if most == least else f"at least {least}"
        return f"needs {many} fields, not {len(rule.fields)}"
    for name in rule.fields:
        if form.by_name[name].kind not in kinds:
            return f"cannot be applied to the field {name!r}, which is of the kind {form.by_name[name].kind.value!r}"
    unknown = sorted({key for key, _ in rule.arguments} - set(arguments))
    return f"knows no {unknown[0]!r}" if unknown else ""


# --- dates -----------------------------------------------------------------------------------------------------------


def _one_before_other(form: FormType, rule: Rule, found: Found) -> Results:
    """The first field's date is not after the second's; both in normal form, so that text order is time order."""
    first, second = (answer(found, name) for name in rule.fields)
    if first and second:
        labels = [form.by_name[name].label or name for name in rule.fields]
        yield from _on_all(rule.fields, rule, "" if first <= second else f"“{labels[0]}” is after “{labels[1]}”.")


def _refused_order(form: FormType, rule: Rule) -> str:
    if len(rule.fields) != 2:
        return "needs two fields, the earlier first"
    return _needs(form, rule, least=2, most=2, kinds=(FieldKind.DATE,))


def _years_between(form: FormType, rule: Rule, found: Found) -> Results:
    """From the first date to the second it is at least `least` and at most `most` whole years."""
    first, second = (answer(found, name) for name in rule.fields)
    if not first or not second:
        return
    years = _whole_years(date.fromisoformat(first), date.fromisoformat(second))
    least, most = int(rule.argument("least", "0")), int(rule.argument("most", "999"))
    message = "" if least <= years <= most else f"Between {_labels(form, rule.fields)} lie {years} years."
    yield from _on_all(rule.fields, rule, message)


def _whole_years(first: date, second: date) -> int:
    return second.year - first.year - ((second.month, second.day) < (first.month, first.day))


def _refused_years(form: FormType, rule: Rule) -> str:
    for key, value in rule.arguments:
        if not (value.isascii() and value.isdigit()):
            return f"needs a number of years for {key!r}"
    if not rule.arguments:
        return "needs 'least', 'most' or both, in years"
    return _needs(form, rule, least=2, most=2, kinds=(FieldKind.DATE,), arguments=("least", "most"))


# --- equality and sums -----------------------------------------------------------------------------------------------


def _equal(form: FormType, rule: Rule, found: Found) -> Results:
    """All answers given are the same; blanks and capitals do not matter."""
    given = [name for name in rule.fields if answer(found, name)]
    if len(given) < 2:
        return
    is_same = len({without_blanks(answer(found, name)) for name in given}) == 1
    yield from _on_all(given, rule, "" if is_same else f"{_labels(form, given)} do not say the same.")


def _refused_equal(form: FormType, rule: Rule) -> str:
    refusal = _needs(form, rule, least=2, kinds=_WRITTEN)
    kinds = {form.by_name[name].kind for name in rule.fields}
    return refusal or ("needs fields of one kind" if len(kinds) > 1 else "")


def _sum(form: FormType, rule: Rule, found: Found) -> Results:
    """The fields' amounts add up to the field `total`; a blank among several counts as nothing."""
    names = (*rule.fields, rule.argument("total"))
    if any(name not in found or found[name].problem for name in names) or is_blank(found[names[-1]]):
        return
    parts = [Decimal(answer(found, name).replace(",", "") or 0) for name in names[:-1]]
    is_right = sum(parts, Decimal(0)) == Decimal(answer(found, names[-1]))
    yield from _on_all(
        names, rule, "" if is_right else f"{_labels(form, names[:-1])} do not add up to the total given."
    )


def _refused_sum(form: FormType, rule: Rule) -> str:
    total = form.by_name.get(rule.argument("total"))
    if total is None:
        return "needs the field that holds the 'total'"
    if {form.by_name[name].kind for name in rule.fields} != {total.kind}:
        return "needs fields of one kind, the total's"
    return _needs(form, rule, least=1, kinds=_AMOUNTS, arguments=("total",))


# --- filled in or not ------------------------------------------------------------------------------------------------


def _if_ticked_then_filled(form: FormType, rule: Rule, found: Found) -> Results:
    """Where the first field's `option` is ticked, the other fields are filled in."""
    choice, *others = rule.fields
    chosen = found[choice].value if choice in found else ()
    if not isinstance(chosen, tuple) or rule.argument("option") not in chosen:
        return
    for name in others:
        if name in found:
            message = (
                f"“{rule.argument('option')}” is ticked, so this must be filled in." if is_blank(found[name]) else ""
            )
            yield name, result(rule.name, message)


def _refused_if_ticked(form: FormType, rule: Rule) -> str:
    if len(rule.fields) < 2:
        return "needs a choice and at least one other field"
    choice = form.by_name[rule.fields[0]]
    if rule.argument("option") not in choice.options:
        return f"needs an 'option' of the choice {choice.name!r}"
    return _needs(form, rule, least=2, kinds=tuple(FieldKind), arguments=("option",))


def _either_or(form: FormType, rule: Rule, found: Found) -> Results:
    """Exactly one of the fields is filled in."""
    if any(name not in found for name in rule.fields):
        return
    filled = sum(not is_blank(found[name]) for name in rule.fields)
    said = "None" if filled == 0 else str(filled)
    message = "" if filled == 1 else f"{said} of {_labels(form, rule.fields)} are filled in, where one is asked for."
    yield from _on_all(rule.fields, rule, message)


def _refused_either_or(form: FormType, rule: Rule) -> str:
    return _needs(form, rule, least=2, kinds=tuple(FieldKind))


# --- one answer only -------------------------------------------------------------------------------------------------


def one_of(form: FormType, name: str, normal: Normal) -> str:
    """Why the ticks of a choice are not one answer; "" if they are."""
    chosen = normal.value if isinstance(normal.value, tuple) else (normal.value,)
    if len(chosen) != 1:
        return f"Only one box may be ticked here; {len(chosen)} are."
    return "" if chosen[0] in form.by_name[name].options else "The answer is none of those the form offers."


def _one_of_choice(form: FormType, rule: Rule, found: Found) -> Results:
    for name in rule.fields:
        if name in found and not is_blank(found[name]):
            yield name, result(rule.name, one_of(form, name, found[name]))


def _refused_one_of(form: FormType, rule: Rule) -> str:
    return _needs(form, rule, least=1, kinds=(FieldKind.CHOICE,))


# --- driver numbers --------------------------------------------------------------------------------------------------

# The fields a form type may name beside a driver number (surname = "FIELD"), for comparison, and their kinds.
_DRIVER_FACTS = {"surname": FieldKind.TEXT, "forenames": FieldKind.TEXT, "born": FieldKind.DATE}


def _gb_driver_number(form: FormType, rule: Rule, found: Found) -> Results:
    """The number's build and, where the rule names fields with surname, forenames or date of birth, agreement."""
    facts = {key: answer(found, rule.argument(key)) for key in _DRIVER_FACTS}
    for name in rule.fields:
        number = answer(found, name)
        if not number:
            continue
        message = RULES[rule.name](number)
        yield name, result(rule.name, message)
        if message or not any(facts.values()):
            continue
        yield name, result("driver_number_agrees", driver_number_disagrees(number, **facts))
        for key in _DRIVER_FACTS:
            if facts[key]:
                alone = driver_number_disagrees(number, **{key: facts[key]})
                yield rule.argument(key), result("driver_number_agrees", alone)


def _refused_driver(form: FormType, rule: Rule) -> str:
    for key, name in rule.arguments:
        spec = form.by_name.get(name)
        if key not in _DRIVER_FACTS or spec is None or spec.kind is not _DRIVER_FACTS[key]:
            return f"cannot use {key} = {name!r}"
    return ""


CROSS_CHECKS: Mapping[str, CrossCheck] = {
    "date_order": CrossCheck(_one_before_other, _refused_order),
    "either_or": CrossCheck(_either_or, _refused_either_or),
    "equal": CrossCheck(_equal, _refused_equal),
    "gb_driver_number": CrossCheck(_gb_driver_number, _refused_driver),
    "if_ticked_then_filled": CrossCheck(_if_ticked_then_filled, _refused_if_ticked),
    "one_before_other": CrossCheck(_one_before_other, _refused_order),
    "one_of_choice": CrossCheck(_one_of_choice, _refused_one_of),
    "same_as": CrossCheck(_equal, _refused_equal),
    "sum": CrossCheck(_sum, _refused_sum),
    "years_between": CrossCheck(_years_between, _refused_years),
}
