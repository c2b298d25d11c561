"""What a keyer is shown of a task. Where the machine's value is to be hidden, it is not even put into words here."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake.database.tables import DocumentRow, EntryRow, FieldRow, FileRow, PageRow, PieceRow, TaskRow
from intake.review.answers import NOT_SIGNED, SIGNED, machines
from intake.review.candidates import candidates
from intake.review.differing import differing
from intake.review.entering import keyed_of
from intake.review.rules import Rules
from schemas.field import FieldKind, FieldSpec, FieldStatus
from schemas.page import PageLabel
from schemas.review import ANSWERS, REASON_WORDS, Act, Queue, ReferReason
from schemas.states import TaskKind, TaskState

# What a reader's raw score makes a mark worth: it is shown to people, nothing is decided by it.
_DOUBTFUL, _CHECK = 0.6, 0.9
_STATUS_WORDS: Final = {
    FieldStatus.BLANK: "Left blank on the form",
    FieldStatus.UNREADABLE: "Cannot be read",
    FieldStatus.NOT_FOUND: "Not on these pages",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """A stretch of the shown text that a reader was not sure of; grade: "check" or "doubtful"."""

    start: int
    end: int
    grade: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the entries a third person chooses from, unlabelled. `status`: of BLANK and its like, else None."""

    text: str
    options: tuple[str, ...] = ()
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Referred:
    """By whom a task was handed on (their role), why, and in which words."""

    by: str
    reason: str
    note: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A task as its keyer's screen gets it.

    label:   the words printed on the form.  input: the kind of the field.
    page:    number in the file of the page to look at, None if there is none; pages: of the whole document.
    box:     where the answer stands, in fractions of that page; None if nobody knows.
    text, ticked: what the machine read; None where it is hidden or there is nothing.
    is_again: the same person keys it a second time.
    """

    id: int
    fence: int
    version: int
    lease_until: datetime | None
    kind: TaskKind
    queue: Queue
    document: int
    file: str
    form_type: str | None
    form: str
    field: str
    label: str
    input: FieldKind
    options: tuple[str, ...]
    several: bool
    day_first: bool
    page: int | None
    pages: tuple[int, ...]
    box: list[float] | None
    created_at: datetime
    due_at: datetime
    reasons: tuple[str, ...] = ()
    text: str | None = None
    ticked: tuple[str, ...] | None = None
    doubts: tuple[Doubt, ...] = ()
    candidates: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    forms: tuple[tuple[str, str], ...] = ()
    is_again: bool = False
    draft: dict[str, Any] | None = None
    referred: Referred | None = None

    def as_json(self) -> dict[str, Any]:
        """As the screen gets it."""
        moments = {name: getattr(self, name) for name in ("lease_until", "created_at", "due_at")}
        return asdict(self) | {name: None if at is None else at.isoformat() for name, at in moments.items()}


def show(session: Session, rules: Rules, task_ids: Sequence[int]) -> list[Shown]:
    """The tasks as their keyer may see them, in the order given."""
    query = (
        select(TaskRow, DocumentRow, FileRow.name)
        .join(DocumentRow, DocumentRow.id == TaskRow.document_id)
        .join(PieceRow, PieceRow.id == DocumentRow.piece_id)
        .join(FileRow, FileRow.id == PieceRow.file_id)
        .where(TaskRow.id.in_(task_ids))
        .execution_options(populate_existing=True)
    )
    found = {task.id: (task, document, name) for task, document, name in session.execute(query)}
    documents = {document.id for _, document, _ in found.values()}
    fields, pages = _fields_of(session, documents), _pages_of(session, documents)
    return [
        _show(session, rules, *found[id], fields[found[id][1].id], pages[found[id][1].id])
        for id in task_ids
        if id in found
    ]


def place_of(session: Session, task_id: int) -> tuple[int, list[float] | None] | None:
    """(id of the page a task is about, where on it the answer stands or None); None if there is no page to look at."""
    found = show(session, Rules(), [task_id])
    if not found or found[0].page is None:
        return None
    shown = found[0]
    query = select(PageRow.id).where(PageRow.document_id == shown.document, PageRow.number == shown.page)
    page = session.scalars(query).one_or_none()
    return None if page is None else (page, shown.box)


def _fields_of(session: Session, documents: set[int]) -> dict[int, dict[str, FieldRow]]:
    found: dict[int, dict[str, FieldRow]] = {document: {} for document in documents}
    query = select(FieldRow).where(FieldRow.document_id.in_(documents)).order_by(FieldRow.ordinal)
    for field in session.scalars(query):
        found[field.document_id][field.name] = field
    return found


def _pages_of(session: Session, documents: set[int]) -> dict[int, list[tuple[int, PageLabel | None]]]:
    found: dict[int, list[tuple[int, PageLabel | None]]] = {document: [] for document in documents}
    query = select(PageRow.document_id, PageRow.number, PageRow.label).where(PageRow.document_id.in_(documents))
    for document, number, label in session.execute(query.order_by(PageRow.number)):
        found[document or 0].append((number, label))
    return found


def _show(
    session: Session,
    rules: Rules,
    task: TaskRow,
    document: DocumentRow,
    file: str,
    fields: Mapping[str, FieldRow],
    pages: Sequence[tuple[int, PageLabel | None]],
) -> Shown:
    field = fields.get(task.field)
    spec = FieldSpec("", FieldKind.TEXT, label="What kind of document is this?")
    if field is not None:
        spec = rules.spec_of(document.form_type, field.name, field.kind)
    form = rules.forms.get(document.form_type or "")
    content = [number for number, label in pages if label is PageLabel.CONTENT] or [number for number, _ in pages]
    place = field.page if field is not None else None
    return Shown(
        id=task.id,
        fence=task.fence,
        version=task.version,
        lease_until=task.lease_until,
        kind=task.kind,
        queue=task.queue,
        document=document.id,
        file=file,
        form_type=document.form_type,
        form="" if form is None else form.title,
        field=task.field,
        label=spec.label or spec.name.replace("_", " ").capitalize(),
        input=spec.kind,
        options=(SIGNED, NOT_SIGNED) if spec.kind is FieldKind.SIGNATURE else spec.options,
        several=spec.several,
        day_first=spec.day_first,
        page=place if place is not None else next(iter(content), None),
        pages=tuple(number for number, _ in pages),
        box=None if field is None or place is None else field.decision.get("box"),
        created_at=task.created_at,
        due_at=task.due_at,
        is_again=task.entry is not None,
        draft=task.draft,
        referred=_referral(session, task),
        **_seen(session, rules, task, document, fields),
    )


def _seen(
    session: Session, rules: Rules, task: TaskRow, document: DocumentRow, fields: Mapping[str, FieldRow]
) -> dict[str, Any]:
    """What of a task depends on its kind: the machine's value for those who confirm, all entries for a third person."""
    if task.kind is TaskKind.IDENTIFY:
        return {"forms": tuple((form.id, form.title) for form in rules.forms.values())}
    field = fields[task.field]
    if task.kind is TaskKind.ADJUDICATE:
        return {"choices": _choices(session, task, field)}
    if task.kind is not TaskKind.CONFIRM:
        return {}
    doubts = _doubts(field)
    places = [place for doubt in doubts for place in range(doubt.start, doubt.end)]
    return {
        "text": field.text,
        "ticked": _ticked(field),
        "reasons": (*field.decision.get("reasons", ()), *differing(field.text, field.readings)),
        "doubts": doubts,
        "candidates": tuple(candidates(rules, document.form_type, fields, field.name, places)),
    }


def _ticked(field: FieldRow) -> tuple[str, ...] | None:
    if field.kind is FieldKind.SIGNATURE and isinstance(field.value, bool):
        return (SIGNED if field.value else NOT_SIGNED,)
    return tuple(field.value) if isinstance(field.value, list) else None


def _doubts(field: FieldRow) -> tuple[Doubt, ...]:
    """The characters of the shown text that the reader was not sure of, side by side as one stretch."""
    reading = field.readings[0] if field.readings else {}
    scores = reading.get("characters") or []
    if reading.get("text") != field.text or len(scores) != len(field.text):
        return ()
    found: list[Doubt] = []
    for place, score in enumerate(scores):
        if score >= _CHECK or field.text[place] == " ":
            continue
        grade = "doubtful" if score < _DOUBTFUL else "check"
        if found and found[-1].end == place and found[-1].grade == grade:
            found[-1] = Doubt(found[-1].start, place + 1, grade)
        else:
            found.append(Doubt(place, place + 1, grade))
    return tuple(found)


def _choices(session: Session, task: TaskRow, field: FieldRow) -> tuple[Choice, ...]:
    """Everybody's last entry and the machine's, each once, in an order that says nothing and stays the same."""
    query = (
        select(EntryRow)
        .join(TaskRow, TaskRow.id == EntryRow.task_id)
        .where(
            TaskRow.document_id == task.document_id,
            TaskRow.field == task.field,
            TaskRow.id != task.id,
            EntryRow.action.in_(ANSWERS),
        )
        .order_by(EntryRow.id)
    )
    keyed = [keyed_of(entry) for entry in {entry.task_id: entry for entry in session.scalars(query)}.values()]
    machine = machines(field)
    found: dict[Choice, None] = {}
    for each in [*keyed, *([] if machine is None else [machine])]:
        text = each.text if each.status is None else _STATUS_WORDS[each.status]
        options = each.value if isinstance(each.value, tuple) else ()
        if field.kind is FieldKind.SIGNATURE and each.status is None:
            options = (SIGNED if each.value else NOT_SIGNED,)
            text = options[0]
        found.setdefault(Choice(text, options, None if each.status is None else each.status.value))
    return tuple(sorted(found, key=lambda choice: hashlib.sha256(f"{task.id}/{choice.text}".encode()).digest()))


def _referral(session: Session, task: TaskRow) -> Referred | None:
    if task.queue is not Queue.REFERRED:
        return None
    query = (
        select(EntryRow.role, EntryRow.reason, EntryRow.text)
        .where(EntryRow.task_id == task.id, EntryRow.action == Act.REFER)
        .order_by(EntryRow.id.desc())
        .limit(1)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    return Referred(found.role, REASON_WORDS[ReferReason(found.reason)], found.text)


def is_held(session: Session, task_id: int, person_id: int) -> bool:
    """Whether this person has the task in hand."""
    query = select(TaskRow.person_id, TaskRow.state).where(TaskRow.id == task_id)
    found = session.execute(query).one_or_none()
    return found is not None and tuple(found) == (person_id, TaskState.CLAIMED)


def page_of(session: Session, task_id: int, number: int) -> int | None:
    """The id of a page of the document that a task is about, by its number in the file; None if it has no such page."""
    query = (
        select(PageRow.id)
        .join(TaskRow, TaskRow.document_id == PageRow.document_id)
        .where(TaskRow.id == task_id, PageRow.number == number)
    )
    return session.scalars(query).one_or_none()
