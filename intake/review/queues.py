"""The queues of tasks: how many wait, how long the oldest has waited, what is late. Honest: what somebody holds counts.

A task whose lease has passed waits again, whether or not the sweep has seen it.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlalchemy.orm import Session

from intake.database.engine import Database
from intake.database.tables import Base
from intake.review.claims import is_free, is_open
from schemas.review import Queue

_TASKS: Final = Base.metadata.tables["tasks"]
_FIELDS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """One queue at one moment.

    waiting: tasks anybody may claim.  held: tasks in somebody's hands.  late: those of both that are past their target.
    oldest:  since when the task that has been there longest has, held or not; None if there is none.
    """

    waiting: int = 0
    held: int = 0
    late: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class FieldWaiting:
    """Tasks of one field of one form type that wait: to be keyed across documents."""

    form_type: str | None
    field: str
    waiting: int
    oldest: datetime


@dataclass
class Board:
    """Keeps the standings for a moment: they are counted over all that waits, and every answer of a keyer asks."""

    database: Database
    fresh_seconds: float = 2.0
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _kept: dict[Queue, "Standing"] = field(default_factory=dict, init=False)
    _until: float = field(default=0.0, init=False)

    def standings(self) -> dict[Queue, "Standing"]:
        """As they were a moment ago. Raises Unavailable if the database does not answer."""
        with self._lock:
            if time.monotonic() >= self._until:
                with self.database.read() as session:
                    self._kept = standings(session, self.database.now(session))
                self._until = time.monotonic() + self.fresh_seconds
            return self._kept


def standings(session: Session, now: datetime) -> dict[Queue, Standing]:
    """Every queue, empty ones too: one look into the index of open tasks."""
    found = dict.fromkeys(Queue, Standing())
    query = (
        select(
            _TASKS.c.queue,
            _count(_is_free(now)),
            _count(~_is_free(now)),
            _count(_TASKS.c.due_at < now),
            func.min(_TASKS.c.created_at),
        )
        .where(is_open(_TASKS))
        .group_by(_TASKS.c.queue)
    )
    for queue, waiting, held, late, oldest in session.execute(query):
        found[queue] = Standing(waiting, held, late, oldest)
    return found


def by_field(session: Session, queue: Queue, now: datetime) -> Sequence[FieldWaiting]:
    """The fields that most tasks of the queue wait for, the most first."""
    query = (
        select(_TASKS.c.form_type, _TASKS.c.field, func.count(), func.min(_TASKS.c.created_at))
        .where(_is_free(now), _TASKS.c.queue == queue, _TASKS.c.field != "")
        .group_by(_TASKS.c.form_type, _TASKS.c.field)
        .order_by(func.count().desc(), _TASKS.c.form_type, _TASKS.c.field)
        .limit(_FIELDS_SHOWN)
    )
    return [FieldWaiting(*row) for row in session.execute(query)]


def _is_free(now: datetime) -> ColumnElement[bool]:
    return and_(is_free(_TASKS, literal(now, _TASKS.c.due_at.type)))


def _count(which: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((which, 1), else_=0)), 0)
