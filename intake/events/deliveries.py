"""The table of deliveries is the queue: every event for every receiver, claimed, sent, and tried again until it is had.

    waiting -> sending -> delivered
       ^          |-> waiting (failed, or the lease passed)
       |          '-> dead (failed for a day)
       '-- replayed

As with steps (`intake.steps`), a claim is one conditional update that takes a lease and a fencing token and counts the
attempt before it is made. The events of one subject go to a receiver one after the other; those of others go on
meanwhile. What is dead holds up nothing: the next of its subject goes out.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, literal, or_, select, union_all, update
from sqlalchemy.orm import Session

from intake import audit, tallies
from intake.database.engine import Database
from intake.database.tables import Base, OutboxRow, RecordRow, RevisionRow
from intake.events.cloud_event import subject_of
from intake.events.sending import Answer
from intake.tallies import Tally
from schemas.delivery import DeliveryOutcome, DeliveryState, WebhookState

AT_ONCE: Final = 200  # rows changed in one short transaction
_FIRST_WAIT_SECONDS: Final = 5.0
_FAILURES_BEFORE_PAUSE: Final = 3
_DELIVERER: Final = "deliverer"  # who acts, where a receiver's answer made it so
# A receiver that gives one of these is away or overrun: it is left alone for a while, with all its other events.
_AWAY: Final = frozenset(
    {
        DeliveryOutcome.NO_CONNECTION,
        DeliveryOutcome.TOO_SLOW,
        DeliveryOutcome.BROKEN_ANSWER,
        DeliveryOutcome.CANNOT_SIGN,
    }
)

_TABLE: Final = Base.metadata.tables["deliveries"]
_ROWS: Final = _TABLE.c
_OUTBOX: Final = Base.metadata.tables["outbox"]
_SEQUENCES: Final = Base.metadata.tables["sequences"]
_WEBHOOKS: Final = Base.metadata.tables["webhooks"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an event is tried, and how long at most lies between two attempts."""

    give_up: timedelta
    longest_wait: timedelta

    def wait_after(self, attempt: int, chance: random.Random) -> timedelta:
        """Full jitter: anything from nothing to a bound that doubles. Receivers that come back meet no herd."""
        bound = min(self.longest_wait.total_seconds(), _FIRST_WAIT_SECONDS * 2 ** min(attempt - 1, 40))
        return timedelta(seconds=chance.uniform(0.0, bound))


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one event to one receiver, once, until the lease passes."""

    delivery_id: int
    webhook_id: int
    outbox_id: int
    subject: str
    attempt: int
    fence: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How what goes to one receiver stands. delivered_at: the last time it took one; None if none is kept."""

    waiting: int
    dead: int
    delivered_at: datetime | None


def fan_out(database: Database) -> int:
    """Put events that are new into the queue of every receiver that wants them, some at a time; how many events.

    One at a time does this, or the order of a record's events could be lost; whoever comes second finds nothing to do.
    """
    with database.read() as session:
        if session.execute(_NEW_EVENTS.limit(1)).first() is None:
            return 0
    with database.write() as session:
        if session.execute(_TURN).one_or_none() is None:
            return 0
        events = session.execute(_NEW_EVENTS).all()
        now = database.now(session)
        wanted = session.execute(_ACTIVE).all()
        rows = [
            _new_row(webhook.id, event.id, event.subject or subject_of(event.record_id), now)
            for event in events
            for webhook in wanted
            if not webhook.types or event.event in webhook.types
        ]
        if rows:
            session.execute(_ADDING, rows)
        if events:
            session.execute(_SENT, [{"of_event": event.id, "now": now} for event in events])
        return len(events)


def add(session: Session, webhook_id: int, outbox_id: int, subject: str, now: datetime) -> None:
    """Put one event into the queue of one receiver, whatever others want."""
    session.execute(_ADDING, [_new_row(webhook_id, outbox_id, subject, now)])
    session.execute(_SENT, [{"of_event": outbox_id, "now": now}])


def due(session: Session, now: datetime) -> list[int]:
    """The receivers to whom something is to be sent now: one look into an index for each that is active."""
    return list(session.scalars(_DUE, {"now": now}))


def claim(session: Session, webhook_id: int, now: datetime, lease: timedelta) -> Claim | None:
    """Take what is to be sent next to this receiver; None if nothing is, or if it is left alone for now."""
    row = session.execute(_CLAIMING, {"of_webhook": webhook_id, "now": now, "until": now + lease}).one_or_none()
    return None if row is None else Claim(row.id, webhook_id, row.outbox_id, row.subject, *row[3:])


def settle(
    session: Session, claim: Claim, answer: Answer, now: datetime, patience: Patience, chance: random.Random
) -> DeliveryState | None:
    """Write down how the attempt ended, and when the next is made; None if the claim was overtaken: nothing counts."""
    state, not_before = _next(claim, answer, now, patience, chance)
    changed = {
        "of_delivery": claim.delivery_id, "of_fence": claim.fence, "to": state, "now": now, "next": not_before,
        "how": answer.outcome, "what": answer.status,
    }  # fmt: skip
    if session.execute(_SETTLING, changed).one_or_none() is None:
        return None
    tallies.add(session, {attempts_tally(answer.outcome): 1})
    if state is DeliveryState.WAITING:
        # What waits behind it need not be looked at before.
        session.execute(_PUTTING_OFF, {"of_webhook": claim.webhook_id, "about": claim.subject, "next": not_before})
    _note_answer(session, claim, answer, now, patience, chance)
    return state


def bring_back(database: Database, now: datetime) -> int:
    """Put back what deliverers held that gave no more sign of life; how many. They may have sent it: it is sent again.

    A lease that lies further ahead than any reaches was set by a clock that has been put back since.
    """
    passed, too_far = _ROWS.lease_until < now, _ROWS.lease_until > now + timedelta(hours=1)
    back = {
        "state": DeliveryState.WAITING, "state_since": now, "lease_until": None, "not_before": now,
        "outcome": DeliveryOutcome.LOST,
    }  # fmt: skip
    # Two looks into the index of what is being sent: for the two as alternatives SQLite goes through all deliveries.
    of_each = [select(_ROWS.id).where(in_state(DeliveryState.SENDING), lost) for lost in (passed, too_far)]
    which = union_all(*of_each).limit(AT_ONCE)
    with database.read() as session:
        if session.execute(which.limit(1)).first() is None:
            return 0
    with database.write() as session:
        still = (in_state(DeliveryState.SENDING), or_(passed, too_far))
        changed = update(_TABLE).where(_ROWS.id.in_(which), *still).values(back)
        count = len(session.execute(changed.returning(_ROWS.id)).all())
        tallies.add(session, {attempts_tally(DeliveryOutcome.LOST): count} if count else {})
    return count


def give_up_on_the_away(database: Database, now: datetime, patience: Patience) -> int:
    """Set aside what waits for receivers that are switched off, or that have been away for longer than we try."""
    with database.read() as session:
        switched_off = session.scalars(select(_WEBHOOKS.c.id).where(_WEBHOOKS.c.state != WebhookState.ACTIVE)).all()
        away = session.scalars(_LONG_AWAY, {"before": now - patience.give_up}).all()
    count = 0
    for webhook, outcome in [
        *((each, DeliveryOutcome.SWITCHED_OFF) for each in switched_off),
        *((each, DeliveryOutcome.NO_CONNECTION) for each in away),
    ]:
        old = [] if outcome is DeliveryOutcome.SWITCHED_OFF else [_ROWS.since < now - patience.give_up]
        count += _end(database, webhook, old, outcome, now)
    return count


def prune(database: Database, before: datetime) -> int:
    """Forget deliveries that were made before then, and all of receivers that were removed, some at a time."""
    old = select(_ROWS.id).where(in_state(DeliveryState.DELIVERED), _ROWS.state_since < before)
    removed = select(_WEBHOOKS.c.id).where(_WEBHOOKS.c.state == WebhookState.REMOVED)
    theirs = select(_ROWS.id).where(_ROWS.webhook_id.in_(removed), in_state(DeliveryState.DEAD))
    count = 0
    for which in (old.order_by(_ROWS.state_since), theirs):
        with database.read() as session:
            ids = session.scalars(which.limit(AT_ONCE)).all()
        if ids:
            with database.write() as session:
                gone = delete(_TABLE).where(_ROWS.id.in_(ids), _ROWS.state.in_(_ENDED)).returning(_ROWS.id)
                count += len(session.execute(gone).all())
    return count


def replay(session: Session, webhook_id: int, which: ColumnElement[bool], now: datetime) -> int:
    """Send what is dead or delivered once more, under the id it had; how many. At most some thousand at a time."""
    ids = (
        select(_ROWS.id)
        .where(_ROWS.webhook_id == webhook_id, _ROWS.state.in_(_ENDED), which)
        .order_by(_ROWS.id)
        .limit(5_000)
    )
    again = {
        "state": DeliveryState.WAITING, "state_since": now, "since": now, "not_before": now, "attempts": 0,
    }  # fmt: skip
    changed = update(_TABLE).where(_ROWS.id.in_(ids), _ROWS.state.in_(_ENDED)).values(again).returning(_ROWS.id)
    return len(session.execute(changed).all())


def is_delivery(public_id: Any) -> ColumnElement[bool]:
    """This one, for `replay`."""
    found: ColumnElement[bool] = _ROWS.public_id == public_id
    return found


def dead_since(moment: datetime) -> ColumnElement[bool]:
    """All that were set aside since then, for `replay`."""
    return and_(in_state(DeliveryState.DEAD), _ROWS.state_since >= moment)


def standings(session: Session) -> tuple[int, datetime | None, int]:
    """(how many wait, since when the oldest does, how many are dead) of receivers that are active."""
    active = _WEBHOOKS.c.state == WebhookState.ACTIVE
    query = select(func.count(), func.min(_ROWS.since)).select_from(_TABLE.join(_WEBHOOKS))
    waiting, oldest = session.execute(query.where(active, _is_open(_ROWS.state))).one()
    dead = session.scalars(select(func.count()).select_from(_TABLE).where(in_state(DeliveryState.DEAD))).one()
    return waiting, oldest, dead


def standing_of_each(session: Session, webhooks: Collection[UUID]) -> Mapping[UUID, Standing]:
    """How it stands with each of these receivers: three looks into an index for each."""
    found = session.execute(_STANDING.where(_WEBHOOKS.c.public_id.in_(webhooks)))
    return {row.public_id: Standing(row.waiting, row.dead, row.delivered_at) for row in found}


def nobody_delivers(session: Session, before: datetime) -> bool:
    """Whether something should have been sent before then and nobody has tried, or an event was not handed on."""
    if session.scalars(_ACTIVE_ONE).first() is None:
        return False
    if session.scalars(_DUE, {"now": before}).first() is not None:
        return True
    oldest = session.execute(_NEW_EVENTS.limit(1)).first()
    return oldest is not None and oldest.created_at < before


def attempts_tally(outcome: DeliveryOutcome) -> Tally:
    """Attempts that ended so."""
    return Tally("webhook_attempts", outcome.value)


def in_state(state: DeliveryState, column: ColumnElement[Any] = _ROWS.state) -> ColumnElement[bool]:
    """Written into the statement, so that the index of that state can be used."""
    found: ColumnElement[bool] = column == literal(state, _ROWS.state.type, literal_execute=True)
    return found


def _is_open(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """As the index of what is open says it, word for word."""
    return column.in_(bindparam("open", _OPEN, _ROWS.state.type, expanding=True, literal_execute=True))


def _next(
    claim: Claim, answer: Answer, now: datetime, patience: Patience, chance: random.Random
) -> tuple[DeliveryState, datetime]:
    """(where the delivery goes from here, when it is tried again if it is)."""
    if answer.outcome is DeliveryOutcome.DELIVERED:
        return DeliveryState.DELIVERED, now
    if answer.outcome is DeliveryOutcome.GONE or now - claim.since >= patience.give_up:
        return DeliveryState.DEAD, now
    wait = max(patience.wait_after(claim.attempt, chance), timedelta(seconds=answer.retry_after_seconds))
    return DeliveryState.WAITING, now + wait


def _note_answer(
    session: Session, claim: Claim, answer: Answer, now: datetime, patience: Patience, chance: random.Random
) -> None:
    """What the answer says of the receiver itself: it is there, it is away, or it is gone for good."""
    which = {"of_webhook": claim.webhook_id}
    if answer.outcome is DeliveryOutcome.GONE:
        disabled = session.execute(_DISABLING, which).one_or_none()
        if disabled is not None:
            details: audit.Details = {"status": answer.status}
            audit.append(session, now, _DELIVERER, "webhook disabled", f"webhook:{claim.webhook_id}", details)
        return
    if answer.outcome not in _AWAY and (answer.status is None or answer.status < 500):
        session.execute(_ANSWERED, which)
        return
    failures = session.scalars(_FAILED, which | {"now": now}).one()
    if failures >= _FAILURES_BEFORE_PAUSE:
        wait = patience.wait_after(failures, chance)
        session.execute(_PAUSING, which | {"until": now + wait})


def _end(
    database: Database, webhook_id: int, which: Sequence[ColumnElement[bool]], outcome: DeliveryOutcome, now: datetime
) -> int:
    ids = select(_ROWS.id).where(_ROWS.webhook_id == webhook_id, in_state(DeliveryState.WAITING), *which)
    with database.read() as session:
        if session.execute(ids.limit(1)).first() is None:
            return 0
    dead = {"state": DeliveryState.DEAD, "state_since": now, "outcome": outcome}
    with database.write() as session:
        changed = update(_TABLE).where(_ROWS.id.in_(ids.limit(AT_ONCE)), in_state(DeliveryState.WAITING)).values(dead)
        return len(session.execute(changed.returning(_ROWS.id)).all())


def _new_row(webhook_id: int, outbox_id: int, subject: str, now: datetime) -> dict[str, Any]:
    return {
        "webhook_id": webhook_id, "outbox_id": outbox_id, "subject": subject, "state_since": now, "since": now,
        "not_before": now, "created_at": now,
    }  # fmt: skip


# The statements that every event goes through are made once: making one costs more than running it.

_OPEN: Final = (DeliveryState.WAITING, DeliveryState.SENDING)
_ENDED: Final = (DeliveryState.DELIVERED, DeliveryState.DEAD)
_IS_ACTIVE: Final = _WEBHOOKS.c.state == WebhookState.ACTIVE
_ANSWERS: Final = _IS_ACTIVE & or_(_WEBHOOKS.c.paused_until.is_(None), _WEBHOOKS.c.paused_until <= bindparam("now"))
_TURN: Final = select(_SEQUENCES.c.name).where(_SEQUENCES.c.name == "fan-out").with_for_update(skip_locked=True)
_NEW_EVENTS: Final = (
    select(
        OutboxRow.id, OutboxRow.event, OutboxRow.subject, OutboxRow.created_at, RecordRow.public_id.label("record_id")
    )
    .outerjoin(RevisionRow, OutboxRow.revision_id == RevisionRow.id)
    .outerjoin(RecordRow, RevisionRow.record_id == RecordRow.id)
    .where(OutboxRow.sent_at.is_(None))
    .order_by(OutboxRow.id)
    .limit(AT_ONCE)
)
_ACTIVE: Final = select(_WEBHOOKS.c.id, _WEBHOOKS.c.types).where(_IS_ACTIVE)
_ACTIVE_ONE: Final = select(_WEBHOOKS.c.id).where(_IS_ACTIVE).limit(1)
_ADDING: Final = _TABLE.insert()
_SENT: Final = update(_OUTBOX).where(_OUTBOX.c.id == bindparam("of_event")).values(sent_at=bindparam("now"))
_DUE: Final = select(_WEBHOOKS.c.id).where(
    _ANSWERS,
    select(_ROWS.id)
    .where(_ROWS.webhook_id == _WEBHOOKS.c.id, in_state(DeliveryState.WAITING), _ROWS.not_before <= bindparam("now"))
    .correlate(_WEBHOOKS)
    .exists(),
)
_ITS: Final = _TABLE.alias("its")
_EARLIER: Final = _TABLE.alias("earlier")
_IS_NEXT: Final = (
    select(_ITS.c.id)
    .where(
        _ITS.c.webhook_id == bindparam("of_webhook"),
        in_state(DeliveryState.WAITING, _ITS.c.state),
        _ITS.c.not_before <= bindparam("now"),
        # Of one subject only the first that is still to be had; the others wait until it is.
        ~select(_EARLIER.c.id)
        .where(
            _EARLIER.c.webhook_id == bindparam("of_webhook"),
            _EARLIER.c.subject == _ITS.c.subject,
            _EARLIER.c.id < _ITS.c.id,
            _is_open(_EARLIER.c.state),
        )
        .correlate(_ITS)
        .exists(),
    )
    .order_by(_ITS.c.not_before, _ITS.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CLAIMING: Final = (
    update(_TABLE)
    .where(
        _ROWS.id == _IS_NEXT,
        in_state(DeliveryState.WAITING),
        select(_WEBHOOKS.c.id).where(_WEBHOOKS.c.id == bindparam("of_webhook"), _ANSWERS).exists(),
    )
    .values(
        state=DeliveryState.SENDING,
        state_since=bindparam("now"),
        attempts=_ROWS.attempts + 1,
        fence=_ROWS.fence + 1,
        lease_until=bindparam("until"),
    )
    .returning(_ROWS.id, _ROWS.outbox_id, _ROWS.subject, _ROWS.attempts, _ROWS.fence, _ROWS.since)
)
_SETTLING: Final = (
    update(_TABLE)
    .where(_ROWS.id == bindparam("of_delivery"), _ROWS.fence == bindparam("of_fence"), in_state(DeliveryState.SENDING))
    .values(
        state=bindparam("to"),
        state_since=bindparam("now"),
        lease_until=None,
        not_before=bindparam("next"),
        outcome=bindparam("how"),
        status=bindparam("what"),
    )
    .returning(_ROWS.id)
)
_PUTTING_OFF: Final = (
    update(_TABLE)
    .where(
        _ROWS.webhook_id == bindparam("of_webhook"),
        _ROWS.subject == bindparam("about"),
        _is_open(_ROWS.state),
        in_state(DeliveryState.WAITING),
        _ROWS.not_before < bindparam("next"),
    )
    .values(not_before=bindparam("next"))
)
_ANSWERED: Final = (
    update(_WEBHOOKS)
    .where(_WEBHOOKS.c.id == bindparam("of_webhook"), _WEBHOOKS.c.failures > 0)
    .values(failures=0, failing_since=None, paused_until=None)
)
_FAILED: Final = (
    update(_WEBHOOKS)
    .where(_WEBHOOKS.c.id == bindparam("of_webhook"))
    .values(failures=_WEBHOOKS.c.failures + 1, failing_since=func.coalesce(_WEBHOOKS.c.failing_since, bindparam("now")))
    .returning(_WEBHOOKS.c.failures)
)
_PAUSING: Final = (
    update(_WEBHOOKS).where(_WEBHOOKS.c.id == bindparam("of_webhook")).values(paused_until=bindparam("until"))
)
_DISABLING: Final = (
    update(_WEBHOOKS)
    .where(_WEBHOOKS.c.id == bindparam("of_webhook"), _IS_ACTIVE)
    .values(
        state=WebhookState.DISABLED,
        reason="It answered 410: it wants nothing more.",
        version=_WEBHOOKS.c.version + 1,
    )
    .returning(_WEBHOOKS.c.id)
)
_STANDING: Final = select(
    _WEBHOOKS.c.public_id,
    select(func.count())
    .where(_ROWS.webhook_id == _WEBHOOKS.c.id, _is_open(_ROWS.state))
    .scalar_subquery()
    .label("waiting"),
    select(func.count())
    .where(_ROWS.webhook_id == _WEBHOOKS.c.id, in_state(DeliveryState.DEAD))
    .scalar_subquery()
    .label("dead"),
    select(func.max(_ROWS.state_since))
    .where(_ROWS.webhook_id == _WEBHOOKS.c.id, in_state(DeliveryState.DELIVERED))
    .scalar_subquery()
    .label("delivered_at"),
)
_LONG_AWAY: Final = select(_WEBHOOKS.c.id).where(_IS_ACTIVE, _WEBHOOKS.c.failing_since < bindparam("before"))
