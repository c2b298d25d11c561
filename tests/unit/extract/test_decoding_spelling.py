"""Words in no list are mended where the pixels leave them open, and stand where the pixels are sure."""

import numpy as np
import pytest

from extract.decoding.candidate import free
from extract.decoding.lexicon import Lexicon
from extract.decoding.spelling import is_known, respell, spelled
from tests.unit.extract.decoding_steps import BLANK, CLASSES, SURE, steps_of

WORDS = Lexicon(
    sorted(["bill", "fairhaven", "government", "government's", "of", "office", "philippines", "the", "iowa"])
)
# One letter, or two that touch.
M_OR_RN = [{"m": 0.7, "r": 0.25}, {"m": 0.7, "n": 0.25}]


def test_letters_that_touch_are_taken_apart_where_a_word_needs_it() -> None:
    steps = steps_of([*"the Gove", *M_OR_RN, {BLANK: SURE}, *"ment office"])
    assert free(steps, CLASSES).text == "the Govemment office"
    assert spelled(steps, CLASSES, WORDS).text == "the Government office"


def test_what_was_misspelt_stands_as_it_was_written() -> None:
    steps = steps_of("the Governement office")
    assert spelled(steps, CLASSES, WORDS).text == "the Governement office"


def test_a_name_in_no_list_stands() -> None:
    assert spelled(steps_of("Marstellar"), CLASSES, WORDS).text == "Marstellar"


def test_a_mended_word_keeps_its_capitals() -> None:
    doubt = {"l": 0.6, "I": 0.3}
    assert spelled(steps_of([doubt, *"OWA"]), CLASSES, WORDS).text == "IOWA"
    assert spelled(steps_of([*"PH", {"1": 0.5, "I": 0.4}, *"LIPPINES"]), CLASSES, WORDS).text == "PHILIPPINES"


def test_an_accent_that_a_speck_made_is_taken_off() -> None:
    steps = steps_of([*"off", {"í": 0.6, "i": 0.35}, *"ce"])
    assert spelled(steps, CLASSES, WORDS).text == "office"


def test_an_accent_that_stands_there_stays() -> None:
    assert spelled(steps_of("officé"), CLASSES, WORDS).text == "officé"


def test_the_ratio_says_how_much_less_likely_the_word_of_the_list_is() -> None:
    steps = steps_of([*"Fa", {"l": 0.8, "i": 0.1}, *"rhaven"])
    (token,) = respell(steps, CLASSES, WORDS)
    assert (token.text, token.alternative, token.is_known) == ("Falrhaven", "Fairhaven", False)
    assert token.log_ratio == pytest.approx(np.log(0.1 / 0.8), abs=0.05)


def test_the_margin_decides() -> None:
    steps = steps_of([*"Fa", {"l": 0.8, "i": 0.1}, *"rhaven"])  # a ratio of -2.1
    assert spelled(steps, CLASSES, WORDS, margin=1.5).text == "Falrhaven"
    assert spelled(steps, CLASSES, WORDS, margin=2.5).text == "Fairhaven"


def test_a_doubled_letter_needs_more_to_be_made_one() -> None:
    steps = steps_of([*"offi", {"c": 0.9}, {BLANK: 0.85, "c": 0.1}, {"c": 0.9}, {BLANK: SURE}, *"e"])
    assert free(steps, CLASSES).text == "officce"
    assert spelled(steps, CLASSES, WORDS).text == "officce"


def test_every_character_of_a_mended_line_has_a_score() -> None:
    steps = steps_of([*"the Gove", *M_OR_RN, {BLANK: SURE}, *"ment office"])
    found = spelled(steps, CLASSES, WORDS)
    assert len(found.characters) == len(found.text)
    assert found.characters[found.text.index("rn")] == pytest.approx(0.25, abs=0.01)
    assert found.characters[-1] > 0.9


@pytest.mark.parametrize("word", ["B12", "22nd", "de", "Office", "OFFICE", "government's", "office’s"])
def test_numbers_short_words_and_words_of_the_lists_are_not_looked_into(word: str) -> None:
    assert is_known(word, WORDS)


@pytest.mark.parametrize("word", ["Govemment", "BiLl", "Phi1ippines", "officé"])
def test_other_words_are(word: str) -> None:
    assert not is_known(word, WORDS)


def test_a_line_without_words_stands() -> None:
    assert spelled(steps_of("12/03/2014 -"), CLASSES, WORDS).text == "12/03/2014 -"
