"""What is understood by what a person is keying, in words they can check at a glance."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from intake.database.tables import TaskRow
from intake.review import settling
from intake.review.answers import Answer, understand
from intake.review.rules import Rules
from schemas.field import FieldKind


@dataclass(frozen=True, slots=True)
class Preview:
    """words: the value as one would say it, "" where that says no more than what was keyed. doubts: what is wrong."""

    words: str = ""
    doubts: tuple[str, ...] = ()


def preview(session: Session, rules: Rules, task_id: int, answer: Answer) -> Preview:
    """For a task about a field; of one about a whole document nothing can be said."""
    task = session.get_one(TaskRow, task_id)
    fields = settling.fields_of(session, task.document_id)
    if task.field not in fields:
        return Preview()
    keyed = understand(rules, task.form_type, fields, task.field, answer)
    if keyed.status is not None:
        return Preview()
    return Preview(_words(fields[task.field].kind, keyed.value), keyed.doubts)


def _words(kind: FieldKind, value: object) -> str:
    if kind is FieldKind.DATE and isinstance(value, str):
        day = date.fromisoformat(value)
        return f"{day.day} {day:%B %Y}"
    if kind is FieldKind.MONEY and isinstance(value, str):
        whole, _, hundredths = value.partition(".")
        return f"{int(whole):,}.{hundredths}"
    if kind is FieldKind.INTEGER and isinstance(value, int):
        return f"{value:,}"
    return ""
