"""Read: the writing in every zone of a form, line by line or cell by cell, as text with a score per character."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from extract import answers
from extract.answers import Answers, InkLine, Print
from extract.decoding.automaton import Constraint
from extract.decoding.declared import constraint_of, words_for
from extract.decoding.lexicon import lexicon
from extract.decoding.mending import unlisted
from extract.digits import NumberRead, read_number
from extract.dissent import capital_for_figure, missed
from extract.engines import Expected, LineFinder, LineRead, LineReader, OtherRead
from extract.engines.cascade import likeness
from extract.evenness import evenness
from extract.page import ExactWord, Grey
from extract.receipt_dates import ANY_DAY, Span
from extract.stamp import StampRead, StampReaders, read_printed_receipts, read_stamp
from extract.strikes import longest_strike
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import Zone
from schemas.geometry import Box, hull
from schemas.reading import Feature

# What `models.md` calls the recipe for combs: ink columns only, these gaps (pixels) between cells.
_CELL_GAP = 8
_MIDDLE_GREY = 128
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
# A receipt is printed in a line at least this wide, in pixels at 300 dpi.
_RECEIPT_WIDE = 200
# Another reader is asked about answers of so many lines at most and so many characters at least, of which none scores
# less than this: below, it agreed with 155 of 4,279 answers of synthetic post, and 12 could be accepted.
_FEW_LINES, _WORTH_ASKING, _WORTH_A_PROCESS = 3, 3, 0.9
_FIGURES = frozenset("0123456789#")
_AROUND = " .,;:"
_MARGIN_AT_MOST = 20.0
# A number this likely (natural logarithm) under its grammar is not asked about again.
_LIKELY_NUMBER, _UNLIKELY = -3.0, -50.0
# An answer of two characters or more that stands on another line of the place counts if each of them scores this.
_PLAIN = 0.8
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
    features:   what else is known of the reading, by `schemas.reading.Feature`.
    others:     what readers saw whose text is another one.
    """

    text: str
    characters: tuple[float, ...]
    box: Box | None
    reader: str
    stray: int = 0
    features: Mapping[str, float] = field(default_factory=dict)
    others: tuple[OtherRead, ...] = ()


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads: `reader` every line, `finder` finds those of a stamp, `quick`, if given, looks for patterns first.

    `stamps`, if given, reads dates of stamps and numbers written by hand, which several drawings must vote on; `other`,
    of another family, says whether it sees the same where the others disagree. `critical`: the classes of field that
    are read twice, however sure the first reader is; so is every answer that nothing constrains.
    """

    reader: LineReader
    finder: LineFinder
    quick: LineReader | None = None
    stamps: StampReaders | None = None
    other: LineReader | None = None
    critical: frozenset[str] = frozenset()

    def expected(self, spec: FieldSpec, constraint: Constraint | None) -> Expected:
        """What is known of a field's answer before it is read."""
        # A constraint catches what a reader that is sure of itself misreads; lists of words are too long for that:
        # "Lawver" is a name, and "tor" a word.
        return Expected(constraint, words_for(spec), twice=constraint is None or spec.field_class in self.critical)


def read_zones(
    pixels: Grey,
    blank: Print,
    words: Sequence[ExactWord],
    zones: Sequence[tuple[FieldSpec, Zone]],
    readers: Readers,
    *,
    two_levels: bool = False,
    received: Span = ANY_DAY,
) -> list[ZoneText]:
    """The text of every zone of a laid page, in the order given.

    Zones of unknown turn are read only as far as writing set on its side goes: a rubber stamp. Where several zones hold
    one field, those after the first that fits its patterns are not read. With a quick reader, fields that have
    patterns are looked for with it first. `received`: the days of which a stamp can be.
    """
    if words:
        return [_exact(words, blank, zone) for _, zone in zones]
    ink = answers.find_answers(pixels, blank, [zone.box for _, zone in zones], two_levels=two_levels)
    upright = [index for index, (_, zone) in enumerate(zones) if zone.turn == 0]
    lines = dict(zip(upright, answers.lines_of_zones(ink, [zones[index][1].box for index in upright]), strict=True))
    dated = {spec.name for spec, _ in zones if spec.kind is FieldKind.DATE and spec.patterns}
    stamped = {spec.name for spec, zone in zones if zone.turn and spec.name in dated and readers.stamps}
    texts: list[ZoneText] = []
    answered: set[str] = set()
    reader = readers.reader
    for index, (spec, zone) in enumerate(zones):
        if spec.name in answered:  # one receipt line says what two would
            text = ZoneText("", (), None, reader.name)
        elif index not in lines:
            text = _read_sideways(ink, blank, zone, spec, readers, received)
        elif zone.cells:
            text = _read_cells(ink, blank, zone, spec, readers)
            text = _with_place(text, ink, spec, zone, lines[index] if text.box else ())
        else:
            sure = _look_for(lines[index], spec, readers.quick)
            if sure is None and spec.name in stamped:
                sure = ZoneText("", (), None, reader.name)  # looked at again if no stamp is found
            text = sure if sure is not None else _read_answer(lines[index], spec, readers)
            text = _with_place(text, ink, spec, zone, lines[index])
        if any(re.search(pattern, text.text) for pattern in spec.patterns):
            answered.add(spec.name)
        texts.append(text)
    for name in stamped - answered:
        _look_again(texts, name, lines, zones, readers, received)
    if readers.other is not None:
        _ask_another(texts, lines, readers.other)
    return [_with_dissent(text, spec) for text, (spec, _) in zip(texts, zones, strict=True)]


def _with_dissent(text: ZoneText, spec: FieldSpec) -> ZoneText:
    """What was read, with what other readers saw that it lacks; not of lines in which an answer is only looked for."""
    if not text.others or not text.text or (spec.patterns and not spec.soft):
        return text
    seen = {
        str(Feature.MISSED): missed(text.text, text.others),
        str(Feature.CAPITAL): capital_for_figure(text.text, text.others),
    }
    return replace(text, features={**text.features, **seen})


def _with_place(text: ZoneText, ink: Answers, spec: FieldSpec, zone: Zone, lines: Sequence[InkLine]) -> ZoneText:
    """What was read, with what else stands in the zone and which of its words no list vouches for."""
    place = _looked_at(text, spec, zone)
    features = {
        **text.features,
        **_unlisted(text, spec),
        str(Feature.STAMPED): float(answers.is_stamped(ink, place)),
        str(Feature.ADJACENT): float(answers.adjacent_ink(ink, lines)),
        str(Feature.BESIDE): float(answers.beside_ink(ink, lines)),
        str(Feature.FOREIGN): 0.0 if zone.cells else float(answers.foreign_ink(ink, place, lines)),
    }
    if _is_number(spec) and lines and not zone.cells:
        features[str(Feature.HEMMED)] = float(answers.end_ink(ink, lines))
        features[str(Feature.GAP)] = answers.widest_gap(ink, lines)
    tallest = answers.tallest_shape(ink, lines)
    if tallest is not None and not zone.cells:
        features[str(Feature.TALLEST)] = tallest
    # An answer that was found whole lost nothing to the edge of a copy beside it.
    stray = answers.stray_ink(ink, place, lines, with_edges=place == zone.box)
    return replace(text, stray=stray, features=features)


def _looked_at(text: ZoneText, spec: FieldSpec, zone: Zone) -> Box:
    """The zone; of one in which an answer was looked for by its pattern, and found whole, the place of that answer."""
    # Where any other answer may be right as well, a find says nothing of what else stands there.
    if spec.soft or text.box is None or not any(re.search(pattern, text.text) for pattern in spec.patterns):
        return zone.box
    near = text.box.grown(text.box.height // 2)
    if not near.overlaps(zone.box):
        return zone.box
    return Box(
        max(near.left, zone.box.left),
        max(near.top, zone.box.top),
        min(near.right, zone.box.right),
        min(near.bottom, zone.box.bottom),
    )


def _unlisted(text: ZoneText, spec: FieldSpec) -> dict[str, float]:
    words = words_for(spec)
    if words is None or not text.text:
        return {}
    found = unlisted(text.text, text.characters, words)
    return {str(Feature.UNLISTED): found.weakest, str(Feature.ODD): float(found.odd)}


def _ask_another(texts: list[ZoneText], lines: Mapping[int, Sequence[InkLine]], other: LineReader) -> None:
    """Note how far a reader of another family agrees where the readers did not; all lines of the page in one call."""
    disputed = [
        index for index, text in enumerate(texts) if _is_disputed(text) and 0 < len(lines.get(index, ())) <= _FEW_LINES
    ]
    asked = [index for index in disputed if min(texts[index].characters) >= _WORTH_A_PROCESS]
    for index in set(disputed) - set(asked):  # what is as good as sure to be another text is not asked for
        features = {**texts[index].features, str(Feature.FAMILY_AGREEMENT): 0.0}
        texts[index] = replace(texts[index], features=features)
    if not asked:
        return
    answers_of = iter(other.read([line.pixels for index in asked for line in lines[index]]))
    for index in asked:
        text = texts[index]
        seen = _joined([next(answers_of) for _ in lines[index]], text.box, other.name)
        features = {**text.features, str(Feature.FAMILY_AGREEMENT): likeness(seen.text, text.text)}
        others = _with_other(text, OtherRead(seen.text, seen.characters, other.name))
        texts[index] = replace(text, features=features, others=others)


def _with_other(text: ZoneText, seen: OtherRead) -> tuple[OtherRead, ...]:
    """What other readers saw, with one more unless it saw nothing or nothing new."""
    known = {"", text.text, *(other.text for other in text.others)}
    return text.others if seen.text in known else (*text.others, seen)


def _is_disputed(text: ZoneText) -> bool:
    """Whether the readers disagreed about words that no list can settle."""
    known = text.features.get(Feature.KNOWN, 0.0)
    return text.features.get(Feature.AGREEMENT, 1.0) < 1.0 and known < 1.0 and len(text.text) >= _WORTH_ASKING


def _look_again(
    texts: list[ZoneText],
    name: str,
    lines: Mapping[int, Sequence[InkLine]],
    zones: Sequence[tuple[FieldSpec, Zone]],
    readers: Readers,
    days: Span,
) -> None:
    """Put the date that badly printed lines of receipt show together in the place of the first zone with such lines."""
    places = [index for index, (spec, _) in enumerate(zones) if spec.name == name and index in lines]
    pictures = [(line.pixels, line.box) for place in places for line in lines[place] if line.box.width >= _RECEIPT_WIDE]
    if not pictures or readers.stamps is None:
        return
    spec, _ = zones[places[0]]
    seen = read_printed_receipts(pictures, readers.stamps.careful, days, day_first=spec.day_first)
    if seen is not None:
        texts[places[0]] = _dated(seen, texts[places[0]].reader)


def _read_stamp(ink: Answers, blank: Print, zone: Zone, readers: StampReaders, days: Span, reader: str) -> ZoneText:
    """The date of a stamp set on its side; where one stands that cannot be read, its place without a text."""
    seen = read_stamp(ink, blank, zone, readers, days)
    if seen is not None:
        return _dated(seen, reader)
    inside = [place for place in ink.stamps if _holds_middle(zone.box, place)]
    return ZoneText("", (), hull(inside) if inside else None, reader)


def _holds_middle(zone: Box, place: Box) -> bool:
    return zone.contains((place.left + place.right) / 2, (place.top + place.bottom) / 2)


def _dated(seen: StampRead, reader: str) -> ZoneText:
    features = {str(Feature.MARGIN): min(max(seen.margin, 0.0), _MARGIN_AT_MOST), str(Feature.AGREEMENT): seen.share}
    return ZoneText(seen.text, (seen.score,) * len(seen.text), seen.box, reader, features=features)


def _read_answer(lines: Sequence[InkLine], spec: FieldSpec, readers: Readers) -> ZoneText:
    """The answer on free lines; a number with the care that figures written by hand need."""
    constraint = constraint_of(spec)
    if not lines or readers.stamps is None or constraint is None or not _is_number(spec):
        return _read_lines(lines, spec, readers)
    seen = read_number([line.pixels for line in lines], readers.stamps.careful, constraint)
    if seen is None:
        return _misfit(readers.reader.read([line.pixels for line in lines], spec.alphabet), lines, readers.reader.name)
    text = _numbered(seen, lines[seen.line], constraint, readers)
    rest = [line.pixels for place, line in enumerate(lines) if place != seen.line]
    if rest and readers.quick is not None:
        more = sum(_is_plain(read) for read in readers.quick.read(rest, "", Expected(constraint)))
        text = replace(text, features={**text.features, str(Feature.ANSWERS): 1.0 + more})
    if seen.score >= _LIKELY_NUMBER:
        return text
    # What fits is not likely: where the figures as they stand are plain to see, they are what was written.
    (free,) = readers.reader.read([lines[seen.line].pixels], spec.alphabet)
    if free.text in {"", seen.text} or min(free.characters) < _SURE:
        return text
    return _misfit([free], [lines[seen.line]], readers.reader.name)


def _is_plain(read: LineRead) -> bool:
    """Whether an answer that fits its grammar stands on a line, and not a stroke that fits by chance."""
    return bool(read.fits) and len(read.text) > 1 and min(read.characters) >= _PLAIN


def _misfit(found: Sequence[LineRead], lines: Sequence[InkLine], reader: str) -> ZoneText:
    """What stands there although it does not fit the field's grammar: it must not be cut to fit."""
    text = _joined(found, hull([line.box for line in lines]), reader)
    return replace(text, features={**_features(found, lines), str(Feature.GRAMMAR): 0.0})


def _is_number(spec: FieldSpec) -> bool:
    return bool(spec.alphabet) and set(spec.alphabet) <= _FIGURES


def _numbered(seen: NumberRead, line: InkLine, constraint: Constraint, readers: Readers) -> ZoneText:
    """A number with the vote of its drawings, and that of the quick reader as a second one."""
    agreement, other = seen.agreement, None
    if readers.quick is not None:
        (second,) = readers.quick.read([line.pixels], "", Expected(constraint))
        agreement = min(agreement, likeness(second.text, seen.text))
        if second.text not in {"", seen.text}:
            other = OtherRead(second.text, second.characters, readers.quick.name)
    read = LineRead(
        seen.text,
        seen.characters,
        agreement=agreement,
        margin=min(seen.margin, _MARGIN_AT_MOST),
        likelihood=max(seen.score, _UNLIKELY),
        fits=True,
        other=other,
    )
    return replace(_joined([read], line.box, readers.reader.name), features=_features([read], [line]))


def _read_lines(lines: Sequence[InkLine], spec: FieldSpec, readers: Readers) -> ZoneText:
    constraint = constraint_of(spec)
    several = len(lines) > 1
    if several and constraint is not None and constraint.soft:
        constraint = None  # what may be anything else as well is prose if it runs over several lines
    pixels = [line.pixels for line in lines]
    found = readers.reader.read(pixels, spec.alphabet, readers.expected(spec, constraint))
    whole = _whole_answers(found, spec, constraint)
    if several and constraint is not None:
        # The whole answer stands on one line: the one that can best be read so.
        best = max(range(len(lines)), key=lambda place: _likely(found[place]))
        found, lines = [found[best]], [lines[best]]
    text = _joined(found, hull([line.box for line in lines]) if lines else None, readers.reader.name)
    if not text.text:
        return text
    return replace(text, features={**_features(found, lines), **whole})


def _whole_answers(found: Sequence[LineRead], spec: FieldSpec, constraint: Constraint | None) -> dict[str, float]:
    """How many lines are an answer each, of the field's list or its grammar: of two, one may be another field's."""
    if spec.lexicons:
        entries = lexicon(*spec.lexicons)
        return {str(Feature.ANSWERS): float(sum(read.text.strip(_AROUND) in entries for read in found))}
    if constraint is not None:
        return {str(Feature.ANSWERS): float(sum(_is_plain(read) for read in found))}
    return {}


def _likely(read: LineRead) -> tuple[bool, float]:
    return bool(read.fits), sum(read.characters) / len(read.characters) if read.characters else 0.0


def _features(found: Sequence[LineRead], lines: Sequence[InkLine]) -> dict[str, float]:
    """What is known of the reading of one or more lines; of lines unlike one another the worst counts."""
    ink = [int((line.pixels < _MIDDLE_GREY).sum()) for line in lines]
    whole = max(sum(ink), 1)
    features = {
        Feature.CUT: sum(line.cut * part for line, part in zip(lines, ink, strict=True)) / whole,
        Feature.OVERFLOW: sum(line.overflow * part for line, part in zip(lines, ink, strict=True)) / whole,
        Feature.UNREAD: float(sum(part for read, part in zip(found, ink, strict=True) if not read.text)),
        Feature.LINES: float(len(lines)),
        Feature.HEIGHT: float(np.median([line.box.height for line in lines])),
        Feature.RESPELLED: float(sum(read.respelled for read in found)),
        Feature.STRUCK: longest_strike([line.pixels for line in lines]),
    }
    for name, values in (
        (Feature.MARGIN, [read.margin for read in found]),
        (Feature.LIKELIHOOD, [read.likelihood for read in found]),
        (Feature.AGREEMENT, [read.agreement for read in found]),
        (Feature.KNOWN, [read.known for read in found]),
        (Feature.GRAMMAR, [None if read.fits is None else float(read.fits) for read in found]),
    ):
        known = [value for value in values if value is not None]
        if known:
            features[name] = min(known)
    even = evenness([line.pixels for line in lines], [read.text for read in found])
    if even is not None:
        features[Feature.EVENNESS] = even
    return {str(name): value for name, value in features.items()}


def _look_for(lines: Sequence[InkLine], spec: FieldSpec, quick: LineReader | None) -> ZoneText | None:
    """What a quick reader surely sees of a field that stands out by its pattern; None if that is not enough."""
    # Where any other answer may be right too, nothing stands out.
    if quick is None or not spec.patterns or spec.soft or not lines:
        return None
    found = quick.read([line.pixels for line in lines], spec.alphabet)
    text = _joined(found, hull([line.box for line in lines]), quick.name)
    text = replace(text, features=_features(found, lines))
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
    return ZoneText(text, characters, box, reader, others=_seen_otherwise(found, text))


def _seen_otherwise(found: Sequence[LineRead], text: str) -> tuple[OtherRead, ...]:
    """The whole answer as it was read first, if any line of it was read otherwise then."""
    readers = [line.other.reader for line in found if line.other is not None]
    if not readers:
        return ()
    first = [line if line.other is None else LineRead(line.other.text, line.other.characters) for line in found]
    whole = _joined(first, None, readers[0])
    return () if whole.text in {"", text} else (OtherRead(whole.text, whole.characters, readers[0]),)


def _strip(line: LineRead) -> tuple[str, tuple[float, ...]]:
    """The line without blanks at its ends."""
    start = len(line.text) - len(line.text.lstrip())
    end = len(line.text.rstrip())
    return (line.text[start:end], line.characters[start:end]) if start < end else ("", ())


def _read_cells(ink: Answers, blank: Print, zone: Zone, spec: FieldSpec, readers: Readers) -> ZoneText:
    """A comb: the ink inside each cell, trimmed and joined, read as one line."""
    cells = [(cell, _inside_cell(ink, blank, cell)) for cell in zone.cells]
    inked = [cell for cell, picture in cells if picture is not None]
    if not inked:
        return ZoneText("", (), None, readers.reader.name)
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
    found = readers.reader.read([line], spec.alphabet, readers.expected(spec, constraint_of(spec)))
    place = hull(inked)
    return replace(
        _joined(found, place, readers.reader.name),
        features=_features(found, [InkLine(line, place, np.zeros(0, np.int64))]),
    )


def _inside_cell(ink: Answers, blank: Print, cell: Box) -> Grey | None:
    """The columns of a cell that hold ink, print made white; None for an empty cell."""
    inner = cell.grown(-_CELL_INSET)
    window = slice(inner.top, inner.bottom), slice(inner.left, inner.right)
    pixels = ink.pixels[window]
    mask = ((pixels <= ink.level) & (blank.exact(window) == 0)).astype(np.uint8)
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


def _read_sideways(ink: Answers, blank: Print, zone: Zone, spec: FieldSpec, readers: Readers, days: Span) -> ZoneText:
    """The writing set on its side within a zone, by the turn that fits the field's patterns or else reads best."""
    if readers.stamps and spec.patterns and spec.kind is FieldKind.DATE:
        return _read_stamp(ink, blank, zone, readers.stamps, days, readers.reader.name)
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
    rows, columns = (
        slice(max(int(word.top), 0), int(word.bottom) + 1),
        slice(max(int(word.left), 0), int(word.right) + 1),
    )
    place = blank.exact((rows, columns))
    return place.size == 0 or float(place.mean()) > _PRINTED_WORD
