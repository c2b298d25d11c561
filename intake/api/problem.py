"""What is answered where something cannot be done: one shape for every error (RFC 9457, application/problem+json)."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from schemas.errors import MailError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5  # a database that restarts is back by then, or the sender asks once more

FAILED: Final = "The service failed. The log has more under the id of this request."


class ProblemCode(StrEnum):
    """Why, as one word a program can act on: a closed list."""

    NOT_THIS_MACHINE = "not_this_machine"
    UNKNOWN_CALLER = "unknown_caller"
    MISSING_SCOPE = "missing_scope"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_ALLOWED = "not_allowed"
    STALE_PAGE = "stale_page"
    WRONG_HOST = "wrong_host"
    CROSS_SITE = "cross_site"
    NOT_FOUND = "not_found"
    WRONG_METHOD = "wrong_method"
    INVALID_REQUEST = "invalid_request"
    BROKEN_BODY = "broken_body"
    NO_FILE = "no_file"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    TOO_MANY_REQUESTS = "too_many_requests"
    CURSOR_AHEAD = "cursor_ahead"
    KEY_REUSED = "key_reused"
    WRONG_OFFSET = "wrong_offset"
    BUSY = "busy"
    NOT_WANTED = "not_wanted"
    NOT_IN_QUARANTINE = "not_in_quarantine"
    NEEDS_IF_MATCH = "needs_if_match"
    SUPERSEDED = "superseded"
    IN_REVIEW = "in_review"
    DOUBTFUL_VALUE = "doubtful_value"
    FORBIDDEN_ADDRESS = "forbidden_address"
    TOO_MANY_WEBHOOKS = "too_many_webhooks"
    STORE_FULL = "store_full"
    UNAVAILABLE = "unavailable"
    NOT_READY = "not_ready"
    FAILED = "failed"


class Fault(BaseModel):
    """One thing that is wrong, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    place: str = Field(description="The part of the request or of the service it is about.", examples=["query.limit"])
    problem: str = Field(description="What is wrong with it.", examples=["Input should be less than or equal to 200"])


class Problem(BaseModel):
    """An error, for the program that called and for the person behind it. It repeats nothing of what was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: str = Field(default="about:blank", description="Always this: `status` and `code` say what kind it is.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", ge=400, le=599, examples=[404])
    code: ProblemCode = Field(description="Why, as one word for programs.", examples=["not_found"])
    detail: str = Field(description="Why, and what to do about it.", examples=["There is no such batch."])
    request_id: str = Field(description="Stands in the log too, and in the header X-Request-Id.", examples=["7c9e6679"])
    errors: list[Fault] = Field(default=[], description="The single faults, where there are several.")


class Refused(MailError):
    """A request that is answered with a problem. The message is its detail."""

    def __init__(
        self,
        status: int,
        code: ProblemCode,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.faults = tuple(faults)
        self.headers = dict(headers or {})


# From what was refused, and the request it was refused to, to the response.
Answering = Callable[[Refused, Scope], Response]


def answer(refused: Refused, request_id: str) -> JSONResponse:
    """The response for it."""
    problem = Problem(
        title=HTTPStatus(refused.status).phrase,
        status=refused.status,
        code=refused.code,
        detail=str(refused),
        request_id=request_id,
        errors=list(refused.faults),
    )
    return JSONResponse(problem.model_dump(mode="json"), refused.status, refused.headers, MEDIA_TYPE)
