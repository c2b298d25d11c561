"""Looks whether the service gets on with its work; what it finds says nothing but states, so anybody may ask."""

import os
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from intake import reconciliation, standstill
from intake.api.problem import Fault
from intake.database.versions import require_newest
from intake.events import deliveries
from intake.service import Service
from intake.store.errors import StoreFull
from intake.store.room import refuse_when_low
from schemas.errors import Unavailable

_NOBODYS: Final = "0" * 64  # an address under which nothing lies: asking for it shows that the store answers
# A worker has no step in hand for a moment between two: looking again tells that from one that does not work.
_LOOKS: Final = 4
_SECONDS_BETWEEN_LOOKS: Final = 0.1


@dataclass
class Examination:
    """All that must hold for the service to be ready.

    patience:      how long a step may be ready without any at work, and the service without a worker.
    since:         when this process began to serve, by the database's clock: its workers may still be starting.
    fresh_seconds: how long an answer is given again: strangers must not keep the database busy.
    """

    service: Service
    spool_folder: Path
    patience: timedelta
    since: datetime
    fresh_seconds: float
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _kept: tuple[Fault, ...] = field(default=(), init=False)
    _until: float = field(default=0.0, init=False)

    def faults(self) -> tuple[Fault, ...]:
        """What fails now; empty if the service is ready. A part that cannot be asked is a fault of its own check."""
        with self._lock:
            if time.monotonic() >= self._until:
                checks = (
                    self._database, self._store, self._progress, self._workers, self._conservation, self._deliveries,
                )  # fmt: skip
                self._kept = tuple(fault for check in checks if (fault := check()) is not None)
                self._until = time.monotonic() + self.fresh_seconds
            return self._kept

    def _database(self) -> Fault | None:
        try:
            require_newest(self.service.database)
        except Unavailable:
            problem = "The database does not answer, or does not have the version this program works with."
            return Fault(place="database", problem=problem)
        return None

    def _store(self) -> Fault | None:
        """Uploads must fit, and pass through the spool."""
        try:
            self.service.store.exists(_NOBODYS)
            refuse_when_low(self.service.store, 0, low_water_bytes=self.service.settings.low_water_bytes)
        except StoreFull:
            return Fault(place="store", problem="There is too little room left: uploads are refused.")
        except Unavailable:
            return Fault(place="store", problem="The file store does not answer.")
        if not os.access(self.spool_folder, os.W_OK | os.X_OK):
            return Fault(place="store", problem="Nothing can be written where uploads pass through.")
        return None

    def _progress(self) -> Fault | None:
        """Work that waits must be under way. A long queue is no fault as long as somebody works on it."""
        if not self._stands_still():
            return None
        problem = (
            f"A step has been ready for more than {self.patience.total_seconds():g} seconds while workers were idle"
            " or none was at work."
        )
        return Fault(place="progress", problem=problem)

    def _stands_still(self) -> bool:
        database, beat = self.service.database, self.service.settings.beat_seconds
        try:
            now = database.now()
            with database.read() as session:
                if standstill.idle_beside_work(session, now, self.patience, beat):
                    return True
            for look in range(_LOOKS):
                if look:
                    time.sleep(_SECONDS_BETWEEN_LOOKS)
                with database.read() as session:
                    if not standstill.nobody_at_work(session, database.now(), self.patience):
                        return False
        except Unavailable:
            return False  # the database's own check says so
        return True

    def _workers(self) -> Fault | None:
        database = self.service.database
        try:
            with database.read() as session:
                is_deserted = standstill.nobody_alive(session, database.now(), self.patience, self.since)
        except Unavailable:
            return None
        problem = f"No worker has given a sign of life for more than {self.patience.total_seconds():g} seconds."
        return Fault(place="workers", problem=problem) if is_deserted else None

    def _conservation(self) -> Fault | None:
        """The books, as they were last balanced. `postroom reconcile` balances them again."""
        try:
            with self.service.database.read() as session:
                latest = reconciliation.latest(session)
        except Unavailable:
            return None
        if latest is None or not latest.difference:
            return None
        return Fault(place="conservation", problem="Not everything received is in exactly one place.")

    def _deliveries(self) -> Fault | None:
        """Events that are due must be sent, or at least tried. A receiver that is down is no fault of ours."""
        database = self.service.database
        try:
            with database.read() as session:
                is_standing = deliveries.nobody_delivers(session, database.now() - self.patience)
        except Unavailable:
            return None
        problem = (
            f"Nobody has tried to deliver an event that is due for more than {self.patience.total_seconds():g} seconds."
        )
        return Fault(place="deliveries", problem=problem) if is_standing else None
