"""Addresses that lead nowhere: whoever is signed in keeps the navigation on the page that says so."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from intake.api.problem import ProblemCode, Refused
from review_ui.site.answers import is_of_programs
from review_ui.site.policy import SiteRoute, open_to_all


class _AnyPage(SiteRoute):
    """Any address a person could have asked for; those of programs, and whatever changes something, are none."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        found, more = super().matches(scope)
        is_asked = scope["type"] == "http" and scope["method"] == "GET" and not is_of_programs(scope["path"])
        return (found, more) if is_asked else (Match.NONE, {})


router: Final = APIRouter(route_class=_AnyPage, include_in_schema=False)


@router.get("/{path:path}")
@open_to_all(gives_page=False)
def nowhere(path: str) -> Response:
    """There is no page."""
    raise Refused(404, ProblemCode.NOT_FOUND, "There is nothing under this address.")
