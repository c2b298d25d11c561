"""Automata accept what their expression or list holds, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.decoding.automaton import NOWHERE, Automaton, ExpressionAutomaton, expression
from extract.decoding.lexicon import Lexicon, words_of

EXPRESSIONS = (
    "a",
    "",
    "ab|ba",
    "a?b*",
    "(?:ab)+c?",
    "(a|bc){2}",
    "(?:a|b){1,3}c",
    "a{2,}",
    "(?:a?b?){2,}c",
    "[a-c]{0,2}",
    r"\d|[-.]a",
    r"\.[b-]+",
    "(?:a*)*b",
    "a(?:b|)c",
)


def accepts(automaton: Automaton, text: str) -> bool:
    state = automaton.start()
    for character in text:
        state = automaton.follow(state)[character]
        if state == NOWHERE:
            return False
    return automaton.accepts(state)


@given(st.sampled_from(EXPRESSIONS), st.text("abc.-7", max_size=7))
def test_an_expression_accepts_what_python_matches(pattern: str, text: str) -> None:
    assert accepts(ExpressionAutomaton(pattern), text) == bool(re.fullmatch(pattern, text))


@given(st.data(), st.sampled_from(EXPRESSIONS))
def test_an_expression_accepts_what_it_describes(data: st.DataObject, pattern: str) -> None:
    assert accepts(ExpressionAutomaton(pattern), data.draw(st.from_regex(pattern, fullmatch=True, alphabet="abc.-7")))


@pytest.mark.parametrize("pattern", ["^a$", "a.b", "(a", "a)", "[a", "[]", "[^a]", "*a", r"\w", "a{3,2}", "a{1,5000}"])
def test_an_expression_we_do_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="not an expression known here"):
        ExpressionAutomaton(pattern)


def test_an_expression_is_built_once() -> None:
    assert expression("[A-Z]{3}") is expression("[A-Z]{3}")


@given(st.sets(st.text("abc", min_size=1, max_size=5), min_size=1), st.text("abc", max_size=5))
def test_a_lexicon_accepts_its_entries_only(entries: set[str], text: str) -> None:
    automaton = Lexicon(sorted(entries))
    assert accepts(automaton, text) == (text in entries)
    assert all(accepts(automaton, entry) for entry in entries)


def test_a_lexicon_holds_a_word_however_it_is_written() -> None:
    places = Lexicon(["sao paulo", "zurich"])
    assert "São Paulo" in places
    assert "ZÜRICH" in places
    assert "Zuric" not in places


def test_names_of_several_words_are_taken_apart_for_free_text() -> None:
    words = words_of("us-states")
    assert "carolina" in words
    assert "north carolina" not in words
