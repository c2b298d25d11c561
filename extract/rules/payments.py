"""Numbers of banks."""

import re

from stdnum import iban as stdnum_iban

from extract.rules.spacing import without_blanks


def sort_code(value: str) -> str:
    """A British sort code: six figures, in pairs with dashes or blanks, or without. There is no check digit.

    Whether an account number fits it takes the modulus tables of the payment scheme (Pay.UK), which change monthly.
    """
    if re.fullmatch(r"[0-9]{2}([ -]?)[0-9]{2}\1[0-9]{2}", value.strip()) is None:
        return "A sort code has six figures."
    if set(re.sub("[^0-9]", "", value)) == {"0"}:
        return "No bank has a sort code of noughts."
    return ""


def account_number(value: str) -> str:
    """The number of a British bank account: eight figures, shorter ones filled with noughts in front.

    Source: Pay.UK, Vocalink modulus checking. The check digit some banks use takes the tables `sort_code` speaks of.
    """
    if re.fullmatch("[0-9]{8}", without_blanks(value)) is None:
        return "An account number has eight figures."
    if not without_blanks(value).strip("0"):
        return "No bank account has a number of noughts."
    return ""


def iban(value: str) -> str:
    """An international bank account number: country, length and check digits (ISO 13616)."""
    if not value.isascii() or not stdnum_iban.is_valid(value, check_country=False):
        return "This is no international bank account number: a character is wrong or missing."
    return ""
