"""People: who may sign in, and as what."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from intake.api.problem import ProblemCode, Refused
from intake.people import accounts
from intake.people.errors import LastAdmin, NameTaken, NoSuchPerson, UnfitName, UnfitShownName
from intake.people.person import Person
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.one_time_links import PREFIX
from review_ui.site.policy import AsPerson, SiteRoute, allows
from review_ui.site.role_words import ROLE_WORDS
from review_ui.site.shell import render, see_other
from schemas.people import Right, Role

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_DONE: Final = {
    "role": "The role was changed.",
    "disabled": "They can sign in no more, and were signed out everywhere.",
    "enabled": "They can sign in again.",
}


@router.get("/people")
@allows(Right.MANAGE_PEOPLE)
def people(request: Request, desk: AtSite, done: str = "") -> Response:
    """Everybody, and the form for one more."""
    return _page(request, desk, done=_DONE.get(done, ""))


@router.post("/people")
@allows(Right.MANAGE_PEOPLE)
def invite(  # the fields of the form
    request: Request,
    desk: AtSite,
    admin: AsPerson,
    name: Annotated[str, Form()] = "",
    shown_as: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "",
) -> Response:
    """Make a person, and show the link to give them: it is shown this once."""
    typed = {"name": name[:100], "shown_as": shown_as[:100], "role": role}
    if role not in set(Role):
        return _page(request, desk, 422, problem="Choose what they are here for.", place="role", typed=typed)
    database = desk.service.database
    try:
        with database.write() as session:
            now = database.now(session)
            person, token = accounts.invite(session, name, shown_as, Role(role), admin.actor, now)
    except (UnfitName, NameTaken) as error:
        place = "shown_as" if isinstance(error, UnfitShownName) else "name"
        return _page(request, desk, 422, problem=str(error), place=place, typed=typed)
    return _link_made(request, desk, person, token, is_new=True)


@router.get("/people/{person_id}")
@allows(Right.MANAGE_PEOPLE)
def one_person(request: Request, desk: AtSite, admin: AsPerson, person_id: int) -> Response:
    """One of them, with what can be changed."""
    return _one(request, desk, admin, person_id)


@router.post("/people/{person_id}/role")
@allows(Right.MANAGE_PEOPLE)
def change_role(
    request: Request, desk: AtSite, admin: AsPerson, person_id: int, role: Annotated[Role, Form()]
) -> Response:
    """Give them another role."""

    def change(session: Session, person_id: int, actor: str, now: datetime) -> Person:
        return accounts.change_role(session, person_id, role, actor, now)

    return _change(request, desk, admin, person_id, "role", change)


@router.post("/people/{person_id}/disable")
@allows(Right.MANAGE_PEOPLE)
def disable(request: Request, desk: AtSite, admin: AsPerson, person_id: int) -> Response:
    """Let them in no more."""
    return _change(request, desk, admin, person_id, "disabled", accounts.disable)


@router.post("/people/{person_id}/enable")
@allows(Right.MANAGE_PEOPLE)
def enable(request: Request, desk: AtSite, admin: AsPerson, person_id: int) -> Response:
    """Let them in again."""
    return _change(request, desk, admin, person_id, "enabled", accounts.enable)


@router.post("/people/{person_id}/link")
@allows(Right.MANAGE_PEOPLE)
def make_link(request: Request, desk: AtSite, admin: AsPerson, person_id: int) -> Response:
    """Make a link with which they choose a password, and show it this once."""
    database = desk.service.database
    try:
        with database.write() as session:
            person = accounts.account(session, person_id).person
            token = accounts.new_link(session, person_id, admin.actor, database.now(session))
    except NoSuchPerson as error:
        raise _nobody() from error
    return _link_made(request, desk, person, token, is_new=False)


def _change(
    request: Request,
    desk: SiteDesk,
    admin: Person,
    person_id: int,
    done: str,
    change: Callable[[Session, int, str, datetime], Person],
) -> Response:
    database = desk.service.database
    try:
        with database.write() as session:
            change(session, person_id, admin.actor, database.now(session))
    except NoSuchPerson as error:
        raise _nobody() from error
    except LastAdmin as error:
        return _one(request, desk, admin, person_id, 409, str(error))
    return see_other(f"/people?done={done}")


def _page(request: Request, desk: SiteDesk, status: int = 200, **values: object) -> Response:
    with desk.service.database.read() as session:
        everybody = accounts.listed(session)
    common = {"done": "", "problem": "", "place": "", "typed": {"name": "", "shown_as": "", "role": ""}}
    return render(request, "site/people.html", status, everybody=everybody, roles=ROLE_WORDS, **(common | values))


def _one(
    request: Request, desk: SiteDesk, admin: Person, person_id: int, status: int = 200, problem: str = ""
) -> Response:
    try:
        with desk.service.database.read() as session:
            found = accounts.account(session, person_id)
    except NoSuchPerson as error:
        raise _nobody() from error
    is_self = admin.id == person_id
    return render(
        request, "site/person.html", status, account=found, roles=ROLE_WORDS, problem=problem, is_self=is_self
    )


def _link_made(request: Request, desk: SiteDesk, person: Person, token: str, *, is_new: bool) -> Response:
    scheme = "https" if desk.is_https(request) else "http"
    address = f"{scheme}://{request.headers['host']}{PREFIX}/{token}"
    hours = int(accounts.LINK_LASTS.total_seconds() // 3600)
    return render(request, "site/link_made.html", invited=person, address=address, hours=hours, is_new=is_new)


def _nobody() -> Refused:
    return Refused(404, ProblemCode.NOT_FOUND, "There is no such person.")
