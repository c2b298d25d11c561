"""Every check a form type declares, or its fields imply, is applied to what was found; blank is not wrong."""

import pytest

from extract.validate import check_names, validate
from schemas.errors import NotAForm
from schemas.extraction import Normal, Value
from schemas.field import CheckResult, FieldKind, FieldSpec, Rule
from schemas.form_type import FormType, load_form_types

CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
BLANK = Normal(None, "")


def form(*fields: FieldSpec, checks: tuple[Rule, ...] = ()) -> FormType:
    return FormType("letter", "A letter", 1, fields, checks, ())


def text(name: str, **more: object) -> FieldSpec:
    return FieldSpec(name, FieldKind.TEXT, **more)  # type: ignore[arg-type]


def day(name: str, **more: object) -> FieldSpec:
    return FieldSpec(name, FieldKind.DATE, **more)  # type: ignore[arg-type]


def read(value: str) -> Normal:
    return Normal(value, value)


def outcome(results: tuple[CheckResult, ...]) -> dict[str, bool]:
    assert all(result.passed == (result.message == "") for result in results)
    return {result.name: result.passed for result in results}


def checked(field: FieldSpec, normal: Normal, *checks: Rule) -> dict[str, bool]:
    return outcome(validate(form(field, checks=checks), {field.name: normal})[field.name])


def test_every_field_has_an_entry_and_one_not_found_on_the_paper_has_no_results() -> None:
    needed = text("name", required=True, alphabet=CAPITALS)
    assert validate(form(needed, text("note")), {"note": read("x")}) == {"name": (), "note": ()}


@pytest.mark.parametrize("kind", list(FieldKind))
def test_a_required_answer_left_empty_fails(kind: FieldKind) -> None:
    empty: dict[FieldKind, Value] = {FieldKind.CHOICE: (), FieldKind.SIGNATURE: False}
    field = FieldSpec("field", kind, required=True)
    assert checked(field, Normal(empty.get(kind), "")) == {"required": False}
    assert checked(field, BLANK) == {"required": False}


def test_a_required_answer_that_is_there_passes_even_where_it_is_nought() -> None:
    mileage = FieldSpec("mileage", FieldKind.INTEGER, required=True)
    assert checked(mileage, Normal(0, "0")) == {"required": True, "understood": True}
    signature = FieldSpec("signature", FieldKind.SIGNATURE, required=True)
    assert checked(signature, Normal(True, "")) == {"required": True}


def test_a_blank_optional_answer_is_not_wrong() -> None:
    field = text("postcode", alphabet=CAPITALS, pattern_full="[A-Z]+")
    assert checked(field, BLANK, Rule("uk_postcode", ("postcode",))) == {}


def test_text_that_was_not_understood_fails_with_its_own_sentence() -> None:
    field = day("signed_on", required=True, pattern_full="[0-9]{8}")
    (required, understood) = validate(form(field), {"signed_on": Normal(None, "99", "No date.")})["signed_on"]
    assert required == CheckResult("required", True)
    assert understood == CheckResult("understood", False, "No date.")


def test_a_character_outside_the_alphabet_fails() -> None:
    assert checked(text("mark", alphabet=CAPITALS), read("AB51ABC")) == {"alphabet": True}
    assert checked(text("mark", alphabet=CAPITALS), read("AB51-ABC")) == {"alphabet": False}


def test_the_alphabet_has_no_say_over_a_date_that_was_understood() -> None:
    assert checked(day("paid_on", alphabet="0123456789"), Normal("2024-02-01", "O1022024")) == {"understood": True}


def test_the_whole_text_must_match_the_full_pattern() -> None:
    field = text("account", pattern_full="[0-9]{8}")
    assert checked(field, read("12345678")) == {"pattern_full": True}
    assert checked(field, read("123456789")) == {"pattern_full": False}


@pytest.mark.parametrize(("value", "passed"), [(("Mr",), True), (("Mr", "Dr"), False), (("Lord",), False)])
@pytest.mark.parametrize("checks", [(), (Rule("one_of_choice", ("title",)),)])
def test_one_box_only_where_one_answer_is_asked_for(
    value: tuple[str, ...], passed: bool, checks: tuple[Rule, ...]
) -> None:
    field = FieldSpec("title", FieldKind.CHOICE, options=("Mr", "Dr"))
    results = validate(form(field, checks=checks), {"title": Normal(value, "")})["title"]
    assert [(result.name, result.passed) for result in results] == [("one_of_choice", passed)]


def test_several_boxes_pass_where_several_answers_are_allowed() -> None:
    field = FieldSpec("categories", FieldKind.CHOICE, options=("A", "B"), several=True)
    assert checked(field, Normal(("A", "B"), "")) == {}


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("uk_postcode", "SA67JL", "SA67JO"),
        ("vin", "1M8GDM9AXKP042788", "1M8GDM9AXKP04278"),
        ("vin_check_digit", "1M8GDM9AXKP042788", "1M8GDM9AXKP042789"),
        ("uk_registration_mark", "AB51ABC", "AB50ABC"),
        ("gb_driver_number", "MORGA753116SM9IJ", "MORGA713116SM9IJ"),
        ("nino", "AB123456C", "QQ123456C"),
        ("sort_code", "123456", "12345"),
    ],
)
def test_a_declared_rule_is_applied_to_the_answer(name: str, right: str, wrong: str) -> None:
    assert checked(text("field"), read(right), Rule(name, ("field",))) == {name: True}
    assert checked(text("field"), read(wrong), Rule(name, ("field",))) == {name: False}


def test_dates_in_the_wrong_order_fail_on_both_and_name_the_labels() -> None:
    letter = form(
        day("paid_on", label="Date paid"),
        day("signed_on", label="Date signed"),
        checks=(Rule("date_order", ("paid_on", "signed_on")),),
    )
    early, late = Normal("2024-02-01", "1/2/24"), Normal("2024-11-03", "3/11/24")
    wrong = validate(letter, {"paid_on": late, "signed_on": early})
    assert wrong["paid_on"][-1] == wrong["signed_on"][-1]
    assert wrong["paid_on"][-1] == CheckResult("date_order", False, "“Date paid” is after “Date signed”.")
    for right in ({"paid_on": early, "signed_on": late}, {"paid_on": early, "signed_on": early}):
        assert outcome(validate(letter, right)["signed_on"])["date_order"] is True
    for missing in ({"paid_on": late}, {"paid_on": late, "signed_on": BLANK}):
        assert outcome(validate(letter, missing)["paid_on"]) == {"understood": True}


DRIVER = form(
    text("driver_number"),
    text("surname"),
    day("birth_date"),
    checks=(Rule("gb_driver_number", ("driver_number",), (("born", "birth_date"), ("surname", "surname"))),),
)


def test_a_driver_number_is_compared_with_the_fields_the_form_type_names() -> None:
    found = {"driver_number": read("MORGA753116SM9IJ"), "surname": read("Morgan"), "birth_date": read("1976-03-12")}
    results = validate(DRIVER, found)
    assert outcome(results["driver_number"]) == {"gb_driver_number": True, "driver_number_agrees": False}
    assert outcome(results["surname"]) == {"driver_number_agrees": True}
    assert outcome(results["birth_date"]) == {"understood": True, "driver_number_agrees": False}


def test_a_badly_built_driver_number_and_blank_facts_are_not_compared() -> None:
    found = {"driver_number": read("MORGA713116SM9IJ"), "surname": read("Jones")}
    assert outcome(validate(DRIVER, found)["driver_number"]) == {"gb_driver_number": False}
    assert validate(DRIVER, found)["surname"] == ()
    alone = {"driver_number": read("MORGA753116SM9IJ"), "surname": BLANK}
    assert outcome(validate(DRIVER, alone)["driver_number"]) == {"gb_driver_number": True}


@pytest.mark.parametrize(
    "rule",
    [
        Rule("moon_phase", ("driver_number",)),
        Rule("date_order", ("birth_date",)),
        Rule("gb_driver_number", ("driver_number",), (("shoe_size", "surname"),)),
        Rule("gb_driver_number", ("driver_number",), (("born", "nowhere"),)),
        Rule("gb_driver_number", ("driver_number",), (("born", "surname"),)),
    ],
)
def test_a_check_that_cannot_be_applied_is_refused_when_the_form_type_is_prepared(rule: Rule) -> None:
    with pytest.raises(NotAForm, match=f"'letter'.*'{rule.name}'"):
        check_names(form(*DRIVER.fields, checks=(rule,)))


def test_every_form_type_shipped_declares_only_checks_that_exist() -> None:
    shipped = load_form_types()
    assert {form.id for form in shipped} >= {"change-of-keeper", "fara-short-form", "fee-refund", "licence-renewal"}
    for form_type in shipped:
        check_names(form_type)


def amount(name: str) -> FieldSpec:
    return FieldSpec(name, FieldKind.MONEY, label=name.capitalize())


ORDER = form(
    amount("fee"),
    amount("postage"),
    amount("total"),
    checks=(Rule("sum", ("fee", "postage"), (("total", "total"),)),),
)


@pytest.mark.parametrize(
    ("fee", "postage", "total", "expected"),
    [
        (read("10.10"), read("0.20"), read("10.30"), True),  # not so in floating point
        (read("10.10"), read("0.20"), read("10.31"), False),
        (read("10.10"), read("0.20"), read("10.29"), False),
        (read("10.10"), BLANK, read("10.10"), True),
        (read("10.10"), read("0.20"), BLANK, None),
        (read("10.10"), Normal(None, "?", "No amount."), read("10.10"), None),
    ],
)
def test_amounts_must_add_up_to_the_total(fee: Normal, postage: Normal, total: Normal, expected: bool | None) -> None:
    results = validate(ORDER, {"fee": fee, "postage": postage, "total": total})
    assert [outcome(results[name]).get("sum") for name in ("fee", "postage", "total")] == [expected] * 3


@pytest.mark.parametrize(
    ("born", "signed", "passed"),
    [
        ("2008-06-02", "2024-06-01", False),  # sixteen tomorrow
        ("2008-06-01", "2024-06-01", True),
        ("2008-02-29", "2024-02-28", False),
        ("1934-06-01", "2024-06-01", True),
        ("1933-06-01", "2024-06-01", False),
        ("2024-06-02", "2024-06-01", False),
    ],
)
def test_whole_years_between_two_dates_are_counted_by_birthdays(born: str, signed: str, passed: bool) -> None:
    rule = Rule("years_between", ("born", "signed"), (("least", "16"), ("most", "90")))
    results = validate(form(day("born"), day("signed"), checks=(rule,)), {"born": read(born), "signed": read(signed)})
    assert outcome(results["born"])["years_between"] is passed
    assert results["born"][-1] == results["signed"][-1]


@pytest.mark.parametrize("name", ["equal", "same_as"])
def test_two_answers_must_say_the_same_whatever_their_blanks_and_capitals(name: str) -> None:
    letter = form(text("email"), text("again"), checks=(Rule(name, ("email", "again")),))
    assert outcome(validate(letter, {"email": read("A@b.org"), "again": read("a@B.org ")})["again"]) == {name: True}
    assert outcome(validate(letter, {"email": read("A@b.org"), "again": read("a@c.org")})["email"]) == {name: False}
    assert validate(letter, {"email": read("A@b.org"), "again": BLANK})["email"] == ()


def test_what_a_ticked_option_asks_for_must_be_filled_in() -> None:
    moved = FieldSpec("moved", FieldKind.CHOICE, options=("Yes", "No"))
    rule = Rule("if_ticked_then_filled", ("moved", "address"), (("option", "Yes"),))
    letter = form(moved, text("address"), checks=(rule,))
    yes, no = Normal(("Yes",), "Yes"), Normal(("No",), "No")
    assert outcome(validate(letter, {"moved": yes, "address": BLANK})["address"]) == {"if_ticked_then_filled": False}
    assert outcome(validate(letter, {"moved": yes, "address": read("x")})["address"]) == {"if_ticked_then_filled": True}
    for found in ({"moved": no, "address": BLANK}, {"moved": yes}, {"address": BLANK}):
        assert validate(letter, found)["address"] == ()


@pytest.mark.parametrize(
    ("one", "other", "passed"),
    [(read("x"), BLANK, True), (BLANK, read("y"), True), (read("x"), read("y"), False), (BLANK, BLANK, False)],
)
def test_either_or_asks_for_exactly_one(one: Normal, other: Normal, passed: bool) -> None:
    letter = form(text("one"), text("other"), checks=(Rule("either_or", ("one", "other")),))
    results = validate(letter, {"one": one, "other": other})
    assert outcome(results["one"]) == outcome(results["other"]) == {"either_or": passed}
    assert validate(letter, {"one": one})["one"] == ()


@pytest.mark.parametrize(
    "rule",
    [
        Rule("sum", ("fee", "postage")),
        Rule("sum", ("fee", "name"), (("total", "total"),)),
        Rule("years_between", ("born", "born")),
        Rule("years_between", ("born", "born"), (("least", "young"),)),
        Rule("equal", ("fee",)),
        Rule("equal", ("fee", "name")),
        Rule("either_or", ("fee",)),
        Rule("if_ticked_then_filled", ("choice", "name"), (("option", "Maybe"),)),
        Rule("if_ticked_then_filled", ("choice",), (("option", "Yes"),)),
        Rule("one_before_other", ("fee", "born")),
        Rule("one_of_choice", ("name",)),
        Rule("nino", ("name",), (("shoe_size", "9"),)),
    ],
)
def test_a_check_on_fields_it_cannot_compare_is_refused_too(rule: Rule) -> None:
    choice = FieldSpec("choice", FieldKind.CHOICE, options=("Yes", "No"))
    fields = (amount("fee"), amount("postage"), amount("total"), text("name"), day("born"), choice)
    with pytest.raises(NotAForm, match=f"'letter'.*'{rule.name}'"):
        check_names(form(*fields, checks=(rule,)))


@pytest.mark.parametrize(
    ("written", "passes"), [("404.75", True), ("40475", False), ("£ 375", False), ("75", True), ("1,200", True)]
)
def test_an_amount_whose_point_may_have_been_lost_is_looked_at(written: str, *, passes: bool) -> None:
    amount = FieldSpec("amount", FieldKind.MONEY)
    assert checked(amount, Normal("404.75", written))["point"] is passes
