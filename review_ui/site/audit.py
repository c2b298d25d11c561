"""Audit: who did what to what, and where the chain of entries ends."""

import re
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from intake import audit as chain
from intake import audit_search
from intake.people import accounts
from review_ui.site.desk import AtSite
from review_ui.site.policy import SiteRoute, allows
from review_ui.site.shell import render
from schemas.people import Right

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_PERSON: Final = re.compile(r"person:(\d{1,15})")
_LONGEST: Final = 200


@router.get("/audit")
@allows(Right.SEE_AUDIT)
def audit(
    request: Request,
    desk: AtSite,
    about: Annotated[str, Query(max_length=_LONGEST)] = "",
    by: Annotated[str, Query(max_length=_LONGEST)] = "",
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> Response:
    """A page of it, the newest first."""
    about, by = about.strip(), by.strip()
    with desk.service.database.read() as session:
        found = audit_search.search(session, about=about, by=_actor(session, by), before=before)
        head = chain.head(session)
        numbers = {text for entry in found.entries for text in (entry.actor, entry.subject)}
        ids = {int(person[1]) for text in numbers if (person := _PERSON.fullmatch(text))}
        names = {f"person:{number}": name for number, name in accounts.shown_names(session, ids).items()}
    older = "" if found.older is None else "/audit?" + _query(about=about, by=by, before=str(found.older))
    return render(
        request,
        "site/audit.html",
        entries=found.entries,
        names=names,
        about=about,
        by=by,
        is_first=before is None,
        newest="/audit?" + _query(about=about, by=by),
        older=older,
        head=head,
    )


def _actor(session: Session, typed: str) -> str:
    """The actor that was typed: as it stands in the audit, or by the name somebody signs in with."""
    return accounts.actor_named(session, typed) or typed


def _query(**values: str) -> str:
    return urlencode({name: value for name, value in values.items() if value})
