"""Looks into the audit: the newest entries first, all of them, those about one thing, or those of one person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import audit
from intake.database.tables import AuditRow

PAGE: Final = 50
# Entries of one person are looked for among so many of the newest: there is no index on who did something, and every
# step of the machine writes here.
_LOOKED_AT: Final = 500_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. details: ids, counts and causes."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of them. older: give it as `before` for the next; None at the end."""

    entries: list[Entry]
    older: int | None


def search(session: Session, *, about: str = "", by: str = "", before: int | None = None) -> Found:
    """The newest entries before that number.

    about: only those whose subject is this, such as "document:17".
    by:    only those of this actor, such as "person:3".
    """
    query = select(AuditRow).order_by(AuditRow.sequence.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(AuditRow.sequence < before)
    if about:
        query = query.where(AuditRow.subject == about)
    if by:
        oldest = audit.head(session).length - _LOOKED_AT
        query = query.where(AuditRow.actor == by, AuditRow.sequence > oldest)
    rows = session.scalars(query).all()
    entries = [
        Entry(row.sequence, row.at, row.actor, row.action, row.subject, json.loads(row.details)) for row in rows[:PAGE]
    ]
    return Found(entries, entries[-1].sequence if len(rows) > PAGE else None)
