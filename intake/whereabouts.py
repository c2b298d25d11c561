"""Where mail stands: the only place that changes the state of a file, a piece or a page.

A page stands where its piece stands, and a file where the piece stands that is furthest from being done. So one move
of a piece moves its pages and perhaps its file, in the caller's transaction.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, Table, Update, bindparam, func, select, update
from sqlalchemy.orm import Session

from intake.database.tables import Base
from intake.events import announcing
from schemas.extraction import Failure
from schemas.states import FURTHEST_FROM_DONE, MailState, move

_FILES: Final = Base.metadata.tables["files"]
_PAGES: Final = Base.metadata.tables["pages"]
_PIECES: Final = Base.metadata.tables["pieces"]


def move_file(session: Session, file_id: int, to: MailState, now: datetime, failure: Failure | None = None) -> None:
    """Move a file that has no pieces, and the pages it may have.

    failure: why, for quarantine and rejection. Raises ForbiddenMove. With pieces, move those: the file follows them.
    """
    session.flush()  # rows that the caller added and that are not yet written would stay behind
    current = session.scalars(_LOCKED_FILE, {"of_file": file_id}).one()
    _set_file(session, file_id, current, {"to": move(current, to), "now": now, **_reason(failure)})


def move_piece(session: Session, piece_id: int, to: MailState, now: datetime, failure: Failure | None = None) -> None:
    """Move a piece with its pages; its file follows if this was the piece that held it back.

    failure: why, for quarantine and rejection. Raises ForbiddenMove.
    """
    session.flush()
    # First of all: two pieces of one file that end at the same moment would each take the other to be still in work.
    file_id, file_state = session.execute(_LOCKED_FILE_OF_PIECE, {"of_piece": piece_id}).one()
    current = session.scalars(_STATE_OF_PIECE, {"of_piece": piece_id}).one()
    place = {"of_piece": piece_id, "to": move(current, to), "now": now}
    session.execute(_MOVING_PIECE, place | _reason(failure))
    session.execute(_MOVING_PAGES_OF_PIECE, place)
    _follow_pieces(session, file_id, file_state, now)


def lock(session: Session, piece_id: int) -> None:
    """Hold the file of a piece until the transaction ends: nothing of it moves meanwhile."""
    session.execute(_LOCKED_FILE_OF_PIECE, {"of_piece": piece_id}).one()


def _follow_pieces(session: Session, file_id: int, state: MailState, now: datetime) -> None:
    """Set the file where its least finished piece stands."""
    least = session.execute(_LEAST_FINISHED_PIECE, {"of_file": file_id}).one()._asdict()
    if least["to"] is not state:
        # No move of the table: a file may jump, as its pieces went different ways.
        _set_file(session, file_id, state, {"now": now, **least})


def _set_file(session: Session, file_id: int, before: MailState, values: dict[str, Any]) -> None:
    """Set the state of a file and of its pages that belong to no piece; its batch may be complete by that."""
    session.execute(_MOVING_FILE, {"of_file": file_id, **values})
    session.execute(_MOVING_LOOSE_PAGES, {"of_file": file_id, "to": values["to"], "now": values["now"]})
    announcing.file_moved(session, file_id, before, values["to"], values["now"])


def _reason(failure: Failure | None) -> dict[str, Any]:
    """The columns that say why; all None if nothing is wrong."""
    if failure is None:
        return {"why": None, "what": None, "help": None}
    return {"why": failure.cause, "what": failure.problem, "help": failure.remedy}


# The statements that every piece goes through are made once: making one costs more than running it.


def _moving(table: Table, *which: ColumnElement[bool]) -> Update:
    return update(table).where(*which).values(state=bindparam("to"), state_since=bindparam("now"))


def _moving_with_reason(table: Table, which: ColumnElement[bool]) -> Update:
    return _moving(table, which).values(cause=bindparam("why"), problem=bindparam("what"), remedy=bindparam("help"))


_MOVING_FILE: Final = _moving_with_reason(_FILES, _FILES.c.id == bindparam("of_file"))
_MOVING_PIECE: Final = _moving_with_reason(_PIECES, _PIECES.c.id == bindparam("of_piece"))
_MOVING_PAGES_OF_PIECE: Final = _moving(_PAGES, _PAGES.c.piece_id == bindparam("of_piece"))
_MOVING_LOOSE_PAGES: Final = _moving(_PAGES, _PAGES.c.file_id == bindparam("of_file"), _PAGES.c.piece_id.is_(None))


def _one_piece(state: MailState) -> ScalarSelect[int]:
    """Any piece of the file that stands there: one look into an index."""
    others = _PIECES.alias()
    return (
        select(others.c.id)
        .where(others.c.file_id == bindparam("of_file"), others.c.state == state)
        .limit(1)
        .scalar_subquery()
    )


# Held until the transaction ends. SQLite holds everything anyway, PostgreSQL lets others still refer to the file.
_LOCKED_FILE: Final = select(_FILES.c.state).where(_FILES.c.id == bindparam("of_file")).with_for_update(key_share=True)
_LOCKED_FILE_OF_PIECE: Final = (
    select(_FILES.c.id, _FILES.c.state)
    .where(_FILES.c.id == select(_PIECES.c.file_id).where(_PIECES.c.id == bindparam("of_piece")).scalar_subquery())
    .with_for_update(key_share=True)
)
_STATE_OF_PIECE: Final = select(_PIECES.c.state).where(_PIECES.c.id == bindparam("of_piece"))
_LEAST_FINISHED_PIECE: Final = select(
    _PIECES.c.state.label("to"),
    _PIECES.c.cause.label("why"),
    _PIECES.c.problem.label("what"),
    _PIECES.c.remedy.label("help"),
).where(_PIECES.c.id == func.coalesce(*(_one_piece(state) for state in FURTHEST_FROM_DONE)))
