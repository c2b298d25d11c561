"""Numbers whose check digits python-stdnum computes: it is maintained, and knows each scheme's exceptions.

Ours elsewhere in this folder are those it does not have: postcodes, National Insurance, driver and vehicle numbers.
"""

from collections.abc import Callable

from stdnum import imo, luhn
from stdnum.gb import nhs, utr, vat


def _is(value: str, is_valid: Callable[[str], bool]) -> bool:
    # Figures of other scripts count as figures to some of those functions; no form is filled in with them.
    return value.isascii() and is_valid(value)


def luhn_digit(value: str) -> str:
    """Figures of which the last is a check digit after Luhn (ISO/IEC 7812-1), as on cards."""
    return "" if _is(value.replace(" ", ""), luhn.is_valid) else "The check digit at the end of the number is wrong."


def nhs_number(value: str) -> str:
    """A patient's number of the National Health Service: ten figures, the last of them a check digit."""
    if not _is(value, nhs.is_valid):
        return "This is no NHS number: it has ten figures, and one of them is wrong or missing."
    return ""


def vat_number(value: str) -> str:
    """A British VAT registration number, with or without GB in front."""
    return "" if _is(value, vat.is_valid) else "This is no VAT number: a figure is wrong or missing."


def tax_reference(value: str) -> str:
    """A unique taxpayer reference of HMRC: ten figures, the first of them a check digit."""
    if not _is(value, utr.is_valid):
        return "This is no taxpayer reference: it has ten figures, and one of them is wrong or missing."
    return ""


def imo_number(value: str) -> str:
    """A ship's number of the International Maritime Organization: seven figures, the last of them a check digit."""
    if not _is(value, imo.is_valid):
        return "This is no ship's IMO number: it has seven figures, and one of them is wrong or missing."
    return ""
