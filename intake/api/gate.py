"""Refuses what no caller of ours would send: foreign names of the host, and pages of other sites.

A page somewhere in the web can make a browser on this machine call us: under a name of its own that it points at this
machine (DNS rebinding), or with a form that posts to us. Neither must reach a route that this machine needs no key for.
"""

import re
from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from intake.api.problem import Answering, ProblemCode, Refused
from intake.api.watch import as_problem

_OWN_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST: Final = re.compile(r"([^:\[\]@/\s]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)
# They say nothing but states, and whoever watches over a service often calls it by its bare address.
_UNDER_ANY_NAME: Final = frozenset({"/health/live", "/health/ready"})
_HARMLESS_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OUR_SITE: Final = frozenset({"same-origin", "none"})  # "none": typed in, or followed from a bookmark


class Gate:
    """A layer before all routes, those that do not exist included. names: of the host, beside those of this machine."""

    def __init__(self, app: ASGIApp, names: Collection[str] = (), answering: Answering = as_problem) -> None:
        self._app = app
        self._answering = answering
        self._names = _OWN_NAMES | frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = _refusal(scope, self._names) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await self._answering(refused, scope)(scope, receive, send)


def _refusal(scope: Scope, names: Collection[str]) -> Refused | None:
    """Why not; None if it may pass."""
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    is_harmless = scope["method"] in _HARMLESS_METHODS
    if is_harmless and scope["path"] in _UNDER_ANY_NAME:
        return None
    found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if found is None or found[1].lower() not in names:
        detail = (
            "Call this service by the name localhost, 127.0.0.1 or [::1], or by one that POSTROOM_HOSTS lists: it"
            " answers to no other."
        )
        return Refused(421, ProblemCode.WRONG_HOST, detail)
    if is_harmless:
        return None
    origin = headers.get("origin")
    own_origins = {f"http://{hosts[0]}".lower(), f"https://{hosts[0]}".lower()}
    is_foreign = origin is not None and origin.lower() not in own_origins
    if is_foreign or headers.get("sec-fetch-site", "none") not in _OUR_SITE:
        return Refused(403, ProblemCode.CROSS_SITE, "Pages of other sites may change nothing here.")
    return None
