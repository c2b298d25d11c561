"""The grammars of answers agree with the rules that check answers."""

import re
from collections.abc import Callable
from itertools import product
from string import ascii_uppercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.decoding.automaton import expression
from extract.rules import RULES
from schemas.grammar import grammar_names, grammar_of

CHECKED = ("uk_registration_mark", "vin", "uk_postcode", "gb_driver_number", "nino")
# Written as their issuers print them in leaflets and on forms.
WRITTEN = {
    "date_day_first": ("3/11/2007", "03.11.07", "3rdNovember2007", "3Nov.2007", "2007-11-03"),
    "date_month_first": ("11/3/2007", "November3,2007", "Nov3,2007", "SEPT.3,2007", "3MAY1968"),
    "date_boxes_day_first": ("03112007",),
    "birth_date_or_year": ("1950", "March7,1950", "3/7/50"),
    "year_of_birth": ("1950", "2004"),
    "receipt_stamp": ("2008DEC23", "04/24/2018", "04/24/201810:11:12AM"),
    "uk_registration_mark": ("AB12CDE", "K123ABC", "ABC123K", "DVL1", "1234AB", "AZ1234", "OIG9999", "Q123ABC"),
    "vin": ("SAJBA4BN0HA012345",),
    "uk_postcode": ("SW1A1AA", "M11AE", "CR26XH", "BFPO801", "GIR0AA"),
    "gb_driver_number": ("MORGA753116SM9IJ", "FO999512018J99KA"),
    "nino": ("AB123456C", "12A34567"),
    "money": ("£82.50", "1,234.00", "7", "12-50"),
    "whole_number": ("120", "45,210", "45.210"),
    "uk_sort_code": ("123456",),
    "uk_account_number": ("12345678",),
    "fara_registration_number": ("#5430", "12"),
    "email": ("a.name@post.example.org",),
}
NEVER = {
    "date_day_first": ("32/11/2007", "3/13/2007", "3/11/1807", "3/11/207"),
    "date_month_first": ("13/1/2007", "Novembr3,2007"),
    "date_boxes_day_first": ("3112007", "33112007"),
    "birth_date_or_year": ("1850", "3/7/950"),
    "year_of_birth": ("1899", "2031"),
    "receipt_stamp": ("2008DEZ23", "24/04/2018"),
    "uk_registration_mark": ("AB01CDE", "AI12CDE", "A0BC"),
    "vin": ("SAJBA4BN0HA01234", "SAJBA4BN0HAO12345"),
    "uk_postcode": ("QA11AA", "SW1A1AC"),
    "gb_driver_number": ("MORGA763116SM9IJ", "MORGA713116SM9IJ"),
    "nino": ("GB123456A", "AO123456A", "AB123456E"),
    "money": ("82.5", "1,23.00"),
    "whole_number": ("1,2", "12345678"),
    "uk_sort_code": ("12345",),
    "uk_account_number": ("1234567",),
    "fara_registration_number": ("123456", "#"),
    "email": ("post.example.org", "a@b"),
}


def fits(name: str, text: str) -> bool:
    automaton = expression(grammar_of(name).pattern)
    state = automaton.start()
    for character in text:
        state = automaton.follow(state).get(character, -1)
        if state < 0:
            return False
    return automaton.accepts(state)


def test_every_grammar_has_examples_and_names_its_source() -> None:
    assert set(WRITTEN) == set(NEVER) == grammar_names()
    assert all(grammar_of(name).source for name in grammar_names())


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_grammar_knows_how_its_answers_are_written(name: str) -> None:
    in_capitals = name != "email"
    for text in WRITTEN[name]:
        assert fits(name, text.upper() if in_capitals else text), text
    for text in NEVER[name]:
        assert not fits(name, text.upper() if in_capitals else text), text


@pytest.mark.parametrize("name", CHECKED)
@settings(max_examples=30)
@given(data=st.data())
def test_what_a_grammar_allows_passes_the_rule_of_the_same_name(name: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(grammar_of(name).pattern, fullmatch=True, alphabet=st.characters(codec="ascii")))
    rule: Callable[[str], str] = RULES[name]
    # A rule knows more than an automaton can: which areas exist, which months have how many days.
    allowed = {
        "",
        "No postcode begins with these letters.",
        "The six figures of the driver number hold no date of birth.",
    }
    assert rule(text) in allowed


@pytest.mark.parametrize("name", CHECKED)
@settings(max_examples=30)
@given(data=st.data())
def test_what_passes_the_rule_is_allowed_by_the_grammar_of_the_same_name(name: str, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([text for text in WRITTEN[name] if not RULES[name](text)]))
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from(ascii_uppercase + "0123456789")) + text[place + 1 :]
    if not RULES[name](changed):
        assert fits(name, changed)


def test_the_first_two_letters_of_a_national_insurance_number_are_those_of_the_rule() -> None:
    for pair in product(ascii_uppercase, repeat=2):
        number = f"{''.join(pair)}123456A"
        assert fits("nino", number) == (RULES["nino"](number) == "")


def test_a_form_type_may_bring_an_expression_of_its_own() -> None:
    assert re.fullmatch(grammar_of("RF ?[0-9]{6}").pattern, "RF 123456")


def test_a_name_that_no_grammar_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no grammar named 'postcode'"):
        grammar_of("postcode")


def test_an_expression_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not an expression known here"):
        grammar_of("[A-Z")
