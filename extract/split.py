"""Split: the pages of a file as documents. A page is labelled and kept, never dropped."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from extract.sheet import Sheet
from schemas.form_type import FormType
from schemas.page import PageLabel


@dataclass(slots=True, eq=False)
class Pile:
    """The sheets of one document in the making. `form_type` is None for pages of no known form."""

    form_type: FormType | None
    sheets: list[Sheet] = field(default_factory=list)

    def takes(self, sheet: Sheet) -> bool:
        """Whether the sheet belongs to this document rather than to a new one."""
        match = sheet.match
        if self.form_type is None:
            return match is None
        content = [own for own in self.sheets if own.label is PageLabel.CONTENT]
        if match is None:
            # The other side of a form, or a sheet put behind it: up to as many as the form has.
            return len(content) < self.form_type.pages
        seen = {own.match.page for own in content if own.match is not None}
        return match.form_type.id == self.form_type.id and match.page > max(seen, default=0)


def split(sheets: Sequence[Sheet]) -> list[Pile]:
    """The documents of a file, in order. Blank backs stay with the document before them; a separator ends it.

    Separators, and blank pages before any content, form piles of their own, so that every page is in exactly one.
    """
    piles: list[Pile] = []
    open_pile: Pile | None = None
    for sheet in sheets:
        if sheet.label is PageLabel.SEPARATOR:
            piles.append(Pile(None, [sheet]))
            open_pile = None
        elif sheet.label is PageLabel.BLANK:
            if open_pile is None:
                piles.append(Pile(None, [sheet]))
            else:
                open_pile.sheets.append(sheet)
        elif open_pile is not None and open_pile.takes(sheet):
            open_pile.sheets.append(sheet)
        else:
            open_pile = Pile(sheet.match.form_type if sheet.match else None, [sheet])
            piles.append(open_pile)
    return piles
