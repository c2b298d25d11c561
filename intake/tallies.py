"""Numbers that only grow and that any process may raise, for whoever asks in another process."""

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import Insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from intake.database.tables import Base, TallyRow

_TABLE: Final = Base.metadata.tables["tallies"]

# Of an attempt at a step, in seconds; the last bucket has no end.
STEP_SECONDS: Final = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Tally(NamedTuple):
    """What is counted: one metric, and the values of its labels parted by "|"."""

    metric: str
    labels: str = ""


def attempt(step: str, outcome: str) -> Tally:
    """Attempts at steps of that name which ended so."""
    return Tally("attempts", f"{step}|{outcome}")


def seconds_bucket(step: str, seconds: float) -> Tally:
    """Attempts that took so long, by the upper bound of their bucket; each counts in one bucket only."""
    bound = next((bound for bound in STEP_SECONDS if seconds <= bound), None)
    return Tally("step_seconds_bucket", f"{step}|{'+Inf' if bound is None else bound}")


def seconds_sum(step: str) -> Tally:
    """How long all attempts at steps of that name took."""
    return Tally("step_seconds_sum", step)


LEASES_LOST: Final = Tally("leases_lost")  # attempts of workers that gave no more sign of life


def add(session: Session, raised: Mapping[Tally, float]) -> None:
    """Raise each of them, in the caller's transaction."""
    if raised:
        # Always in the same order, so that two processes cannot each hold what the other waits for.
        rows = [{"metric": tally.metric, "labels": tally.labels, "value": by} for tally, by in sorted(raised.items())]
        session.execute(_raising(session.get_bind().dialect.name), rows)


def read(session: Session) -> dict[Tally, float]:
    """All of them; what was never raised is not there."""
    rows = session.execute(select(TallyRow.metric, TallyRow.labels, TallyRow.value))
    return {Tally(metric, labels): value for metric, labels, value in rows}


@cache
def _raising(dialect: str) -> Insert:
    key = [_TABLE.c.metric, _TABLE.c.labels]
    if dialect == "postgresql":
        adding = postgresql.insert(_TABLE)
        return adding.on_conflict_do_update(index_elements=key, set_={"value": _TABLE.c.value + adding.excluded.value})
    inserting = sqlite.insert(_TABLE)
    return inserting.on_conflict_do_update(
        index_elements=key, set_={"value": _TABLE.c.value + inserting.excluded.value}
    )
