"""What another reader saw is heard where it is a letter the answer lacks, or a capital among figures."""

import pytest

from extract.dissent import capital_for_figure, missed
from extract.engines import OtherRead


def seen(text: str, scores: dict[str, float]) -> list[OtherRead]:
    """Another reader's text, each character sure but those named."""
    return [OtherRead(text, tuple(scores.get(character, 1.0) for character in text), "quick")]


@pytest.mark.parametrize(
    ("text", "other", "scores", "highest"),
    [
        ("Broacasting", "Broadcasting", {"d": 0.9}, 0.9),
        ("Film", "iFilm", {}, 1.0),
        ("State", "State i", {"i": 0.97}, 0.0),  # a speck looks like an i
        ("State", "State's", {"'": 0.9, "s": 0.4}, 0.4),
        ("Suite 2600", "Suite 2600.,", {}, 0.0),
        ("Seal", "SeLIl", {"L": 0.7}, 0.0),  # two in place of one, of which one is not sure enough of being there
        ("Seal", "SeLXl", {"L": 0.7}, 0.7),
        ("filing", "fling", {}, 0.0),
        ("Street", "Sfreet", {}, 0.0),  # another letter is not one more
        ("12 34", "12934", {"9": 0.9}, 0.9),  # a figure for a blank is
        ("J. Smith", "JR Smith", {"R": 0.9}, 0.9),
        ("5. Elm", "5B, Elm", {"B": 0.9}, 0.9),
        ("Main St.", "Main St 5B", {"B": 0.9}, 1.0),
    ],
)
def test_a_letter_more_is_heard(text: str, other: str, scores: dict[str, float], highest: float) -> None:
    scores = scores | ({"I": 0.9} if "LI" in other else {})
    assert missed(text, seen(other, scores)) == highest


@pytest.mark.parametrize(
    ("text", "other", "highest"),
    [
        ("Apt. 4185 Arlington", "Apt. 418S Arlington", 0.9),
        ("11081 Dr", "1I081 Dr", 0.0),  # which any stroke looks like
        ("T2P 0R8", "T2P OR8", 0.0),  # no number
        ("#5 Dr", "#S Dr", 0.0),  # nor is one figure
        ("Apt. 4185", "Apt. 418s", 0.0),
        ("Apt. 4155", "Apt. 41SS", 0.9),
        ("Apt. 4185A", "Apt. 418SA", 0.9),
    ],
)
def test_a_capital_among_figures_is_heard(text: str, other: str, highest: float) -> None:
    assert capital_for_figure(text, seen(other, {"S": 0.9, "O": 0.9, "I": 0.9})) == highest


def test_nobody_else_has_nothing_to_say() -> None:
    assert missed("Film", []) == capital_for_figure("4185", []) == 0.0
