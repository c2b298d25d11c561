"""Today: where the post of the day stands."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from review_ui.site.policy import SiteRoute, allows
from review_ui.site.shell import render
from schemas.people import Right

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)


@router.get("/today")
@allows(Right.SEE_TODAY)
def today(request: Request) -> Response:
    """The page."""
    return render(request, "site/today.html")
