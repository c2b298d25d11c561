"""Published records as they are read out: in the order of publication, one by its id, one by its revision.

What is published never changes and numbers become visible in their order (`intake.publication`): whoever goes on behind
the last number they saw misses nothing, however late something is committed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select
from sqlalchemy.orm import Session

from intake.database.tables import Base, BatchRow, DocumentRow, FileRow, PieceRow, RecordRow, RevisionRow
from schemas.errors import MailError

# Where only some records are wanted so many are looked at for one page: what a page costs does not grow with how rare
# they are.
LOOKED_AT: Final = 1_000
_SEQUENCES: Final = Base.metadata.tables["sequences"]


class CursorAhead(MailError):
    """Nothing was ever published under this number: the cursor is of another database, or of one since restored."""


class Published(NamedTuple):
    """One revision as it was published. body: the record as JSON text, to the byte; sha256 is of it."""

    sequence: int
    record_id: str
    revision: int
    status: str
    published_at: datetime
    sha256: str
    body: str


class Turn(NamedTuple):
    """One revision in the history of a record, without what it says."""

    sequence: int
    revision: int
    status: str
    published_at: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records; None means any. form_type: "" for those of no known form."""

    form_type: str | None = None
    status: Literal["complete", "review", "failed"] | None = None
    batch: UUID | None = None

    @property
    def is_everything(self) -> bool:
        return self == Wanted()


def after(session: Session, cursor: int, limit: int, wanted: Wanted) -> tuple[Sequence[Published], int]:
    """The next revisions behind the number `cursor`, at most `limit`, and the number to go on behind.

    That is `cursor` itself where nothing more is published yet. Where only some records are wanted a page may be empty
    and still not be the last. Raises CursorAhead if nothing was ever published under a number that high.
    """
    if wanted.is_everything:
        found = _published(session.execute(_PAGE, {"cursor": cursor, "most": limit}))
        looked_at = found[-1].sequence if found else cursor
    elif wanted.batch is not None:
        found = _published(session.execute(_of_batch(wanted, wanted.batch, cursor, limit)))
        looked_at = found[-1].sequence if found else cursor
    else:
        looked_at = session.scalars(_LAST_LOOKED_AT, {"cursor": cursor, "most": LOOKED_AT}).one() or cursor
        query = _PAGE.where(RevisionRow.sequence <= looked_at, *_conditions(wanted))
        found = _published(session.execute(query, {"cursor": cursor, "most": limit}))
        looked_at = found[-1].sequence if len(found) == limit else looked_at
    if looked_at == cursor and cursor > latest(session):
        raise CursorAhead("Nothing was ever published under this number.")
    return found, looked_at


def latest(session: Session) -> int:
    """The last number that was given out; 0 if nothing was published yet."""
    value: int = session.scalars(_LATEST).one()
    return value


def find(session: Session, record_id: str, revision: int | None = None) -> Published | None:
    """A record as it was published last, or in one of its revisions; None if there is none."""
    query = _ONE if revision is None else _ONE.where(RevisionRow.number == revision)
    found = session.execute(query, {"of_record": record_id}).one_or_none()
    return None if found is None else Published(*found)


def of_documents(session: Session, documents: Sequence[int]) -> Sequence[Published]:
    """Every revision of the records of these documents, in the order of publication."""
    query = (
        select(*_COLUMNS)
        .join(RecordRow, RevisionRow.record_id == RecordRow.id)
        .where(RecordRow.document_id.in_(documents))
        .order_by(RevisionRow.sequence)
    )
    return _published(session.execute(query))


def document_of(session: Session, record_id: str) -> int | None:
    """The number of the document a record is of."""
    return session.scalars(select(RecordRow.document_id).where(RecordRow.public_id == record_id)).one_or_none()


def turns_of(session: Session, record_id: str) -> Sequence[Turn]:
    """Every revision of a record, the first first; empty if there is no such record."""
    return [Turn(*row) for row in session.execute(_TURNS, {"of_record": record_id})]


def _published(rows: Iterable["Row[int, str, int, str, datetime, str, str]"]) -> list[Published]:
    return [Published._make(row) for row in rows]


def _of_batch(wanted: Wanted, batch: UUID, cursor: int, limit: int) -> "Select[int, str, int, str, datetime, str, str]":
    """Those of one batch, which are few, are looked up by it: there may be millions in between."""
    of_batch = (
        select(RecordRow.id)
        .join(DocumentRow, RecordRow.document_id == DocumentRow.id)
        .join(PieceRow, DocumentRow.piece_id == PieceRow.id)
        .join(FileRow, PieceRow.file_id == FileRow.id)
        .where(FileRow.batch_id == select(BatchRow.id).where(BatchRow.public_id == batch).scalar_subquery())
        .cte("of_batch")
        .prefix_with("MATERIALIZED", dialect="*")
    )
    ours = (
        select(RevisionRow.id, RevisionRow.sequence)
        .where(RevisionRow.record_id.in_(select(of_batch.c.id)), RevisionRow.sequence > cursor)
        .cte("ours")
        .prefix_with("MATERIALIZED", dialect="*")
    )
    return (
        select(*_COLUMNS)
        .join(RecordRow, RevisionRow.record_id == RecordRow.id)
        .where(RevisionRow.id.in_(select(ours.c.id)), *_conditions(wanted))
        .order_by(RevisionRow.sequence)
        .limit(limit)
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.status is not None:
        conditions.append(RevisionRow.status == wanted.status)
    if wanted.form_type is not None:
        form_type = select(DocumentRow.form_type).where(DocumentRow.id == RecordRow.document_id).scalar_subquery()
        conditions.append(form_type == wanted.form_type if wanted.form_type else form_type.is_(None))
    return conditions


# The statements that are run for every page are made once: making one costs more than running it.

_COLUMNS: Final = (
    RevisionRow.sequence,
    RecordRow.public_id,
    RevisionRow.number,
    RevisionRow.status,
    RevisionRow.published_at,
    RevisionRow.body_sha256,
    RevisionRow.body,
)
_PAGE: Final = (
    select(*_COLUMNS)
    .join(RecordRow, RevisionRow.record_id == RecordRow.id)
    .where(RevisionRow.sequence > bindparam("cursor"))
    .order_by(RevisionRow.sequence)
    .limit(bindparam("most"))
)
_LOOKED_AT_NEXT: Final = (
    select(RevisionRow.sequence)
    .where(RevisionRow.sequence > bindparam("cursor"))
    .order_by(RevisionRow.sequence)
    .limit(bindparam("most"))
    .subquery()
)
_LAST_LOOKED_AT: Final = select(func.max(_LOOKED_AT_NEXT.c.sequence))
_LATEST: Final = select(_SEQUENCES.c.value).where(_SEQUENCES.c.name == "publication")
_ONE: Final = (
    select(*_COLUMNS)
    .join(RecordRow, RevisionRow.record_id == RecordRow.id)
    .where(RecordRow.public_id == bindparam("of_record"))
    .order_by(RevisionRow.number.desc())
    .limit(1)
)
_TURNS: Final = (
    select(
        RevisionRow.sequence,
        RevisionRow.number,
        RevisionRow.status,
        RevisionRow.published_at,
        RevisionRow.body_sha256,
    )
    .join(RecordRow, RevisionRow.record_id == RecordRow.id)
    .where(RecordRow.public_id == bindparam("of_record"))
    .order_by(RevisionRow.number)
)
