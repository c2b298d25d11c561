"""Whether the service lives, and whether it gets on with its work: that a process answers says little."""

import os
import time
from datetime import datetime
from typing import Final

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import queue_length
from intake.api.front_desk import AtDesk, FrontDesk
from intake.api.policy import PolicedRoute, Policy, policy
from intake.api.problem import RETRY_AFTER_SECONDS, Fault, ProblemCode, Refused
from intake.api.views import Health
from intake.database.tables import StepRow
from intake.database.versions import require_newest
from intake.store.errors import StoreFull
from intake.store.room import refuse_when_low
from schemas.errors import Unavailable
from schemas.states import StepState

router: Final = APIRouter(route_class=PolicedRoute, prefix="/health", tags=["health"])

_NOBODYS: Final = "0" * 64  # an address under which nothing lies: asking for it shows that the store answers
# A worker has no step in hand for a moment between two: looking again tells that from one that does not work.
_LOOKS: Final = 4
_SECONDS_BETWEEN_LOOKS: Final = 0.1


@router.get("/live")
@policy(Policy.ANYBODY)
async def live() -> Health:
    """This process answers. Nothing else is asked: do not restart it because a database is away."""
    return Health(status="live")


@router.get("/ready", responses={503: {"description": "Something fails: `errors` says which of them, and how."}})
@policy(Policy.ANYBODY)
def ready(desk: AtDesk) -> Health:
    """The database answers and has our version, the store takes files, and the work goes on."""
    faults = [fault for check in (_database, _store, _progress) if (fault := check(desk)) is not None]
    if faults:
        later = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        detail = "The service is not ready: see `errors`."
        raise Refused(503, ProblemCode.NOT_READY, detail, faults=faults, headers=later)
    return Health(status="ready")


def _database(desk: FrontDesk) -> Fault | None:
    try:
        require_newest(desk.service.database)
    except Unavailable:
        problem = "The database does not answer, or does not have the version this program works with."
        return Fault(place="database", problem=problem)
    return None


def _store(desk: FrontDesk) -> Fault | None:
    """Uploads must fit, and pass through the spool."""
    try:
        desk.service.store.exists(_NOBODYS)
        refuse_when_low(desk.service.store, 0, low_water_bytes=desk.service.settings.low_water_bytes)
    except StoreFull:
        return Fault(place="store", problem="There is too little room left: uploads are refused.")
    except Unavailable:
        return Fault(place="store", problem="The file store does not answer.")
    if not os.access(desk.spool_folder, os.W_OK | os.X_OK):
        return Fault(place="store", problem="Nothing can be written where uploads pass through.")
    return None


def _progress(desk: FrontDesk) -> Fault | None:
    """Work that waits must be under way. A long queue is no fault as long as somebody works on it."""
    try:
        for look in range(_LOOKS):
            if look:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            with desk.service.database.read() as session:
                if not _stands_still(session, desk.service.database.now(), desk.stalled_seconds):
                    return None
    except Unavailable:
        return None  # the database's own check says so
    problem = f"A step has been ready for more than {desk.stalled_seconds:g} seconds, and no worker is at work."
    return Fault(place="progress", problem=problem)


def _stands_still(session: Session, now: datetime, stalled_seconds: float) -> bool:
    oldest = queue_length.oldest_ready(session)
    if oldest is None or (now - oldest).total_seconds() <= stalled_seconds:
        return False
    # A lease that has passed is a dead worker's: the sweep will give its step back.
    at_work = select(StepRow.id).where(StepRow.state == StepState.RUNNING, StepRow.lease_until > now).limit(1)
    return session.scalars(at_work).first() is None
