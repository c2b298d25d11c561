"""Fields: the text read for a field becomes its value in normal form, or a sentence that says why it did not.

Strict: what is not plainly a date, a number or an amount is not guessed at. The only repairs are those of readers
that confuse O with 0 and l or I with 1, and only where the layout leaves room for nothing but a figure.
"""

import re
from collections.abc import Callable
from datetime import date

from schemas.extraction import Normal
from schemas.field import FieldKind, FieldSpec

NOTHING = Normal(None, "", "")

# Years of two figures below this are in the 2000s, the others in the 1900s. There is no clock here to ask for the
# nearest past; the price is that a birth in 1939 or before must be written in full.
TWO_FIGURE_PIVOT = 40

# Years outside this range are misreadings: nobody alive was born before, no form is dated after.
_FIRST_YEAR, _LAST_YEAR = 1850, 2099

# More figures than this are no mileage and no count.
_LONGEST_INTEGER = 15

_NO_DATE = "This is not a date with a day, a month and a year."
_NO_SUCH_DAY = "There is no such day in the calendar."
_NO_SUCH_YEAR = f"The year is not between {_FIRST_YEAR} and {_LAST_YEAR}."
_NO_INTEGER = "This is not a whole number."
_NO_AMOUNT = "This is not an amount of money, as 12.50 is."


def normalise(spec: FieldSpec, text: str) -> Normal:
    """The value of `text` as the kind of field asks for it; `text` itself may run over several lines.

    Empty text, and text in which none of the field's patterns is found, give NOTHING: blank, not wrong.
    Raises ValueError for choices and signatures, which are marks, not text.
    """
    parse = _PARSERS.get(spec.kind)
    if parse is None:
        raise ValueError(f"a {spec.kind.value} is not read from text")
    answer = _collapse(_answer_in(spec, text))
    return parse(spec, answer) if answer else NOTHING


def _answer_in(spec: FieldSpec, text: str) -> str:
    """The part of the text that answers this field: without what is to be erased, the first pattern's find."""
    for expression in spec.erase:
        text = re.sub(expression, " ", text)
    if not spec.patterns:
        return text
    for pattern in spec.patterns:
        if found := re.search(pattern, text):
            group = found[1] if found.re.groups else None
            return found[0] if group is None else group
    return ""


def _collapse(text: str) -> str:
    return " ".join(text.split())


def _text(spec: FieldSpec, text: str) -> Normal:
    """Text stays as written; where the alphabet has no space, or no small letters, the answer has none either."""
    if spec.alphabet and " " not in spec.alphabet:
        text = text.replace(" ", "")
    if _is_capitals_only(spec.alphabet):
        text = text.upper()
    return Normal(text, text)


def _is_capitals_only(alphabet: str) -> bool:
    return any(letter.isupper() for letter in alphabet) and not any(letter.islower() for letter in alphabet)


def _barcode(spec: FieldSpec, text: str) -> Normal:
    return Normal(text, text)


_FIGURES = str.maketrans("OolI", "0011")


def _integer(spec: FieldSpec, text: str) -> Normal:
    figures = text.replace(" ", "").translate(_FIGURES)
    if not re.fullmatch(r"[0-9]+|[0-9]{1,3}([,.'’])[0-9]{3}(?:\1[0-9]{3})*", figures):
        return Normal(None, text, _NO_INTEGER)
    figures = re.sub(r"[^0-9]", "", figures)
    if len(figures) > _LONGEST_INTEGER:
        return Normal(None, text, _NO_INTEGER)
    return Normal(int(figures), text)


# Pounds with or without commas between the thousands; pence after a point, a comma or, as on cheques, a dash.
_AMOUNT = re.compile(r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:[.,-](?P<hundredths>[0-9]{2}))?")
_CURRENCY = re.compile(r"^(?:[£$€]|GBP|EUR|USD)|(?:GBP|EUR|USD)$")


def _money(spec: FieldSpec, text: str) -> Normal:
    """An amount as a string of pounds and pence, "1234.50"; a bare "12" is "12.00"."""
    bare = _CURRENCY.sub("", text.replace(" ", ""), count=1)
    found = _AMOUNT.fullmatch(bare.translate(_FIGURES))
    if found is None:
        return Normal(None, text, _NO_AMOUNT)
    whole = int(found["whole"].replace(",", ""))
    return Normal(f"{whole}.{found['hundredths'] or '00'}", text)


def _date(spec: FieldSpec, text: str) -> Normal:
    """A date as "YYYY-MM-DD". `day_first` decides only where day and month are both figures and the year is last."""
    for layout in _LAYOUTS[spec.day_first]:
        if found := layout.fullmatch(text):
            year, month, day = _year(found["year"]), _month(found["month"]), _number(found["day"])
            break
    else:
        return Normal(None, text, _NO_DATE)
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return Normal(None, text, _NO_SUCH_YEAR)
    try:
        return Normal(date(year, month, day).isoformat(), text)
    except ValueError:
        return Normal(None, text, _NO_SUCH_DAY)


def _number(figures: str) -> int:
    return int(re.sub(r"\s", "", figures).translate(_FIGURES))


def _year(figures: str) -> int:
    year = _number(figures)
    if len(figures) > 2:
        return year
    return year + (2000 if year < TWO_FIGURE_PIVOT else 1900)


_ENGLISH = "january february march april may june july august september october november december"
_WELSH = "ionawr chwefror mawrth ebrill mai mehefin gorffennaf awst medi hydref tachwedd rhagfyr"
_SHORTEST_MONTH = 3


def _month_names() -> dict[str, int]:
    """Every month in English and Welsh, whole or cut short after its third letter or later, with its number.

    No two months of the two languages share their first three letters.
    """
    names: dict[str, int] = {}
    for language in (_ENGLISH, _WELSH):
        for number, name in enumerate(language.split(), start=1):
            names.update({name[:length]: number for length in range(_SHORTEST_MONTH, len(name) + 1)})
    return names


_MONTHS = _month_names()


def _month(written: str) -> int:
    return _MONTHS.get(written.lower()) or _number(written)


def _layouts(*, day_first: bool) -> tuple[re.Pattern[str], ...]:
    """The ways to write a date, as expressions with the groups year, month and day, in the order they are tried."""
    figure = "[0-9OolI]"
    gap = r"[\s./,\\'’–-]+"
    loose_gap = r"[\s./,\\'’–-]*"
    day, month = f"(?P<day>{figure}{{1,2}})", f"(?P<month>{figure}{{1,2}})"
    day_with_ending = f"{day}(?i:st|nd|rd|th)?"
    year, any_year = f"(?P<year>{figure}{{4}})", f"(?P<year>{figure}{{4}}|{figure}{{2}})"
    # Longer names first, so that "June" is not taken for "Jun" and a rest.
    named = f"(?P<month>(?i:{'|'.join(sorted(_MONTHS, key=len, reverse=True))}))"
    first, second = (day, month) if day_first else (month, day)
    ways = (
        f"{first}{gap}{second}{gap}{any_year}",  # 03/11/2011, 3.11.11
        f"{year}{gap}{month}{gap}{day}",  # 2011-11-03
        rf"{day_with_ending}{loose_gap}(?:of\s+)?{named}{loose_gap}{any_year}",  # 12 March 1986, 3rd of Nov. 11
        f"{named}{loose_gap}{day_with_ending}{gap}{any_year}",  # MARCH 27. 1986; Mar 27, 1986
        f"{year}{loose_gap}{named}{loose_gap}{day_with_ending}",  # 2008 DEC 23; 2011 APR-11
        _cells("day" if day_first else "month", "month" if day_first else "day", figure),  # 03112011 from cells
    )
    return tuple(re.compile(way) for way in ways)


def _cells(first: str, second: str, figure: str) -> str:
    """Eight figures, one from each cell, with or without blanks between them."""
    pair, four = rf"{figure}\s?{figure}", rf"{figure}(?:\s?{figure}){{3}}"
    return rf"(?P<{first}>{pair})\s?(?P<{second}>{pair})\s?(?P<year>{four})"


_LAYOUTS = {day_first: _layouts(day_first=day_first) for day_first in (True, False)}

_PARSERS: dict[FieldKind, Callable[[FieldSpec, str], Normal]] = {
    FieldKind.TEXT: _text,
    FieldKind.DATE: _date,
    FieldKind.INTEGER: _integer,
    FieldKind.MONEY: _money,
    FieldKind.BARCODE: _barcode,
}
