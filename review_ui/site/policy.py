"""Who may use which route of the site. Every route says so, or it cannot be declared.

Before a route is asked anything: who it is (from the session's cookie), whether they may, and, for whatever changes
something, whether the request comes from a page of ours (the CSRF token). The body is read only after that.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl

from anyio import to_thread
from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

from intake.api.callers import Caller, remember
from intake.api.numbers import LARGEST_NUMBER
from intake.api.problem import ProblemCode, Refused
from intake.people import sessions, tokens
from intake.people.person import Person
from review_ui.site.cookies import FORM_COOKIE, SESSION_COOKIE
from schemas.people import Right

CSRF_FIELD: Final = "csrf_token"
CSRF_HEADER: Final = "x-csrf-token"
FORM_BYTES: Final = 256 * 1024  # a form or a JSON body; what is larger says so by its own rule
_HARMLESS_METHODS: Final = frozenset({"GET", "HEAD"})
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_MULTIPART_TYPE: Final = "multipart/form-data"
_ATTRIBUTE: Final = "__rule__"
_PERSON: Final = "postroom.person"
_SENT: Final = "postroom.sent"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may, and what a request may be like.

    right:      which right it takes; None for everybody, signed in or not.
    own:        whether it is about something that belongs to one person (a task they hold): the route itself then
                checks whose it is, and the tests ask it for somebody else's.
    quiet:      whether pages ask by themselves: it does not count as something the person did.
    streams:    whether the route reads the body itself, bit by bit; the token must then come in the header.
    own_token:  whether it finds the token of a multipart form in what it reads: it must call `require_token_in_form`.
    body_bytes: the largest body.
    identifies: whether it is looked at at all who asks.
    gives_page: whether it answers with a page people go to, not with a picture, a stream or data for one.
    """

    right: Right | None
    own: bool = False
    quiet: bool = False
    streams: bool = False
    body_bytes: int = FORM_BYTES
    identifies: bool = True
    gives_page: bool = True
    own_token: bool = False


class NotSignedIn(Refused):
    """Nobody is signed in, or is no more. sent: the fields of the form that came with it."""

    def __init__(self, sent: list[tuple[str, str]] | None = None) -> None:
        detail = "You are not signed in, or were signed out. Sign in; then do it again: nothing was changed."
        super().__init__(401, ProblemCode.NOT_SIGNED_IN, detail)
        self.sent = sent


def allows(
    right: Right,
    *,
    own: bool = False,
    quiet: bool = False,
    streams: bool = False,
    body_bytes: int = FORM_BYTES,
    gives_page: bool = True,
    own_token: bool = False,
) -> Callable[[Endpoint], Endpoint]:
    """Say which right the route below takes; see `Rule`."""
    return _marking(Rule(right, own, quiet, streams, body_bytes, gives_page=gives_page, own_token=own_token))


def open_to_all(*, identifies: bool = True, gives_page: bool = True) -> Callable[[Endpoint], Endpoint]:
    """Say that the route below is there for everybody; see `Rule`."""
    return _marking(Rule(None, identifies=identifies, gives_page=gives_page))


def rule_of(endpoint: Callable[..., Any]) -> Rule:
    """Who may use it. Raises LookupError if nobody said."""
    found = getattr(endpoint, _ATTRIBUTE, None)
    if not isinstance(found, Rule):
        raise LookupError(f"the route {getattr(endpoint, '__name__', endpoint)} has no policy")
    return found


class SiteRoute(APIRoute):
    """A route that asks its rule before anything else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        rule, handle = rule_of(self.endpoint), super().get_route_handler()

        async def guarded(request: Request) -> Response:
            _require_numbers_that_can_be(request)
            request = Request(request.scope, _limited(request.receive, rule.body_bytes))
            if rule.identifies:
                await to_thread.run_sync(_identify, request, rule)
            if request.method not in _HARMLESS_METHODS:
                _require_size(request, rule)
            if rule.right is not None:
                await _require_right(request, rule.right, streams=rule.streams)
            if request.method not in _HARMLESS_METHODS and not (rule.own_token and _is_multipart(request)):
                await _require_token(request, streams=rule.streams)
            return await handle(request)

        return guarded


def person_or_none(request: Request) -> Person | None:
    """Who is signed in, if anybody is."""
    return request.scope.get(_PERSON)


def _person(request: Request) -> Person:
    person: Person = request.scope[_PERSON]
    return person


AsPerson = Annotated[Person, Depends(_person)]
AsAnybody = Annotated[Person | None, Depends(person_or_none)]


def _marking(rule: Rule) -> Callable[[Endpoint], Endpoint]:
    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, rule)
        return endpoint

    return mark


def _identify(request: Request, rule: Rule) -> None:
    """Find out who asks, and write down that they did something."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return
    desk = request.app.state.site
    database = desk.service.database
    with database.read() as session:
        now = database.now(session)
        visit = sessions.whose(session, token, now, desk.lifetimes)
    if visit is None:
        return
    if visit.is_due and not rule.quiet:
        with database.write() as session:
            sessions.note_seen(session, visit.session_id, now)
    request.scope[_PERSON] = visit.person
    remember(request, Caller(visit.person.actor))


async def _require_right(request: Request, right: Right, *, streams: bool) -> None:
    person = person_or_none(request)
    if person is None:
        is_form = not streams and _is_form(request)
        raise NotSignedIn(await _fields(request) if is_form else None)
    if not person.may(right):
        detail = "Your role does not allow this. Whoever looks after people here can change it."
        raise Refused(403, ProblemCode.NOT_ALLOWED, detail)


async def _require_token(request: Request, *, streams: bool) -> None:
    """Raise Refused unless the request carries the token that goes with the cookie of its browser."""
    given = request.headers.get(CSRF_HEADER)
    if given is None and not streams and _is_form(request):
        given = dict(await _fields(request)).get(CSRF_FIELD)
    require_token_in_form(request, given)


def require_token_in_form(request: Request, given: str | None) -> None:
    """Raise Refused unless that is the token that goes with the cookie of the browser."""
    cookie = SESSION_COOKIE if person_or_none(request) is not None else FORM_COOKIE
    secret = request.cookies.get(cookie, "")
    if not secret or given is None or not tokens.is_csrf_token(given, secret):
        detail = "The page this came from is too old, or was not ours. Go back, load it again, and try once more."
        raise Refused(403, ProblemCode.STALE_PAGE, detail)


def _is_form(request: Request) -> bool:
    return _type_of(request) == _FORM_TYPE


def _is_multipart(request: Request) -> bool:
    return _type_of(request) == _MULTIPART_TYPE


def _type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _fields(request: Request) -> list[tuple[str, str]]:
    """The fields of a form that was sent; the body stays there for the route."""
    body = (await request.body()).decode("utf-8", "replace")
    return parse_qsl(body, keep_blank_values=True)


def _require_numbers_that_can_be(request: Request) -> None:
    """Raise Refused for the number of something there cannot be: no database takes it, and asking would fail."""
    for value in request.path_params.values():
        digits = str(value)
        if digits.isdecimal() and (len(digits) > len(str(LARGEST_NUMBER)) or int(digits) > LARGEST_NUMBER):
            raise Refused(404, ProblemCode.NOT_FOUND, "There is nothing of that number.")


def _require_size(request: Request, rule: Rule) -> None:
    """Refuse at once what says itself that it is too large."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > rule.body_bytes:
        raise _too_large(rule.body_bytes)


def _limited(receive: Receive, most: int) -> Receive:
    """The same, but it stops at so many bytes."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise _too_large(most)
        return message

    return limited


def _too_large(most: int) -> Refused:
    return Refused(413, ProblemCode.TOO_LARGE, f"What was sent is larger than the {most} bytes this may have.")
