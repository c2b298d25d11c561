"""Tables of the machine's own work: the steps, which are the queue, and the keys that make requests idempotent."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import BIG, Base, Digest, Key, Prose
from schemas.errors import Cause
from schemas.states import StepName, StepState

_READ = "name = 'read' AND state = 'done'"


def _when(state: StepState, name: str, *columns: str) -> Index:
    """A small index of the steps in one state: it does not grow with the steps that are done."""
    condition = text(f"state = '{state.value}'")
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


class StepRow(Base):
    """One step for one file or one piece. This table is the queue and the truth; a message is only a nudge.

    round:       1; higher for a further run of the same step: the publication of a correction, a second reading.
    attempts:    claims so far, counted before the work; a released claim is given back.
    fence:       raised by every claim; only the holder of the latest may finish.
    lease_until: set while it runs.  not_before: set while it waits.  worker: who claimed it last.
    cause, problem, remedy: why the latest attempt failed, None if none has.
    """

    __tablename__ = "steps"
    __table_args__ = (
        UniqueConstraint("file_id", "name", "round"),
        UniqueConstraint("piece_id", "name", "round"),
        # `name` alone says what the step is about.
        CheckConstraint(
            "(name = 'unpack' AND file_id IS NOT NULL AND piece_id IS NULL)"
            " OR (name <> 'unpack' AND file_id IS NULL AND piece_id IS NOT NULL)",
            name="subject",
        ),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint("(state = 'waiting') = (not_before IS NOT NULL)", name="wait"),
        CheckConstraint("attempts >= 0 AND fence >= attempts", name="attempts"),
        CheckConstraint("state <> 'quarantined' OR problem IS NOT NULL", name="reason"),
        _when(StepState.READY, "ix_steps_ready", "name", "state_since", "id"),
        # Without the lease as a column: a heartbeat then changes no index.
        _when(StepState.RUNNING, "ix_steps_running", "id"),
        _when(StepState.WAITING, "ix_steps_waiting", "not_before", "id"),
        _when(StepState.QUARANTINED, "ix_steps_quarantined", "state_since", "id"),
        # How many were read in an hour, without a look at all that were ever read.
        Index("ix_steps_read", "state_since", "piece_id", sqlite_where=text(_READ), postgresql_where=text(_READ)),
        # The table is small in live rows and busy; dead ones must go long before a fifth of it is dead.
        {"postgresql_with": {"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"}},
    )

    id: Mapped[Key]
    name: Mapped[StepName]
    file_id: Mapped[int | None] = mapped_column(ForeignKey("files.id"))
    piece_id: Mapped[int | None] = mapped_column(ForeignKey("pieces.id"))
    round: Mapped[int] = mapped_column(default=1)
    state: Mapped[StepState] = mapped_column(default=StepState.READY)
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(BIG, default=0)
    worker: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    cause: Mapped[Cause | None]
    problem: Mapped[Prose | None]
    remedy: Mapped[Prose | None]
    page: Mapped[int | None]


class IdempotencyRow(Base):
    """The answer to a request that carried an Idempotency-Key: asked again, it is given again.

    scope:          who asked, and for what: two operators may use the same key.
    request_sha256: of what was asked; the same key with another request is refused.
    answer_status, answer: None while the first request is still being worked on.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("scope", "key"),)

    id: Mapped[Key]
    scope: Mapped[str] = mapped_column(String(255))
    key: Mapped[str] = mapped_column(String(255))
    request_sha256: Mapped[Digest]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id"), index=True)
    answer_status: Mapped[int | None]
    answer: Mapped[Prose | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
