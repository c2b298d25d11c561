"""Numbers of vehicles."""

import re

from extract.rules.spacing import without_blanks

_VIN_LENGTH = 17
_VIN_VALUES = {str(figure): figure for figure in range(10)} | dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_CHECK_PLACE = 8


def vin(value: str) -> str:
    """A vehicle identification number: 17 letters and figures without I, O and Q, the last four of them figures.

    The ninth place is no check digit in Europe: see `vin_check_digit`. Source: ISO 3779.
    """
    number = without_blanks(value)
    if len(number) != _VIN_LENGTH:
        return "A vehicle identification number has 17 characters."
    if not all(character in _VIN_VALUES for character in number):
        return "A vehicle identification number has letters and figures only, and no I, O or Q."
    if not re.fullmatch("[0-9]{4}", number[-4:]):
        return "A vehicle identification number ends with four figures."
    return ""


def vin_check_digit(value: str) -> str:
    """The ninth place of a vehicle identification number is its check digit, X for ten.

    Only vehicles built for North America or China must have one; a form type asks for this rule where all do.
    Source: 49 CFR 565.15(c). A number that is no VIN at all fails `vin`, and this too.
    """
    number = without_blanks(value)
    if len(number) != _VIN_LENGTH or not all(character in _VIN_VALUES for character in number):
        return "A vehicle identification number of 17 characters is needed to compute its check digit."
    total = sum(_VIN_VALUES[character] * weight for character, weight in zip(number, _VIN_WEIGHTS, strict=True))
    if number[_VIN_CHECK_PLACE] != "0123456789X"[total % 11]:
        return "The check digit of the vehicle identification number, its ninth place, is wrong."
    return ""


# Great Britain leaves out I, Q and Z in letters that name a place; year letters leave out O and U as well.
_PLACE = "[A-HJ-PR-Y]"
_YEAR_LETTER = "[A-HJ-NPR-TV-Y]"
# The two letters that name a place in Northern Ireland: always with an I or a Z.
_NORTHERN_IRISH_PLACE = (
    "(?:AZ|BZ|CZ|DZ|EZ|FZ|GZ|HZ|IA|IB|IG|IJ|IL|IW|JI|JZ|KZ|LZ|MZ|NZ|OI|OZ|PZ|RZ|SZ|TZ|UI|UZ|VZ|WZ|XI|XZ|YZ)"
)
_SERIAL = "[1-9][0-9]{0,2}"
_LONG_SERIAL = "[1-9][0-9]{0,3}"
_MARKS = re.compile(
    "|".join(
        (
            # Since September 2001: place, half-year, three letters (no I, no Q). Half-years are 02 to 49 (March) and
            # 51 to 99 (September); 50 and 00 come in 2050.
            f"{_PLACE}{{2}}(?:0[2-9]|[1-4][0-9]|5[1-9]|[6-9][0-9])[A-HJ-PR-Z]{{3}}",
            f"(?:{_YEAR_LETTER}|Q){_SERIAL}{_PLACE}{{3}}",  # 1983 to 2001; Q for vehicles of unknown age
            f"{_PLACE}{{3}}{_SERIAL}{_YEAR_LETTER}",  # 1963 to 1983
            f"{_PLACE}{{1,2}}{_LONG_SERIAL}|{_PLACE}{{3}}{_SERIAL}",  # since 1903, without a sign of age
            f"{_LONG_SERIAL}{_PLACE}{{1,2}}|{_SERIAL}{_PLACE}{{3}}",  # the same, turned round when letters ran out
            f"[A-PR-Z]?{_NORTHERN_IRISH_PLACE}{_LONG_SERIAL}",
            f"{_LONG_SERIAL}[A-PR-Z]?{_NORTHERN_IRISH_PLACE}",
        )
    )
)


def uk_registration_mark(value: str) -> str:
    """A registration mark of a private vehicle in any form issued since 1903; blanks do not matter.

    Not covered: military, diplomatic and trade marks, whose keepers do not use these forms. Source: DVLA leaflet
    INF104 (vehicle registration numbers and number plates) and, for Northern Ireland, the list of its county codes.
    """
    if _MARKS.fullmatch(without_blanks(value)) is None:
        return "This is not built like a British registration mark of any year."
    return ""
