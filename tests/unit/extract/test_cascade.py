"""The cascade: what the quick reader is sure of stands; the careful reader answers for the rest."""

from collections.abc import Sequence

import numpy as np

from extract.engines import LineRead
from extract.engines.cascade import CascadeReader
from extract.page import Grey


class ScriptedReader:
    """Answers with its own name, as sure as the first pixel of the line is bright."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[int] = []

    def read(self, lines: Sequence[Grey], alphabet: str = "") -> list[LineRead]:
        self.asked.append(len(lines))
        return [LineRead(self.name, (1.0, float(line[0, 0]) / 100)) for line in lines]


def line(sure: int) -> Grey:
    return np.full((10, 10), sure, np.uint8)


def test_only_doubtful_lines_are_read_again_and_the_order_stays() -> None:
    quick, careful = ScriptedReader("qq"), ScriptedReader("cc")
    found = CascadeReader(quick, careful, sure=0.9).read([line(95), line(40), line(99)])
    assert [read.text for read in found] == ["qq", "cc", "qq"]
    assert (quick.asked, careful.asked) == ([3], [1])


def test_the_name_tells_both_readers() -> None:
    assert CascadeReader(ScriptedReader("a"), ScriptedReader("b")).name == "a>b"
