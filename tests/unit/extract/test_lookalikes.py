"""Letters that look alike are put right where a list of words or the build of a postal code leaves no choice."""

import pytest

from extract.decoding.lexicon import Lexicon
from extract.decoding.lookalikes import mended_codes, mended_word, variants
from extract.decoding.mending import is_plain, mended, unlisted

WORDS = Lexicon(sorted(["company", "filing", "fling", "government", "international", "mill", "modem", "modern"]))


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("Govemment", "Government"),
        ("GOVERNMENT", "GOVERNMENT"),
        ("MIII", "Mill"),
        ("lnternational", "International"),
        ("lvymount", "Ivymount"),  # in no list, but no word begins so
        ("Marstellar", "Marstellar"),  # a name, as written
        ("Governement", "Governement"),  # misspelt, as written
    ],
)
def test_an_unknown_word_becomes_the_known_one_that_looks_like_it(read: str, written: str) -> None:
    assert mended_word(read, WORDS) == written


def test_lookalikes_of_a_word_are_few_and_do_not_hold_the_word() -> None:
    assert "corn" in variants("com")
    assert "com" not in variants("com")
    assert variants("west") == []


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("Calgary, AB T2P OR8", "Calgary, AB T2P 0R8"),
        ("Boston, MA O2l10", "Boston, MA 02110"),
        ("Lexington, KY 4O508-12S4", "Lexington, KY 40508-1254"),
        ("117O3 Foxhal1 Road", "11703 Foxhall Road"),
        ("1O2 High Street, B12, 4th, A1O1B", "1O2 High Street, B12, 4th, A1O1B"),
        ("Unit LOLL", "Unit LOLL"),
        ("NY SOLID", "NY SOLID"),
    ],
)
def test_letters_in_a_postal_code_become_figures_where_only_figures_can_stand(read: str, written: str) -> None:
    assert mended_codes(read) == written


def test_a_mended_line_keeps_a_score_for_each_character_and_counts_its_changes() -> None:
    text = "Govemment of Mill PI"
    scores = [0.9] * len(text)
    scores[4] = 0.6
    found = mended(text, scores, WORDS)
    assert found.text == "Government of Mill Pl"
    assert len(found.characters) == len(found.text)
    assert found.characters[:10] == (0.6,) * 10  # no surer than its weakest letter was
    assert found.mended == 2
    assert found.known == 1.0


def test_among_capitals_a_short_form_stays_as_it_is() -> None:
    assert mended("MAGNUM PI", [1.0] * 9, WORDS).text == "MAGNUM PI"


@pytest.mark.parametrize(("word", "plain"), [("Company,", True), ("filing", False), ("O", False), ("Cornpany", False)])
def test_a_word_is_plain_if_it_is_known_and_looks_like_no_other(word: str, *, plain: bool) -> None:
    assert is_plain(word, WORDS) is plain


@pytest.mark.parametrize(
    ("text", "weakest", "odd"),
    [
        ("Modern Company", 1.0, 0),  # all in the lists
        ("Company 1234", 0.5, 0),  # no list vouches for a number, but it is none of the odd ones
        ("5th Mill, B12", 0.5, 1),
        ("5tn Mill", 0.5, 1),
        ("Unt A Company's", 0.5, 1),  # a lone letter is as good as a number
    ],
)
def test_what_no_list_vouches_for_is_weighed_by_its_own_scores(text: str, weakest: float, odd: int) -> None:
    listed = {"modern", "company", "mill"}
    scores = [0.9 if word.lower().rstrip(",") in listed else 0.5 for word in text.split() for _ in word + " "]
    found = unlisted(text, scores[: len(text)], WORDS)
    assert (found.weakest, found.odd) == (weakest, odd)
