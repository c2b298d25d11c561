"""What a second reader saw otherwise, as a keyer is told of it."""

import pytest

from intake.review.differing import differing


@pytest.mark.parametrize(
    ("text", "other", "words"),
    [
        ("AB6 123", "ABG 123", "The readers differ: “6” or “G”."),
        ("Davies", "Daves", "The readers differ: “i” or nothing."),
        ("Daves", "Davies", "The readers differ: nothing or “i”."),
        ("10 High St", "1O High St.", "The readers differ: “0” or “O”, and nothing or “.”."),
        ("New York 1", "NewYork I", "The readers differ: “1” or “I”."),
        ("Jane Rowlands", "Lone Rawbends", "The readers differ: another saw “Lone Rawbends”."),
    ],
)
def test_few_characters_are_named_and_more_shown_whole(text: str, other: str, words: str) -> None:
    assert differing(text, [{"text": text}, {"text": other}]) == [words]


def test_readers_that_agree_or_saw_nothing_are_not_spoken_of() -> None:
    assert differing("Rees", []) == []
    assert differing("Rees", [{"text": "Rees"}, {"text": "Rees"}, {"text": ""}, {"text": " "}]) == []


def test_where_spaces_stand_is_no_difference() -> None:
    assert differing("029 2018 0647", [{"text": "029 2018 0647"}, {"text": "02920180647"}]) == []


def test_what_the_first_reader_saw_is_no_second_opinion_and_the_same_one_counts_once() -> None:
    readings = [{"text": "Rees 4"}, {"text": "Reis"}, {"text": "Reis"}]
    assert differing("Rees", readings) == ["The readers differ: “e” or “i”."]
