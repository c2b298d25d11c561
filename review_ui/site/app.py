"""Puts the site together: the API for programs, and the screens for people, on one port."""

from types import ModuleType
from typing import Final

from anyio import CapacityLimiter
from fastapi import FastAPI

from intake.api.app import create_app
from intake.api.form import UploadLimits
from intake.api.front_desk import FrontDesk
from intake.dispatch import Dispatcher
from intake.office.today import DayBook
from intake.review.queues import Board
from intake.service import Service
from intake.uploads import UploadRoom, Uploads, folder_below
from review_ui.site import (
    account,
    audit,
    batches,
    corrections,
    documents,
    downloads,
    front_door,
    keying,
    navigation,
    nowhere,
    one_time_links,
    people,
    static_files,
    today,
    upload,
    webhooks,
)
from review_ui.site.answers import answering
from review_ui.site.desk import SiteDesk
from review_ui.site.pages import Pages

_SIGNING_IN_AT_ONCE: Final = 4
# One module per screen or group of them; each has a `router` whose routes say who may use them.
SCREENS: Final[tuple[ModuleType, ...]] = (
    static_files,
    front_door,
    one_time_links,
    today,
    keying,
    upload,
    batches,
    downloads,  # before documents: what they are called is no number of one
    documents,
    corrections,
    webhooks,
    people,
    account,
    audit,
)


def create_site(
    service: Service,
    limits: UploadLimits | None = None,
    *,
    dispatcher: Dispatcher | None = None,
    fresh_seconds: float = 1.0,
) -> FastAPI:
    """The API and the site over an opened service, as an ASGI app; closing the service stays with the caller.

    The parameters are those of `create_app`. Raises Unavailable as that does.
    """
    app = create_app(service, limits, dispatcher=dispatcher, fresh_seconds=fresh_seconds, answering=answering)
    for screen in (*SCREENS, nowhere):
        app.router.routes.extend(screen.router.routes)
    paths = {getattr(route, "path", "") for route in app.routes}
    front_desk: FrontDesk = app.state.front_desk
    room = UploadRoom(
        files=2 * front_desk.limits.files_per_request,
        bytes=front_desk.limits.bytes_per_request,
        file_bytes=front_desk.limits.bytes_per_file,
    )
    app.state.site = SiteDesk(
        service=service,
        pages=Pages(),
        static=static_files.load_static_files(),
        navigation=navigation.those_there(paths),
        signing_in=CapacityLimiter(_SIGNING_IN_AT_ONCE),
        pictures=front_desk.pictures,
        uploads=Uploads(folder_below(service.settings.home), service.database.now, room),
        day_book=DayBook(service),
        rules=front_desk.rules,
        forms=front_desk.rules.forms,
        board=Board(service.database),
    )
    return app
