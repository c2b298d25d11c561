"""Read: the writing in every zone of a form, line by line or cell by cell, as text with a score per character."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from extract import answers
from extract.answers import Answers, InkLine, Print
from extract.engines import LineFinder, LineRead, LineReader
from extract.page import ExactWord, Grey
from schemas.field import FieldSpec
from schemas.form_type import Zone
from schemas.geometry import Box, hull

# What `models.md` calls the recipe for combs: ink columns only, these gaps (pixels) between cells.
_CELL_GAP = 8
_EMPTY_CELL = 36
_CELL_MARGIN = 6
# Inside a cell (pixels at 300 dpi): what is left out at its edge, how thin the remains of its lines are, the smallest
# speck that counts, and the least ink of a character: a full stop has 25, a 1 more than 60.
_CELL_INSET, _CELL_LINE, _CELL_SPECK, _CELL_INK = 2, 5, 8, 30
# A word of a born-digital page is print if this share of its place is ink on the blank form.
_PRINTED_WORD = 0.2
_EXACT = "pdf-text"
# A pattern found by the quick reader counts if each of its characters scores this.
_SURE = 0.97
# Around a stamp, in pixels at 300 dpi, so that its outermost letters are whole.
_STAMP_MARGIN = 12


@dataclass(frozen=True, slots=True)
class ZoneText:
    """What stands in one zone.

    text:       lines joined by one space; "" means blank paper.
    characters: the reader's raw score per character.
    box:        around the ink, in the frame of the reference; None if there is none.
    reader:     who read it.
    stray:      pixels of ink in the zone, at 300 dpi, that are neither print nor part of what was read.
    """

    text: str
    characters: tuple[float, ...]
    box: Box | None
    reader: str
    stray: int = 0


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads: `reader` every line, `finder` finds those of a stamp, `quick`, if given, looks for patterns first."""

    reader: LineReader
    finder: LineFinder
    quick: LineReader | None = None


def read_zones(
    pixels: Grey,
    blank: Print,
    words: Sequence[ExactWord],
    zones: Sequence[tuple[FieldSpec, Zone]],
    readers: Readers,
    *,
    two_levels: bool = False,
) -> list[ZoneText]:
    """The text of every zone of a laid page, in the order given.

    Zones of unknown turn are read only as far as writing set on its side goes: a rubber stamp. Where several zones hold
    one field, those after the first that fits its patterns are not read. With a quick reader, fields that have
    patterns are looked for with it first.
    """
    if words:
        return [_exact(words, blank, zone) for _, zone in zones]
    ink = answers.find_answers(pixels, blank, [zone.box for _, zone in zones], two_levels=two_levels)
    upright = [index for index, (_, zone) in enumerate(zones) if zone.turn == 0]
    lines = dict(zip(upright, answers.lines_of_zones(ink, [zones[index][1].box for index in upright]), strict=True))
    texts: list[ZoneText] = []
    answered: set[str] = set()
    reader = readers.reader
    for index, (spec, zone) in enumerate(zones):
        if spec.name in answered:  # one receipt line says what two would
            text = ZoneText("", (), None, reader.name)
        elif index not in lines:
            text = _read_sideways(ink, zone, spec, readers)
        elif zone.cells:
            text = _read_cells(ink, blank, zone, spec, reader)
            text = replace(text, stray=answers.stray_ink(ink, zone.box, lines[index] if text.box else ()))
        else:
            sure = _look_for(lines[index], spec, readers.quick)
            text = sure if sure is not None else _read_lines(lines[index], spec, reader)
            text = replace(text, stray=answers.stray_ink(ink, zone.box, lines[index]))
        if any(re.search(pattern, text.text) for pattern in spec.patterns):
            answered.add(spec.name)
        texts.append(text)
    return texts


def _read_lines(lines: Sequence[InkLine], spec: FieldSpec, reader: LineReader) -> ZoneText:
    found = reader.read([line.pixels for line in lines], spec.alphabet)
    return _joined(found, hull([line.box for line in lines]) if lines else None, reader.name)


def _look_for(lines: Sequence[InkLine], spec: FieldSpec, quick: LineReader | None) -> ZoneText | None:
    """What a quick reader surely sees of a field that stands out by its pattern; None if that is not enough."""
    if quick is None or not spec.patterns or not lines:
        return None
    text = _read_lines(lines, spec, quick)
    for pattern in spec.patterns:
        match = re.search(pattern, text.text)
        if match:
            return text if min(text.characters[match.start() : match.end()], default=0.0) >= _SURE else None
    return None


def _joined(found: Sequence[LineRead], box: Box | None, reader: str) -> ZoneText:
    text, characters = "", ()  # type: tuple[str, tuple[float, ...]]
    for line in found:
        stripped, scores = _strip(line)
        if not stripped:
            continue
        text, characters = (f"{text} {stripped}", (*characters, 1.0, *scores)) if text else (stripped, tuple(scores))
    return ZoneText(text, characters, box, reader)


def _strip(line: LineRead) -> tuple[str, tuple[float, ...]]:
    """The line without blanks at its ends."""
    start = len(line.text) - len(line.text.lstrip())
    end = len(line.text.rstrip())
    return (line.text[start:end], line.characters[start:end]) if start < end else ("", ())


def _read_cells(ink: Answers, blank: Print, zone: Zone, spec: FieldSpec, reader: LineReader) -> ZoneText:
    """A comb: the ink inside each cell, trimmed and joined, read as one line."""
    cells = [(cell, _inside_cell(ink, blank, cell)) for cell in zone.cells]
    inked = [cell for cell, picture in cells if picture is not None]
    if not inked:
        return ZoneText("", (), None, reader.name)
    height = max(cell.height for cell in zone.cells)
    strips: list[Grey] = []
    for _, picture in cells:
        if picture is not None:
            room = height - picture.shape[0]
            strips.append(np.pad(picture, ((0, room), (0, _CELL_GAP)), constant_values=255))
        elif strips:
            strips.append(np.full((height, _EMPTY_CELL), 255, np.uint8))
    line = np.concatenate(strips, axis=1)
    rows = np.flatnonzero((line <= ink.level).any(axis=1))
    line = np.pad(line[int(rows[0]) : int(rows[-1]) + 1], _CELL_MARGIN, constant_values=255)
    return _joined(reader.read([line], spec.alphabet), hull(inked), reader.name)


def _inside_cell(ink: Answers, blank: Print, cell: Box) -> Grey | None:
    """The columns of a cell that hold ink, print made white; None for an empty cell."""
    inner = cell.grown(-_CELL_INSET)
    window = slice(inner.top, inner.bottom), slice(inner.left, inner.right)
    pixels = ink.pixels[window]
    mask = ((pixels <= ink.level) & (blank.exact[window] == 0)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    high, wide = mask.shape
    edge = (stats[:, 0] == 0) | (stats[:, 1] == 0)
    edge |= (stats[:, 0] + stats[:, 2] == wide) | (stats[:, 1] + stats[:, 3] == high)
    thin = stats[:, 2:4].min(axis=1) <= _CELL_LINE
    keep = (stats[:, cv2.CC_STAT_AREA] >= _CELL_SPECK) & ~(edge & thin)
    keep[0] = False
    kept = keep[labels]
    if int(kept.sum()) < _CELL_INK:
        return None
    columns = np.flatnonzero(kept.any(axis=0))
    soft = cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.where(soft, pixels, 255).astype(np.uint8)[:, int(columns[0]) : int(columns[-1]) + 1]


def _read_sideways(ink: Answers, zone: Zone, spec: FieldSpec, readers: Readers) -> ZoneText:
    """The writing set on its side within a zone, by the turn that fits the field's patterns or else reads best."""
    box = zone.box
    stats = ink.stats
    middle_x = stats[:, cv2.CC_STAT_LEFT] + stats[:, cv2.CC_STAT_WIDTH] / 2
    middle_y = stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT] / 2
    inside = (middle_x >= box.left) & (middle_x < box.right) & (middle_y >= box.top) & (middle_y < box.bottom)
    chosen = np.flatnonzero(ink.sideways & inside)
    if chosen.size == 0:
        return ZoneText("", (), None, readers.reader.name)
    left, top = (int(stats[chosen, side].min()) for side in (0, 1))
    right = int((stats[chosen, 0] + stats[chosen, 2]).max())
    bottom = int((stats[chosen, 1] + stats[chosen, 3]).max())
    height, width = ink.labels.shape
    stamp = Box(left, top, right, bottom)
    room = stamp.grown(_STAMP_MARGIN).within(width, height)
    mask = np.zeros(len(stats), np.bool_)
    mask[chosen] = True
    window = slice(room.top, room.bottom), slice(room.left, room.right)
    own = np.where(mask[ink.labels[window]], ink.pixels[window], 255).astype(np.uint8)
    turns = (zone.turn,) if zone.turn in (90, 180, 270) else (270, 90)
    attempts: list[ZoneText] = []
    # The stamp's own shapes first; where print crosses it, the place as it stands may still be read.
    for pixels in (own, ink.pixels[window]):
        for turn in turns:
            attempt = _joined(_read_turned(pixels, turn, readers), stamp, readers.reader.name)
            if any(re.search(pattern, attempt.text) for pattern in spec.patterns):
                return attempt
            attempts.append(attempt)
    return max(attempts[: len(turns)], key=lambda attempt: sum(attempt.characters))


def _read_turned(pixels: Grey, turn: int, readers: Readers) -> list[LineRead]:
    upright = np.ascontiguousarray(np.rot90(pixels, -turn // 90))
    padded = np.pad(upright, 40, constant_values=255)
    boxes = readers.finder.find(padded)
    height, width = padded.shape
    crops = [box.grown(3).within(width, height) for box in boxes]
    return readers.reader.read([padded[box.top : box.bottom, box.left : box.right] for box in crops])


def _exact(words: Sequence[ExactWord], blank: Print, zone: Zone) -> ZoneText:
    """The words of a born-digital page that stand in the zone and are not printed on the blank form."""
    own = [word for word in words if _stands_in(word, zone.box) and not _is_print(word, blank)]
    if not own or zone.turn:
        return ZoneText("", (), None, _EXACT)
    height = float(np.median([word.bottom - word.top for word in own]))
    rows: list[list[ExactWord]] = []
    for word in sorted(own, key=lambda word: (word.top + word.bottom) / 2):
        middle = (word.top + word.bottom) / 2
        if rows and middle - (rows[-1][0].top + rows[-1][0].bottom) / 2 < 0.6 * height:
            rows[-1].append(word)
        else:
            rows.append([word])
    text = " ".join(word.text for row in rows for word in sorted(row, key=lambda word: word.left))
    box = hull([Box(int(word.left), int(word.top), int(word.right) + 1, int(word.bottom) + 1) for word in own])
    return ZoneText(text, (1.0,) * len(text), box, _EXACT)


def _stands_in(word: ExactWord, box: Box) -> bool:
    return box.contains((word.left + word.right) / 2, (word.top + word.bottom) / 2)


def _is_print(word: ExactWord, blank: Print) -> bool:
    place = blank.exact[max(int(word.top), 0) : int(word.bottom) + 1, max(int(word.left), 0) : int(word.right) + 1]
    return place.size == 0 or float(place.mean()) > _PRINTED_WORD
