"""What the database knows of pictures: which there are, which are wanted, which cannot be had."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Insert, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from intake.database.tables import Base, FileRow, PagePictureRow, PageRow, TaskRow
from schemas.states import OPEN_TASKS, MailState

_TABLE: Final = Base.metadata.tables["page_pictures"]


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture in the store."""

    sha256: str
    width: int
    height: int
    dpi: int


@dataclass(frozen=True, slots=True)
class WantedPage:
    """A page that has no picture yet, or one that is out of date.

    file_id, sha256: of the file it is in.
    transform: how it stands upright; None if nobody knows.
    is_read_or_set_aside: nothing will be found out about it soon.
    """

    id: int
    file_id: int
    sha256: str
    number: int
    transform: list[float] | None
    is_read_or_set_aside: bool


def find(session: Session, page_id: int) -> KeptPicture | WantedPage | str | None:
    """The picture of a page, the page if it is yet to be made, why it cannot be, or None if there is no such page."""
    query = (
        select(PageRow, FileRow.sha256, PagePictureRow)
        .join(FileRow, PageRow.file_id == FileRow.id)
        .outerjoin(PagePictureRow, PagePictureRow.page_id == PageRow.id)
        .where(PageRow.id == page_id)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    page, sha256 = found[:2]
    picture: PagePictureRow | None = found[2]
    wanted = _wanted(page.id, page.file_id, sha256, page.number, page.details, page.state)
    if picture is None or picture.transform != wanted.transform:
        return wanted
    return _kept(picture)


def wanted(session: Session, after_task: int, limit: int) -> tuple[Sequence[WantedPage], int]:
    """Pages without a picture of documents on which people have open tasks, and the task to go on behind.

    Tasks with a number above `after_task` only, at most `limit` of them, in order. Where none is left the same number
    comes back.
    """
    tasks = (
        select(TaskRow.id, TaskRow.document_id)
        .where(TaskRow.id > after_task, TaskRow.state.in_(OPEN_TASKS))
        .order_by(TaskRow.id)
        .limit(limit)
        .subquery()
    )
    last = session.scalars(select(func.max(tasks.c.id))).one()
    query = (
        select(PageRow.id, FileRow.id, FileRow.sha256, PageRow.number, PageRow.details, PageRow.state)
        .join(FileRow, PageRow.file_id == FileRow.id)
        .where(
            PageRow.document_id.in_(select(tasks.c.document_id)),
            ~exists().where(PagePictureRow.page_id == PageRow.id),
        )
        .order_by(PageRow.file_id, PageRow.number)
    )
    pages = [_wanted(*row) for row in session.execute(query)] if last is not None else []
    return pages, after_task if last is None else last


def note(session: Session, page: WantedPage, found: KeptPicture | str, now: datetime) -> None:
    """Write down the picture that was made, or why there is none; whoever was first is written over."""
    kept = found if isinstance(found, KeptPicture) else None
    row = {
        "page_id": page.id,
        "sha256": None if kept is None else kept.sha256,
        "width": None if kept is None else kept.width,
        "height": None if kept is None else kept.height,
        "dpi": None if kept is None else kept.dpi,
        "transform": page.transform,
        "problem": found if isinstance(found, str) else None,
        "made_at": now,
    }
    session.execute(_noting(session.get_bind().dialect.name), row)


def _wanted(
    id: int, file_id: int, sha256: str, number: int, details: dict[str, Any] | None, state: MailState
) -> WantedPage:
    transform = None if details is None else details.get("transform")
    return WantedPage(id, file_id, sha256, number, transform, details is not None or state is not MailState.IN_WORK)


def _kept(row: PagePictureRow) -> KeptPicture | str:
    if row.sha256 is None or row.width is None or row.height is None or row.dpi is None:
        return row.problem or ""
    return KeptPicture(row.sha256, row.width, row.height, row.dpi)


@cache
def _noting(dialect: str) -> Insert:
    inserting = postgresql.insert(_TABLE) if dialect == "postgresql" else sqlite.insert(_TABLE)
    new = {column.name: inserting.excluded[column.name] for column in _TABLE.c if column.name != "page_id"}
    return inserting.on_conflict_do_update(index_elements=[_TABLE.c.page_id], set_=new)
