"""Invented people and numbers obey the rules that real ones obey."""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import PCG64, Generator

from intake.synthetic.answers import answer_form
from intake.synthetic.identifiers import driver_number, invent_registration_mark, invent_vehicle
from intake.synthetic.people import invent_person

SEEDS = st.integers(0, 2**32)
FEW = settings(max_examples=20, deadline=None)  # a busy machine is no fault


def random_of(seed: int) -> Generator:
    return Generator(PCG64(seed))


def transliterated(letter: str) -> int:
    """The value of a VIN character, from the published table's columns: A J = 1, B K S = 2 and so on."""
    columns = ("AJ1", "BKS2", "CLT3", "DMU4", "ENV5", "FW6", "GPX7", "HY8", "RZ9", "0")
    return next(value % 10 for value, column in enumerate(columns, start=1) if letter in column)


def test_the_vin_of_the_published_example_has_the_check_digit_x() -> None:
    # 1M8GDM9AXKP042788 is the worked example of the North American check digit; this tests the test's own table.
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(transliterated(letter) * weight for letter, weight in zip("1M8GDM9AXKP042788", weights, strict=True))
    assert total % 11 == 10


@FEW
@given(SEEDS)
def test_every_vin_has_seventeen_characters_without_i_o_q_and_a_right_check_digit(seed: int) -> None:
    vin, _ = invent_vehicle(random_of(seed))
    assert re.fullmatch(r"[A-HJ-NPR-Z0-9]{17}", vin)
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(transliterated(letter) * weight for letter, weight in zip(vin, weights, strict=True))
    assert vin[8] == "0123456789X"[total % 11]


@FEW
@given(SEEDS)
def test_every_registration_mark_has_one_of_the_two_forms_and_no_i_or_q(seed: int) -> None:
    mark = invent_registration_mark(random_of(seed))
    assert re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z]{3}|[A-Z][0-9]{2,3}[A-Z]{3}", mark)
    assert not set(mark) & set("IQ")


def test_a_driver_number_is_built_from_name_sex_and_date_of_birth() -> None:
    # The worked example of the licence's own explanation: Sarah Meredyth Morgan, born 11 March 1976.
    person = replace(
        invent_person(random_of(1)),
        forenames="Sarah Meredyth",
        surname="Morgan",
        is_female=True,
        born=date(1976, 3, 11),
    )
    assert driver_number(person, random_of(2)).startswith("MORGA753116SM9")


@pytest.mark.parametrize(("surname", "start"), [("Lee", "LEE99"), ("Macdonald", "MCDON"), ("O'Neill", "ONEIL")])
def test_short_names_are_filled_and_mac_becomes_mc(surname: str, start: str) -> None:
    person = replace(invent_person(random_of(1)), surname=surname)
    assert driver_number(person, random_of(2)).startswith(start)


@FEW
@given(SEEDS)
def test_every_postcode_has_the_form_royal_mail_prescribes(seed: int) -> None:
    person = invent_person(random_of(seed))
    assert re.fullmatch(r"[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][ABD-HJLNP-UW-Z]{2}", person.postcode)


@FEW
@given(SEEDS)
def test_nobody_can_be_called_or_written_to(seed: int) -> None:
    person = invent_person(random_of(seed))
    assert re.match(r"01(13|15) 496 0|020 7946 0|029 2018 0|07700 900|01632 960", person.phone)
    assert re.search(r"@(\w+\.example|example\.(com|org))$", person.email)


@FEW
@given(SEEDS)
def test_a_vehicle_is_signed_over_on_the_day_of_sale_or_later(seed: int) -> None:
    random = random_of(seed)
    answers = answer_form("change-of-keeper", invent_person(random), random)
    signed, sold = answers["signed_on"].value, answers["sale_date"].value
    assert signed is None or str(sold) <= str(signed)


@FEW
@given(SEEDS)
def test_every_date_in_cells_is_written_day_first(seed: int) -> None:
    random = random_of(seed)
    born = answer_form("licence-renewal", invent_person(random), random)["birth_date"]
    year, month, day = str(born.value).split("-")
    assert born.text == day + month + year


@FEW
@given(SEEDS)
def test_the_same_seed_invents_the_same_person(seed: int) -> None:
    assert invent_person(random_of(seed)) == invent_person(random_of(seed))


def test_different_seeds_invent_different_people() -> None:
    assert len({invent_person(random_of(seed)).surname for seed in range(60)}) > 15
    assert np.std([invent_person(random_of(seed)).born.year for seed in range(60)]) > 10
