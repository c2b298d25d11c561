"""Around every request: its id, one line in the log, its share of the metrics, and an answer whatever happens.

A line holds the method, the route as it was declared, ids, the status and the seconds: nothing a sender wrote.
"""

import asyncio
import logging
import time
from collections.abc import MutableMapping
from typing import Any, Final
from uuid import UUID, uuid4

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intake.api.problem import FAILED, RETRY_AFTER_SECONDS, ProblemCode, Refused, answer
from intake.api.traffic import Traffic
from schemas.errors import MailError

_ACCESS: Final = logging.getLogger("postroom.api.access")
_FAILURES: Final = logging.getLogger("postroom.api")
_SENDER_WENT: Final = 499  # no answer was given, for nobody was there any more: for the log and the metrics only

# Answers are for programs: no browser is to show, keep or embed them.
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_id(scope: Scope) -> str:
    """The id this request has in the log and in its answer."""
    given: str = scope["postroom.request_id"]
    return given


def note(scope: Scope, name: str, value: UUID) -> None:
    """Put an id into the line of this request."""
    notes: dict[str, UUID] = scope["postroom.notes"]
    notes[name] = value


def tell_failure(error: Exception, request: str) -> None:
    """One line about an error, under the id of its request: its kind and place.

    Only messages of our own errors are passed on: those of others may hold what people wrote.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f" in {place.tb_frame.f_globals.get('__name__')}, line {place.tb_lineno}"
    what = f": {error}" if isinstance(error, MailError) else ""
    _FAILURES.error("request=%s %s%s%s", request, type(error).__name__, where, what)


class Watch:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

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
                own = (b"x-request-id", request_id(scope).encode())
                message = {**message, "headers": [*message.get("headers", ()), own, *_HEADERS]}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            pass  # there is nobody to answer, and the line below tells it
        except asyncio.CancelledError:
            if status == _SENDER_WENT:
                await answer(_stopping(), request_id(scope))(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001  # the last that stands between an error and the sender
            refused = _failed(error, request_id(scope))
            if status == _SENDER_WENT:
                await answer(refused, request_id(scope))(scope, receive, send_with_headers)
        finally:
            self._tell(scope, status, time.monotonic() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = str(getattr(scope.get("route"), "path", "none"))
        self._traffic.count(method, route, status, seconds)
        ids = "".join(f" {name}={value}" for name, value in _ids(scope).items())
        _ACCESS.info("%s %s %d %.3fs request=%s%s", method, route, status, seconds, request_id(scope), ids)


def _failed(error: Exception, request: str) -> Refused:
    tell_failure(error, request)
    return Refused(500, ProblemCode.FAILED, FAILED)


def _stopping() -> Refused:
    """The process has been told to end, and its grace is over."""
    detail = "The service is stopping. Try again; with the same Idempotency-Key nothing is received twice."
    return Refused(503, ProblemCode.UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _ids(scope: MutableMapping[str, Any]) -> dict[str, UUID]:
    """The ids of the address, as far as they are ids, and those that were noted."""
    found: dict[str, UUID] = {}
    for name, value in scope.get("path_params", {}).items():
        try:
            found[name] = UUID(str(value))
        except ValueError:
            continue  # whatever it is, it was written by the sender
    notes: dict[str, UUID] = scope["postroom.notes"]
    return found | notes
