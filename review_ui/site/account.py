"""One's own account: the password, and being signed in elsewhere."""

import math
from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from intake.people import signing_in
from intake.people.errors import UnfitPassword, WrongPassword
from intake.people.signing_in import Paused
from review_ui.site.cookies import DEVICE_COOKIE, SESSION_COOKIE
from review_ui.site.desk import AtSite
from review_ui.site.front_door import make_known
from review_ui.site.policy import AsPerson, SiteRoute, allows
from review_ui.site.role_words import ROLE_WORDS
from review_ui.site.shell import render, see_other
from schemas.people import Right

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_DONE: Final = {"password": "Your password was changed. Everywhere else you were signed out."}


@router.get("/account")
@allows(Right.OWN_ACCOUNT)
def account(request: Request, person: AsPerson, done: str = "") -> Response:
    """Who one is here, and the form for another password."""
    return _page(request, person, done=_DONE.get(done, ""))


@router.post("/account/password")
@allows(Right.OWN_ACCOUNT)
def change_password(  # the fields of the form
    request: Request,
    desk: AtSite,
    person: AsPerson,
    current: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Another password; every other browser is signed out."""
    if password != again:
        return _page(request, person, 422, problem="The two new passwords are not the same.", place="again")
    database, token = desk.service.database, request.cookies[SESSION_COOKIE]
    address, proofs = desk.address(request), request.cookies.get(DEVICE_COOKIE, "")
    try:
        outcome = signing_in.change_password(database, person, current, password, token, address, proofs)
    except UnfitPassword as error:
        place = "current" if isinstance(error, WrongPassword) else "password"
        return _page(request, person, 422, problem=str(error), place=place)
    if isinstance(outcome, Paused):
        seconds = max(1, math.ceil(outcome.seconds))
        problem = f"Too many attempts failed. Wait {seconds} seconds, then try again."
        return _page(request, person, 429, problem=problem, place="current")
    response = see_other("/account?done=password")
    make_known(request, desk, response, outcome.proofs)
    return response


def _page(request: Request, person: AsPerson, status: int = 200, **values: str) -> Response:
    common = {"done": "", "problem": "", "place": ""}
    return render(request, "site/account.html", status, role=ROLE_WORDS[person.role], **(common | values))
