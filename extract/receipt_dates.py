"""Receipt dates: the likeliest dates in what a reader saw on one or several pictures of the same line of writing.

A date stamp is read badly letter by letter, but it can only show a date. So every date of the years asked for is laid
against the reader's probabilities, and the pictures vote. `-` between month and day, blanks and missing inks included.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache

import numpy as np

from extract.decoding.alphabet import Floats

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

# What a reader may take a character for that is worn, crossed by a rule or set in a dater's narrow figures; such a
# reading counts for less than the character itself.
# fmt: off
_ALIKE = {"0": "ODoQUJ", "1": "lI|i!", "2": "Zz", "4": "A", "5": "Ss", "6": "bG", "7": "T", "8": "B",
    "9": "gq", "O": "0DQ", "I": "1l|!", "S": "5", "B": "8", "G": "6C", "A": "4", "E": "F",
    "T": "7I", "N": "MHW", "M": "NH", "U": "0OVL", "C": "G(O", "P": "FR", "R": "PK", "J": "I",
    "L": "I1", "D": "O0", "F": "EP", "V": "Y", "Y": "V", "-": "–—_~",}
# fmt: on
_ALIKE_COUNTS = 0.3
_SEPARATORS = " -–—./,:_~'’"
# No step is less likely than this: a character that the ink lacks altogether costs about 6 (natural logarithm).
_FLOOR = 0.002
# One picture on which a date cannot be seen at all does not outvote the others.
_LEAST = -25.0
# Two noughts of a year that touch are often seen as one.
_TOUCHING = -1.0
# A dater's band of days has two places: before a lone figure stands a dash or a nought, else one is probably hidden.
_LONE_FIGURE = -2.5
# Offices set their daters on working days. Not impossible on others.
_WEEKEND = -2.0
# So long editions are used up; receipts of other forms are from these years.
_IN_USE, _FIRST_YEAR, _LAST_YEAR = 25, 1990, 2040
# How many beginnings of a date are followed up, of one part and of two; figures alone are less telling.
_NAMED_KEPT, _FIGURES_KEPT = (8, 8), (10, 10)
_NEVER = -1e9
# Of several steps in a row that surely hold nothing one says as much.
_QUIET = 0.99

_BLANK, _SEPARATOR, _STRICT, _GUARD, _ANYTHING = range(5)
_SYMBOLS = "0123456789-" + "".join(sorted(set("".join(MONTHS))))
_PLACE = {character: 5 + place for place, character in enumerate(_SYMBOLS)}


class Layout(Enum):
    """The order of year, month and day; `NUMERIC`: the month in figures, the parts divided by a stroke."""

    YEAR_MONTH_DAY = "ymd"
    MONTH_DAY_YEAR = "mdy"
    DAY_MONTH_YEAR = "dmy"
    NUMERIC_MONTH_DAY_YEAR = "MDY"
    NUMERIC_DAY_MONTH_YEAR = "DMY"


@dataclass(frozen=True, slots=True)
class DateFit:
    """A date and how well it fits.

    fit: natural logarithm of how much less likely the pictures are read with this date in them than freely; 0 is
         perfect, -6 about one character that cannot be seen. The mean over the pictures.
    """

    value: date
    fit: float


@dataclass(frozen=True, slots=True)
class _Path:
    """One string to look for: per state its row in the table of scores, and what it costs to leave out the one before.

    ends: states in which a line may end.
    """

    rows: tuple[int, ...]
    skips: tuple[float, ...]
    starts: int
    ends: int


@dataclass(frozen=True, slots=True)
class Span:
    """All days from `first` to `last`, both among them; none where the last comes before the first."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def years(self) -> range:
        return range(self.first.year, self.last.year + 1)


ANY_DAY = Span(date(_FIRST_YEAR, 1, 1), date(_LAST_YEAR, 12, 31))


def days_in_use(edition_id: str, today: date | None = None) -> Span:
    """The days on which a form of an edition may have come in: from the year in the edition's id ("nsd-6-2011-03") on.

    Any year of the last decades and the next where the id names none. What is read today did not come in later; a day
    is allowed for offices on whose clocks it is tomorrow.
    """
    named = re.search(r"(?<!\d)(19|20)\d\d(?!\d)", edition_id)
    year = int(named[0]) if named else 0
    whole = Span(date(year, 1, 1), date(year + _IN_USE - 1, 12, 31)) if named else ANY_DAY
    return whole if today is None else Span(whole.first, min(whole.last, today + timedelta(days=1)))


def likeliest_dates(readings: Sequence[Floats], classes: str, days: Span, layouts: Iterable[Layout]) -> list[DateFit]:
    """The dates among `days` that fit best, best first, each once; an empty list for no readings.

    readings: (steps, classes) probabilities of several pictures of the same line; the first class is the CTC blank.
              Where no picture shows anything at all, there is no date either.
    """
    if not readings or not days.years:
        return []
    seen = [_table(steps, classes) for steps in readings]
    if not any(table.shape[1] for table in seen):
        return []
    tables = _stacked(seen)
    best: dict[date, float] = {}
    for layout in layouts:
        for value, fit in _fits(tables, layout, days):
            best[value] = max(fit, best.get(value, _NEVER))
    return sorted((DateFit(value, fit) for value, fit in best.items()), key=lambda found: (-found.fit, found.value))


def _fits(tables: Floats, layout: Layout, days: Span) -> list[tuple[date, float]]:
    """Part by part: only the likeliest beginnings are followed up."""
    order = layout.value.lower()
    beginnings: list[tuple[tuple[int, str], ...]] = [()]
    for place, part in enumerate(order):
        every = [(*beginning, choice) for beginning in beginnings for choice in _choices(layout, part, days.years)]
        every = [tokens for tokens in every if _is_among(order, tokens, days)]
        if not every:
            return []
        strict = layout.value.isupper()
        paths = [_path(tuple(text for _, text in tokens), strict, place == 2) for tokens in every]
        fits = np.maximum(_best_paths(tables, paths), _LEAST).mean(axis=0)
        if place < 2:
            kept = np.argsort(-fits, kind="stable")[: (_FIGURES_KEPT if strict else _NAMED_KEPT)[place]]
            beginnings = [every[index] for index in kept]
    dated = [
        (_as_date(order, tokens), float(fit) + (_LONE_FIGURE if _is_lone(layout, tokens[-1][1]) else 0.0))
        for tokens, fit in zip(every, fits, strict=True)
    ]
    return [(day, fit + (_WEEKEND if day.weekday() >= 5 else 0.0)) for day, fit in dated if day is not None]


def _is_lone(layout: Layout, day: str) -> bool:
    return layout is Layout.YEAR_MONTH_DAY and len(day) == 1


@lru_cache(maxsize=64)
def _choices(layout: Layout, part: str, years: range) -> tuple[tuple[int, str], ...]:
    """(number, how it is written) of every year, month or day."""
    if part == "y":
        return tuple((year, str(year)) for year in years)
    if part == "m" and layout.value.islower():
        return tuple((number, name) for number, name in enumerate(MONTHS, start=1))
    last = 12 if part == "m" else 31
    plain = [(number, str(number)) for number in range(1, last + 1)]
    filled = [(number, f"0{number}") for number in range(1, 10)]
    if layout is Layout.YEAR_MONTH_DAY:
        filled += [(number, f"-{number}") for number in range(1, 10)]
    return tuple(plain + filled)


def _is_among(order: str, tokens: Sequence[tuple[int, str]], days: Span) -> bool:
    """Whether a date, or what is known of its beginning, can be one of `days`."""
    if len(tokens) == len(order):
        day = _as_date(order, tokens)
        return day is not None and day in days
    if order[: len(tokens)] != "ym":
        return True
    (year, _), (month, _) = tokens
    return days.first.replace(day=1) <= date(year, month, 1) <= days.last


def _as_date(order: str, tokens: Sequence[tuple[int, str]]) -> date | None:
    numbers = {part: number for part, (number, _) in zip(order, tokens, strict=True)}
    try:
        return date(numbers["y"], numbers["m"], numbers["d"])
    except ValueError:
        return None


@lru_cache(maxsize=1 << 15)
def _path(tokens: tuple[str, ...], strict: bool, complete: bool) -> _Path:
    """The states of a string between anything before and anything after it; a figure does not go on beside it."""
    rows, skips = [_ANYTHING], [_NEVER]
    starts = 2
    if len(tokens[0]) <= 2:  # a day or a month in figures: nothing but a figure's end may stand before it
        rows += [_GUARD, _BLANK]
        skips += [_NEVER, _NEVER]
        starts = 4
    for number, token in enumerate(tokens):
        for place, character in enumerate(token):
            if number and not place:
                rows += [_BLANK, _STRICT, _BLANK] if strict else [_SEPARATOR]
                skips += [_NEVER, 0.0, _NEVER] if strict else [_NEVER]
            elif number or place:
                rows.append(_BLANK)
                skips.append(_NEVER)
            rows.append(_PLACE[character])
            skips.append(_leaving_out(token, place, first=not (number or place), guarded=starts == 4))
    if not complete and strict:
        return _Path((*rows, _BLANK, _STRICT, _ANYTHING), (*skips, _NEVER, 0.0, _NEVER), starts, 2)
    if not complete:
        return _Path((*rows, _ANYTHING), (*skips, _NEVER), starts, 2)
    return _Path((*rows, _BLANK, _GUARD, _ANYTHING), (*skips, _NEVER, 0.0, _NEVER), starts, 4)


def _leaving_out(token: str, place: int, *, first: bool, guarded: bool) -> float:
    """The cost of no blank step before a character: equal neighbours need one, else they are one character."""
    if first:
        return 0.0 if guarded else _NEVER
    if place == 0 or token[place] != token[place - 1]:
        return 0.0
    return _TOUCHING if len(token) == 4 and token[place] == "0" else _NEVER


def _table(steps: Floats, classes: str) -> Floats:
    """(rows, steps): logarithm of how likely each symbol is, against the likeliest class of the step."""
    quiet = steps[:, 0] > _QUIET
    seen = np.ascontiguousarray(steps[~(quiet & np.roll(quiet, 1))].T)
    place = {character: index for index, character in reversed(list(enumerate(classes)))}
    table = np.zeros((5 + len(_SYMBOLS), seen.shape[1]), np.float32)
    best = seen.max(axis=0)
    table[_BLANK] = seen[0]
    between = {place[character] for character in _SEPARATORS if character in place}
    table[_SEPARATOR] = np.maximum(seen[0], seen[sorted(between)].sum(axis=0))
    table[_STRICT] = seen[sorted(between - {place.get(":")})].sum(axis=0)
    other = [at for at, character in enumerate(classes) if at and not character.isdigit() and character not in "OIl|"]
    table[_GUARD] = seen[other].max(axis=0)
    table[_ANYTHING] = best
    for character, row in _PLACE.items():
        own = {place[twin] for twin in (character, character.lower()) if twin in place}
        alike = [place[twin] for twin in _ALIKE.get(character, "") if twin in place and place[twin] not in own]
        table[row] = seen[sorted(own)].sum(axis=0) + _ALIKE_COUNTS * seen[alike].sum(axis=0)
    against = np.log(np.maximum(table, _FLOOR)) - np.log(np.maximum(best, _FLOOR))
    return np.asarray(np.minimum(against, 0.0), np.float32)


def _stacked(tables: Sequence[Floats]) -> Floats:
    """(pictures, rows, steps): shorter lines end in steps that hold nothing."""
    longest = max(table.shape[1] for table in tables)
    stacked = np.full((len(tables), tables[0].shape[0], longest), np.log(_FLOOR), np.float32)
    stacked[:, [_BLANK, _SEPARATOR, _ANYTHING]] = 0.0
    for number, table in enumerate(tables):
        stacked[number, :, : table.shape[1]] = table
    return stacked


def _best_paths(tables: Floats, paths: Sequence[_Path]) -> Floats:
    """(pictures, paths): the logarithm of the best way through each path (Viterbi)."""
    length = max(len(path.rows) for path in paths)
    rows = np.full((len(paths), length), _ANYTHING)
    skips = np.full((len(paths), length), _NEVER, np.float32)
    allowed_start = np.full((len(paths), length), _NEVER, np.float32)
    ends = np.array([len(path.rows) for path in paths])
    for number, path in enumerate(paths):
        rows[number, : len(path.rows)] = path.rows
        skips[number, : len(path.skips)] = path.skips
        allowed_start[number, : path.starts] = 0.0
    steps = np.ascontiguousarray(np.moveaxis(tables, 2, 0))
    score = allowed_start + steps[0][:, rows]
    for step in steps[1:]:
        grown = score.copy()
        np.maximum(grown[:, :, 1:], score[:, :, :-1], out=grown[:, :, 1:])
        np.maximum(grown[:, :, 2:], score[:, :, :-2] + skips[:, 2:], out=grown[:, :, 2:])
        score = grown + step[:, rows]
    backs = np.arange(1, 5)
    last = score[:, np.arange(len(paths))[:, None], ends[:, None] - backs]
    allowed_end = np.where(backs <= np.array([path.ends for path in paths])[:, None], 0.0, _NEVER)
    return np.asarray((last + allowed_end).max(axis=2), np.float32)
