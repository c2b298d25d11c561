"""Balances the books at start and every night: what was received must be somewhere, once; a difference is an alarm."""

import logging
import threading
import time
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import audit, ledger
from intake.database.engine import Database
from intake.database.tables import ReconciliationRow
from intake.event_log import tell, tell_error
from intake.ledger import Ledger
from schemas.errors import MailError

NIGHTLY: Final = "reconcile"  # who balanced them, where no person asked for it
_TRY_AGAIN_SECONDS: Final = 60.0  # while the database is away


def reconcile(database: Database, actor: str) -> Ledger:
    """Balance the books and write down the result, for health, metrics and the audit. Raises Unavailable.

    What does not add up is told to the log as well, each kind in a line of its own.
    """
    started = time.monotonic()
    with database.read() as session:
        found = ledger.take(session)
    seconds = time.monotonic() - started
    now = database.now()
    with database.write() as session:
        session.add(
            ReconciliationRow(
                at=now,
                seconds=seconds,
                difference=found.difference,
                differences=dict(found.differences),
                actor=actor,
            )
        )
        if found.difference:
            audit.append(session, now, actor, "difference found", "books:all", dict(found.differences))
    for what, count in found.differences.items():
        tell("difference", logging.ERROR, what=what, count=count)
    level = logging.ERROR if found.difference else logging.INFO
    tell("reconciled", level, difference=found.difference, received=sum(found.received.values()), seconds=seconds)
    return found


def keep_reconciling(database: Database, every_seconds: float, stop: threading.Event) -> None:
    """Balance the books now and every so often until `stop` is set; a database that is away is asked again soon."""
    while not stop.is_set():
        pause = every_seconds
        try:
            reconcile(database, NIGHTLY)
        except MailError as error:
            tell_error("reconcile_waits", error)
            pause = min(every_seconds, _TRY_AGAIN_SECONDS)
        stop.wait(pause)


def latest(session: Session) -> ReconciliationRow | None:
    """When the books were last balanced, and with what result; None if they never were."""
    return session.scalars(select(ReconciliationRow).order_by(ReconciliationRow.id.desc()).limit(1)).one_or_none()
