"""Numbers by which offices know people."""

import re
from datetime import date

from extract.rules.spacing import without_blanks

_DRIVER_NUMBER = re.compile(
    "(?P<surname>[A-Z]{1,5}9{0,4})"
    "(?P<decade>[0-9])(?P<month>[0-9]{2})(?P<day>[0-9]{2})(?P<year>[0-9])"
    "(?P<initials>[A-Z][A-Z9]|99)"
    "[2-9A-HJ-NPR-XZ]"  # sets apart those who would share a number: 9 first, then down
    "[A-Z]{2}"
)
_DRIVER_NUMBER_LENGTH = 16
_ADDED_TO_A_WOMANS_MONTH = 50


def gb_driver_number(value: str) -> str:
    """A driver number of Great Britain: sixteen characters whose places follow from name, sex and date of birth.

    Surname's first five letters filled with 9, the decade's figure, the month (50 more for a woman), the day, the
    year's last figure, two initials filled with 9, one character to tell doubles apart, two computed letters (how
    is not published). Source: DVLA, specification of the Access to Driver Data service.
    """
    number = without_blanks(value)
    if len(number) != _DRIVER_NUMBER_LENGTH:
        return "A driver number has 16 characters."
    found = _DRIVER_NUMBER.fullmatch(number)
    if found is None:
        return "This is not built like a driver number: five letters, six figures, then initials."
    if not _is_birthday(found["decade"] + found["year"], _month_of(found), int(found["day"])):
        return "The six figures of the driver number hold no date of birth."
    return ""


def _month_of(number: re.Match[str]) -> int:
    return int(number["month"]) % _ADDED_TO_A_WOMANS_MONTH


def _is_birthday(year: str, month: int, day: int) -> bool:
    """Whether the day exists in this year of the last century or of this one."""
    for century in (1900, 2000):
        try:
            date(century + int(year), month, day)
        except ValueError:
            continue
        return True
    return False


def driver_number_disagrees(value: str, *, surname: str = "", forenames: str = "", born: str = "") -> str:
    """Where a driver number of right build contradicts what else was answered; "" stands for not answered.

    born is in normal form, "YYYY-MM-DD". Returns "" where all agrees or there is nothing to compare.
    """
    found = _DRIVER_NUMBER.fullmatch(without_blanks(value))
    if found is None:
        return ""
    if surname and found["surname"] != f"{_driver_surname(surname):9<5}":
        return "The driver number does not begin with the surname given."
    if born:
        held = f"{found['decade']}{found['year']}-{_month_of(found):02d}-{found['day']}"
        if born[2:] != held:
            return "The driver number does not hold the date of birth given."
    if forenames and found["initials"][0] != (_letters(forenames) or "9")[0]:
        return "The driver number does not hold the first initial of the forenames given."
    return ""


def _driver_surname(surname: str) -> str:
    """The first five letters as the driver number has them: Mac is written Mc."""
    letters = _letters(surname)
    if letters.startswith("MAC"):
        letters = "MC" + letters[3:]
    return letters[:5]


def _letters(name: str) -> str:
    return re.sub("[^A-Z]", "", name.upper())


_UNUSED_PAIRS = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})


def nino(value: str) -> str:
    """A National Insurance number: two letters, six figures, a letter A to D; or a temporary reference number.

    Not D, F, I, Q, U or V in the first two places, not O in the second, and seven pairs are never used. There is no
    check digit. Source: HMRC's National Insurance Manual, NIM39110 and NIM39115.
    """
    number = without_blanks(value)
    if re.fullmatch("[0-9]{2}[A-Z][0-9]{5}", number):
        return ""
    if not re.fullmatch("[A-Z]{2}[0-9]{6}[A-D]", number):
        return "A National Insurance number has two letters, six figures and a letter from A to D."
    if number[:2] in _UNUSED_PAIRS or not re.match("[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z]", number):
        return "No National Insurance number begins with these two letters."
    return ""
