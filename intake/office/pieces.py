"""Pieces found again: by batch, file name, control id, form type, state and date of receipt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, text
from sqlalchemy.orm import Session

from intake.database.reading_tables import NAMES
from intake.database.tables import BatchRow, DocumentRow, FieldRow, FileRow, PageRow, PieceRow, RecordRow
from schemas.page import PageLabel
from schemas.states import DocumentState, MailState

_NONE: Final = (0, 0)  # between which numbers there is nothing
NO_FORM: Final = "-"  # asks for documents of no known form type
_LEAST_DIGEST: Final = 8  # digits of a SHA-256 that are taken for one
_LONGEST_NUMBER: Final = 16  # digits; no row has a longer one
_HEXADECIMAL: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for; "" and None mean anything.

    batch:   the id of a batch, its number, or a part of its name.
    name:    a part of the file's name, whatever the case.
    control: a record id, the id of a piece, a file or a batch, the number of a document as "#17", or the beginning of a
             file's SHA-256.
    sender:  words that all stand in one name on one of its forms, of 200 characters at most. All names of the days are
             gone through: give both.
    """

    batch: str = ""
    name: str = ""
    control: str = ""
    form_type: str = ""
    state: MailState | None = None
    received_from: date | None = None
    received_to: date | None = None
    sender: str = ""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One document of a piece. record: the id its record is published under, None before; revision: the latest."""

    id: int
    form_type: str | None
    state: DocumentState
    record: str | None
    revision: int | None


@dataclass(frozen=True, slots=True)
class PieceLine:
    """A piece in a list."""

    number: int
    id: UUID
    ordinal: int
    state: MailState
    since: datetime
    file: str
    file_id: UUID
    batch: UUID
    batch_number: int
    batch_name: str
    received_on: date
    problem: str
    documents: Sequence[DocumentLine] = field(default=())


def found(
    session: Session, asked: Asked, *, after: int | None = None, limit: int
) -> tuple[Sequence[PieceLine], int | None]:
    """The pieces, those waiting in one state from the oldest on, else from the newest on; and whom to go on behind."""
    query = _selected(session, asked)
    if asked.state is not None:
        if after is not None:
            query = query.where(_behind(session, after))
        query = query.order_by(PieceRow.state_since, PieceRow.id)
    else:
        query = query if after is None else query.where(PieceRow.id < after)
        query = query.order_by(PieceRow.id.desc())
    rows = session.execute(query.limit(limit + 1)).all()
    shown = rows[:limit]
    documents = _documents_of(session, [row[0].id for row in shown])
    lines = [_line(*row, documents.get(row[0].id, [])) for row in shown]
    return lines, lines[-1].number if len(rows) > limit else None


def find(session: Session, piece: UUID) -> PieceLine | None:
    """The piece of that public id, as in a list; None if there is none."""
    row = session.execute(_pieces(Asked()).where(PieceRow.public_id == piece)).one_or_none()
    return None if row is None else _line(*row, _documents_of(session, [row[0].id]).get(row[0].id, []))


def pages_of(session: Session, piece_number: int) -> Mapping[int, PageLabel | None]:
    """The label of each of its pages, None before it was read, by the page's number in the file."""
    query = select(PageRow.number, PageRow.label).where(PageRow.piece_id == piece_number).order_by(PageRow.number)
    return {row.number: row.label for row in session.execute(query)}


def counted(session: Session, asked: Asked) -> int:
    """How many pieces there are of that kind."""
    if asked == Asked(state=asked.state):
        # No other table is needed, and an index has the answer.
        counting = select(func.count()).select_from(PieceRow)
        return session.scalars(counting if asked.state is None else counting.where(PieceRow.state == asked.state)).one()
    return session.scalars(select(func.count()).select_from(_selected(session, asked).subquery())).one()


def form_types(session: Session) -> Sequence[str]:
    """The form types of which there are documents."""
    # One look into the index for each, however many documents there are.
    known: list[str] = []
    query = select(func.min(DocumentRow.form_type))
    found = session.scalars(query).one()
    while found is not None:
        known.append(found)
        found = session.scalars(query.where(DocumentRow.form_type > found)).one()
    return known


def _selected(session: Session, asked: Asked) -> "Select[PieceRow, FileRow, BatchRow]":
    """All that are asked for."""
    query = _pieces(asked)
    if not (asked.sender or asked.name):
        return query
    # Else all pieces are gone through from the newest on until enough are found, whatever the days.
    days = _numbers_of_days(session, asked)
    if days is not None:
        query = query.where(PieceRow.id.between(*days))
    if not asked.sender:
        return query
    documents = None if days is None else _documents_within(session, days)
    return query.where(_names(asked.sender.split(), documents))


def _numbers_of_days(session: Session, asked: Asked) -> tuple[int, int] | None:
    """Between which numbers the pieces of those days lie; None where not both days are given."""
    if asked.received_from is None or asked.received_to is None:
        return None
    of_days = BatchRow.received_on.between(asked.received_from, asked.received_to)
    numbers = (
        select(func.min(PieceRow.id), func.max(PieceRow.id))
        .join(FileRow, PieceRow.file_id == FileRow.id)
        .join(BatchRow, FileRow.batch_id == BatchRow.id)
        .where(of_days)
    )
    first, last = session.execute(numbers).one()
    return (first, last) if first else _NONE


def _documents_within(session: Session, pieces: tuple[int, int]) -> tuple[int, int]:
    """Between which numbers the documents of these pieces lie."""
    # PostgreSQL would go through all documents from the first on for the smallest number as it stands.
    number = DocumentRow.id + 0
    query = select(func.min(number), func.max(number)).where(DocumentRow.piece_id.between(*pieces))
    first, last = session.execute(query).one()
    return (first, last) if first else _NONE


def _pieces(asked: Asked) -> "Select[PieceRow, FileRow, BatchRow]":
    return (
        select(PieceRow, FileRow, BatchRow)
        .join(FileRow, PieceRow.file_id == FileRow.id)
        .join(BatchRow, FileRow.batch_id == BatchRow.id)
        .where(*_conditions(asked))
    )


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.state is not None:
        conditions.append(PieceRow.state == asked.state)
    if asked.batch:
        conditions.append(_is_batch(asked.batch.strip()))
    if asked.name:
        conditions.append(FileRow.name.icontains(asked.name, autoescape=True))
    if asked.received_from is not None:
        conditions.append(BatchRow.received_on >= asked.received_from)
    if asked.received_to is not None:
        conditions.append(BatchRow.received_on <= asked.received_to)
    if asked.form_type:
        conditions.append(PieceRow.id.in_(select(DocumentRow.piece_id).where(_is_of(asked.form_type))))
    if asked.control:
        conditions.append(_has_control(asked.control))
    return conditions


def _names(words: Sequence[str], documents: tuple[int, int] | None) -> ColumnElement[bool]:
    """Whether a name with all of these words stands on a document of the piece.

    documents: between which numbers the document lies, if that is known: only this part of the names is gone through.
    """
    conditions = [
        DocumentRow.piece_id == PieceRow.id,
        FieldRow.document_id == DocumentRow.id,
        *(FieldRow.text.icontains(word, autoescape=True) for word in words),
    ]
    if documents is not None:
        conditions.append(FieldRow.document_id.between(*documents))
    # Of a column that is in the index: SQLite would read the field for any other.
    return select(FieldRow.document_id).where(text(NAMES), *conditions).correlate(PieceRow).exists()


def _is_batch(batch: str) -> ColumnElement[bool]:
    try:
        return BatchRow.public_id == UUID(batch)
    except ValueError:
        is_named = BatchRow.name.icontains(batch, autoescape=True)
    is_number = batch.isascii() and batch.isdecimal() and len(batch) < _LONGEST_NUMBER
    return or_(is_named, BatchRow.id == int(batch)) if is_number else is_named


def _is_of(form_type: str) -> ColumnElement[bool]:
    return DocumentRow.form_type.is_(None) if form_type == NO_FORM else DocumentRow.form_type == form_type


def _has_control(control: str) -> ColumnElement[bool]:
    control = control.strip().lower()
    number = control.removeprefix("#")
    if number != control and number.isascii() and number.isdecimal() and len(number) < _LONGEST_NUMBER:
        return PieceRow.id.in_(select(DocumentRow.piece_id).where(DocumentRow.id == int(number)))
    try:
        id = UUID(control)
    except ValueError:
        if len(control) >= _LEAST_DIGEST and set(control) <= _HEXADECIMAL:
            last = control + "g"  # behind every digest that begins so
            return and_(FileRow.sha256 >= control, FileRow.sha256 < last)
        return false()
    of_record = (
        select(DocumentRow.piece_id)
        .join(RecordRow, RecordRow.document_id == DocumentRow.id)
        .where(RecordRow.public_id == str(id))
    )
    return or_(PieceRow.public_id == id, FileRow.public_id == id, BatchRow.public_id == id, PieceRow.id.in_(of_record))


def _behind(session: Session, after: int) -> ColumnElement[bool]:
    """Later in the order of a state's list than the piece of that number, which may have moved on meanwhile."""
    since = session.scalars(select(PieceRow.state_since).where(PieceRow.id == after)).one_or_none()
    if since is None:
        return PieceRow.id > after
    return or_(PieceRow.state_since > since, and_(PieceRow.state_since == since, PieceRow.id > after))


def _documents_of(session: Session, pieces: Sequence[int]) -> Mapping[int, list[DocumentLine]]:
    query = (
        select(
            DocumentRow.piece_id,
            DocumentRow.id,
            DocumentRow.form_type,
            DocumentRow.state,
            RecordRow.public_id,
            RecordRow.latest_revision,
        )
        .outerjoin(RecordRow, RecordRow.document_id == DocumentRow.id)
        .where(DocumentRow.piece_id.in_(pieces))
        .order_by(DocumentRow.piece_id, DocumentRow.ordinal)
    )
    found: dict[int, list[DocumentLine]] = {}
    for piece, id, form_type, state, record, revision in session.execute(query):
        found.setdefault(piece, []).append(DocumentLine(id, form_type, state, record, revision))
    return found


def _line(piece: PieceRow, file: FileRow, batch: BatchRow, documents: Sequence[DocumentLine]) -> PieceLine:
    return PieceLine(
        number=piece.id,
        id=piece.public_id,
        ordinal=piece.ordinal,
        state=piece.state,
        since=piece.state_since,
        file=file.name,
        file_id=file.public_id,
        batch=batch.public_id,
        batch_number=batch.id,
        batch_name=batch.name,
        received_on=batch.received_on,
        problem=piece.problem or "",
        documents=documents,
    )
