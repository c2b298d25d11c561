"""Puts the site together: the API for programs, and the screens for people, on one port."""

from types import ModuleType
from typing import Final

from fastapi import FastAPI

from intake.api.app import create_app
from intake.api.form import UploadLimits
from intake.dispatch import Dispatcher
from intake.pictures import Pictures
from intake.review.rules import open_rules
from intake.service import Service
from review_ui.site import (
    account,
    audit,
    front_door,
    keying,
    navigation,
    nowhere,
    one_time_links,
    people,
    static_files,
    today,
)
from review_ui.site.answers import answering
from review_ui.site.desk import SiteDesk
from review_ui.site.pages import Pages

# One module per screen or group of them; each has a `router` whose routes say who may use them.
SCREENS: Final[tuple[ModuleType, ...]] = (
    static_files,
    front_door,
    one_time_links,
    today,
    keying,
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
    app.state.site = SiteDesk(
        service,
        Pages(),
        static_files.load_static_files(),
        navigation.those_there(paths),
        pictures=Pictures(service),
        rules=open_rules(service.settings),
    )
    return app
