"""Corrections: a published record is never changed; what was wrong in it stands right in its next revision.

The piece stays published. Sent through review again it would be out of the books of what is done until somebody looked,
while its wrong value is out already; here the new revision, its news and the audit are one transaction, nothing moves,
and nothing is left to ask. What people must key twice is not keyed twice here: a correction names its reason instead,
and both values go out with it.

Locks are taken in the order of `intake.review.settling`: the file, tasks, the order of publication, the audit's head.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from intake import audit, publication, whereabouts
from intake.database.tables import CorrectionRow, DocumentRow, FieldRow, PieceRow, RecordRow, RevisionRow, TaskRow
from intake.review import settling
from intake.review.answers import NOT_WRITABLE, Answer, Keyed, is_writable, understand
from intake.review.entering import LONGEST_TEXT
from intake.review.rules import Rules
from schemas.errors import MailError
from schemas.field import FieldKind, FieldStatus
from schemas.review import Act
from schemas.states import DocumentState, MailState, TaskState

LONGEST_REASON: Final = 500
_TICKED: Final = frozenset({FieldKind.CHOICE, FieldKind.SIGNATURE})


class CannotCorrect(MailError):
    """The record cannot be corrected as asked; the message says why. Nothing of it may be committed."""


class NoSuchRecord(CannotCorrect):
    """No record of that id was published."""


class Superseded(CannotCorrect):
    """There is a newer revision than the one the correction was made for."""


class InReview(CannotCorrect):
    """People, or the machine, are at work on the document again: its next revision is under way."""


class NotAsAsked(CannotCorrect):
    """Something of the correction is wrong. faults: sentences by the field they are about, "reason" for the reason."""

    def __init__(self, faults: Mapping[str, Sequence[str]]) -> None:
        super().__init__("The correction is not as it should be.")
        self.faults = faults


class DoubtfulValue(NotAsAsked):
    """A value fails a check. may_be_meant: sent again as `sure`, all of it is taken."""

    def __init__(self, faults: Mapping[str, Sequence[str]], *, may_be_meant: bool) -> None:
        super().__init__(faults)
        self.may_be_meant = may_be_meant


@dataclass(frozen=True, slots=True)
class Corrector:
    """Who corrects. actor: as in the audit.  role: the person's, or `settling.BY_A_CALLER`."""

    actor: str
    role: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants corrected.

    answers:  by field, as people key them.  reason: why, for whoever received the record.
    expected: the number of the revision they looked at: of two corrections of one revision the second is refused.
    """

    answers: Mapping[str, Answer]
    reason: str
    by: Corrector
    expected: int


@dataclass(frozen=True, slots=True)
class Stood:
    """What a field said: as in the record."""

    status: str
    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after."""

    field: str
    old: Stood
    new: Stood


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction that was made. revision: the number of the one it made.  at: when that was published."""

    revision: int
    sequence: int
    body_sha256: str
    at: datetime
    by: Corrector
    reason: str
    changes: tuple[Change, ...]


def correct(session: Session, rules: Rules, record_id: str, wanted: Wanted, now: datetime) -> Correction:
    """Publish the next revision of a record with some of its fields corrected, in the caller's transaction.

    Raises CannotCorrect; the caller's transaction must then be rolled back.
    """
    by, answers = wanted.by, wanted.answers
    reason = _checked_reason(wanted.reason)
    record, document = _held(session, record_id, wanted.expected)
    fields = settling.fields_of(session, document.id)
    changes = _settled(rules, document.form_type, fields, answers, by.role, now)
    _refuse_doubtful(session, rules, document, fields, answers)
    _outdate_tasks(session, document.id, list(answers))
    written = publication.publish_correction(session, document.id, now)
    made = Correction(written.number, written.sequence, written.body_sha256, now, by, reason, changes)
    _write_down(session, written.id, document.id, made)
    details: audit.Details = {"record": record.id, "revision": written.number, "fields": len(changes)}
    audit.append(session, now, by.actor, "record corrected", f"document:{document.id}", details)
    return made


def corrections_of(session: Session, document_id: int) -> list[Correction]:
    """All corrections of a document's record, the first first."""
    query = (
        select(CorrectionRow, RevisionRow.number, RevisionRow.sequence, RevisionRow.body_sha256)
        .join(RevisionRow, CorrectionRow.revision_id == RevisionRow.id)
        .where(CorrectionRow.document_id == document_id)
        .order_by(CorrectionRow.id)
    )
    return [
        Correction(number, sequence, sha256, row.at, Corrector(row.actor, row.role), row.reason, _changes(row))
        for row, number, sequence, sha256 in session.execute(query)
    ]


def was_corrected(session: Session, document_id: int, field: str, since: datetime) -> bool:
    """Whether a record was corrected since then; of "" in any field, else in this one."""
    query = select(CorrectionRow).where(CorrectionRow.document_id == document_id, CorrectionRow.at >= since)
    return any(field in ("", change.field) for row in session.scalars(query) for change in _changes(row))


def _checked_reason(reason: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise NotAsAsked({"reason": ["Say why it is corrected: whoever received the record will ask."]})
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise NotAsAsked({"reason": [f"It may have at most {LONGEST_REASON} printable characters."]})
    return reason


def _held(session: Session, record_id: str, expected: int) -> tuple[RecordRow, DocumentRow]:
    """The record and its document, which nobody else changes until the transaction ends. Raises CannotCorrect."""
    found = select(RecordRow.id, DocumentRow.piece_id).join(DocumentRow, RecordRow.document_id == DocumentRow.id)
    ids = session.execute(found.where(RecordRow.public_id == record_id)).one_or_none()
    if ids is None:
        raise NoSuchRecord("There is no such record.")
    whereabouts.lock(session, ids.piece_id)
    record = session.get_one(RecordRow, ids.id, populate_existing=True)
    document = session.get_one(DocumentRow, record.document_id, populate_existing=True)
    piece = session.get_one(PieceRow, document.piece_id, populate_existing=True)
    if record.latest_revision != expected:
        raise Superseded(
            f"The latest revision of this record is {record.latest_revision}. Look at that, and correct it if need be."
        )
    if (piece.state, document.state) != (MailState.PUBLISHED, DocumentState.PUBLISHED):
        raise InReview("This document is being worked on again. Correct it once its next revision is published.")
    return record, document


def _settled(
    rules: Rules,
    form_type: str | None,
    fields: Mapping[str, FieldRow],
    answers: Mapping[str, Answer],
    role: str,
    now: datetime,
) -> tuple[Change, ...]:
    """Write every answer into its field. Raises NotAsAsked where there is none, or where nothing would change."""
    unknown = sorted(answers.keys() - fields.keys())
    if unknown or not answers:
        raise NotAsAsked({name: ["The record has no such field."] for name in unknown or ["fields"]})
    if not all(map(is_writable, answers.values())):
        raise NotAsAsked({name: [NOT_WRITABLE] for name, answer in answers.items() if not is_writable(answer)})
    if too_long := [name for name, answer in answers.items() if len(answer.text) > LONGEST_TEXT]:
        raise NotAsAsked({name: ["That is too long."] for name in too_long})
    keyed = {name: understand(rules, form_type, fields, name, answer) for name, answer in answers.items()}
    faults = {name: fault for name, each in keyed.items() if (fault := _fault(fields[name], answers[name], each))}
    if faults:
        raise NotAsAsked(faults)
    changes = []
    for name, stands in keyed.items():
        old = _stood(fields[name])
        settling.correct(fields[name], stands, role, now)
        changes.append(Change(name, old, _stood(fields[name])))
    return tuple(changes)


def _fault(field: FieldRow, answer: Answer, keyed: Keyed) -> list[str]:
    """Why this can be no correction of the field; empty if it can."""
    if answer.text and field.kind in _TICKED:
        return ["This field takes what is ticked, no text."]
    if answer.options and field.kind not in _TICKED:
        return ["This field takes text, nothing to tick."]
    if answer.act is Act.VALUE and keyed.status is FieldStatus.BLANK:
        return list(keyed.doubts)
    if keyed.status is None:
        value = list(keyed.value) if isinstance(keyed.value, tuple) else keyed.value
        says_the_same = field.value == value and (value is not None or field.text == keyed.text)
    else:
        says_the_same = field.status is keyed.status
    return ["This is what the record says already."] if says_the_same else []


def _stood(field: FieldRow) -> Stood:
    return Stood(field.status.value, field.value, field.text)


def _refuse_doubtful(
    session: Session, rules: Rules, document: DocumentRow, fields: Mapping[str, FieldRow], answers: Mapping[str, Answer]
) -> None:
    """Check the document as it would be. Raises DoubtfulValue for what fails, unless whoever sends it is sure."""
    settling.check_again(session, document, rules)
    doubts = {
        name: found
        for name, answer in answers.items()
        if answer.act is Act.VALUE and not answer.sure and (found := _doubts(fields[name]))
    }
    if doubts:
        raise DoubtfulValue(doubts, may_be_meant=True)


def _doubts(field: FieldRow) -> list[str]:
    failed = [check["message"] for check in field.decision["checks"] if not check["passed"] and check["message"]]
    problem = field.decision.get("problem", "")
    return failed or ([problem] if problem else [])


def _outdate_tasks(session: Session, document_id: int, names: list[str]) -> None:
    """A screen that still shows what somebody keyed there must look again before it puts its own in that place."""
    session.flush()
    session.execute(
        update(TaskRow)
        .where(TaskRow.document_id == document_id, TaskRow.field.in_(names), TaskRow.state == TaskState.DONE)
        .values(version=TaskRow.version + 1),
        execution_options={"synchronize_session": False},
    )


def _write_down(session: Session, revision_id: int, document_id: int, made: Correction) -> None:
    row = CorrectionRow(
        revision_id=revision_id, document_id=document_id, actor=made.by.actor, role=made.by.role, at=made.at,
        reason=made.reason,
        changes=[{"field": each.field, "old": _as_json(each.old), "new": _as_json(each.new)} for each in made.changes],
    )  # fmt: skip
    session.add(row)
    session.flush()


def _as_json(stood: Stood) -> dict[str, Any]:
    return {"status": stood.status, "value": stood.value, "text": stood.text}


def _changes(row: CorrectionRow) -> tuple[Change, ...]:
    return tuple(Change(each["field"], Stood(**each["old"]), Stood(**each["new"])) for each in row.changes)
