"""Turns a request into a caller: the one place that knows how anybody says who they are."""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.types import Scope as Connection

from intake.api.problem import ProblemCode, Refused
from intake.api_keys import LOCAL_CALLER, MAKE_ONE
from intake.kept_keys import KeyRing
from intake.settings import Settings
from schemas.errors import Unavailable
from schemas.scopes import EVERYTHING, Scope

# Whoever sends one of these speaks for somebody else, and whoever that is, is not on this machine.
_PASSED_ON: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_SCHEME: Final = "bearer"
_CHALLENGE: Final = 'Bearer realm="postroom"'
_CALLER: Final = "postroom.caller"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `name` stands in the audit, on the batches handed over and in the log.

    scopes: what they may do.  key: which of their keys they showed, not the key itself; "" if none.
    """

    name: str
    scopes: frozenset[Scope] = frozenset()
    key: str = ""


def identify(request: Request, keys: KeyRing) -> Caller:
    """Who asks: the holder of a key; where no keys are set, somebody on this machine. Raises Refused for anybody else.

    With keys nobody is let in for being local: a proxy on this machine that does not say for whom it asks would let in
    everybody. Raises Unavailable if it takes the database to know, which does not answer.
    """
    if keys.asks():
        given = request.headers.get("authorization")
        if given is None:
            raise _unknown("Every caller needs a key.", _CHALLENGE)
        scheme, _, key = given.partition(" ")
        found = keys.find(key.strip()) if scheme.lower() == _SCHEME else None
        if found is None:
            raise _unknown("The key is not known here.", f'{_CHALLENGE}, error="invalid_token"')
        return Caller(found.name, found.scopes, found.digest.hex())
    if _is_of_this_machine(request):
        return Caller(LOCAL_CALLER, EVERYTHING)
    detail = (
        "Only programs on the machine of the service itself are served, and none through a proxy: no keys are set for"
        " others. Whoever runs the service can make them with `postroom keys add`, or set POSTROOM_API_KEYS."
    )
    raise Refused(403, ProblemCode.NOT_THIS_MACHINE, detail)


def require_scope(caller: Caller, scope: Scope) -> None:
    """Raise Refused unless what the caller showed opens this."""
    if scope in caller.scopes:
        return
    challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'
    detail = f"The key is known, and does not open this: it takes a key with the scope {scope}."
    raise Refused(403, ProblemCode.MISSING_SCOPE, detail, headers={"WWW-Authenticate": challenge})


def remember(request: Request, caller: Caller) -> None:
    """Keep the caller with its request, for the route and for the log."""
    request.scope[_CALLER] = caller


def caller_of(request: Request) -> Caller:
    """The caller of a request whose route does not serve anybody."""
    caller: Caller = request.scope[_CALLER]
    return caller


def name_of_caller(connection: Connection) -> str | None:
    """For the log: the name of the caller of a request; None if nobody asked who that is, or it is not known."""
    caller: Caller | None = connection.get(_CALLER)
    return None if caller is None else caller.name


def require_keys_for_others(settings: Settings, *, has_kept_keys: bool = False) -> None:
    """Raise Unavailable if the service would listen to other machines and has no keys to know anybody by.

    has_kept_keys: whether the database keeps keys that are in use.
    """
    if settings.callers or has_kept_keys or not is_open_to_others(settings.host):
        return
    raise Unavailable(
        f"POSTROOM_HOST is {settings.host}, which other machines can reach, and POSTROOM_API_KEYS is empty: anybody"
        f" there could call. Make a key with `postroom keys add`, or set POSTROOM_API_KEYS to name:KEY (make a KEY"
        f" with: {MAKE_ONE}), or POSTROOM_HOST to 127.0.0.1."
    )


def is_open_to_others(host: str) -> bool:
    """Whether listening on that address reaches beyond this machine; a name nobody knows is no address yet."""
    try:
        found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return True
    return not all(_is_loopback(str(address[0])) for *_, address in found)


def _is_of_this_machine(request: Request) -> bool:
    passed_on = any(name in request.headers for name in _PASSED_ON)
    return not passed_on and request.client is not None and _is_loopback(request.client.host)


def _unknown(why: str, challenge: str) -> Refused:
    detail = f"{why} Send the header Authorization: Bearer KEY, with a key that the operator of the service gave out."
    return Refused(401, ProblemCode.UNKNOWN_CALLER, detail, headers={"WWW-Authenticate": challenge})


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback if mapped is None else bool(mapped.is_loopback)
