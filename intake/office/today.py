"""The day in numbers: what came, what went out untouched, what waits and for how long, what needs attention."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, exists, func, literal_column, select
from sqlalchemy.orm import Session

from intake import ledger, presence, quarantine, reconciliation
from intake.database.tables import BatchRow, DocumentRow, FileRow, PageRow, PieceRow, StepRow, TaskRow
from intake.ledger import Standing
from intake.office import batches
from intake.office.batches import Which
from intake.service import Service
from intake.steps import in_state
from intake.store.errors import StoreFull
from intake.store.room import refuse_when_low
from schemas.errors import Cause, Unavailable
from schemas.states import OPEN_TASKS, MailState, StepName, StepState

KINDS: Final = ("files", "pieces", "pages")
HOURS: Final = 24
_FRESH_SECONDS: Final = 2.0
_HOUR: Final = timedelta(hours=1)
_REMEMBERED: Final = 200  # hours; no more than some days are ever asked for


@dataclass(frozen=True, slots=True)
class Hour:
    """The pages that the machine read in one hour, and the pieces that were published in it."""

    begin: datetime
    pages_read: int
    pieces_published: int


@dataclass(frozen=True, slots=True)
class Received:
    """What came in on one day."""

    batches: int
    files: int
    pages: int
    pieces: int


class Need(StrEnum):
    """What a supervisor should look at."""

    BOOKS = "books"  # not everything received is somewhere, once
    NO_WORKER = "no_worker"  # there is work, and nobody to do it
    NO_ROOM = "no_room"  # uploads are refused
    SET_ASIDE = "set_aside"  # the machine gave up on something
    LATE = "late"  # batches are beyond their target


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing to look at, and how many of it."""

    need: Need
    count: int


@dataclass(frozen=True, slots=True)
class Today:
    """Everything at one moment.

    received:    since midnight; received_in_all: ever, by "files", "pieces", "pages".
    states:      where everything stands: by kind and state, with the oldest moment.
    untouched:   pieces published today that nobody had a task on; published: all that were.
    people_wait: open tasks for people; oldest_task: since when the oldest of them waits.
    hours:       the last day, hour by hour, the current one last.
    oldest_receipt: the day of receipt of the oldest batch that is not done.
    """

    at: datetime
    day: date
    received: Received
    received_in_all: Mapping[str, int]
    states: Mapping[str, Mapping[MailState, Standing]]
    published: int
    untouched: int
    people_wait: int
    oldest_task: datetime | None
    hours: Sequence[Hour]
    open_batches: int
    late_batches: int
    oldest_receipt: date | None
    set_aside: Mapping[Cause, int]
    workers: int
    attention: Sequence[Attention]

    @property
    def pages_last_hour(self) -> int:
        """How many pages were read in the last whole hour and what there is of the current one."""
        return sum(hour.pages_read for hour in self.hours[-2:])

    def differs_by(self, kind: str) -> int:
        """What was received and stands nowhere; 0 if the numbers add up."""
        return self.received_in_all[kind] - sum(standing.count for standing in self.states[kind].values())


@dataclass
class DayBook:
    """Keeps the numbers of the day for a moment, so that many who look at them cost no more than one."""

    service: Service
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _kept: Today | None = field(default=None, init=False)
    _until: float = field(default=0.0, init=False)
    _past_hours: dict[datetime, Hour] = field(default_factory=dict, init=False)

    def today(self) -> Today:
        """The numbers as they were a moment ago. Raises Unavailable if the database does not answer."""
        with self._lock:
            if self._kept is None or time.monotonic() >= self._until:
                began = time.monotonic()
                self._kept = self._take()
                # However much there is to count: a tenth of the time at most is spent on it.
                self._until = time.monotonic() + max(_FRESH_SECONDS, 9 * (time.monotonic() - began))
            return self._kept

    def _take(self) -> Today:
        service = self.service
        database, deadline = service.database, service.settings.deadline
        with database.read() as session:
            now = database.now(session)
            day = now.astimezone().date()
            midnight = _midnight(now)
            states = ledger.standings(session)
            counts = batches.counted(session, day, deadline)
            set_aside = quarantine.by_cause(session)
            workers = sum(
                presence.is_alive(row, now, service.settings.beat_seconds) for row in presence.workers(session)
            )
            in_all = _received_in_all(session)
            published = _published_since(session, midnight)
            people_wait, oldest_task = _people_wait(session)
            return Today(
                at=now,
                day=day,
                received=_received(session, midnight),
                received_in_all=in_all,
                states=states,
                published=published,
                untouched=published - _touched_since(session, midnight),
                people_wait=people_wait,
                oldest_task=oldest_task,
                hours=self._hours(session, now),
                open_batches=counts[Which.OPEN],
                late_batches=counts[Which.LATE],
                oldest_receipt=_oldest_receipt(session),
                set_aside=set_aside,
                workers=workers,
                attention=_attention(service, session, in_all, states, counts[Which.LATE], set_aside, workers),
            )

    def _hours(self, session: Session, now: datetime) -> Sequence[Hour]:
        """The hours that have passed change no more: they are counted once."""
        current = now.replace(minute=0, second=0, microsecond=0)
        begins = [current - back * _HOUR for back in range(HOURS - 1, -1, -1)]
        found = []
        for begin in begins:
            hour = self._past_hours.get(begin)
            if hour is None:
                hour = _hour(session, begin)
                # A transaction that began in the hour may end a little after it.
                if now - begin > 2 * _HOUR:
                    self._past_hours[begin] = hour
            found.append(hour)
        for begin in sorted(self._past_hours)[:-_REMEMBERED]:
            del self._past_hours[begin]
        return found


def _midnight(now: datetime) -> datetime:
    """When the day began here: local time, as the day of receipt is."""
    return now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)


def _received(session: Session, since: datetime) -> Received:
    came = BatchRow.received_at >= since
    count = session.scalars(select(func.count()).select_from(BatchRow).where(came)).one()
    files = select(func.count(), *_found_in_files()).join(BatchRow, FileRow.batch_id == BatchRow.id).where(came)
    return Received(count, *(row or 0 for row in session.execute(files).one()))


def _received_in_all(session: Session) -> Mapping[str, int]:
    """As it was written down when it came, apart from where it stands now, so that a loss would show."""
    files = session.scalars(select(func.sum(BatchRow.file_count))).one()
    pages, pieces = session.execute(select(*_found_in_files())).one()
    return {"files": files or 0, "pieces": pieces or 0, "pages": pages or 0}


def _found_in_files() -> tuple[ColumnElement[int | None], ColumnElement[int | None]]:
    """Pages and pieces, as unpacking counted them; NULL where there are no files."""
    return func.sum(FileRow.page_count), func.sum(FileRow.piece_count)


def _published_since(session: Session, since: datetime) -> int:
    which = (PieceRow.state == MailState.PUBLISHED, PieceRow.state_since >= since)
    return session.scalars(select(func.count()).select_from(PieceRow).where(*which)).one()


def _touched_since(session: Session, since: datetime) -> int:
    has_task = (
        exists().where(DocumentRow.piece_id == PieceRow.id, TaskRow.document_id == DocumentRow.id).correlate(PieceRow)
    )
    which = (PieceRow.state == MailState.PUBLISHED, PieceRow.state_since >= since, has_task)
    return session.scalars(select(func.count()).select_from(PieceRow).where(*which)).one()


def _people_wait(session: Session) -> tuple[int, datetime | None]:
    count, oldest = session.execute(
        select(func.count(), func.min(TaskRow.created_at)).where(TaskRow.state.in_(OPEN_TASKS))
    ).one()
    return count, oldest


def _oldest_receipt(session: Session) -> date | None:
    is_open = exists().where(FileRow.batch_id == BatchRow.id, FileRow.state.in_(batches.UNFINISHED))
    return session.scalars(select(func.min(BatchRow.received_on)).where(is_open)).one()


def _hour(session: Session, begin: datetime) -> Hour:
    end = begin + _HOUR
    read = (
        select(func.count())
        .select_from(StepRow)
        .join(PageRow, PageRow.piece_id == StepRow.piece_id)
        .where(
            # Written out, for the index is of these alone.
            StepRow.name == literal_column(f"'{StepName.READ}'"),
            in_state(StepState.DONE),
            StepRow.state_since >= begin,
            StepRow.state_since < end,
        )
    )
    published = (
        select(func.count())
        .select_from(PieceRow)
        .where(PieceRow.state == MailState.PUBLISHED, PieceRow.state_since >= begin, PieceRow.state_since < end)
    )
    return Hour(begin, session.scalars(read).one(), session.scalars(published).one())


def _attention(
    service: Service,
    session: Session,
    in_all: Mapping[str, int],
    states: Mapping[str, Mapping[MailState, Standing]],
    late: int,
    set_aside: Mapping[Cause, int],
    workers: int,
) -> Sequence[Attention]:
    """The worst first."""
    found = []
    off = sum(abs(in_all[kind] - sum(each.count for each in states[kind].values())) for kind in KINDS)
    latest = reconciliation.latest(session)
    off = off or (0 if latest is None else latest.difference)
    if off:
        found.append(Attention(Need.BOOKS, off))
    in_work = states["files"][MailState.IN_WORK].count
    if in_work and not workers:
        found.append(Attention(Need.NO_WORKER, in_work))
    if not _has_room(service):
        found.append(Attention(Need.NO_ROOM, 1))
    if late:
        found.append(Attention(Need.LATE, late))
    if set_aside:
        found.append(Attention(Need.SET_ASIDE, sum(set_aside.values())))
    return found


def _has_room(service: Service) -> bool:
    try:
        refuse_when_low(service.store, 0, low_water_bytes=service.settings.low_water_bytes)
    except StoreFull:
        return False
    except Unavailable:
        return False
    return True
