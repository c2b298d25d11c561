"""Reads a page of no known form type: its lines, gathered into regions in reading order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from extract import freed_memory
from extract.engines import FoundRegion, LayoutFinder, LineFinder, LineReader
from extract.page import ExactWord, PageImage
from extract.reading_order import line_height, reading_order, rows
from schemas.geometry import Box, PageArea, fraction_of_page, hull
from schemas.reading import Region, RegionKind, TextLine

# A layout network is believed about these kinds of region, from this raw score on. What it calls text or anything
# else adds nothing to the rules, and on forms it calls any patch of the page so.
_SURE = {
    RegionKind.TITLE: 0.6,
    RegionKind.TABLE: 0.7,
    RegionKind.FIGURE: 0.6,
    RegionKind.HEADER: 0.5,
    RegionKind.FOOTER: 0.5,
}
# A header ends, and a footer begins, within this share of the page from its edge, whatever the network says.
_EDGE_OF_PAGE = 0.15
# More text than this inside (lines) and it is no picture: the network takes the boxes of a form for one.
_LINES_IN_A_PICTURE = 3
# A gap between two rows of more than this, in line heights, begins a new region.
_PARAGRAPH_GAP = 0.9
# Lines of such different heights (one over the other) do not stand in one region. A box of figures only is about
# 1.7 times lower than one of small letters with strokes above and below.
_OTHER_SIZE = 1.9
# A line of larger print than this, over the usual one, high up on the page is a title.
_TITLE_SIZE = 1.5
_UPPER_PART = 0.5
# A table has at least two cells in this share of its rows; the network takes boxed paragraphs for tables, too.
_ROWS_OF_CELLS = 0.5
# A line without a letter or figure that its reader is less sure of than this is dirt on the paper.
_DIRT = 0.6
# Words of a line further apart than this, in line heights, are two lines: cells of a table, columns.
_WORD_GAP = 1.2


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of text before it belongs to a region; its place is in pixels."""

    box: Box
    text: str
    score: float


def find_regions(page: PageImage, lines: LineFinder, layout: LayoutFinder, reader: LineReader) -> tuple[Region, ...]:
    """Everything written on an upright page of no known form type, as regions in reading order.

    Every line is in exactly one region. A born-digital page is not recognised: its exact words are taken, score 1.
    A region's score is the layout network's where the network named its kind, else the mean score of its lines.
    An empty tuple means a blank page. Raises Unavailable if an engine failed.
    """
    found = _exact_lines(page.words) if page.words else _read_lines(page, lines, reader)
    seen = _believed(layout.find(page.pixels), found, page)
    pictures = [region for region in seen if region.kind is RegionKind.FIGURE]
    named = [region for region in seen if region.kind is not RegionKind.FIGURE]
    blocks = _blocks(found, named)
    if not blocks:
        return ()
    usual = line_height([line.box for line in found])
    regions = [(hull(line.box for line in block), _region(block, named, page, usual)) for block in blocks]
    return tuple(_with_pictures(regions, pictures, page))


def _read_lines(page: PageImage, finder: LineFinder, reader: LineReader) -> list[_Line]:
    """The lines found on the page that the reader could make something of."""
    freed_memory.give_back()  # a worker never holds more than during this search: 95 MB for it alone
    boxes = finder.find(page.pixels)
    answers = reader.read([page.pixels[box.top : box.bottom, box.left : box.right] for box in boxes])
    read = [
        _Line(box, answer.text, fmean(answer.characters))
        for box, answer in zip(boxes, answers, strict=True)
        if answer.text
    ]
    return [line for line in read if line.score >= _DIRT or any(character.isalnum() for character in line.text)]


def _exact_lines(words: Sequence[ExactWord]) -> list[_Line]:
    """The words of a text layer joined into lines; words far apart in a row stay apart."""
    solid = [word for word in words if word.text.strip() and word.left < word.right and word.top < word.bottom]
    boxes = [_box(word) for word in solid]
    return [
        _Line(hull(boxes[place] for place in line), " ".join(solid[place].text.strip() for place in line), 1.0)
        for row in rows(boxes, range(len(boxes)))
        for line in _joined(boxes, row)
    ]


def _box(word: ExactWord) -> Box:
    left, top = int(word.left), int(word.top)
    return Box(left, top, max(round(word.right), left + 1), max(round(word.bottom), top + 1))


def _joined(boxes: Sequence[Box], row: Sequence[int]) -> Iterator[list[int]]:
    """A row cut wherever the gap to the next word is wider than between words."""
    line: list[int] = []
    for place in row:
        if line and boxes[place].left - boxes[line[-1]].right > _WORD_GAP * boxes[place].height:
            yield line
            line = []
        line.append(place)
    yield line


def _believed(found: Sequence[FoundRegion], lines: Sequence[_Line], page: PageImage) -> list[FoundRegion]:
    """The network's regions that agree with the lines, the surest first."""
    sure = [region for region in found if region.kind in _SURE and region.score >= _SURE[region.kind]]
    fitting = [region for region in sure if _fits(region, lines, page)]
    return sorted(fitting, key=lambda region: (-region.score, region.box))


def _fits(region: FoundRegion, lines: Sequence[_Line], page: PageImage) -> bool:
    inside = [line.box for line in lines if region.box.contains(*line.box.centre)]
    match region.kind:
        case RegionKind.FIGURE:
            return len(inside) <= _LINES_IN_A_PICTURE
        case RegionKind.TABLE:
            cells = [len(row) for row in rows(inside, range(len(inside)))]
            return sum(count > 1 for count in cells) >= max(1, _ROWS_OF_CELLS * len(cells))
        case RegionKind.HEADER:
            return bool(inside) and region.box.bottom <= _EDGE_OF_PAGE * page.height
        case RegionKind.FOOTER:
            return bool(inside) and region.box.top >= (1 - _EDGE_OF_PAGE) * page.height
        case _:
            return bool(inside)


def _name_of(line: _Line, named: Sequence[FoundRegion]) -> int:
    """The place in `named` of the surest region around the line's middle; -1 if it is in none."""
    return next((place for place, region in enumerate(named) if region.box.contains(*line.box.centre)), -1)


def _blocks(lines: Sequence[_Line], named: Sequence[FoundRegion]) -> list[list[_Line]]:
    """The lines in reading order, cut into regions.

    A table is one box while the order is found, so that no column is read out of it; its lines then come row by row.
    """
    names = [_name_of(line, named) for line in lines]
    tables = sorted({name for name in names if name >= 0 and named[name].kind is RegionKind.TABLE})
    free = [place for place, name in enumerate(names) if name not in tables]
    inside = [[place for place, name in enumerate(names) if name == table] for table in tables]
    groups = [[place] for place in free] + inside
    boxes = [hull(lines[place].box for place in group) for group in groups]
    blocks: list[list[_Line]] = []
    for run in reading_order(boxes):
        block: list[int] = []
        for item in run.places:
            if block and _begins_anew(boxes, block, item, [names[groups[i][0]] for i in (block[-1], item)], len(free)):
                blocks.append(_lines_of(lines, groups, block))
                block = []
            block.append(item)
        blocks.append(_lines_of(lines, groups, block))
    return blocks


def _lines_of(lines: Sequence[_Line], groups: Sequence[Sequence[int]], block: Sequence[int]) -> list[_Line]:
    boxes = [line.box for line in lines]
    return [lines[place] for item in block for row in rows(boxes, groups[item]) for place in row]


def _begins_anew(boxes: Sequence[Box], block: Sequence[int], item: int, names: Sequence[int], free: int) -> bool:
    """Whether the item opens a new region instead of going on with the block above or left of it."""
    if names[0] != names[1] or item >= free:  # items from `free` on are whole tables
        return True
    last, new = boxes[block[-1]], boxes[item]
    lowest = max(boxes[place].bottom for place in block)
    if new.top < lowest - min(last.height, new.height) / 2:
        return False  # still in the row
    usual = line_height([boxes[place] for place in block])
    low, high = sorted((usual, new.height))
    return high > _OTHER_SIZE * low or new.top - lowest > _PARAGRAPH_GAP * low


def _region(block: Sequence[_Line], named: Sequence[FoundRegion], page: PageImage, usual: float) -> Region:
    name = _name_of(block[0], named)
    if name >= 0:
        kind, score = named[name].kind, named[name].score
    else:
        kind, score = _kind_by_rule(block, page, usual), fmean(line.score for line in block)
    lines = tuple(TextLine(line.text, line.score, _area(line.box, page)) for line in block)
    return Region(kind, score, _area(hull(line.box for line in block), page), page.number, lines)


def _kind_by_rule(block: Sequence[_Line], page: PageImage, usual: float) -> RegionKind:
    """A title stands in one or two lines of clearly larger print; anything else is text."""
    is_large = min(line.box.height for line in block) > _TITLE_SIZE * usual
    is_high_up = block[0].box.top < _UPPER_PART * page.height
    return RegionKind.TITLE if is_large and is_high_up and len(block) <= 2 else RegionKind.TEXT


def _with_pictures(
    regions: Sequence[tuple[Box, Region]], pictures: Sequence[FoundRegion], page: PageImage
) -> Iterator[Region]:
    """The regions, each picture before the first region that begins below it."""
    waiting = sorted(pictures, key=lambda picture: picture.box.top)
    for box, region in regions:
        while waiting and waiting[0].box.top <= box.top:
            yield _picture(waiting.pop(0), page)
        yield region
    for picture in waiting:
        yield _picture(picture, page)


def _picture(found: FoundRegion, page: PageImage) -> Region:
    return Region(RegionKind.FIGURE, found.score, _area(found.box, page), page.number, ())


def _area(box: Box, page: PageImage) -> PageArea:
    return fraction_of_page(box, page.width, page.height)
