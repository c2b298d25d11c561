"""A page of no known form type becomes regions; engines are scripted here, the rules are real."""

from collections.abc import Sequence

import numpy as np

from extract.engines import FoundRegion, LineRead
from extract.layout import find_regions
from extract.page import ExactWord, Grey, PageImage
from schemas.geometry import Box
from schemas.reading import Region, RegionKind

WIDTH, HEIGHT = 1000, 1400
Written = dict[Box, str]


class ScriptedLines:
    """Finds the boxes it was given."""

    name = "scripted"

    def __init__(self, written: Written) -> None:
        self.written = written

    def find(self, pixels: Grey) -> list[Box]:
        return list(self.written)


class ScriptedReader:
    """Reads the texts it was given, in order, each character with the score 0.9."""

    name = "scripted"

    def __init__(self, written: Written) -> None:
        self.texts = list(written.values())

    def read(self, lines: Sequence[Grey], alphabet: str = "") -> list[LineRead]:
        assert len(lines) == len(self.texts)
        return [LineRead(text, (0.9,) * len(text)) for text in self.texts]


class ScriptedLayout:
    """Sees the regions it was given."""

    name = "scripted"

    def __init__(self, *regions: FoundRegion) -> None:
        self.regions = regions

    def find(self, pixels: Grey) -> list[FoundRegion]:
        return list(self.regions)


def regions_of(written: Written, *seen: FoundRegion, words: tuple[ExactWord, ...] = ()) -> list[Region]:
    page = PageImage(np.full((HEIGHT, WIDTH), 255, np.uint8), 120, 3, words)
    return list(find_regions(page, ScriptedLines(written), ScriptedLayout(*seen), ScriptedReader(written)))


def texts(region: Region) -> list[str]:
    return [line.text for line in region.lines]


def paragraph(top: int, *lines: str) -> Written:
    return {Box(100, top + 50 * place, 900, top + 50 * place + 40): text for place, text in enumerate(lines)}


def test_a_page_without_lines_has_no_regions() -> None:
    assert regions_of({}) == []


def test_a_page_whose_only_lines_read_as_nothing_has_no_regions() -> None:
    assert regions_of(paragraph(100, "", "")) == []


def test_a_wide_gap_parts_two_regions() -> None:
    found = regions_of(paragraph(100, "a", "b") | paragraph(400, "c"))
    assert [texts(region) for region in found] == [["a", "b"], ["c"]]
    assert {region.page for region in found} == {3}
    assert found[0].area.as_list() == [0.1, 0.07143, 0.9, 0.13571]


def test_a_picture_drawn_over_text_swallows_nothing() -> None:
    all_over = FoundRegion(RegionKind.FIGURE, 0.95, Box(0, 0, WIDTH, HEIGHT))
    found = regions_of(paragraph(100, "a", "b", "c", "d", "e"), all_over)
    assert [(region.kind, texts(region)) for region in found] == [(RegionKind.TEXT, ["a", "b", "c", "d", "e"])]


def test_a_picture_without_text_is_a_region_without_lines_in_its_place() -> None:
    picture = FoundRegion(RegionKind.FIGURE, 0.9, Box(100, 300, 900, 600))
    found = regions_of(paragraph(100, "above") | paragraph(700, "below"), picture)
    assert [(region.kind, texts(region)) for region in found] == [
        (RegionKind.TEXT, ["above"]),
        (RegionKind.FIGURE, []),
        (RegionKind.TEXT, ["below"]),
    ]


def test_a_boxed_paragraph_is_no_table_but_rows_of_cells_are() -> None:
    table = FoundRegion(RegionKind.TABLE, 0.9, Box(50, 50, 950, 350))
    cells = {Box(left, top, left + 200, top + 40): f"{top}-{left}" for top in (100, 200) for left in (100, 400, 700)}
    assert [region.kind for region in regions_of(paragraph(100, "a", "b", "c"), table)] == [RegionKind.TEXT]
    (found,) = regions_of(cells, table)
    assert (found.kind, found.score) == (RegionKind.TABLE, 0.9)
    assert texts(found) == ["100-100", "100-400", "100-700", "200-100", "200-400", "200-700"]


def test_large_print_high_up_is_a_title() -> None:
    found = regions_of({Box(100, 100, 900, 180): "Report"} | paragraph(300, "a", "b", "c"))
    assert [region.kind for region in found] == [RegionKind.TITLE, RegionKind.TEXT]


def test_dirt_is_no_line_but_a_doubtful_letter_is() -> None:
    class DoubtfulReader(ScriptedReader):
        def read(self, lines: Sequence[Grey], alphabet: str = "") -> list[LineRead]:
            return [LineRead(text, (0.3,) * len(text)) for text in self.texts]

    written = paragraph(100, "-", "x")
    page = PageImage(np.full((HEIGHT, WIDTH), 255, np.uint8), 120, 1)
    (found,) = find_regions(page, ScriptedLines(written), ScriptedLayout(), DoubtfulReader(written))
    assert texts(found) == ["x"]


def test_exact_words_are_taken_as_they_are_and_cut_where_they_stand_apart() -> None:
    words = (
        ExactWord("world", 170, 100.5, 240, 130),
        ExactWord("Hello", 100, 100, 160, 130),
        ExactWord("£9.00", 800, 100, 880, 130),
    )
    (found,) = regions_of({Box(0, 0, 10, 10): "never read"}, words=words)
    assert texts(found) == ["Hello world", "£9.00"]
    assert {line.score for line in found.lines} == {1.0}
