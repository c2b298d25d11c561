"""What is told of batches and pieces, and when a batch is complete. Called in the transactions that make it so."""

from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, Insert, bindparam, func, literal, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from intake.database.tables import Base
from intake.events import outbox
from schemas.errors import Cause
from schemas.events import BatchCompleted, BatchReceived, EventType, PieceQuarantined
from schemas.states import MailState

_UNDER_WAY: Final = (MailState.IN_WORK, MailState.IN_REVIEW)
_BATCHES: Final = Base.metadata.tables["batches"]
_COMPLETIONS: Final = Base.metadata.tables["completions"]
_FILES: Final = Base.metadata.tables["files"]
_PIECES: Final = Base.metadata.tables["pieces"]


def batch_received(session: Session, batch_id: int, now: datetime) -> None:
    """All of the batch is received."""
    batch = session.execute(_BATCH, {"of_batch": batch_id}).one()
    data = BatchReceived(
        batch_id=str(batch.public_id), channel=batch.channel, received_on=batch.received_on.isoformat(),
        files=batch.file_count, link=f"/v1/batches/{batch.public_id}",
    )  # fmt: skip
    outbox.add(session, EventType.BATCH_RECEIVED, f"batches/{batch.public_id}", data, now)


def file_moved(session: Session, file_id: int, before: MailState, after: MailState, now: datetime) -> None:
    """A file stands elsewhere: perhaps it was the last of its batch that was under way, or the first that is again.

    Its batch stays locked until the transaction ends, so that of two files that end at the same moment one sees that
    it is the last.
    """
    if (before in _UNDER_WAY) == (after in _UNDER_WAY):
        return
    batch_id = session.scalars(_LOCKED_BATCH_OF_FILE, {"of_file": file_id}).one()
    if after in _UNDER_WAY:
        session.execute(_REOPENING, {"of_batch": batch_id})
        return
    dialect = session.get_bind().dialect.name
    if (number := session.scalars(_completing(dialect), {"of_batch": batch_id, "now": now}).one_or_none()) is not None:
        _tell_completed(session, batch_id, number, now)


def _tell_completed(session: Session, batch_id: int, number: int, now: datetime) -> None:
    batch = session.execute(_BATCH, {"of_batch": batch_id}).one()
    pieces = {state.value: count for state, count in session.execute(_PIECES_BY_STATE, {"of_batch": batch_id})}
    data = BatchCompleted(
        batch_id=str(batch.public_id), completion=number, files=batch.file_count, pieces=pieces,
        link=f"/v1/batches/{batch.public_id}",
    )  # fmt: skip
    outbox.add(session, EventType.BATCH_COMPLETED, f"batches/{batch.public_id}", data, now)


def quarantined(
    session: Session, file_id: int | None, piece_id: int | None, cause: Cause, page: int | None, now: datetime
) -> None:
    """The machine gave up on a piece, or on a file."""
    if piece_id is None:
        found = session.execute(_PLACE_OF_FILE, {"of_file": file_id}).one()
    else:
        found = session.execute(_PLACE_OF_PIECE, {"of_piece": piece_id}).one()
    data = PieceQuarantined(
        batch_id=str(found.batch_id), file_id=str(found.file_id), cause=cause, page=page, link="/v1/quarantine",
        piece_id=None if found.piece_id is None else str(found.piece_id),
    )  # fmt: skip
    subject = f"files/{found.file_id}" if found.piece_id is None else f"pieces/{found.piece_id}"
    outbox.add(session, EventType.PIECE_QUARANTINED, subject, data, now)


# The statements that every piece goes through are made once: making one costs more than running it.


def _is_under_way(state: ColumnElement[MailState]) -> ColumnElement[bool]:
    return or_(*(state == each for each in _UNDER_WAY))


_BATCH: Final = select(_BATCHES).where(_BATCHES.c.id == bindparam("of_batch"))
_LOCKED_BATCH_OF_FILE: Final = (
    select(_BATCHES.c.id)
    .where(_BATCHES.c.id == select(_FILES.c.batch_id).where(_FILES.c.id == bindparam("of_file")).scalar_subquery())
    .with_for_update(key_share=True)
)
_REOPENING: Final = (
    update(_COMPLETIONS).where(_COMPLETIONS.c.batch_id == bindparam("of_batch")).values(completed_at=None)
)
_COMPLETE: Final = select(_BATCHES.c.id, literal(1), bindparam("now", type_=_COMPLETIONS.c.completed_at.type)).where(
    _BATCHES.c.id == bindparam("of_batch"),
    _BATCHES.c.closed_at.is_not(None),
    ~select(_FILES.c.id)
    .where(_FILES.c.batch_id == bindparam("of_batch"), _is_under_way(_FILES.c.state))
    .correlate(None)
    .exists(),
)


@cache
def _completing(dialect: str) -> Insert:
    """Note that the batch is complete, if it is and nobody has noted it; gives the number of its completion."""
    inserting = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(_COMPLETIONS)
    adding = inserting.from_select(["batch_id", "number", "completed_at"], _COMPLETE)
    stated: Insert = adding.on_conflict_do_update(
        index_elements=[_COMPLETIONS.c.batch_id],
        set_={"number": _COMPLETIONS.c.number + 1, "completed_at": adding.excluded.completed_at},
        where=_COMPLETIONS.c.completed_at.is_(None),
    ).returning(_COMPLETIONS.c.number)
    return stated


_PIECES_BY_STATE: Final = (
    select(_PIECES.c.state, func.count())
    .join(_FILES, _PIECES.c.file_id == _FILES.c.id)
    .where(_FILES.c.batch_id == bindparam("of_batch"))
    .group_by(_PIECES.c.state)
)
_PLACE_OF_PIECE: Final = (
    select(
        _BATCHES.c.public_id.label("batch_id"),
        _FILES.c.public_id.label("file_id"),
        _PIECES.c.public_id.label("piece_id"),
    )
    .join_from(_PIECES, _FILES, _PIECES.c.file_id == _FILES.c.id)
    .join(_BATCHES, _FILES.c.batch_id == _BATCHES.c.id)
    .where(_PIECES.c.id == bindparam("of_piece"))
)
_PLACE_OF_FILE: Final = (
    select(
        _BATCHES.c.public_id.label("batch_id"),
        _FILES.c.public_id.label("file_id"),
        null().label("piece_id"),
    )
    .join_from(_FILES, _BATCHES, _FILES.c.batch_id == _BATCHES.c.id)
    .where(_FILES.c.id == bindparam("of_file"))
)
