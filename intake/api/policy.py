"""Who may use which route. Every route says so, or it cannot be declared."""

import ipaddress
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any, Final, TypeVar

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from intake.api.problem import ProblemCode, Refused

# Whoever sends one of these speaks for somebody else, and whoever that is, is not on this machine.
_PASSED_ON: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_ATTRIBUTE: Final = "__policy__"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Policy(StrEnum):
    """Who may."""

    THIS_MACHINE = "this machine"  # nobody signs in yet, so whoever is on this machine may, and nobody else


def policy(chosen: Policy) -> Callable[[Endpoint], Endpoint]:
    """Say who may use the route below."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, chosen)
        return endpoint

    return mark


def policy_of(endpoint: Callable[..., Any]) -> Policy:
    """Who may use it. Raises LookupError if nobody said."""
    found = getattr(endpoint, _ATTRIBUTE, None)
    if not isinstance(found, Policy):
        raise LookupError(f"the route {getattr(endpoint, '__name__', endpoint)} has no policy")
    return found


class PolicedRoute(APIRoute):
    """A route that asks its policy before anything of the request is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        chosen, handle = policy_of(self.endpoint), super().get_route_handler()

        async def guarded(request: Request) -> Response:
            enforce(chosen, request)
            return await handle(request)

        return guarded


def enforce(chosen: Policy, request: Request) -> None:
    """Raise Refused unless this request may."""
    match chosen:
        case Policy.THIS_MACHINE:
            passed_on = any(name in request.headers for name in _PASSED_ON)
            if passed_on or request.client is None or not _is_loopback(request.client.host):
                detail = (
                    "Nobody can sign in here yet, so only programs on the machine of the service itself are served,"
                    " and none through a proxy."
                )
                raise Refused(403, ProblemCode.NOT_THIS_MACHINE, detail)


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback if mapped is None else bool(mapped.is_loopback)
