"""The way in and out: the start page, signing in, signing out, and what a page asks to know whether it still is."""

import math
from functools import partial
from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from intake.people import devices, signing_in
from intake.people.signing_in import Paused, SignedIn
from intake.people.tokens import csrf_token, new_token
from review_ui.site.answers import safe_next
from review_ui.site.cookies import DEVICE_COOKIE, FORM_COOKIE, SESSION_COOKIE, give, take
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.navigation import home_of
from review_ui.site.policy import AsAnybody, AsPerson, SiteRoute, allows, open_to_all, person_or_none
from review_ui.site.shell import render, see_other
from schemas.people import Right

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_WRONG: Final = "The name or the password is not right. Passwords tell capital from small letters."


@router.get("/")
@open_to_all(gives_page=False)
def start(desk: AtSite, person: AsAnybody) -> Response:
    """To where the person begins."""
    return see_other("/sign-in" if person is None else home_of(person, desk.navigation))


@router.get("/sign-in")
@open_to_all()
def sign_in_page(request: Request, desk: AtSite, person: AsAnybody, next: str = "/") -> Response:
    """The form to sign in with; whoever is signed in goes on at once."""
    if person is not None:
        return see_other(safe_next(next))
    return with_form_cookie(request, desk, "site/sign_in.html", next=safe_next(next), name="", problem="")


@router.post("/sign-in")
@open_to_all()
async def sign_in(  # the fields of the form
    request: Request,
    desk: AtSite,
    person: AsAnybody,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Sign in, and go to where they wanted to go."""
    if person is not None:
        return see_other(safe_next(next))
    database = desk.service.database
    proofs = request.cookies.get(DEVICE_COOKIE, "")
    trying = partial(signing_in.sign_in, database, name, password, desk.address(request), desk.lifetimes, proofs)
    # Not in the threads that all pages share: however many strangers guess, people who are signed in get theirs.
    outcome = await to_thread.run_sync(trying, limiter=desk.signing_in)
    if isinstance(outcome, SignedIn):
        return signed_in(request, desk, outcome, safe_next(next))
    again = {"next": safe_next(next), "name": name[:100]}
    if isinstance(outcome, Paused):
        seconds = max(1, math.ceil(outcome.seconds))
        problem = f"Too many attempts failed. Wait {seconds} seconds, then try again."
        response = with_form_cookie(request, desk, "site/sign_in.html", 429, problem=problem, **again)
        response.headers["Retry-After"] = str(seconds)
        return response
    return with_form_cookie(request, desk, "site/sign_in.html", 401, problem=_WRONG, **again)


@router.post("/sign-out")
@allows(Right.OWN_ACCOUNT)
def sign_out(request: Request, desk: AtSite, person: AsPerson) -> Response:
    """End the session of this browser."""
    signing_in.sign_out(desk.service.database, request.cookies[SESSION_COOKIE])
    response = see_other("/sign-in")
    take(response, SESSION_COOKIE, is_https=desk.is_https(request))
    # Pages that were kept for the way back are gone as well: whoever sits down next sees none of them.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@router.get("/session")
@allows(Right.OWN_ACCOUNT, quiet=True, gives_page=False)
def session(request: Request, person: AsPerson) -> JSONResponse:
    """For pages that stay open: who is signed in now, and the token to send with what they change."""
    token = csrf_token(request.cookies[SESSION_COOKIE])
    return JSONResponse({"person": person.id, "shown_as": person.shown_as, "csrf_token": token})


def signed_in(request: Request, desk: SiteDesk, outcome: SignedIn, where: str) -> Response:
    """On to `where`, with the cookie of the new session. What the browser held before counts no more."""
    response = see_other(where)
    is_https = desk.is_https(request)
    give(response, SESSION_COOKIE, outcome.token, is_https=is_https)
    take(response, FORM_COOKIE, is_https=is_https)
    make_known(request, desk, response, outcome.proofs)
    return response


def make_known(request: Request, desk: SiteDesk, response: Response, proofs: str) -> None:
    """Let the browser keep for later that its people have signed in there."""
    if proofs:
        give(response, DEVICE_COOKIE, proofs, is_https=desk.is_https(request), lasts=devices.LASTS)


def with_form_cookie(request: Request, desk: SiteDesk, template: str, status: int = 200, **values: str) -> Response:
    """A page with a form for people who need not be signed in: its token goes with a cookie of its own."""
    if person_or_none(request) is not None:
        return render(request, template, status, **values)
    secret = request.cookies.get(FORM_COOKIE) or new_token()
    response = render(request, template, status, **{**values, "csrf_token": csrf_token(secret)})
    give(response, FORM_COOKIE, secret, is_https=desk.is_https(request))
    return response
