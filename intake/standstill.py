"""Whether the work goes on: that every process lives says little while steps wait and nobody takes them."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import presence, queue_length
from intake.database.tables import StepRow
from intake.steps import in_state
from schemas.states import StepState


def nobody_at_work(session: Session, now: datetime, patience: timedelta) -> bool:
    """A step has been ready for longer than `patience`, and no worker holds the lease of any."""
    oldest = queue_length.oldest_ready(session)
    if oldest is None or now - oldest <= patience:
        return False
    # A lease that has passed is a dead worker's: the sweep will give its step back.
    at_work = select(StepRow.id).where(in_state(StepState.RUNNING), StepRow.lease_until > now).limit(1)
    return session.scalars(at_work).first() is None


def idle_beside_work(session: Session, now: datetime, patience: timedelta, beat_seconds: float) -> bool:
    """A living worker has been idle for longer than `patience` while a step was ready all that time."""
    oldest = queue_length.oldest_ready(session)
    if oldest is None:
        return False
    return any(
        worker.idle_since is not None
        and presence.is_alive(worker, now, beat_seconds)
        # By its own last sign of life: what it has done since is not known yet.
        and worker.seen_at - max(worker.idle_since, oldest) > patience
        for worker in presence.workers(session)
    )


def nobody_alive(session: Session, now: datetime, patience: timedelta, since: datetime) -> bool:
    """No worker has given a sign of life for longer than `patience`, nor was it expected to before `since`."""
    seen = max((worker.seen_at for worker in presence.workers(session)), default=since)
    return now - max(seen, since) > patience
