"""Around every request: its id, one line in the log, its share of the metrics, and an answer whatever happens.

A line holds the method, the route as it was declared, ids, the status and the seconds: nothing a sender wrote.
"""

import asyncio
import time
from collections.abc import Iterable, MutableMapping
from typing import Any, Final, cast
from uuid import UUID, uuid4

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intake.api.callers import name_of_caller
from intake.api.problem import FAILED, RETRY_AFTER_SECONDS, Answering, ProblemCode, Refused, answer
from intake.api.traffic import Traffic
from intake.event_log import Facts, tell, tell_error

_SENDER_WENT: Final = 499  # no answer was given, for nobody was there any more: for the log and the metrics only

# Answers are for programs: no browser is to show, keep or embed them. What is for people says so by headers of its own.
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_IDS: Final = ("batch_id", "file_id", "subject_id")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_id(scope: Scope) -> str:
    """The id this request has in the log and in its answer."""
    given: str = scope["postroom.request_id"]
    return given


def as_problem(refused: Refused, scope: Scope) -> Response:
    """The answer to a program."""
    return answer(refused, request_id(scope))


def note(scope: Scope, name: str, value: UUID) -> None:
    """Put an id into the line of this request."""
    notes: dict[str, UUID] = scope["postroom.notes"]
    notes[name] = value


def tell_failure(error: Exception, request: str) -> None:
    """One line about an error, under the id of its request: its kind and place.

    Only messages of our own errors are passed on: those of others may hold what people wrote.
    """
    tell_error("request_failed", error, request_id=request)


class Watch:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, traffic: Traffic, answering: Answering = as_problem) -> None:
        self._app = app
        self._traffic = traffic
        self._answering = answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["postroom.request_id"], scope["postroom.notes"] = uuid4().hex, {}
        status = _SENDER_WENT
        started = time.monotonic()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": _with_ours(message.get("headers", ()), request_id(scope))}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            pass  # there is nobody to answer, and the line below tells it
        except asyncio.CancelledError:
            if status == _SENDER_WENT:
                await self._answering(_stopping(), scope)(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001  # the last that stands between an error and the sender
            refused = _failed(error, request_id(scope))
            if status == _SENDER_WENT:
                await self._answering(refused, scope)(scope, receive, send_with_headers)
        finally:
            self._tell(scope, status, time.monotonic() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = str(getattr(scope.get("route"), "path", "none"))
        self._traffic.count(method, route, status, seconds)
        facts: Facts = {"method": method, "route": route, "status": status, "seconds": seconds}
        if (caller := name_of_caller(scope)) is not None:
            facts["caller"] = caller
        tell("request", **(facts | {"request_id": request_id(scope)} | _ids(scope)))


def _with_ours(given: Iterable[tuple[bytes, bytes]], request: str) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, with ours where it has none of that name."""
    headers = list(given)
    names = {name.lower() for name, _ in headers}
    ours = [header for header in _HEADERS if header[0] not in names]
    return [*headers, (b"x-request-id", request.encode()), *ours]


def _failed(error: Exception, request: str) -> Refused:
    tell_failure(error, request)
    return Refused(500, ProblemCode.FAILED, FAILED)


def _stopping() -> Refused:
    """The process has been told to end, and its grace is over."""
    detail = "The service is stopping. Try again; with the same Idempotency-Key nothing is received twice."
    return Refused(503, ProblemCode.UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _ids(scope: MutableMapping[str, Any]) -> Facts:
    """The ids of the address, as far as they are ids, and those that were noted."""
    given: dict[str, Any] = scope.get("path_params", {}) | scope["postroom.notes"]
    found: dict[str, UUID] = {}
    for name in _IDS:
        try:
            found[name] = UUID(str(given[name]))
        except (KeyError, ValueError):
            continue  # whatever it is, it was written by the sender
    return cast(Facts, found)
