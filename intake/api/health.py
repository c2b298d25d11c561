"""Whether the service lives, and whether it gets on with its work: that a process answers says little."""

from typing import Final

from anyio import to_thread
from fastapi import APIRouter

from intake.api.front_desk import AtDesk
from intake.api.policy import PolicedRoute, Policy, policy
from intake.api.problem import RETRY_AFTER_SECONDS, ProblemCode, Refused
from intake.api.views import Health

router: Final = APIRouter(route_class=PolicedRoute, prefix="/health", tags=["health"])


@router.get("/live")
@policy(Policy.ANYBODY)
async def live() -> Health:
    """This process answers. Nothing else is asked: do not restart it because a database is away."""
    return Health(status="live")


@router.get("/ready", responses={503: {"description": "Something fails: `errors` says which of them, and how."}})
@policy(Policy.ANYBODY)
async def ready(desk: AtDesk) -> Health:
    """The database answers and has our version, the store takes files, workers live and work, and the books balance."""
    # One at a time, waited for without a thread: however many ask, the routes keep theirs.
    faults = await to_thread.run_sync(desk.examination.faults, limiter=desk.examining)
    if faults:
        later = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        detail = "The service is not ready: see `errors`."
        raise Refused(503, ProblemCode.NOT_READY, detail, faults=faults, headers=later)
    return Health(status="ready")
