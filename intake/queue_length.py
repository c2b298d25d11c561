"""What waits in the step table: for the dispatcher's window, for health, and for the view of the operator."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from intake.database.tables import StepRow
from intake.steps import in_state
from schemas.states import StepName, StepState

# Each of these states has a small index of its own; counting those that are done would read the whole table.
COUNTED: Final = (StepState.READY, StepState.RUNNING, StepState.WAITING, StepState.QUARANTINED)


def ready(session: Session, names: Sequence[StepName], limit: int) -> list[int]:
    """The steps a dispatcher should nudge workers about: at most `limit`, in the order in which they are claimed."""
    found: list[int] = []
    for name in names:
        query = (
            select(StepRow.id)
            .where(in_state(StepState.READY), StepRow.name == name)
            .order_by(StepRow.state_since, StepRow.id)
            .limit(limit - len(found))
        )
        found += session.scalars(query).all()
    return found


def at_work(session: Session) -> int:
    """How many steps are being done right now, as far as is known."""
    return session.scalars(select(func.count()).select_from(StepRow).where(in_state(StepState.RUNNING))).one()


def oldest_ready(session: Session, names: Sequence[StepName] = tuple(StepName)) -> datetime | None:
    """Since when the longest waiting of the ready steps has been ready; None if none is.

    While workers are idle this must be recent: else they are alive and yet do not work.
    """
    oldest = [
        session.scalars(
            select(StepRow.state_since)
            .where(in_state(StepState.READY), StepRow.name == name)
            .order_by(StepRow.state_since, StepRow.id)
            .limit(1)
        ).one_or_none()
        for name in names
    ]
    return min((moment for moment in oldest if moment is not None), default=None)


def step_counts(session: Session) -> dict[tuple[StepName, StepState], int]:
    """How many steps there are by name and state, those that are done or cancelled left out; only what is not 0."""
    counts = [
        select(StepRow.name, StepRow.state, func.count()).where(in_state(state)).group_by(StepRow.name, StepRow.state)
        for state in COUNTED
    ]
    return {(name, state): count for name, state, count in session.execute(union_all(*counts))}
