"""What can be issued passes, what cannot gets a sentence. The examples are published ones, or break one rule each."""

from collections.abc import Callable

import numpy as np
import pytest

from extract.rules import (
    RULES,
    account_number,
    date_exists,
    driver_number_disagrees,
    email,
    finished,
    gb_driver_number,
    iban,
    imo_number,
    iso_country,
    luhn_digit,
    nhs_number,
    nino,
    no_stray_figure,
    phone,
    plain_words,
    sort_code,
    tax_reference,
    uk_postcode,
    uk_registration_mark,
    us_address,
    vat_number,
    vin,
    vin_check_digit,
    whole_address,
)
from intake.synthetic.identifiers import driver_number, invent_vehicle
from intake.synthetic.people import invent_person

# Rules that say nothing of what is built differently from what they know.
SILENT_ABOUT_OTHERS = {"finished", "no_stray_figure", "plain_words", "us_address", "whole_address"}

# The specimen licence that DVLA prints: Sarah Meredyth Morgan, born 11 March 1976.
SPECIMEN = "MORGA753116SM9IJ"


@pytest.mark.parametrize(
    "postcode",
    ["SA6 7JL", "EC1A 1BB", "W1A 0AX", "M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT", "GIR 0AA", "BFPO 57", "BX9 1AS"],
)
def test_published_postcodes_pass(postcode: str) -> None:
    assert uk_postcode(postcode) == ""
    assert uk_postcode(postcode.replace(" ", "").lower()) == ""


@pytest.mark.parametrize(
    "postcode",
    [
        "SA6 7JO",  # O is no inward letter
        "SA6 7CL",  # nor is C
        "QA6 7JL",  # no area begins with Q
        "SJ6 7JL",  # no area's second letter is J
        "XA6 7JL",
        "ZB6 7JL",  # letters allowed, but no such area
        "SA6I 7JL",
        "W1I 0AX",
        "SA 7JL",
        "SA6 JL",
        "SA123 7JL",
        "SA6 7JLL",
        "",
    ],
)
def test_impossible_postcodes_fail(postcode: str) -> None:
    assert uk_postcode(postcode) != ""


@pytest.mark.parametrize("number", ["1M8GDM9AXKP042788", "WVWZZZ1JZ3W386752", "11111111111111111"])
def test_well_built_vins_pass(number: str) -> None:
    assert vin(number) == ""


@pytest.mark.parametrize(
    "number",
    [
        "1M8GDM9AXKP04278",
        "1M8GDM9AXKP0427888",
        "IM8GDM9AXKP042788",
        "1M8GDM9AXKP04278O",
        "1M8GDM9AXKPO42788",
        "1M8GDM9AXKP04A788",
        "1M8-DM9AXKP042788",
        "",
    ],
)
def test_badly_built_vins_fail(number: str) -> None:
    assert vin(number) != ""


def test_the_check_digit_tells_one_wrong_character_where_the_form_asks_for_it() -> None:
    assert vin_check_digit("1M8GDM9AXKP042788") == ""
    assert vin_check_digit("1M8GDM9AXKP042789") != ""
    assert vin_check_digit("WVWZZZ1JZ3W386752") != "", "a European number has none"
    assert vin_check_digit("1M8") != ""


@pytest.mark.parametrize(
    "mark",
    [
        *("AB51 ABC", "BD02 SMR", "LK53 ZZZ", "TE49 EST"),  # since 2001
        *("A123 ABC", "Y1 ABC", "Q123 ABC"),  # prefix
        *("ABC 123A", "OAB 1Y"),  # suffix
        *("A 1", "AB 1234", "ABC 123", "1 A", "1234 AB", "123 ABC"),  # without a sign of age
        *("AZ 1234", "AIA 1234", "JAZ 9", "1 IA", "OUI 2345", "UI 7", "IG 99"),  # Northern Ireland
    ],
)
def test_marks_of_every_form_issued_since_1903_pass(mark: str) -> None:
    assert uk_registration_mark(mark) == ""
    assert uk_registration_mark(mark.replace(" ", "").lower()) == ""


@pytest.mark.parametrize(
    "mark",
    [
        "AB50 ABC",  # no half-year 50 before 2050
        "AB01 ABC",  # the form began in September 2001
        "AB00 ABC",
        "AI51 ABC",
        "ZB51 ABC",
        "AB51 AQC",
        "AB51 AIC",
        "O123 ABC",  # no year has the letter O
        "U123 ABC",
        "A123 ABZ",  # Great Britain's place letters have no Z
        "A012 ABC",
        "ABC 123I",
        "ABC 123Q",
        "ABC 1234A",
        "ABC 1234",  # four figures with three letters only in Northern Ireland
        "A 12345",
        "AB 0123",
        "ZA 123",  # Dublin: the Republic's
        "AB5I ABC",
        "12345",
        "ABCDEFG",
        "",
    ],
)
def test_marks_that_were_never_issued_fail(mark: str) -> None:
    assert uk_registration_mark(mark) != ""


def test_the_specimen_driver_number_passes_and_agrees_with_the_specimen_driver() -> None:
    assert gb_driver_number(SPECIMEN) == ""
    told = {"surname": "Morgan", "forenames": "Sarah Meredyth", "born": "1976-03-11"}
    assert driver_number_disagrees(SPECIMEN, **told) == ""
    assert driver_number_disagrees(SPECIMEN) == ""


@pytest.mark.parametrize(
    "number",
    [
        "MORGA753116SM9I",
        "MORGA753116SM9IJ3",
        "M0RGA753116SM9IJ",  # a figure in the name
        "MO9GA753116SM9IJ",  # letters after the filling
        "MORGA713116SM9IJ",  # month 13
        "MORGA763116SM9IJ",  # month 63
        "MORGA700116SM9IJ",  # month 0
        "MORGA750116SM9IJ",
        "MORGA753326SM9IJ",  # 32 March
        "MORGA752307SM9IJ",  # 30 February
        "MORGA752297SM9IJ",  # 1977 was no leap year
        "MORGA7531169M9IJ",  # a second initial without a first
        "MORGA753116SM1IJ",
        "MORGA753116SMOIJ",
        "MORGA753116SM91J",
        "",
    ],
)
def test_driver_numbers_that_break_one_rule_fail(number: str) -> None:
    assert gb_driver_number(number) != ""


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({"surname": "Morgen"}, "surname"),
        ({"surname": "Morg"}, "surname"),
        ({"born": "1976-03-12"}, "date of birth"),
        ({"born": "1976-04-11"}, "date of birth"),
        ({"born": "1986-03-11"}, "date of birth"),
        ({"forenames": "Ann Sarah"}, "initial"),
    ],
)
def test_a_driver_number_that_contradicts_another_answer_is_told(told: dict[str, str], word: str) -> None:
    assert word in driver_number_disagrees(SPECIMEN, **told)


def test_mac_is_written_mc_and_short_names_are_filled_with_nines() -> None:
    assert driver_number_disagrees("MCDON753116SM9IJ", surname="MacDonald") == ""
    assert driver_number_disagrees("OBRIE753116SM9IJ", surname="O'Brien") == ""
    assert driver_number_disagrees("LEE99753116SM9IJ", surname="Lee") == ""


@pytest.mark.parametrize("number", ["AB 12 34 56 C", "ab123456d", "12A34567"])
def test_well_built_national_insurance_numbers_pass(number: str) -> None:
    assert nino(number) == ""


@pytest.mark.parametrize(
    "number",
    ["QQ123456C", "AO123456C", "DA123456C", "AV123456C", "BG123456A", "ZZ123456A", "AB123456E", "AB12345C", "A1234567"],
)
def test_national_insurance_numbers_never_issued_fail(number: str) -> None:
    assert nino(number) != ""


@pytest.mark.parametrize(
    ("code", "is_right"),
    [
        *(("123456", True), ("12-34-56", True), ("12 34 56", True)),
        *(("12-3456", False), ("12345", False), ("12345O", False), ("000000", False)),
    ],
)
def test_a_sort_code_has_six_figures(code: str, is_right: bool) -> None:
    assert (sort_code(code) == "") is is_right


@pytest.mark.parametrize(
    ("number", "is_right"),
    [("12345678", True), ("1234 5678", True), ("00123456", True), ("1234567", False), ("00000000", False)],
)
def test_an_account_number_has_eight_figures(number: str, is_right: bool) -> None:
    assert (account_number(number) == "") is is_right


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        (iban, "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),  # ISO 13616's own example
        (nhs_number, "943 476 5919", "943 476 5918"),  # the NHS data dictionary's
        (vat_number, "GB 980 7806 84", "GB 980 7806 83"),  # a published company's
        (tax_reference, "1955839661", "2955839661"),
        (imo_number, "IMO 9074729", "IMO 9074728"),  # the organization's own example
        (luhn_digit, "7992 739 8713", "7992 739 8710"),  # Luhn's patent's
    ],
)
def test_a_number_whose_check_digit_is_wrong_fails(rule: Callable[[str], str], right: str, wrong: str) -> None:
    assert rule(right) == ""
    assert rule(wrong) != ""


@pytest.mark.parametrize("address", ["a.b@example.org", "o'brien_1@mail.example.co.uk", "x+y@ex-ample.wales"])
def test_addresses_as_providers_give_them_out_pass(address: str) -> None:
    assert email(address) == ""


@pytest.mark.parametrize(
    "address",
    [
        "a.b.example.org",
        "a@b@example.org",
        "a@example",
        ".a@example.org",
        "a..b@example.org",
        "a @example.org",
        "a@-x.org",
    ],
)
def test_what_is_no_address_fails(address: str) -> None:
    assert email(address) != ""


# 01632 and 020 7946 0 are kept by Ofcom for numbers that reach nobody, 07700 900 too.
@pytest.mark.parametrize(
    "number",
    ["01632 960123", "(020) 7946 0018", "+44 (0)7700 900123", "0800 111111", "0044 20 7946 0018", "+353 1 234 5678"],
)
def test_telephone_numbers_pass_however_they_are_spaced(number: str) -> None:
    assert phone(number) == ""


@pytest.mark.parametrize(
    "number", ["7946 0018", "0207946001", "020 7946 00181", "0400 123 4567", "O1632 960123", "+0 12"]
)
def test_telephone_numbers_with_a_figure_too_few_or_too_many_fail(number: str) -> None:
    assert phone(number) != ""


def test_a_country_code_is_one_of_the_list_of_the_standard() -> None:
    assert [iso_country(code) for code in ("GB", "de", " IE ")] == ["", "", ""]
    assert all(iso_country(code) for code in ("UK", "EU", "GBR", "XX", "G8"))


def test_a_date_must_be_a_day_of_the_calendar() -> None:
    assert date_exists("2024-02-29") == ""
    assert date_exists("2023-02-29") != ""
    assert date_exists("29/02/2024") != ""
    assert date_exists("20240229") != ""


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("value", ["", "ß", "İ" * 17, "９" * 17, "A" * 16, "\n", "1234567890123456"])
def test_no_rule_breaks_on_odd_text_and_failures_are_sentences(name: str, value: str) -> None:
    message = RULES[name](value)
    if name in SILENT_ABOUT_OTHERS:
        assert message == ""
        return
    assert message.endswith(".")
    assert value.strip() == "" or value not in message, "a message must not repeat what a person wrote"


def test_the_numbers_we_invent_for_synthetic_post_pass() -> None:
    random = np.random.default_rng(7)
    for _ in range(10):
        person = invent_person(random)
        number = driver_number(person, random)
        told = {"surname": person.surname, "forenames": person.forenames, "born": person.born.isoformat()}
        vehicle, _ = invent_vehicle(random)
        answers = (gb_driver_number(number), driver_number_disagrees(number, **told), uk_postcode(person.postcode))
        assert answers == ("", "", "")
        assert (vin(vehicle), vin_check_digit(vehicle)) == ("", "")


@pytest.mark.parametrize(
    "address",
    [
        "1600 Pennsylvania Avenue NW, Washington, DC 20500",
        "475 L'Enfant Plaza SW Washington, DC 20260-0004",
        "1 Infinite Loop Cupertino CA 95014, USA",
        "10 Downing Street, London SW1A 2AA",  # of another country
        "Calle Serrano 57, 28051 Madrid, Spain",
        "1 Beacon Street, Boston, Massachusetts 02108",
        "1 Main St, Washington, D.C. 20005",
        "One Boston Place, Boston, MA02108, USA.",
        "1 Fifth Avenue, New York 10003",
        "12 1/2 Elm Street (Suite 9), Boston, MA 02108",
        "98/F, Queensway Plaza, Admiralty, Hong Kong",
        "",
    ],
)
def test_a_state_and_a_zip_code_that_belong_together_pass(address: str) -> None:
    assert us_address(address) == ""


@pytest.mark.parametrize(
    "address", ["Nashville, IN 37570", "Charlotte, NG 28590", "Miami, EL33613", "CA 20500", "Ely, mn 60731"]
)
def test_a_zip_code_of_another_state_is_a_misreading_or_a_mistake(address: str) -> None:
    assert us_address(address) == "The ZIP code is not one of this state."


@pytest.mark.parametrize(
    "address",
    ["44/3 Vineyard Lane, Raleigh, NC 27601", "9 Beacon Square, Ste. 223/, Seattle, WA 98101",
     "4 Eagle Ridge Ste 213) Washington, DC 20004", "12 1/24 Elm Street, Boston, MA 02108"],
)  # fmt: skip
def test_a_stroke_or_a_bracket_in_a_number_of_an_address_may_be_a_figure(address: str) -> None:
    assert us_address(address) == "A number holds a stroke or a bracket that may be a figure."


@pytest.mark.parametrize("address", ["9 Elm Road, Ste 74O, Boston, MA 02108", "22O Elm Rd SW, Boston, MA 02108"])
def test_a_letter_at_the_end_of_a_number_may_be_a_figure(address: str) -> None:
    assert us_address(address) == "A number ends in a letter that may be a figure."


@pytest.mark.parametrize(
    "address",
    ["1110 Elm Ave NW Suite 1200 Washinton DC 20005", "9 Elm St, Washingtor, D.C. 20005", "7 Elm St San Dieao CA 92101",
     "5835 20th Street 'Boston, MA 02108", "1 Elm St, Sseattle, WA 98101"],
)  # fmt: skip
def test_a_place_one_letter_off_a_listed_one_may_be_that(address: str) -> None:
    assert us_address(address).startswith("The place before the state is unknown")


@pytest.mark.parametrize(
    "address",
    ["9 Elm St, Qualdix Springs, VA 22102", "9 Elm St, Lodi, New Jersey 07644", "9 Elm St, Zork, MA 02108",
     "MA 02108", "9 Elm St, Apt 12A Salt Lake City, UT 84101"],
)  # fmt: skip
def test_other_places_pass_unknown_ones_too(address: str) -> None:
    assert us_address(address) == ""


@pytest.mark.parametrize("words", ["Producer 4", "WRITER & PRODUCER. 4", "2 Retired", "S/ Kingdom of Bahrain"])
def test_a_figure_by_itself_at_an_end_of_words_may_be_dirt(words: str) -> None:
    assert no_stray_figure(words) == "A figure stands by itself at an end: it may be dirt."


@pytest.mark.parametrize("words", ["Producer", "1) Gov't of Gambia", "Channel 24", "9", "3 4", "N/A", "w/o pay", ""])
def test_words_without_such_a_figure_pass(words: str) -> None:
    assert no_stray_figure(words) == ""


@pytest.mark.parametrize("word", ["Arlinqton", "LAFAVETTE", "Citv", "Grecnville", "Street-Citv"])
def test_a_word_of_an_address_that_looks_like_a_known_one_may_be_that(word: str) -> None:
    assert plain_words(f"12 Elm Street {word}").startswith("A word here is unknown")


@pytest.mark.parametrize("word", ["Arlington", "Ivymount", "Zmaja od Nojaca", "O'Citv", "Cit", "Citv2", ""])
def test_known_words_and_those_like_no_other_pass(word: str) -> None:
    assert plain_words(f"12 Elm Street {word}") == ""


@pytest.mark.parametrize("address", ["5154 15th Court, SE, Washington, 20007", "Greenwich, C 06313", "20007"])
def test_a_zip_code_without_a_state_has_lost_it(address: str) -> None:
    assert us_address(address) in {"No state stands before the ZIP code.", "The ZIP code is not one of this state."}


@pytest.mark.parametrize(
    "address",
    [
        "1600 Pennsylvania Avenue NW, Washington, DC 20500-0003",
        "1 Infinite Loop Cupertino CA 95014, U.S.A.",
        "10 Downing Street, London SW1A 2AA",
        "850 2nd Street SW Calgary, AB T2P 0R8",
        "VIŠKA CESTA 27 SI-1000 LJUBLJANA, SLOVENIA",
        "4 Rue X, Abidjan, Côte d’Ivoire.",
        "Same as above",
        "",
    ],
)
def test_an_address_that_ends_in_a_postal_code_or_a_country_is_whole(address: str) -> None:
    assert whole_address(address) == ""


@pytest.mark.parametrize(
    "address", ["11416 Bay Street Suite 256", "19 STUDLEY ST. FAIRHAVEN MA", "Harbor Ltd. 3058 40th Road"]
)
def test_an_address_that_ends_otherwise_may_have_lost_its_end(address: str) -> None:
    assert whole_address(address).startswith("It ends neither in a postal code")


@pytest.mark.parametrize(
    "words",
    [
        "By naturalization,",
        "Republic of Uruguay; Embassy of",
        "EMBASSY OF",
        "Born in",
        "Smith &",
        "Either this or",
        "He is the",
    ],
)
def test_words_that_another_must_follow_have_lost_their_end(words: str) -> None:
    assert finished(words) == "It ends as if more followed: some of it may be missing."


@pytest.mark.parametrize(
    "words", ["N/A", "-", "Naturalized in Portland, OR", "Indianapolis, IN", "Partner.", "The", "Roland", ""]
)
def test_words_that_end_as_an_answer_does_are_whole(words: str) -> None:
    assert finished(words) == ""
