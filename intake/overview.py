"""The service at a glance: how fast it goes, what waits, who works, what was set aside, how much room is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intake import ledger, presence, quarantine, queue_length, reconciliation
from intake.database.tables import PageRow, PieceRow, StepRow, WorkerRow
from intake.ledger import Standing
from intake.service import Service
from intake.steps import in_state
from schemas.errors import Cause, Unavailable
from schemas.states import MailState, StepName, StepState

MINUTES: Final = (1, 10)  # over which throughput is shown
# Where mail stands that the machine is done with: what came there lately is its throughput.
_THROUGH: Final = (MailState.PUBLISHED, MailState.IN_REVIEW)


@dataclass(frozen=True, slots=True)
class Throughput:
    """Pieces and pages a minute that the machine brought to review or out, over the last `minutes`."""

    minutes: int
    pieces: float
    pages: float


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that gave a sign of life within a day.

    step, subject, seconds: what it has in hand, and for how long; None if nothing. idle_seconds: None while it works.
    """

    name: str
    is_alive: bool
    seen_seconds: float
    steps_done: int
    step: StepName | None
    subject: str | None
    seconds: float | None
    idle_seconds: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at one moment. Ages are in seconds; None where there is nothing that could have one.

    free_bytes: None if the store does not answer.
    reconciled: how long ago the books were balanced, and the difference found; None if they never were.
    """

    at: datetime
    throughput: tuple[Throughput, ...]
    mail: Mapping[str, Mapping[MailState, Standing]]
    steps: Mapping[tuple[StepName, StepState], int]
    oldest_ready_seconds: float | None
    workers: tuple[Worker, ...]
    quarantine: Mapping[Cause, int]
    free_bytes: int | None
    reconciled: tuple[float, int] | None

    def as_json(self) -> dict[str, object]:
        """What `postroom top --json` prints."""
        return {
            "at": self.at.isoformat(),
            "per_minute": {
                f"{each.minutes}_min": {"pieces": round(each.pieces, 2), "pages": round(each.pages, 2)}
                for each in self.throughput
            },
            "mail": {
                kind: {
                    state.value: {"count": standing.count, "oldest_seconds": _age(standing.oldest, self.at)}
                    for state, standing in states.items()
                }
                for kind, states in self.mail.items()
            },
            "steps": {
                name.value: {state.value: self.steps.get((name, state), 0) for state in queue_length.COUNTED}
                for name in StepName
            },
            "oldest_ready_seconds": self.oldest_ready_seconds,
            "workers": [_worker_as_json(worker) for worker in self.workers],
            "quarantine": {cause.value: count for cause, count in self.quarantine.items()},
            "free_bytes": self.free_bytes,
            "reconciled": None
            if self.reconciled is None
            else {"seconds_ago": self.reconciled[0], "difference": self.reconciled[1]},
        }


def take(service: Service) -> Overview:
    """The service as it is now. Raises Unavailable if the database does not answer."""
    database, beat = service.database, service.settings.beat_seconds
    with database.read() as session:
        now = database.now()
        latest = reconciliation.latest(session)
        return Overview(
            at=now,
            throughput=tuple(_throughput(session, now, minutes) for minutes in MINUTES),
            mail=ledger.standings(session),
            steps=queue_length.step_counts(session),
            oldest_ready_seconds=_age(queue_length.oldest_ready(session), now),
            workers=_workers(session, now, beat),
            quarantine=quarantine.by_cause(session),
            free_bytes=_free_bytes(service),
            reconciled=None if latest is None else (max(0.0, (now - latest.at).total_seconds()), latest.difference),
        )


def _throughput(session: Session, now: datetime, minutes: int) -> Throughput:
    since = now - timedelta(minutes=minutes)
    counts = [
        session.scalars(
            select(func.count()).select_from(row).where(row.state.in_(_THROUGH), row.state_since > since)
        ).one()
        for row in (PieceRow, PageRow)
    ]
    return Throughput(minutes, counts[0] / minutes, counts[1] / minutes)


def _workers(session: Session, now: datetime, beat_seconds: float) -> tuple[Worker, ...]:
    """By name. One that holds a lease and gave no sign of life yet is among them."""
    held = {row.worker: row for row in session.scalars(select(StepRow).where(in_state(StepState.RUNNING)))}
    known = {worker.name: worker for worker in presence.workers(session)}
    names = sorted(known | {name: None for name in held if name is not None})
    return tuple(_worker(name, known.get(name), held.get(name), now, beat_seconds) for name in names)


def _worker(name: str, row: WorkerRow | None, held: StepRow | None, now: datetime, beat_seconds: float) -> Worker:
    has_lease = held is not None and held.lease_until is not None and held.lease_until > now
    seen = row.seen_at if row is not None else held.state_since if held is not None else now
    subject = None
    if held is not None:
        subject = f"file {held.file_id}" if held.piece_id is None else f"piece {held.piece_id}"
    return Worker(
        name=name,
        is_alive=presence.is_alive(row, now, beat_seconds) if row is not None else has_lease,
        seen_seconds=max(0.0, (now - seen).total_seconds()),
        steps_done=0 if row is None else row.steps_done,
        step=None if held is None else held.name,
        subject=subject,
        seconds=None if held is None else _age(held.state_since, now),
        idle_seconds=None if row is None or held is not None else _age(row.idle_since, now),
    )


def _free_bytes(service: Service) -> int | None:
    try:
        return service.store.free_bytes()
    except Unavailable:
        return None


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else max(0.0, (now - moment).total_seconds())


def _worker_as_json(worker: Worker) -> dict[str, object]:
    return {
        "name": worker.name,
        "is_alive": worker.is_alive,
        "seen_seconds": worker.seen_seconds,
        "steps_done": worker.steps_done,
        "step": None if worker.step is None else worker.step.value,
        "subject": worker.subject,
        "seconds": worker.seconds,
        "idle_seconds": worker.idle_seconds,
    }


def steps_of(overview: Overview, name: StepName) -> Sequence[int]:
    """How many steps of that name are in each of the states that are counted."""
    return [overview.steps.get((name, state), 0) for state in queue_length.COUNTED]
