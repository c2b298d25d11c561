"""The ledger: everything received is somewhere, once. Counts per state, and every way in which they fail to add up.

What was received is counted where it was written down when it came in (`file_count` of a batch, `page_count` and
`piece_count` of a file), what there is by its rows. A row in a state that nothing else bears out, such as a piece in
work that no step will ever touch, counts as a difference too: that is how mail is lost while every row is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from intake.database.tables import BatchRow, FileRow, PageRow, PieceRow
from intake.discrepancies import DISCREPANCIES
from schemas.states import MailState

_KINDS: Final[Mapping[str, type[FileRow] | type[PageRow] | type[PieceRow]]] = {
    "files": FileRow,
    "pages": PageRow,
    "pieces": PieceRow,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How many files, pages or pieces are in one state, and since when the one that has been there longest.

    oldest: None if there is none.
    """

    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything received, at one moment.

    received:    how many files, pages and pieces came in, by "files", "pages", "pieces".
    states:      where they stand: for each of those, every state with its count, 0 included.
    differences: how many things are wrong, by what is wrong with them; only what is not 0.
    """

    received: Mapping[str, int]
    states: Mapping[str, Mapping[MailState, Standing]]
    differences: Mapping[str, int]

    @property
    def difference(self) -> int:
        """0 if everything adds up. Anything else is an alarm."""
        return sum(self.differences.values())

    def as_json(self, now: datetime) -> dict[str, object]:
        """What `postroom reconcile --json` prints; ages in seconds at `now`, null where nothing is."""
        return {
            "difference": self.difference,
            "received": dict(self.received),
            "states": {
                kind: {state.value: standing.count for state, standing in states.items()}
                for kind, states in self.states.items()
            },
            "oldest_seconds": {
                kind: {state.value: _seconds(standing.oldest, now) for state, standing in states.items()}
                for kind, states in self.states.items()
            },
            "differences": dict(self.differences),
        }


def take(session: Session) -> Ledger:
    """The ledger as this transaction sees it: use one of `Database.read`, in which all queries see the same moment.

    It reads every row of the mail once; for a screen that is looked at all day `standings` is enough.
    """
    wrong = {name: session.scalars(select(count)).one() for name, count in DISCREPANCIES.items()}
    files = select(func.coalesce(func.sum(BatchRow.file_count), 0)).scalar_subquery()
    pages, pieces = (func.coalesce(func.sum(column), 0) for column in (FileRow.page_count, FileRow.piece_count))
    received = session.execute(select(files, pages, pieces)).one()
    return Ledger(
        received=dict(zip(_KINDS, map(int, received), strict=True)),
        states=standings(session),
        differences={name: int(count) for name, count in wrong.items() if count},
    )


def standings(session: Session) -> dict[str, dict[MailState, Standing]]:
    """Where files, pages and pieces stand, every state named: one query, answered by the indexes on the states."""
    found = {kind: dict.fromkeys(MailState, Standing(0, None)) for kind in _KINDS}
    each = [
        select(literal(kind), row.state, func.count(), func.min(row.state_since)).group_by(row.state)
        for kind, row in _KINDS.items()
    ]
    for kind, state, count, oldest in session.execute(union_all(*each)):
        found[kind][state] = Standing(count, oldest)
    return found


def _seconds(oldest: datetime | None, now: datetime) -> float | None:
    return None if oldest is None else max(0.0, (now - oldest).total_seconds())
