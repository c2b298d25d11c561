"""The beam search finds what the steps spell, and weighs it as the definition of CTC says."""

from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extract.decoding.automaton import Constraint, expression
from extract.decoding.beam import decode
from extract.decoding.candidate import forward, free
from extract.decoding.lexicon import Lexicon
from tests.unit.extract.decoding_steps import BLANK, CLASSES, SURE, steps_of

MARK = Constraint(expression("[A-Z]{2}[0-9]{2}[A-Z]{3}"), ignores=" ")
COUNTRIES = Constraint(Lexicon(["france", "greece", "iran", "iraq"]), verbatim=True)


def summed_over_all_paths(steps: NDArray[np.float32], classes: str) -> dict[str, float]:
    """Every text the steps can spell, and the sum over its paths: the definition, path by path."""
    texts: dict[str, float] = {}
    for path in product(range(len(classes)), repeat=len(steps)):
        text = "".join(classes[index] for index, _ in groupby(path) if index)
        likely = float(np.prod([row[index] for row, index in zip(steps, path, strict=True)]))
        texts[text] = texts.get(text, 0.0) + likely
    return texts


@st.composite
def small_steps(draw: st.DrawFn) -> NDArray[np.float32]:
    count = draw(st.integers(1, 5))
    raw = np.array(draw(st.lists(st.floats(0.05, 1.0), min_size=3 * count, max_size=3 * count))).reshape(count, 3)
    return (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)


@given(small_steps())
def test_an_answer_has_the_sum_of_its_paths(steps: NDArray[np.float32]) -> None:
    expected = summed_over_all_paths(steps, BLANK + "ab")
    found = decode(steps, BLANK + "ab", Constraint(expression("[ab]+")), best=50)
    for candidate in found:
        assert np.exp(candidate.score) <= expected[candidate.text] * 1.0001
    # Where the network has no opinion at all, paths through beginnings that were given up are missing from the sum.
    assert np.exp(found[0].score) >= 0.8 * max(expected[text] for text in expected if text)


@given(st.lists(st.sampled_from("ab" + BLANK), min_size=1, max_size=6), st.floats(0.97, 0.999))
def test_an_answer_of_sure_steps_has_the_whole_sum_of_its_paths(seen: list[str], sure: float) -> None:
    steps = np.array([[sure if one == c else (1 - sure) / 2 for c in BLANK + "ab"] for one in seen], np.float32)
    expected = summed_over_all_paths(steps, BLANK + "ab")
    best = decode(steps, BLANK + "ab", Constraint(expression("[ab]+")))[0]
    assert np.exp(best.score) == pytest.approx(max(expected[text] for text in expected if text), rel=0.01)
    assert np.exp(best.score) == pytest.approx(expected[best.text], rel=0.01)


@given(small_steps(), st.text("ab", max_size=4))
def test_forward_sums_the_paths_of_a_text(steps: NDArray[np.float32], text: str) -> None:
    expected = summed_over_all_paths(steps, BLANK + "ab").get(text, 0.0)
    assert np.exp(forward(steps, BLANK + "ab", text)) == pytest.approx(expected, abs=1e-9, rel=1e-4)


def test_forward_of_a_character_the_network_does_not_know_is_impossible() -> None:
    assert forward(steps_of("AB"), CLASSES, "A☃") == -np.inf


def test_the_second_likeliest_class_counts_where_the_grammar_needs_it() -> None:
    steps = steps_of([*"AB", {"I": 0.9, "1": 0.08}, {BLANK: SURE}, *"2CDE"])
    assert free(steps, CLASSES).text == "ABI2CDE"
    best = decode(steps, CLASSES, MARK)[0]
    assert best.text == "AB12CDE"
    assert best.characters[2] == pytest.approx(0.08, abs=0.01)


def test_a_look_alike_is_not_taken_for_the_character_the_grammar_wants() -> None:
    steps = steps_of([*"AB1", {"O": 0.9, "2": 0.05, "0": 0.01}, {BLANK: SURE}, *"CDE"])
    assert decode(steps, CLASSES, MARK)[0].text == "AB12CDE"


def test_small_and_accented_twins_count_for_the_letter_of_the_grammar() -> None:
    assert decode(steps_of("ab12cdé"), CLASSES, MARK)[0].text == "AB12CDE"


def test_blanks_that_a_grammar_ignores_may_stand_anywhere_and_are_kept_beside_the_answer() -> None:
    best = decode(steps_of("A B12 CDE"), CLASSES, MARK)[0]
    assert (best.text, best.written) == ("AB12CDE", "A B12 CDE")
    assert best.score > -0.1


def test_a_blank_that_a_grammar_does_not_ignore_is_no_part_of_an_answer() -> None:
    strict = Constraint(expression("[A-Z]{2}[0-9]{2}[A-Z]{3}"))
    found = decode(steps_of("AB12 CDE"), CLASSES, strict)
    assert all(candidate.score < -3 for candidate in found)


def test_an_answer_of_a_lexicon_keeps_the_capitals_on_paper() -> None:
    for written in ("Iran", "IRAN", "iran"):
        assert decode(steps_of(written), CLASSES, COUNTRIES)[0].text == written


def test_candidates_come_the_likeliest_first_with_the_odds_of_their_difference() -> None:
    steps = steps_of([*"ira", {"n": 0.6, "q": 0.3}])
    first, second = decode(steps, CLASSES, COUNTRIES)[:2]
    assert (first.text, second.text) == ("iran", "iraq")
    assert first.score - second.score == pytest.approx(np.log(0.6 / 0.3), abs=0.02)


def test_no_more_candidates_come_than_were_asked_for() -> None:
    steps = steps_of([*"ira", {"n": 0.6, "q": 0.3}])
    assert len(decode(steps, CLASSES, COUNTRIES, best=1)) == 1


def test_what_no_path_can_spell_has_no_candidate() -> None:
    steps = np.zeros((4, len(CLASSES)), np.float32)
    steps[:, CLASSES.index("7")] = 1.0
    assert decode(steps, CLASSES, COUNTRIES) == ()


def test_a_line_without_steps_has_no_candidate() -> None:
    assert decode(np.zeros((0, len(CLASSES)), np.float32), CLASSES, MARK) == ()


def test_a_hopeless_character_is_still_found_if_nothing_else_fits() -> None:
    steps = steps_of([*"AB1", {"O": 0.9999, "0": 2e-5}, {BLANK: SURE}, *"CDE"])
    best = decode(steps, CLASSES, MARK)[0]
    assert best.text == "AB10CDE"
    assert best.characters[3] < 1e-4


def test_characters_lie_at_the_steps_that_spell_them() -> None:
    steps = steps_of([{BLANK: SURE}, {"A": 0.9}, {"A": 0.8}, {BLANK: SURE}, *"B12CDE"])
    best = decode(steps, CLASSES, MARK)[0]
    assert best.ranges[:2] == ((1, 3), (4, 5))
    assert best.characters[0] == pytest.approx(0.9, abs=0.01)
    assert best.ranges == free(steps, CLASSES).ranges


def test_an_answer_is_found_within_a_line_of_other_writing() -> None:
    date = Constraint(expression("[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"), anywhere=True)
    line = "Received by unit 7 on 04/24/2018 at noon"
    best = decode(steps_of(line), CLASSES, date)[0]
    assert best.text == "04/24/2018"
    assert best.ranges[0][0] == 2 * line.index("04/")


def test_half_a_word_is_no_answer_within_a_line() -> None:
    number = Constraint(expression("[0-9]{4}"), anywhere=True)
    assert decode(steps_of("ref 123456 of 2018"), CLASSES, number)[0].text == "2018"


def test_a_soft_constraint_leaves_an_answer_that_does_not_fit() -> None:
    soft = Constraint(Lexicon(["france", "iran"]), verbatim=True, soft=True)
    best = decode(steps_of("Prussia"), CLASSES, soft)[0]
    assert (best.text, best.fits) == ("Prussia", False)


def test_a_soft_constraint_mends_what_the_pixels_leave_open() -> None:
    soft = Constraint(Lexicon(["france", "iran"]), verbatim=True, soft=True)
    best = decode(steps_of([{"l": 0.6, "I": 0.3}, *"ran"]), CLASSES, soft)[0]
    assert (best.text, best.fits) == ("Iran", True)


def test_a_soft_constraint_does_not_overrule_sure_pixels() -> None:
    soft = Constraint(Lexicon(["france", "iran"]), verbatim=True, soft=True)
    assert decode(steps_of("lran"), CLASSES, soft)[0].text == "lran"


def test_blanks_around_a_free_line_are_left_out() -> None:
    reading = free(steps_of(" No 7 "), CLASSES)
    assert reading.text == "No 7"
    assert len(reading.characters) == len(reading.ranges) == 4
