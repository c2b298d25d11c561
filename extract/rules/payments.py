"""Numbers of banks."""

import re


def sort_code(value: str) -> str:
    """A British sort code: six figures, in pairs with dashes or blanks, or without. There is no check digit.

    Whether an account number fits it takes the modulus tables of the payment scheme (Pay.UK), which change monthly.
    """
    if re.fullmatch(r"[0-9]{2}([ -]?)[0-9]{2}\1[0-9]{2}", value.strip()) is None:
        return "A sort code has six figures."
    return ""
