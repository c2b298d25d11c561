"""Zones become texts: combs cell by cell, stamps turned upright, the words of a born-digital page as they are."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from extract import answers
from extract.decoding.alphabet import Floats
from extract.engines import ANYTHING, Expected, LineRead, OtherRead
from extract.page import ExactWord, Grey
from extract.read import Readers, ZoneText, read_zones
from extract.stamp import StampReaders
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import Zone
from schemas.geometry import Box
from tests.unit.extract.decoding_steps import CLASSES, steps_of

WIDTH, HEIGHT = 1000, 600
CELLS = tuple(Box(left, 200, left + 80, 300) for left in range(100, 580, 80))
COMB = Zone("plate", 1, Box(100, 200, 580, 300), cells=CELLS)
PLATE = FieldSpec("plate", FieldKind.TEXT, alphabet="ABC")


class StrokeReader:
    """Reads every upright stroke as an I and a gap as wide as an empty cell as a blank; a foot makes it sure."""

    name = "strokes@1"

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []

    def read(self, lines: Sequence[Grey], alphabet: str = "", expected: Expected = ANYTHING) -> list[LineRead]:
        self.asked.append((len(lines), alphabet))
        return [self._read(line) for line in lines]

    def _read(self, line: Grey) -> LineRead:
        dark = line < 128
        columns = np.flatnonzero(dark.any(axis=0))
        if columns.size == 0:
            return LineRead("", ())
        gaps = np.diff(columns)
        text = "I" + "".join(" I" if gap > 36 else "I" for gap in gaps[gaps > 1])
        rows = np.flatnonzero(dark.any(axis=1))
        stands = dark[rows[-1] - 3].sum() > dark[rows[0] + 3].sum()
        return LineRead(text, ((0.9 if stands else 0.3),) * len(text))


class WholePictureFinder:
    """Finds one line: all ink there is."""

    name = "whole@1"

    def find(self, pixels: Grey) -> list[Box]:
        rows, columns = np.nonzero(pixels < 128)
        return [Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)]


def blank() -> Grey:
    """A comb of six cells and a printed word above it."""
    paper = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for cell in CELLS:
        cv2.rectangle(paper, (cell.left, cell.top), (cell.right, cell.bottom), (0,), 3)
    cv2.putText(paper, "Registration mark", (100, 180), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0,), 3)
    return paper


BLANK = blank()
PRINT = answers.prepare(BLANK)


def read(
    pixels: Grey, spec: FieldSpec, zone: Zone, words: Sequence[ExactWord] = (), reader: StrokeReader | None = None
) -> ZoneText:
    (text,) = read_zones(pixels, PRINT, words, [(spec, zone)], Readers(reader or StrokeReader(), WholePictureFinder()))
    return text


def stroked(*cells: int) -> Grey:
    """The comb with an upright stroke in each of these cells."""
    paper = BLANK.copy()
    for number in cells:
        middle = (CELLS[number].left + CELLS[number].right) // 2
        paper[220:280, middle - 5 : middle + 5] = 0
    return paper


def test_the_cells_of_a_comb_are_read_as_one_line_in_the_alphabet_of_the_field() -> None:
    reader = StrokeReader()
    text = read(stroked(0, 1, 2, 3, 4, 5), PLATE, COMB, reader=reader)
    assert (text.text, text.reader) == ("IIIIII", "strokes@1")
    assert reader.asked == [(1, "ABC")]


def test_an_empty_cell_between_written_ones_is_a_gap_and_one_at_the_end_is_nothing() -> None:
    assert read(stroked(1, 2, 4), PLATE, COMB).text == "II I"
    assert len(read(stroked(1, 2, 4), PLATE, COMB).characters) == 4


def test_the_place_of_a_comb_is_that_of_its_written_cells() -> None:
    text = read(stroked(1, 4), PLATE, COMB)
    assert text.box is not None
    assert text.box == Box(CELLS[1].left, 200, CELLS[4].right, 300)


def test_an_empty_comb_is_blank_paper_and_is_not_read() -> None:
    reader = StrokeReader()
    text = read(BLANK, PLATE, COMB, reader=reader)
    assert (text.text, text.characters, text.box, text.stray) == ("", (), None, 0)
    assert reader.asked == []


def test_the_lines_of_a_zone_are_joined_by_a_blank_of_full_score() -> None:
    paper = BLANK.copy()
    for top, left in ((350, 200), (350, 216), (430, 200)):
        paper[top : top + 50, left : left + 8] = 0
    text = read(paper, FieldSpec("note", FieldKind.TEXT), Zone("note", 1, Box(100, 330, 900, 520)))
    assert text.text == "II I"
    assert text.characters[2] == 1.0
    assert text.box == Box(200, 350, 224, 480)


def stamped(turns: int) -> Grey:
    """Six letters L, standing on their side after so many counter-clockwise quarter turns."""
    word = np.full((40, 260), 255, np.uint8)
    for left in range(8, 248, 42):
        word[4:36, left : left + 7] = 0
        word[28:36, left : left + 24] = 0
    on_its_side = np.rot90(word, turns)
    paper = BLANK.copy()
    paper[320:580, 800:840] = on_its_side
    return paper


def test_a_stamp_on_its_side_is_read_the_way_up_that_reads_best() -> None:
    spec = FieldSpec("received", FieldKind.TEXT)
    anywhere = Zone("received", 1, Box(0, 310, WIDTH, HEIGHT), turn=-1)
    for turns in (1, 3):
        text = read(stamped(turns), spec, anywhere)
        assert text.text == "IIIIII"
        assert set(text.characters) == {0.9}  # upside down the double is unsure
        assert text.box is not None
        assert (text.box.left, text.box.right) == (804, 836)


def test_a_zone_for_stamps_holds_nothing_of_level_writing() -> None:
    paper = BLANK.copy()
    for left in range(200, 400, 30):
        paper[400:440, left : left + 8] = 0
    spec = FieldSpec("received", FieldKind.TEXT)
    assert read(paper, spec, Zone("received", 1, Box(0, 310, WIDTH, HEIGHT), turn=-1)).text == ""


WORDS = (
    ExactWord("Registration", 100, 155, 290, 185),  # printed on the blank
    ExactWord("mark", 310, 155, 380, 185),
    ExactWord("B", 240, 232, 260, 260),  # a little lower than its neighbour, as fonts are
    ExactWord("A", 120, 230, 140, 258),
    ExactWord("C", 120, 262, 140, 290),
    ExactWord("elsewhere", 700, 400, 800, 430),
)


def test_the_words_of_a_born_digital_page_are_taken_as_they_are_without_the_printed_ones() -> None:
    reader = StrokeReader()
    zone = Zone("plate", 1, Box(90, 150, 600, 310))
    text = read(BLANK, PLATE, zone, WORDS, reader)
    assert (text.text, text.reader) == ("A B C", "pdf-text")
    assert set(text.characters) == {1.0}
    assert text.box == Box(120, 230, 261, 291)
    assert reader.asked == []


def test_a_zone_without_words_is_blank_on_a_born_digital_page_whatever_is_drawn_there() -> None:
    assert read(stroked(1), PLATE, Zone("plate", 1, Box(600, 200, 900, 300)), WORDS).text == ""


def test_ink_that_is_in_no_line_is_counted_and_paper_has_none() -> None:
    zone = Zone("line", 1, Box(100, 350, 900, 450))
    line = FieldSpec("line", FieldKind.TEXT)
    dirty = BLANK.copy()
    dirty[360:440:8, 120:880:8] = 0
    dirty[361:441:8, 120:880:8] = 0
    assert read(BLANK, line, zone).stray == 0
    text = read(dirty, line, zone)
    assert text.text == ""
    assert text.stray > 1000


def test_ink_outside_the_cells_of_an_empty_comb_is_counted_too() -> None:
    beside = Zone("plate", 1, Box(100, 200, 900, 300), cells=CELLS)
    paper = BLANK.copy()
    paper[220:280, 700:710] = 0
    text = read(paper, PLATE, beside)
    assert (text.text, text.stray) == ("", 600)


@pytest.mark.parametrize(("pattern", "soft", "counted"), [("I", False, False), ("Z", False, True), ("I", True, True)])
def test_of_a_zone_that_was_searched_for_a_pattern_only_what_lies_about_the_find_counts(
    pattern: str, *, soft: bool, counted: bool
) -> None:
    paper = BLANK.copy()
    for left in (300, 330, 360):
        paper[380:420, left : left + 8] = 0
    paper[540:590:8, 120:880:8] = paper[541:590:8, 120:880:8] = 0  # dirt, far below
    zone = Zone("line", 1, Box(90, 350, 990, 590))
    text = read(paper, FieldSpec("line", FieldKind.TEXT, patterns=(pattern,), soft=soft), zone)
    assert text.text == "III"
    assert (text.stray > 500) is counted


@pytest.mark.parametrize(("pattern", "counted"), [("I", False), ("Z", True)])
def test_beside_an_answer_found_whole_the_edge_of_a_copy_does_not_count(pattern: str, *, counted: bool) -> None:
    paper = BLANK.copy()
    for left in (300, 330, 360):
        paper[380:420, left : left + 8] = 0
    paper[424:428, 120:900] = 0
    paper[424:445, 700:706] = 0  # something hangs on it
    zone = Zone("line", 1, Box(90, 350, 990, 590))
    text = read(paper, FieldSpec("line", FieldKind.TEXT, patterns=(pattern,)), zone)
    assert text.text == "III"
    assert (text.stray > 500) is counted


class CertainReader(StrokeReader):
    """The same strokes, each surely an I."""

    name = "certain@1"

    def _read(self, line: Grey) -> LineRead:
        found = super()._read(line)
        return LineRead(found.text, (1.0,) * len(found.text))


def read_with_a_quick_look(pattern: str, *, soft: bool = False) -> ZoneText:
    zone = Zone("line", 1, Box(90, 190, 590, 310))
    spec = FieldSpec("line", FieldKind.TEXT, patterns=(pattern,), soft=soft)
    readers = Readers(StrokeReader(), WholePictureFinder(), CertainReader())
    return read_zones(stroked(0, 1, 2), PRINT, (), [(spec, zone)], readers)[0]


def test_a_pattern_the_quick_reader_is_sure_of_needs_no_careful_reading() -> None:
    assert read_with_a_quick_look("I").reader == "certain@1"


def test_without_the_pattern_the_careful_reader_is_asked() -> None:
    assert read_with_a_quick_look("Z").reader == "strokes@1"


def test_where_any_answer_may_be_right_a_pattern_does_not_stand_out() -> None:
    assert read_with_a_quick_look("I", soft=True).reader == "strokes@1"


class NotingReader(StrokeReader):
    """Notes what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.twice: list[bool] = []

    def read(self, lines: Sequence[Grey], alphabet: str = "", expected: Expected = ANYTHING) -> list[LineRead]:
        self.twice.append(expected.twice)
        return super().read(lines, alphabet, expected)


@pytest.mark.parametrize("cells", [(), CELLS])
def test_a_critical_class_of_field_is_read_twice_in_lines_and_in_combs(cells: tuple[Box, ...]) -> None:
    zone = Zone("line", 1, Box(90, 190, 590, 310), cells=cells)
    reader = NotingReader()
    for family in ("identifier", "name"):
        spec = FieldSpec("line", FieldKind.TEXT, family=family, grammar="[A-Z]+")
        readers = Readers(reader, WholePictureFinder(), critical=frozenset({"identifier"}))
        read_zones(stroked(0, 1, 2), PRINT, (), [(spec, zone)], readers)
    assert reader.twice == [True, False]


def test_an_answer_that_nothing_constrains_is_read_twice() -> None:
    reader = NotingReader()
    for grammar in ("", "[A-Z]+"):
        spec = FieldSpec("line", FieldKind.TEXT, family="name", grammar=grammar)
        zone = Zone("line", 1, Box(90, 190, 590, 310))
        read_zones(stroked(0, 1, 2), PRINT, (), [(spec, zone)], Readers(reader, WholePictureFinder()))
    assert reader.twice == [True, False]


class DisputedReader(StrokeReader):
    """Reads everything as the same words, about which its second reader had doubts."""

    def __init__(self, agreement: float, known: float | None = None, score: float = 0.9) -> None:
        super().__init__()
        self.agreement, self.known, self.score = agreement, known, score

    def _read(self, line: Grey) -> LineRead:
        return LineRead("Kolokol Ltd", (*(0.9,) * 10, self.score), agreement=self.agreement, known=self.known)


class OtherReader(StrokeReader):
    """Of another family; sees one letter differently."""

    def _read(self, line: Grey) -> LineRead:
        return LineRead("Kolokal Ltd", (0.9,) * 11)


def written(*tops: int) -> Grey:
    """A page with a word of three strokes at each of these heights."""
    paper = BLANK.copy()
    for top in tops:
        for left in (120, 150, 180):
            paper[top : top + 40, left : left + 6] = 0
    return paper


ZONES = tuple(Zone("line", 1, Box(100, top, 900, top + 100)) for top in (350, 470))
LINE = FieldSpec("line", FieldKind.TEXT)


def read_lines(reader: StrokeReader, other: StrokeReader | None) -> list[ZoneText]:
    zones = [(LINE, zone) for zone in ZONES]
    readers = Readers(reader, WholePictureFinder(), other=other)
    return read_zones(written(380, 500), PRINT, (), zones, readers)


def test_where_readers_disagree_one_of_another_family_is_asked_once_for_the_page() -> None:
    other = OtherReader()
    texts = read_lines(DisputedReader(agreement=0.8), other)
    assert other.asked == [(2, "")]
    assert [round(text.features["family_agreement"], 3) for text in texts] == [0.9, 0.9]
    assert [text.text for text in texts] == ["Kolokol Ltd"] * 2  # it is heard, its word does not count
    assert [other.text for text in texts for other in text.others] == ["Kolokal Ltd"] * 2  # and kept


def test_nobody_else_is_asked_where_the_readers_agree_or_lists_hold_every_word() -> None:
    for reader in (DisputedReader(agreement=1.0), DisputedReader(agreement=0.8, known=1.0)):
        other = OtherReader()
        texts = read_lines(reader, other)
        assert other.asked == []
        assert all("family_agreement" not in text.features for text in texts)


def test_nobody_else_is_asked_about_what_is_too_doubtful_to_pass_and_that_counts_as_another_answer() -> None:
    other = OtherReader()
    texts = read_lines(DisputedReader(agreement=0.8, score=0.89), other)
    assert other.asked == []
    assert [text.features["family_agreement"] for text in texts] == [0.0, 0.0]


class Scripted(StrokeReader):
    """Reads these, one after the other."""

    def __init__(self, *reads: LineRead) -> None:
        super().__init__()
        self.reads = iter(reads)

    def _read(self, line: Grey) -> LineRead:
        return next(self.reads)


def test_an_answer_keeps_the_whole_of_what_was_read_first() -> None:
    zone = Zone("line", 1, Box(100, 350, 900, 570))
    otherwise = OtherRead("Al ", (0.5,) * 3, "quick")
    reads = [LineRead(" Ab", (0.9,) * 3), LineRead(" Ab", (0.9,) * 3, other=otherwise)]
    readers = Readers(Scripted(*reads), WholePictureFinder())
    (text,) = read_zones(written(380, 500), PRINT, (), [(LINE, zone)], readers)
    assert text.text == "Ab Ab"
    assert text.others == (OtherRead("Ab Al", (0.9, 0.9, 1.0, 0.5, 0.5), "quick"),)


class SureOtherwise(StrokeReader):
    """Another reader was sure of a letter more, and of a capital."""

    def _read(self, line: Grey) -> LineRead:
        other = OtherRead("Flat 418S Bard", (0.9,) * 14, "quick")
        return LineRead("Flat 4185 Bad", (0.9,) * 13, other=other)


def test_a_reading_tells_what_another_reader_surely_saw() -> None:
    (text, _) = read_lines(SureOtherwise(), None)
    assert (text.features["missed"], text.features["capital"]) == (0.9, 0.9)
    (text, _) = read_lines(DisputedReader(agreement=1.0), None)
    assert "missed" not in text.features


@pytest.mark.parametrize("soft", [True, False])
def test_what_another_reader_saw_beside_an_answer_that_is_looked_for_in_a_line_is_not_told(*, soft: bool) -> None:
    spec = FieldSpec("line", FieldKind.TEXT, patterns=(r"Flat \d+",), soft=soft)
    readers = Readers(SureOtherwise(), WholePictureFinder())
    (text,) = read_zones(written(380), PRINT, (), [(spec, ZONES[0])], readers)
    assert ("missed" in text.features) is soft


def fitting(*texts: str) -> Scripted:
    """Reads one of these on each line; each fits what is asked for."""
    return Scripted(*(LineRead(text, (0.9,) * len(text), fits=True) for text in texts))


@pytest.mark.parametrize(
    ("texts", "count"),
    [(("Israeli", "Israeli."), 2.0), (("United States", "of Amerika"), 1.0), (("here", "there"), 0.0)],
)
def test_answers_of_a_list_are_counted_line_by_line(texts: tuple[str, str], count: float) -> None:
    zone = Zone("line", 1, Box(100, 350, 900, 570))
    spec = FieldSpec("line", FieldKind.TEXT, lexicons=("countries", "demonyms"), soft=True)
    readers = Readers(fitting(*texts), WholePictureFinder())
    (text,) = read_zones(written(380, 500), PRINT, (), [(spec, zone)], readers)
    assert text.features["answers"] == count
    # Also where only one of the lines is taken.
    hard = replace(spec, soft=False)
    (text,) = read_zones(written(380, 500), PRINT, (), [(hard, zone)], Readers(fitting(*texts), readers.finder))
    assert text.features["answers"] == count


def test_answers_that_fit_a_grammar_are_counted_line_by_line() -> None:
    zone = Zone("line", 1, Box(100, 350, 900, 570))
    spec = FieldSpec("line", FieldKind.TEXT, grammar="[A-Z][0-9]{3}")
    readers = Readers(fitting("A123", "B456"), WholePictureFinder())
    (text,) = read_zones(written(380, 500), PRINT, (), [(spec, zone)], readers)
    assert text.features["answers"] == 2.0


def test_a_reading_tells_how_its_ink_lay() -> None:
    (text, _) = read_lines(DisputedReader(agreement=1.0), None)
    assert {"cut", "overflow", "lines", "height", "respelled", "agreement", "evenness"} <= set(text.features)
    assert (text.features["lines"], text.features["height"]) == (1.0, 40.0)
    assert (text.features["cut"], text.features["overflow"]) == (0.0, 0.0)


class NumberSteps:
    """A recogniser that sees the same figures on every picture."""

    classes = CLASSES

    def __init__(self, figures: str) -> None:
        self.figures = figures

    def probabilities(self, lines: Sequence[Grey]) -> list[Floats]:
        return [steps_of(self.figures) for _ in lines]


class FiguresReader(StrokeReader):
    """Reads every line as these figures, surely."""

    def __init__(self, figures: str) -> None:
        super().__init__()
        self.figures = figures

    def _read(self, line: Grey) -> LineRead:
        return LineRead(self.figures, (0.999,) * len(self.figures))


NUMBER = FieldSpec("line", FieldKind.TEXT, alphabet="0123456789#", grammar="#?[1-9][0-9]{0,3}")


def readers_of(figures: str, quick: StrokeReader | None = None) -> Readers:
    steps = NumberSteps(figures)
    stamps = StampReaders(WholePictureFinder(), steps, steps)
    return Readers(FiguresReader(figures), WholePictureFinder(), quick=quick, stamps=stamps)


def read_number_zone(figures: str) -> ZoneText:
    readers = readers_of(figures)
    (text,) = read_zones(written(380), PRINT, (), [(NUMBER, ZONES[0])], readers)
    return text


def test_a_number_that_fits_its_grammar_is_taken_with_the_votes_for_it() -> None:
    text = read_number_zone("6566")
    assert text.text == "6566"
    assert (text.features["grammar"], text.features["agreement"]) == (1.0, 1.0)


def test_a_number_plainly_longer_than_its_grammar_is_never_cut_to_fit() -> None:
    text = read_number_zone("10435")
    assert text.text == "10435"
    assert text.features["grammar"] == 0.0


class QuickNumbers(StrokeReader):
    """Sees a number that fits its grammar on every line, with this score."""

    def __init__(self, figures: str, score: float) -> None:
        super().__init__()
        self.figures, self.score = figures, score

    def _read(self, line: Grey) -> LineRead:
        return LineRead(self.figures, (self.score,) * len(self.figures), fits=True)


@pytest.mark.parametrize(("figures", "score", "count"), [("6566", 0.9, 2.0), ("6566", 0.7, 1.0), ("6", 0.9, 1.0)])
def test_a_second_number_on_a_line_of_its_own_is_counted(figures: str, score: float, count: float) -> None:
    zone = Zone("line", 1, Box(100, 350, 900, 570))
    readers = readers_of("6566", QuickNumbers(figures, score))
    (text,) = read_zones(written(380, 500), PRINT, (), [(NUMBER, zone)], readers)
    assert text.features["answers"] == count
    (text,) = read_zones(written(380), PRINT, (), [(NUMBER, zone)], readers)
    assert "answers" not in text.features
