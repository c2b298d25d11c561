"""Refuses what no program of this machine would send: foreign names of the host, and pages of other sites.

A page somewhere in the web can make a browser on this machine call us: under a name of its own that it points at this
machine (DNS rebinding), or with a form that posts to us. Neither must reach a route, as long as nobody signs in.
"""

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from intake.api.problem import ProblemCode, Refused, answer
from intake.api.watch import request_id

_OUR_HOST: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_HARMLESS_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OUR_SITE: Final = frozenset({"same-origin", "none"})  # "none": typed in, or followed from a bookmark


class Gate:
    """A layer before all routes, those that do not exist included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = _refusal(scope["method"], Headers(scope=scope)) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await answer(refused, request_id(scope))(scope, receive, send)


def _refusal(method: str, headers: Headers) -> Refused | None:
    """Why not; None if it may pass."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _OUR_HOST.fullmatch(hosts[0]) is None:
        detail = "Call this service by the name localhost, 127.0.0.1 or [::1]: it answers to no other."
        return Refused(421, ProblemCode.WRONG_HOST, detail)
    if method in _HARMLESS_METHODS:
        return None
    origin = headers.get("origin")
    own_origins = {f"http://{hosts[0]}".lower(), f"https://{hosts[0]}".lower()}
    is_foreign = origin is not None and origin.lower() not in own_origins
    if is_foreign or headers.get("sec-fetch-site", "none") not in _OUR_SITE:
        return Refused(403, ProblemCode.CROSS_SITE, "Pages of other sites may change nothing here.")
    return None
