"""Files in the store that nothing in the database belongs to: looked for, and removed where that is safe.

They come of uploads that ended between store and database, and of pictures that were made anew. They look just like the
originals a database lacks that was brought back from a backup, so what seems to be too much is never removed unasked.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intake import audit
from intake.database.engine import Database
from intake.database.tables import Base, BatchRow, PagePictureRow
from intake.service import Service
from intake.store import Survey, Swept
from schemas.errors import MailError

# Every table whose rows belong to files in the store calls their digest so; another would lose them.
_HOLDING: Final = [table.c.sha256 for table in Base.metadata.sorted_tables if "sha256" in table.c]
_NEWEST_BATCH: Final = select(func.max(BatchRow.received_at))
_NEWEST_PICTURE: Final = select(func.max(PagePictureRow.made_at))
_MOST_REMOVED_UNASKED: Final = 0.1  # of all files


class Doubtful(MailError):
    """It may be the database that lacks something, and not the store that has too much. Nothing was removed."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in the store. older_than: nothing touched since was looked at."""

    survey: Survey
    older_than: datetime


def look(service: Service, age: timedelta) -> Found:
    """Look for orphans that nobody has touched for so long. Takes nothing away."""
    older_than = service.database.now() - age
    survey = service.store.orphans(lambda digests: _known(service.database, digests), older_than=older_than)
    return Found(survey, older_than)


def remove(service: Service, found: Found, actor: str, *, even_so: bool) -> Swept:
    """Remove what was found, unless it has a row or was put again by now.

    even_so: also if it looks as if the database lacked something. Raises Doubtful otherwise.
    """
    database, orphans = service.database, {orphan.sha256 for orphan in found.survey.orphans}
    with database.write() as session:
        if not even_so and (doubt := _doubt(session, found.survey)):
            raise Doubtful(f"{doubt} Nothing was removed. If they are not needed, add --even-so.")
        if orphans:
            details = {"files": len(orphans), "even_so": even_so}
            audit.append(session, database.now(session), actor, "orphans removed", "store:all", details)

    def needed(digests: Sequence[str]) -> Collection[str]:
        return {digest for digest in digests if digest not in orphans} | set(_known(database, digests))

    return service.store.remove_orphans(needed, older_than=found.older_than)


def _known(database: Database, digests: Sequence[str]) -> Collection[str]:
    """Those of them that some row belongs to."""
    found: set[str] = set()
    with database.read() as session:
        for column in _HOLDING:
            found.update(session.scalars(select(column).where(column.in_(digests))))
    return found


def _doubt(session: Session, survey: Survey) -> str:
    """Why it may be the database that lacks something; "" if nothing speaks for it."""
    orphans = survey.orphans
    if len(orphans) > _MOST_REMOVED_UNASKED * survey.files:
        return (
            f"{len(orphans)} of {survey.files} files in the store belong to nothing in the database. So many look as if"
            " the database had been brought back from an old backup, or were that of another store."
        )
    newest = max(filter(None, map(session.scalar, (_NEWEST_BATCH, _NEWEST_PICTURE))), default=None)
    newer = [orphan for orphan in orphans if newest is None or orphan.touched_at > newest]
    if newer:
        return (
            f"{len(newer)} of the files to be removed are newer than anything the database knows: it looks as if it had"
            " been brought back from an old backup."
        )
    return ""
