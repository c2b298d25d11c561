"""The routes about what was set aside: look at it, try it again, refuse it for good."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query

from intake import quarantine
from intake.api.front_desk import AsCaller, AtDesk
from intake.api.numbers import LARGEST_NUMBER
from intake.api.policy import PolicedRoute, policy
from intake.api.problem import Fault, ProblemCode, Refused
from intake.api.views import QuarantineChange, QuarantineList, Rejection, SetAsideView
from intake.quarantine import SetAside
from schemas.errors import Cause
from schemas.scopes import Scope
from schemas.states import MailState

router: Final = APIRouter(route_class=PolicedRoute, prefix="/v1/quarantine", tags=["quarantine"])

Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
After = Annotated[int, Query(ge=0, le=LARGEST_NUMBER, description="`next` of the page before.")]
OfCause = Annotated[Cause | None, Query(description="Only what was set aside for this cause.")]


@router.get("")
@policy(Scope.BATCHES_READ)
def list_quarantine(desk: AtDesk, cause: OfCause = None, limit: Limit = 200, after: After = 0) -> QuarantineList:
    """What the machine gave up on, each with its cause and what a person can do."""
    with desk.service.database.read() as session:
        found = quarantine.listed(session, cause, limit=limit + 1, after=after)
    shown = found[:limit]
    return QuarantineList(set_aside=_views(shown), next=shown[-1].step_id if len(found) > limit else None)


@router.post("/{subject_id}/retry")
@policy(Scope.QUARANTINE_WRITE)
def retry(desk: AtDesk, caller: AsCaller, subject_id: UUID) -> QuarantineChange:
    """Try a file or piece again, with all attempts; of a file, those of its pieces as well that are in quarantine."""
    database = desk.service.database
    with database.write() as session:
        taken = quarantine.retry(session, subject_id, caller.name, database.now())
    return QuarantineChange(state=MailState.IN_WORK, changed=_views(taken))


@router.post("/{subject_id}/reject")
@policy(Scope.QUARANTINE_WRITE)
def reject(desk: AtDesk, caller: AsCaller, subject_id: UUID, rejection: Rejection) -> QuarantineChange:
    """Refuse a file or piece for good, with the reason. Nothing of its bytes is deleted."""
    database = desk.service.database
    try:
        with database.write() as session:
            refused = quarantine.reject(session, subject_id, caller.name, rejection.reason, database.now())
    except ValueError as error:
        fault = Fault(place="body.reason", problem=str(error))
        detail = "The request is not as it should be."
        raise Refused(422, ProblemCode.INVALID_REQUEST, detail, faults=[fault]) from error
    return QuarantineChange(state=MailState.REJECTED, changed=_views(refused))


def _views(found: Sequence[SetAside]) -> tuple[SetAsideView, ...]:
    return tuple(map(SetAsideView.model_validate, found))
