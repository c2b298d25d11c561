"""Published records read out a page at a time, each page in a transaction of its own, written as they are asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from intake import published
from intake.database.engine import Database
from intake.exports import table
from intake.office import pieces
from intake.office.pieces import Asked, DocumentLine
from intake.published import Published, Wanted
from schemas.form_type import FormType

_AT_ONCE: Final = 200  # held in memory


class Format(StrEnum):
    """How records are written."""

    JSONL = "jsonl"  # each as it was published, byte for byte, one a line
    CSV = "csv"  # a table of one form type


@dataclass(frozen=True, slots=True)
class Part:
    """Some of an export. cursor: to go on behind, once this is written.  records: how many are in it."""

    content: bytes
    records: int
    cursor: int


def pages(
    database: Database, wanted: Wanted, *, after: int = 0, limit: int | None = None, until: int | None = None
) -> Iterator[tuple[Sequence[Published], int]]:
    """What was published behind the number `after`, and behind which number to go on; the last page may be empty.

    limit: at most so many.  until: none behind this number. Raises CursorAhead.
    """
    cursor, left = after, limit
    while left is None or left > 0:
        with database.read() as session:
            found, reached = published.after(session, cursor, min(_AT_ONCE, left or _AT_ONCE), wanted)
        if until is not None and reached > until:
            found = [each for each in found if each.sequence <= until]
            reached = max(until, cursor)
        yield found, reached
        if reached == cursor or (until is not None and reached >= until):
            return
        cursor, left = reached, None if left is None else left - len(found)


def pages_of_found(database: Database, asked: Asked) -> Iterator[tuple[Sequence[Published], int]]:
    """What was published of the pieces that a search finds, a page of pieces at a time, in the order of the search.

    Of documents of another form type than the one looked for there is nothing in it. There is no cursor to go on
    behind: it is always 0.
    """
    after: int | None = None
    while True:
        with database.read() as session:
            lines, after = pieces.found(session, asked, after=after, limit=_AT_ONCE)
            documents = [each.id for line in lines for each in line.documents if _is_asked_for(each, asked)]
            found = published.of_documents(session, documents)
        yield found, 0
        if after is None:
            return


def _is_asked_for(document: DocumentLine, asked: Asked) -> bool:
    if not asked.form_type:
        return True
    return document.form_type == (None if asked.form_type == pieces.NO_FORM else asked.form_type)


def as_lines(read: Iterator[tuple[Sequence[Published], int]]) -> Iterator[Part]:
    """As JSON lines."""
    for found, cursor in read:
        yield Part("".join(each.body + "\n" for each in found).encode(), len(found), cursor)


def as_table(
    read: Iterator[tuple[Sequence[Published], int]], form: FormType, *, has_mark: bool = False
) -> Iterator[Part]:
    """As a table of one form type, its names first. has_mark: whether a byte order mark stands before them."""
    lines = table.Lines()
    start = (table.BYTE_ORDER_MARK if has_mark else "") + lines.of([table.columns_of(form)])
    for found, cursor in read:
        yield Part((start + lines.of(table.rows_of(form, found))).encode(), len(found), cursor)
        start = ""
