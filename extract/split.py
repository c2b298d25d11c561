"""Split: the pages of a file as documents. A page is labelled and kept, never dropped."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from extract.sheet import Sheet
from schemas.form_type import Edition, FormType
from schemas.page import PageLabel


@dataclass(slots=True, eq=False)
class Pile:
    """The sheets of one document in the making, which it counts but does not hold.

    form_type: None for pages of no known form; edition: of the first page recognised.
    contents:  sheets with content so far; last_page: the highest page of the form so far, 0 for none.
    """

    form_type: FormType | None
    edition: Edition | None = None
    contents: int = 0
    last_page: int = 0

    def takes(self, sheet: Sheet) -> bool:
        """Whether a sheet with content belongs to this document rather than to a new one."""
        match = sheet.match
        if self.form_type is None:
            return match is None
        if match is None:
            # The other side of a form, or a sheet put behind it: up to as many as the form has.
            return self.contents < self.form_type.pages
        return match.form_type.id == self.form_type.id and match.page > self.last_page

    def count(self, sheet: Sheet) -> None:
        if sheet.label is PageLabel.CONTENT:
            self.contents += 1
            self.last_page = max(self.last_page, sheet.match.page if sheet.match else 0)


def split(sheets: Iterable[Sheet]) -> Iterator[tuple[Pile, Sheet]]:
    """Every sheet, in order and as soon as it comes, with the document it belongs to; one document after the other.

    Blank backs stay with the document before them; a separator ends it. Separators, and blank pages before any content,
    form piles of their own, so that every page is in exactly one.
    """
    open_pile: Pile | None = None
    for sheet in sheets:
        if sheet.label is PageLabel.SEPARATOR:
            open_pile = None
            pile = Pile(None)
        elif sheet.label is PageLabel.BLANK:
            pile = open_pile or Pile(None)
        elif open_pile is not None and open_pile.takes(sheet):
            pile = open_pile
        else:
            match = sheet.match
            pile = open_pile = Pile(match.form_type, match.edition) if match else Pile(None)
        pile.count(sheet)
        yield pile, sheet
