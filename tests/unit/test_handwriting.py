"""What is said of readers of handwriting follows from what they read: counted here by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from extract.engines import LineRead
from extract.page import Grey
from intake.measure.handwriting import score_readers
from intake.measure.handwriting_sets import DIGITS, HandwritingSet, Line

PAPER = np.full((20, 60), 255, np.uint8)


class ScriptedReader:
    """Says what it was told to, line by line, and keeps the alphabet it was asked for."""

    name = "scripted"

    def __init__(self, *texts: str) -> None:
        self._texts = texts
        self.alphabet = ""

    def read(self, lines: Sequence[Grey], alphabet: str = "") -> list[LineRead]:
        assert len(lines) == len(self._texts)
        self.alphabet = alphabet
        return [LineRead(text, (1.0,) * len(text)) for text in self._texts]


def written(*texts: str, writers: str = "", alphabet: str = "") -> HandwritingSet:
    by = writers or " " * len(texts)
    lines = tuple(Line(PAPER, text, writer.strip()) for text, writer in zip(texts, by, strict=True))
    return HandwritingSet("names", alphabet, lines)


def test_errors_are_counted_in_characters_and_lines() -> None:
    reader = ScriptedReader("Köln", "Boon", "")
    (score,) = score_readers(written("Köln", "Bonn", "Ulm"), {"ours": reader})
    assert (score.errors, score.characters, score.right, score.lines) == (4, 11, 1, 3)
    assert score.error_rate == pytest.approx(4 / 11)


def test_case_and_accents_count_but_are_told_apart() -> None:
    (score,) = score_readers(written("Köln", "Ulm"), {"ours": ScriptedReader("KOLN", "ulm")})
    assert (score.right, score.right_apart_from_accents) == (0, 2)


def test_every_reader_is_asked_within_the_alphabet_of_the_set() -> None:
    ours, other = ScriptedReader("12"), ScriptedReader("1")
    scores = score_readers(written("12", alphabet=DIGITS), {"ours": ours, "other": other})
    assert ours.alphabet == other.alphabet == DIGITS
    assert [score.right for score in scores] == [1, 0]


def test_the_bounds_on_lines_right_are_the_textbook_ones() -> None:
    # Clopper and Pearson, 95 %: 0 of 20 and 20 of 20 are bounded by 0.1684 and 0.8316.
    texts = ["a"] * 20
    (none,) = score_readers(written(*texts), {"ours": ScriptedReader(*["b"] * 20)})
    (every,) = score_readers(written(*texts), {"ours": ScriptedReader(*texts)})
    assert none.right_interval == pytest.approx((0.0, 0.1684), abs=1e-4)
    assert every.right_interval == pytest.approx((0.8316, 1.0), abs=1e-4)


def test_writers_are_drawn_whole_so_that_one_bad_hand_widens_the_interval() -> None:
    texts = ["abcd"] * 8
    seen = ["abcd"] * 4 + ["wxyz"] * 4
    (apart,) = score_readers(written(*texts), {"ours": ScriptedReader(*seen)})
    (together,) = score_readers(written(*texts, writers="AAAABBBB"), {"ours": ScriptedReader(*seen)})
    assert (apart.writers, together.writers) == (0, 2)
    assert together.error_interval == (0.0, 1.0)
    assert 0.0 < apart.error_interval[0] < 0.5 < apart.error_interval[1] < 1.0
