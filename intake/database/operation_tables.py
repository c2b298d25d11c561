"""Tables about the service itself: who works for it, what was counted, when the books were last balanced."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Float, String
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import Base, JsonObject, Key
from schemas.states import StepName


class WorkerRow(Base):
    """A worker process that gives signs of life; the row goes when it ends, or a day after its last sign.

    idle_since: since when it has had no step in hand, as far as its last sign tells; None while it works.
    step:       the kind of step it works at; None while it is idle.
    """

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    idle_since: Mapped[datetime | None]
    step: Mapped[StepName | None]
    steps_done: Mapped[int] = mapped_column(default=0)


class TallyRow(Base):
    """A number that only grows, raised by any process: what `/metrics` shows of work that others did."""

    __tablename__ = "tallies"

    metric: Mapped[str] = mapped_column(String(40), primary_key=True)
    labels: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[float] = mapped_column(Float(53), default=0.0)


class ReconciliationRow(Base):
    """The books were balanced once: what did not add up, by what is wrong with it; nothing if all did."""

    __tablename__ = "reconciliations"
    __table_args__ = (CheckConstraint("difference >= 0", name="difference"),)

    id: Mapped[Key]
    at: Mapped[datetime]
    seconds: Mapped[float] = mapped_column(Float(53))
    difference: Mapped[int]
    differences: Mapped[JsonObject]
    actor: Mapped[str] = mapped_column(String(200))
