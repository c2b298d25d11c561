"""A person says what kind of document it is: its fields are then keyed blind, as nothing of them was read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from intake.database.tables import Base, DocumentRow, FieldRow, TaskRow
from intake.review import asking, settling
from intake.review.claims import Keyer
from intake.review.rules import Rules
from schemas.errors import MailError
from schemas.field import FieldSpec, FieldStatus
from schemas.form_type import FormType
from schemas.record import RecordField

_REASON: Final = "A person named the form: nothing of it was read."
_TASKS: Final = Base.metadata.tables["tasks"]


class NoSuchForm(MailError):
    """No form type has this name."""


def identify(
    session: Session, rules: Rules, task: TaskRow, form_type: str, keyer: Keyer, now: datetime
) -> dict[str, Any]:
    """The document is of this form type, or with "" of none we know; what it was before, to take it back.

    Named as it is already, or of none, it has nothing more to ask. Raises NoSuchForm.
    """
    document = session.get_one(DocumentRow, task.document_id)
    before = {"document": {"form_type": document.form_type, "edition": document.edition}}
    if form_type == (document.form_type or ""):
        return before
    form = rules.forms.get(form_type)
    if form is None:
        raise NoSuchForm("There is no such form type.")
    document.form_type, document.edition = form.id, None
    _add_fields(session, document.id, form, keyer)
    _add_tasks(session, task, form, rules, now)
    return before


def forget(session: Session, document_id: int, before: Mapping[str, Any]) -> None:
    """The document is again of the kind it was taken for, without the fields of the other."""
    document = session.get_one(DocumentRow, document_id)
    if document.form_type == before["form_type"]:
        return
    document.form_type, document.edition = before["form_type"], before["edition"]
    session.execute(delete(FieldRow).where(FieldRow.document_id == document_id))


def _add_fields(session: Session, document_id: int, form: FormType, keyer: Keyer) -> None:
    session.execute(delete(FieldRow).where(FieldRow.document_id == document_id))
    for ordinal, spec in enumerate(form.fields, 1):
        nothing = _nothing_of(spec, keyer).model_dump(mode="json")
        own = ("value", "text", "kind", "status", "confidence", "page", "field_class", "readings")
        session.add(
            FieldRow(
                document_id=document_id,
                name=spec.name,
                ordinal=ordinal,
                kind=spec.kind,
                status=FieldStatus.NOT_FOUND,
                field_class=spec.field_class,
                text="",
                decision={key: value for key, value in nothing.items() if key not in own},
            )
        )
    session.flush()


def _nothing_of(spec: FieldSpec, keyer: Keyer) -> RecordField:
    return RecordField(
        value=None, text="", kind=spec.kind, status=FieldStatus.NOT_FOUND, confidence=None, page=None, box=None,
        field_class=spec.field_class, reasons=[_REASON], decided_by=settling.BY_A_PERSON + keyer.role,
    )  # fmt: skip


def _add_tasks(session: Session, task: TaskRow, form: FormType, rules: Rules, now: datetime) -> None:
    for spec in form.fields:
        nothing = _nothing_of(spec, Keyer(0, "", ""))
        for asked in asking.tasks_of_field(spec.name, nothing, form.id, rules):
            kind = asked["kind"]
            ordinal = asking.next_ordinal(session, task.document_id, spec.name, kind)
            times = {"due_at": task.due_at, "state_since": now, "created_at": now, "rank": task.rank}
            session.add(TaskRow(**(asked | times | {"document_id": task.document_id, "ordinal": ordinal})))
            session.flush()
