"""What people read where something cannot be done: what happened, and what to do. Programs get a problem as ever."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from intake.api.problem import ProblemCode, Refused
from intake.api.watch import as_problem, request_id
from review_ui.site.policy import CSRF_FIELD, NotSignedIn
from review_ui.site.shell import render, see_other

_OF_PROGRAMS: Final = ("/v1", "/health", "/metrics")
SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"
_LONGEST_NEXT: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    happened: str


_WORDS: Final = {
    400: _Words("We could not read that", "What your browser sent was cut off or is not in order."),
    401: _Words("You are signed out", "You were signed out, so nothing was changed."),
    403: _Words("You cannot do this", "You are signed in, but this was not allowed."),
    404: _Words("Page not found", "There is nothing at this address."),
    405: _Words("This page cannot be used like that", "The address is right, but not for what was sent to it."),
    408: _Words("That took too long", "Nothing came from your browser for too long."),
    409: _Words("Somebody was faster", "This was changed meanwhile."),
    413: _Words("That is too large", "What was sent is larger than this page takes."),
    421: _Words("This is not the address of this service", "The service was called by a name that is not its own."),
    422: _Words("Something is missing or not right", "What was sent does not have what this page needs."),
    429: _Words("Too many attempts", "Too many attempts failed."),
    500: _Words("Something went wrong here", "It is not your fault. What you had sent may not have been kept."),
    503: _Words("The service is busy or restarting", "It could not be done just now. Nothing was lost."),
    507: _Words("There is no room left", "The store of this service is full."),
}
_BY_CODE: Final = {
    ProblemCode.STALE_PAGE: _Words(
        "Load the page again", "The page you sent this from is too old. Nothing was changed."
    ),
    ProblemCode.CROSS_SITE: _Words("This came from another site", "Pages of other sites may change nothing here."),
}
_OTHER: Final = _Words("This could not be done", "The service did not do what was asked.")
_TO_DO: Final = {
    404: "Check the address, or go to the start page. If you followed a link of ours, what it led to may be done.",
    405: "Go back to the page you came from and use its buttons.",
    413: "Send less at once, or ask whoever runs the service.",
    421: "Ask whoever runs the service for its address.",
    422: "Go back and check what you entered.",
    500: "Try again. If it happens again, tell whoever runs the service, with the number below.",
    503: "Wait a moment and try again. What you have entered is still on the page you came from.",
    507: "Ask whoever runs the service to make room. It goes on by itself after that.",
}


def answering(refused: Refused, scope: Scope) -> Response:
    """The answer to what was refused: a page for a person who looks at pages, a problem for every program."""
    request = Request(scope)
    if not is_of_programs(scope["path"]) and "hx-request" in request.headers:
        return _notice(refused, request)
    if is_of_programs(scope["path"]) or not wants_page(request):
        return _as_program(refused, request)
    if isinstance(refused, NotSignedIn) and scope["path"] == SIGN_OUT:
        return see_other(SIGN_IN)
    if isinstance(refused, NotSignedIn) and request.method in ("GET", "HEAD"):
        return see_other(sign_in_address(request))
    if isinstance(refused, NotSignedIn):
        return _signed_out(refused, request)
    return _page(refused, request)


def is_of_programs(path: str) -> bool:
    """Whether only programs ask for that address."""
    return any(path == place or path.startswith(f"{place}/") for place in _OF_PROGRAMS)


def wants_page(request: Request) -> bool:
    """Whether a browser is about to show the answer as a page."""
    return "text/html" in request.headers.get("accept", "")


def sign_in_address(request: Request) -> str:
    """Where to sign in, to come back to the page that was asked for."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{SIGN_IN}?next={quote(request.url.path + query, safe='/')}"


def safe_next(given: str) -> str:
    """The place on this site that `given` names, "/" if it is none: nobody is sent elsewhere after signing in."""
    is_ours = given.startswith("/") and not given.startswith(("//", "/\\")) and len(given) <= _LONGEST_NEXT
    if not is_ours or not given.isprintable() or "\\" in given or any(sign.isspace() for sign in given):
        return "/"
    parts = urlsplit(given)
    if parts.scheme or parts.netloc or is_of_programs(parts.path) or parts.path.startswith((SIGN_IN, SIGN_OUT)):
        return "/"
    return given


def _as_program(refused: Refused, request: Request) -> Response:
    response = as_problem(refused, request.scope)
    if isinstance(refused, NotSignedIn):
        response.headers["X-Sign-In"] = SIGN_IN
    return response


def _page(refused: Refused, request: Request, template: str = "site/problem.html") -> Response:
    words = _BY_CODE.get(refused.code) or _WORDS.get(refused.status, _OTHER)
    response = render(
        request,
        template,
        refused.status,
        title=words.title,
        happened=words.happened,
        to_do=_TO_DO.get(refused.status, str(refused)),
        is_signed_out=isinstance(refused, NotSignedIn),
        number=request_id(request.scope),
    )
    response.headers.update(refused.headers)
    return response


def _notice(refused: Refused, request: Request) -> Response:
    """For a page that asked for a part of itself: told at its top, while all else on it stays as it is."""
    response = _page(refused, request, "site/problem_notice.html")
    response.headers.update({"HX-Retarget": "#site-notice", "HX-Reswap": "innerHTML"})
    return response


def _signed_out(refused: NotSignedIn, request: Request) -> Response:
    """A form was sent by somebody who is signed in no more: what they entered is kept on the page they get."""
    kept = None if refused.sent is None else [field for field in refused.sent if field[0] != CSRF_FIELD]
    if kept is not None and any("password" in name for name, _ in kept):
        kept = None  # not on any page, not even on one of the person themselves
    return render(
        request,
        "site/signed_out.html",
        refused.status,
        kept=kept,
        action=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
    )
