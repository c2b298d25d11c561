"""Who may use which route. Every route says so, or it cannot be declared."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeVar

from anyio import to_thread
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from intake.api.callers import identify, remember, require_scope
from schemas.scopes import Scope

_ATTRIBUTE: Final = "__policy__"
_FURTHER: Final = "__further_scopes__"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Policy(StrEnum):
    """Who may, where it takes no scope."""

    ANYBODY = "anybody"  # the answer says nothing but states
    KNOWN = "known"  # whoever is on this machine, or shows a key, whatever that opens


Chosen = Policy | Scope  # a scope: whoever is on this machine, or shows a key that opens it


def policy(chosen: Chosen, *further: Scope) -> Callable[[Endpoint], Endpoint]:
    """Say who may use the route below; further: scopes that the key must open as well."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, chosen)
        setattr(endpoint, _FURTHER, further)
        return endpoint

    return mark


def policy_of(endpoint: Callable[..., Any]) -> Chosen:
    """Who may use it. Raises LookupError if nobody said."""
    found = getattr(endpoint, _ATTRIBUTE, None)
    if not isinstance(found, Policy | Scope):
        raise LookupError(f"the route {getattr(endpoint, '__name__', endpoint)} has no policy")
    return found


def scopes_of(endpoint: Callable[..., Any]) -> frozenset[Scope]:
    """All scopes that a key must open for it; none where it takes none."""
    chosen = policy_of(endpoint)
    further: tuple[Scope, ...] = getattr(endpoint, _FURTHER, ())
    return frozenset([chosen, *further] if isinstance(chosen, Scope) else further)


class PolicedRoute(APIRoute):
    """A route that asks its policy before anything of the request is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        chosen, handle = policy_of(self.endpoint), super().get_route_handler()
        scopes = sorted(scopes_of(self.endpoint))

        async def guarded(request: Request) -> Response:
            # In a thread: it may take the database to know a key.
            told = await to_thread.run_sync(enforce, chosen, request, scopes)
            response = await handle(request)
            response.headers.update(told)
            return response

        return guarded


def enforce(chosen: Chosen, request: Request, scopes: Sequence[Scope]) -> Mapping[str, str]:
    """Raise Refused unless this request may; note who asks where it matters. Returns header fields for the answer."""
    if chosen is Policy.ANYBODY:
        return {}
    desk = request.app.state.front_desk
    caller = identify(request, desk.keys)
    remember(request, caller)
    told: Mapping[str, str] = desk.turnstile.pass_through(caller.key) if caller.key else {}
    for scope in scopes:
        require_scope(caller, scope)
    return told
