"""The cascade: what the quick reader is sure of stands; the careful reader answers for the rest."""

from collections.abc import Sequence

import numpy as np

from extract.decoding.lexicon import Lexicon
from extract.engines import ANYTHING, Expected, LineRead, OtherRead
from extract.engines.cascade import CascadeReader
from extract.page import Grey


class ScriptedReader:
    """Answers with its own name, as sure as the first pixel of the line is bright."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[int] = []

    def read(self, lines: Sequence[Grey], alphabet: str = "", expected: Expected = ANYTHING) -> list[LineRead]:
        self.asked.append(len(lines))
        return [LineRead(self.name, (1.0, float(line[0, 0]) / 100)) for line in lines]


def line(sure: int) -> Grey:
    return np.full((10, 10), sure, np.uint8)


def test_only_doubtful_lines_are_read_again_and_the_order_stays() -> None:
    quick, careful = ScriptedReader("qq"), ScriptedReader("cc")
    found = CascadeReader(quick, careful, sure=0.9).read([line(95), line(40), line(99)])
    assert [read.text for read in found] == ["qq", "cc", "qq"]
    assert (quick.asked, careful.asked) == ([3], [1])


def test_what_must_be_read_twice_is_however_sure_the_first_reader_is() -> None:
    quick, careful = ScriptedReader("qq"), ScriptedReader("cq")
    (found,) = CascadeReader(quick, careful, sure=0.9).read([line(99)], expected=Expected(twice=True))
    assert (found.text, found.agreement, careful.asked) == ("cq", 0.5, [1])


def test_what_was_read_first_is_kept_beside_what_counts_if_it_is_another_text() -> None:
    reader = CascadeReader(ScriptedReader("qq"), ScriptedReader("cq"), sure=0.9)
    sure, doubtful = reader.read([line(95), line(40)])
    assert sure.other is None
    assert doubtful.other == OtherRead("qq", (1.0, 0.4), "qq")
    (same,) = CascadeReader(ScriptedReader("qq"), ScriptedReader("qq"), sure=0.9).read([line(40)])
    assert same.other is None


def test_the_name_tells_both_readers() -> None:
    assert CascadeReader(ScriptedReader("a"), ScriptedReader("b")).name == "a>b"


class WordReader:
    """Reads black marks on white: a mark w pixels wide is the word that `words` says stands there."""

    def __init__(self, words: dict[int, tuple[str, float]]) -> None:
        self.name = "words"
        self.words = words
        self.widths: list[list[int]] = []

    def read(self, lines: Sequence[Grey], alphabet: str = "", expected: Expected = ANYTHING) -> list[LineRead]:
        return [self._read(line) for line in lines]

    def _read(self, line: Grey) -> LineRead:
        inked = np.concatenate([[False], (line < 128).any(axis=0), [False]])
        edges = np.flatnonzero(inked[1:] != inked[:-1])
        marks = list(zip(edges[::2], edges[1::2], strict=True))
        self.widths.append([int(end - start) for start, end in marks])
        text, scores, places = "", [], []  # type: tuple[str, list[float], list[tuple[int, int]]]
        for start, end in marks:
            word, score = self.words[int(end - start)]
            if text:
                text, scores, places = text + " ", [*scores, 1.0], [*places, (int(start) - 4, int(start))]
            text += word
            scores += [score] * len(word)
            each = (end - start) / len(word)
            places += [(int(start + each * place), int(start + each * (place + 1))) for place in range(len(word))]
        return LineRead(text, tuple(scores), tuple(places))


def marks(*widths: int) -> Grey:
    strips = [np.full((30, 12), 255, np.uint8)]
    for width in widths:
        strips += [np.zeros((30, width), np.uint8), np.full((30, 12), 255, np.uint8)]
    return np.concatenate(strips, axis=1)


def test_only_the_doubtful_word_is_cut_out_and_read_again() -> None:
    quick = WordReader({100: ("Fairhaven", 0.99), 40: ("Govt", 0.5), 90: ("Register", 0.99)})
    careful = WordReader({40: ("Govt", 0.98)})
    (read,) = CascadeReader(quick, careful).read([marks(100, 40, 90)])
    assert read.text == "Fairhaven Govt Register"
    assert careful.widths == [[40]]  # the marks beside it were not in the picture
    assert read.characters[10:14] == (0.98,) * 4
    assert read.agreement == 1.0


def test_where_the_second_reader_disagrees_its_word_counts_and_the_agreement_says_so() -> None:
    quick = WordReader({100: ("Fairhaven", 0.99), 40: ("Goyt", 0.5), 90: ("Register", 0.99)})
    (read,) = CascadeReader(quick, WordReader({40: ("Govt", 0.98)})).read([marks(100, 40, 90)])
    assert read.text == "Fairhaven Govt Register"
    assert read.agreement == 0.75


def test_a_line_of_mostly_doubtful_words_is_read_again_whole() -> None:
    quick = WordReader({100: ("Fairhaven", 0.5), 40: ("Govt", 0.99), 90: ("Register", 0.5)})
    careful = WordReader({100: ("Fairhaven", 0.9), 40: ("Govt", 0.9), 90: ("Register", 0.9)})
    CascadeReader(quick, careful).read([marks(100, 40, 90)])
    assert careful.widths == [[100, 40, 90]]


def test_a_word_of_no_list_is_read_again_however_sure_the_quick_reader_is() -> None:
    words = Lexicon(["government", "register", "town"])
    quick = WordReader({100: ("Govemrnent", 1.0), 70: ("Register", 1.0), 60: ("Town", 1.0), 200: ("Town", 1.0)})
    careful = WordReader({100: ("Government", 0.9)})
    (read,) = CascadeReader(quick, careful).read([marks(70, 100, 60, 200)], expected=Expected(words=words))
    assert read.text == "Register Government Town Town"
    assert careful.widths == [[100]]
    assert read.known == 1.0
