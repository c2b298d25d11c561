"""What people settled is written into the field; a piece with nothing left to ask goes on to be published.

Locks are taken in one order by all who change what people decide: steps (only to bring a piece back), the file, tasks,
and the audit's head last.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from intake import steps, whereabouts
from intake.database.tables import DocumentRow, FieldRow, PieceRow, StepRow, TaskRow
from intake.review.answers import Keyed, checks_of, machines
from intake.review.claims import Keyer
from intake.review.judging import status_of
from intake.review.rules import Rules
from intake.steps import Subject
from schemas.field import CheckResult, FieldStatus
from schemas.states import OPEN_TASKS, DocumentState, MailState, StepName, TaskState

BY_A_PERSON: Final = "person:"  # how `decided_by` begins where a person decided; the role follows
BY_A_CALLER: Final = "caller"  # what it is where a program corrected a record over the API, and its role
_QUIET: Final[dict[str, Any]] = {"synchronize_session": False}


def fields_of(session: Session, document_id: int) -> dict[str, FieldRow]:
    """The fields of a document by name, in their order."""
    query = select(FieldRow).where(FieldRow.document_id == document_id).order_by(FieldRow.ordinal)
    return {field.name: field for field in session.scalars(query)}


def settle(field: FieldRow, stands: Keyed, keyer: Keyer, now: datetime) -> dict[str, Any]:
    """Write what stands into the field; returns the field as it was, for whoever takes it back."""
    before = snapshot(field)
    is_changed = field.value != _plain(stands) or stands.status is not None
    _write(field, stands, status_of(stands, machines(field)), keyer.role, now, is_changed=is_changed)
    return before


def correct(field: FieldRow, stands: Keyed, role: str, now: datetime) -> None:
    """Write into a field that was published what stands there instead; role: a person's, or BY_A_CALLER."""
    _write(field, stands, stands.status or FieldStatus.CORRECTED, role, now, is_changed=True)


def _write(field: FieldRow, stands: Keyed, status: FieldStatus, role: str, now: datetime, *, is_changed: bool) -> None:
    entry = {"by": role, "at": now.isoformat(), "action": status.value}
    decision = dict(field.decision)
    decision |= {
        "reasons": [], "problem": stands.problem, "entries": [*decision.get("entries", []), entry],
        "decided_by": role if role == BY_A_CALLER else BY_A_PERSON + role,
    }  # fmt: skip
    if is_changed:
        # The probability was that of what the machine read.
        field.confidence = None
        decision["score"] = None
        decision["checks"] = _as_json(stands.checks)
    field.status, field.value, field.text = status, _plain(stands), stands.text
    field.decision = decision


def snapshot(field: FieldRow) -> dict[str, Any]:
    """Everything about the field that a person's entry can change."""
    return {
        "status": field.status.value,
        "value": field.value,
        "text": field.text,
        "confidence": field.confidence,
        "decision": field.decision,
    }


def restore(session: Session, field_id: int, before: Mapping[str, Any]) -> None:
    """Put back what `snapshot` took."""
    session.execute(update(FieldRow).where(FieldRow.id == field_id).values(**before), execution_options=_QUIET)


def _plain(keyed: Keyed) -> Any:
    """As a column takes it. An empty choice stays a list: nothing is ticked."""
    return list(keyed.value) if isinstance(keyed.value, tuple) else keyed.value


def _as_json(checks: tuple[CheckResult, ...]) -> list[dict[str, Any]]:
    return [{"name": check.name, "passed": check.passed, "message": check.message} for check in checks]


def lock_piece_of(session: Session, document_id: int) -> int:
    """The piece of a document, whose file is locked from now on: of two people who end together one is the last."""
    piece_id = session.scalars(select(DocumentRow.piece_id).where(DocumentRow.id == document_id)).one()
    whereabouts.lock(session, piece_id)
    return piece_id


def finish_if_done(session: Session, piece_id: int, rules: Rules, now: datetime) -> bool:
    """If nobody has to look at the piece any more, let it be published once `rules.settle` has passed."""
    session.flush()
    if session.scalars(select(_has_open_task(piece_id))).one():
        return False
    documents = session.scalars(
        select(DocumentRow).where(DocumentRow.piece_id == piece_id, DocumentRow.state == DocumentState.REVIEW)
    ).all()
    for document in documents:
        check_again(session, document, rules)
        document.state, document.state_since = DocumentState.COMPLETE, now
    whereabouts.move_piece(session, piece_id, MailState.IN_WORK, now)
    subject = Subject(piece_id=piece_id)
    steps.add(
        session, StepName.PUBLISH, subject, now, round=_next_round(session, piece_id), not_before=now + rules.settle
    )
    return True


def bring_back(session: Session, document_id: int, now: datetime) -> None:
    """A person looks at a document again that was done: its piece is in review from now on, published or not.

    Raises ForbiddenMove if it is in quarantine or was rejected. Its steps must have been cancelled, and its file be
    locked.
    """
    document = session.get_one(DocumentRow, document_id)
    state = session.scalars(select(PieceRow.state).where(PieceRow.id == document.piece_id)).one()
    if state is not MailState.IN_REVIEW:
        whereabouts.move_piece(session, document.piece_id, MailState.IN_REVIEW, now)
    if document.state is not DocumentState.REVIEW:
        document.state, document.state_since = DocumentState.REVIEW, now


def take_from_publication(session: Session, document_id: int, now: datetime) -> int:
    """As `lock_piece_of`, and nobody publishes the piece as it is now."""
    piece_id = session.scalars(select(DocumentRow.piece_id).where(DocumentRow.id == document_id)).one()
    subject = Subject(piece_id=piece_id)
    while True:
        steps.cancel(session, subject, now)
        locking = session.begin_nested()
        whereabouts.lock(session, piece_id)
        if not steps.has_open(session, subject):
            locking.commit()
            return piece_id
        # Whoever had the file until now gave the last answer. Its step may be a worker's already, who holds it and
        # waits for the file: let that go, and begin with the step again.
        locking.rollback()


def withdraw(session: Session, piece_id: int, now: datetime) -> int:
    """Nobody needs to look at the piece any more: it was rejected, or is read again. How many tasks that ends."""
    documents = select(DocumentRow.id).where(DocumentRow.piece_id == piece_id)
    ended = (
        update(TaskRow)
        .where(TaskRow.document_id.in_(documents), TaskRow.state.in_(OPEN_TASKS))
        .values(state=TaskState.WITHDRAWN, state_since=now, lease_until=None, version=TaskRow.version + 1)
        .returning(TaskRow.id)
        .execution_options(**_QUIET)
    )
    return len(session.scalars(ended).all())


def _has_open_task(piece_id: int) -> ColumnElement[bool]:
    return exists().where(
        TaskRow.document_id == DocumentRow.id, DocumentRow.piece_id == piece_id, TaskRow.state.in_(OPEN_TASKS)
    )


def check_again(session: Session, document: DocumentRow, rules: Rules) -> None:
    """The checks of what people decided, now that every answer of the document is there to be compared with."""
    fields = fields_of(session, document.id)
    checks = checks_of(rules, document.form_type, fields, {})
    for field in fields.values():
        if field.decision.get("decided_by", "").startswith((BY_A_PERSON, BY_A_CALLER)) and field.name in checks:
            field.decision = {**field.decision, "checks": _as_json(checks[field.name])}


def _next_round(session: Session, piece_id: int) -> int:
    query = select(func.coalesce(func.max(StepRow.round), 0)).where(
        StepRow.piece_id == piece_id, StepRow.name == StepName.PUBLISH
    )
    return session.scalars(query).one() + 1
