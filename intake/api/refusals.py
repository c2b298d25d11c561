"""From whatever was raised to the problem that is answered. The only place that knows both."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from intake.api.problem import FAILED, RETRY_AFTER_SECONDS, Answering, Fault, ProblemCode, Refused
from intake.api.watch import as_problem, request_id, tell_failure
from intake.receive import KeyReused
from intake.steps import NotInQuarantine
from intake.store.errors import StoreFull
from schemas.errors import MailError, Unavailable

_LATER: Final[Mapping[str, str]] = {"Retry-After": str(RETRY_AFTER_SECONDS)}
_BY_STATUS: Final = {
    400: (ProblemCode.BROKEN_BODY, "The body is no JSON in UTF-8."),
    404: (ProblemCode.NOT_FOUND, "There is nothing under this address; /v1/openapi.json lists what there is."),
    405: (ProblemCode.WRONG_METHOD, "This address knows other methods only: see the header Allow."),
    413: (ProblemCode.TOO_LARGE, "The request is larger than it may be."),
}


def add_handlers(app: FastAPI, answering: Answering = as_problem) -> None:
    """Answer every error of a route as `answering` does. What is none of these ends in `watch`, which answers 500."""

    async def refuse(request: Request, error: Exception) -> Response:
        refused = refusal_of(error, request_id(request.scope))
        if refused.status == HTTPStatus.METHOD_NOT_ALLOWED:
            refused.headers["Allow"] = ", ".join(_methods_at(app, request.scope))
        return answering(refused, request.scope)

    for kind in (MailError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, refuse)


def refusal_of(error: Exception, request: str) -> Refused:
    """What to answer to the request of that id. Texts that may name places of this machine are not passed on."""
    match error:
        case Refused():
            return error
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return _of_status(error)
        case KeyReused():
            return Refused(422, ProblemCode.KEY_REUSED, str(error))
        case NotInQuarantine():
            return Refused(409, ProblemCode.NOT_IN_QUARANTINE, "Nothing of it is in quarantine.")
    return _trouble_of_ours(error, request)


def _trouble_of_ours(error: Exception, request: str) -> Refused:
    """What the sender is not to blame for: the log tells it too."""
    tell_failure(error, request)
    match error:
        case StoreFull():
            detail = "There is no room for more: nothing was received. It goes on when there is room again."
            return Refused(507, ProblemCode.STORE_FULL, detail, headers=_LATER)
        case Unavailable():
            detail = (
                "The database or the file store does not answer, or the same batch is just being received. Try again;"
                " with the same Idempotency-Key nothing is received twice."
            )
            return Refused(503, ProblemCode.UNAVAILABLE, detail, headers=_LATER)
    return Refused(500, ProblemCode.FAILED, FAILED)


def _methods_at(app: FastAPI, scope: Scope) -> list[str]:
    """All methods of this address: each is a route of its own, and the framework names those of the first only."""
    matching = (route for route in app.routes if route.matches(scope)[0] is not Match.NONE)
    return sorted({method for route in matching for method in getattr(route, "methods", ())})


def _invalid(error: RequestValidationError) -> Refused:
    faults = [Fault(place=".".join(map(str, fault["loc"])), problem=str(fault["msg"])) for fault in error.errors()]
    return Refused(422, ProblemCode.INVALID_REQUEST, "The request is not as it should be.", faults=faults)


def _of_status(error: HTTPException) -> Refused:
    code, detail = _BY_STATUS.get(
        error.status_code, (ProblemCode.INVALID_REQUEST, f"{HTTPStatus(error.status_code).phrase}.")
    )
    return Refused(error.status_code, code, detail, headers=error.headers)
