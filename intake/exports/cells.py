"""Cells of a table that no spreadsheet takes for a formula: what people wrote on paper must not run on a desk.

A spreadsheet reads a cell as a formula by its first sign, and some look past blanks, quotes and signs that cannot be
seen. Such a cell gets an apostrophe in front, which spreadsheets take for "this is text". So does a cell that begins
with an apostrophe itself: whoever reads the table back takes one leading apostrophe away, wherever there is one.
"""

import unicodedata
from typing import Final

MARK: Final = "'"
_STARTS_A_FORMULA: Final = frozenset("=+-@\u2212")  # the last is the minus sign, which some turn into a hyphen
_QUOTES: Final = frozenset("\"'`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a")
# Blanks of every width, and all that has no width: control signs, marks of direction, byte order marks.
_PASSED_OVER: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def safe_cell(text: str) -> str:
    """The text as a cell may hold it; unchanged if nothing can take it for a formula."""
    return MARK + text if text[:1] == MARK or _is_risky(text) else text


def text_of(cell: str) -> str:
    """What `safe_cell` was given."""
    return cell.removeprefix(MARK)


def _is_risky(text: str) -> bool:
    if text[:1] in ("\t", "\r", "\n"):
        return True
    for sign in text:
        if sign not in _QUOTES and unicodedata.category(sign) not in _PASSED_OVER:
            # Full-width and small forms count as the sign they are a form of.
            return unicodedata.normalize("NFKC", sign)[:1] in _STARTS_A_FORMULA
    return False
