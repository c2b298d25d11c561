"""Pages behind one-time links: the first person makes their account, others choose a password."""

from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from intake.people import links, signing_in
from intake.people.errors import LinkUnusable, UnfitName, UnfitPassword, UnfitShownName
from review_ui.site.cookies import DEVICE_COOKIE
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.front_door import signed_in, with_form_cookie
from review_ui.site.policy import SiteRoute, open_to_all
from schemas.people import LinkPurpose

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

PREFIX: Final = "/link"
_DIFFER: Final = "The two passwords are not the same."


@router.get(PREFIX + "/{token}")
@open_to_all()
def link_page(token: str, request: Request, desk: AtSite) -> Response:
    """The form. Looking at it does not use the link up."""
    return _form(request, desk, token)


@router.post(PREFIX + "/{token}")
@open_to_all()
def use_link(  # the fields of the form
    token: str,
    request: Request,
    desk: AtSite,
    name: Annotated[str, Form()] = "",
    shown_as: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Use the link: the account is made, or the password changed, and its person is signed in."""
    typed = {"name": name[:100], "shown_as": shown_as[:100]}
    if password != again:
        return _form(request, desk, token, 422, problem=_DIFFER, place="again", **typed)
    database, proofs = desk.service.database, request.cookies.get(DEVICE_COOKIE, "")
    try:
        with database.read() as session:
            link = links.look(session, token, database.now(session))
        if link.purpose is LinkPurpose.FIRST_PERSON:
            outcome = signing_in.make_first_person(database, token, name, shown_as, password, desk.lifetimes, proofs)
        else:
            outcome = signing_in.choose_password(database, token, password, desk.lifetimes, proofs)
    except UnfitPassword as error:
        return _form(request, desk, token, 422, problem=str(error), place="password", **typed)
    except UnfitName as error:
        place = "shown_as" if isinstance(error, UnfitShownName) else "name"
        return _form(request, desk, token, 422, problem=str(error), place=place, **typed)
    except LinkUnusable:
        return _form(request, desk, token)
    return signed_in(request, desk, outcome, "/")


def _form(request: Request, desk: SiteDesk, token: str, status: int = 200, **values: str) -> Response:
    database = desk.service.database
    try:
        with database.read() as session:
            link = links.look(session, token, database.now(session))
    except LinkUnusable:
        return with_form_cookie(request, desk, "site/link_unusable.html", 404)
    common = {"problem": "", "place": "", "name": "", "shown_as": ""}
    if link.person is not None:
        common |= {"name": link.person.name, "shown_as": link.person.shown_as}
        values.pop("name", None), values.pop("shown_as", None)
    is_first = "yes" if link.purpose is LinkPurpose.FIRST_PERSON else ""
    return with_form_cookie(request, desk, "site/link.html", status, **(common | values), is_first=is_first)
