"""The way into the site of `postroom demo`: a link for each of its people, good once, and only there."""

import secrets
import threading
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from intake.api.problem import ProblemCode, Refused
from intake.people import signing_in
from intake.people.person import Person
from review_ui.site.desk import AtSite
from review_ui.site.front_door import signed_in, with_form_cookie
from review_ui.site.policy import SiteRoute, open_to_all
from review_ui.site.role_words import ROLE_WORDS

PREFIX: Final = "/demo"


@dataclass
class DemoDoor:
    """Who may come in by which link. The links are in memory only: the demo's end is theirs."""

    _people: dict[str, Person] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def link_for(self, person: Person) -> str:
        """The path of a new link with which that person comes in, once."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._people[token] = person
        return f"{PREFIX}/{token}"

    def router(self) -> APIRouter:
        """The routes behind the links."""
        router = APIRouter(route_class=SiteRoute, include_in_schema=False)

        @router.get(PREFIX + "/{token}")
        @open_to_all()
        def look(token: str, request: Request, desk: AtSite) -> Response:
            """Who one would be. Looking does not use the link up."""
            person = self._people.get(token)
            if person is None:
                raise _used()
            role, does = ROLE_WORDS[person.role]
            return with_form_cookie(
                request, desk, "site/demo_door.html", shown_as=person.shown_as, role=role, does=does, token=token
            )

        @router.post(PREFIX + "/{token}")
        @open_to_all()
        def come_in(token: str, request: Request, desk: AtSite) -> Response:
            """Be that person, in this browser."""
            with self._lock:
                person = self._people.pop(token, None)
            database = desk.service.database
            if person is None:
                signing_in.turn_away(database, "unknown link")
                raise _used()
            return signed_in(request, desk, signing_in.let_in(database, person, desk.lifetimes, "demo"), "/")

        return router


def _used() -> Refused:
    detail = "This link was used, or is of an earlier demo: the terminal shows the links of this one."
    return Refused(404, ProblemCode.NOT_FOUND, detail)
