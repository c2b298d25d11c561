"""What was set aside: what the machine gave up on, with the reason, until a person retries or rejects it.

Addressed by the number of its step, or by the public id of the file or piece; a file's id means its pieces as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from intake import audit, steps, whereabouts
from intake.database.tables import BatchRow, FileRow, PieceRow, StepRow
from intake.review.settling import withdraw
from intake.steps import NotInQuarantine, Subject, in_state
from schemas.errors import Cause
from schemas.extraction import Failure
from schemas.states import MailState, StepName, StepState

LONGEST_REASON: Final = 500
_PARENT: Final = aliased(FileRow)


@dataclass(frozen=True, slots=True)
class SetAside:
    """One file or piece in quarantine.

    id:      of the piece, or of the file where it was not even unpacked. file_id, batch_id: what it belongs to.
    name:    of the file, as received. piece: its number in the file, None for a file that was not unpacked.
    page:    where it went wrong; None for the whole.
    attempts: how often it was tried since it was received or last retried.
    """

    id: UUID
    file_id: UUID
    batch_id: UUID
    step_id: int
    step: StepName
    name: str
    piece: int | None
    cause: Cause
    problem: str
    remedy: str
    page: int | None
    attempts: int
    since: datetime


def listed(session: Session, cause: Cause | None = None, *, limit: int | None = None, after: int = 0) -> list[SetAside]:
    """What is in quarantine, by the number of its step, those behind `after`; at most `limit`, None for all."""
    query = _query().where(StepRow.id > after).limit(limit)
    if cause is not None:
        query = query.where(StepRow.cause == cause)
    return [_set_aside(*row) for row in session.execute(query)]


def found(session: Session, which: int | UUID) -> list[SetAside]:
    """What is in quarantine under that number of a step, or that id of a file or piece. Raises NotInQuarantine."""
    return _found(session, which, _query())


def _held(session: Session, which: int | UUID) -> list[SetAside]:
    """The same, without what somebody else has just decided about; nobody decides about the rest any more.

    All steps are locked before the first file is: who decides about one piece of it takes them in that order, too.
    """
    return _found(session, which, _query().with_for_update(of=StepRow, key_share=True))


def _found(
    session: Session, which: int | UUID, query: "Select[StepRow, FileRow, PieceRow, FileRow, UUID]"
) -> list[SetAside]:
    rows = session.execute(query.where(_meant(which))).all()
    if not rows:
        raise NotInQuarantine(f"Nothing is in quarantine under {which}.")
    return [_set_aside(*row) for row in rows]


def of_batch(session: Session, batch: int, *, limit: int) -> list[SetAside]:
    """What of the batch with that key is in quarantine, at most `limit`."""
    return [_set_aside(*row) for row in session.execute(_query().where(BatchRow.id == batch).limit(limit))]


def by_cause(session: Session) -> dict[Cause, int]:
    """How many steps are in quarantine for each cause that there is."""
    query = select(StepRow.cause, func.count()).where(in_state(StepState.QUARANTINED)).group_by(StepRow.cause)
    return {cause: count for cause, count in session.execute(query) if cause is not None}


def retry(session: Session, which: int | UUID, operator: str, now: datetime) -> Sequence[SetAside]:
    """Take it out of quarantine, with all attempts; what was taken. Raises NotInQuarantine."""
    taken = _held(session, which)
    for each in taken:
        steps.retry(session, each.step_id, operator, now)
    return taken


def reject(session: Session, which: int | UUID, operator: str, reason: str, now: datetime) -> Sequence[SetAside]:
    """Refuse it for good: it is no mail of ours, or cannot be used. Its steps and tasks end; what was refused.

    reason: for whoever asks later; it stands on the file or piece, not in the audit. Raises NotInQuarantine, and
    ValueError for a reason that is empty, too long or cannot be shown.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise ValueError(f"a reason is needed, of at most {LONGEST_REASON} printable characters")
    refused = _held(session, which)
    for each in refused:
        _reject(session, each, operator, reason, now)
    return refused


def _reject(session: Session, each: SetAside, operator: str, reason: str, now: datetime) -> None:
    step = session.get_one(StepRow, each.step_id)
    subject = Subject(step.file_id, step.piece_id)
    # First the step itself, as it was found: what somebody else has just retried must not be refused for good.
    ended = steps.cancel_quarantined(session, each.step_id, now) + steps.cancel(session, subject, now)
    failure = Failure(each.cause, f"Rejected: {reason}", "", each.page)
    if subject.file_id is not None:
        whereabouts.move_file(session, subject.file_id, MailState.REJECTED, now, failure)
    if subject.piece_id is not None:
        withdraw(session, subject.piece_id, now)
        whereabouts.move_piece(session, subject.piece_id, MailState.REJECTED, now, failure)
    details: audit.Details = {"step": each.step_id, "cause": each.cause.value, "cancelled": ended}
    audit.append(session, now, operator, "rejected", str(subject), details)


def _meant(which: int | UUID) -> ColumnElement[bool]:
    if isinstance(which, int):
        return StepRow.id == which
    return or_(FileRow.public_id == which, PieceRow.public_id == which, _PARENT.public_id == which)


def _query() -> "Select[StepRow, FileRow, PieceRow, FileRow, UUID]":
    """A step is about a file, or about a piece that has one: `_PARENT`."""
    return (
        select(StepRow, FileRow, PieceRow, _PARENT, BatchRow.public_id)
        .outerjoin(FileRow, StepRow.file_id == FileRow.id)
        .outerjoin(PieceRow, StepRow.piece_id == PieceRow.id)
        .outerjoin(_PARENT, PieceRow.file_id == _PARENT.id)
        .join(BatchRow, BatchRow.id == func.coalesce(FileRow.batch_id, _PARENT.batch_id))
        .where(in_state(StepState.QUARANTINED))
        .order_by(StepRow.id)
    )


def _set_aside(
    step: StepRow, file: FileRow | None, piece: PieceRow | None, parent: FileRow | None, batch_id: UUID
) -> SetAside:
    file = file or parent
    assert file is not None  # noqa: S101  # a step is about one of the two
    assert step.cause is not None  # noqa: S101  # and in quarantine for a reason
    return SetAside(
        id=(piece or file).public_id,
        file_id=file.public_id,
        batch_id=batch_id,
        step_id=step.id,
        step=step.name,
        name=file.name,
        piece=None if piece is None else piece.ordinal,
        cause=step.cause,
        problem=step.problem or "",
        remedy=step.remedy or "",
        page=step.page,
        attempts=step.attempts,
        since=step.state_since,
    )
