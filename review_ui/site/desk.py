"""What the routes of the site work with, at one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends
from starlette.requests import HTTPConnection, Request

from intake.office.today import DayBook
from intake.people.sessions import Lifetimes
from intake.pictures import Pictures
from intake.review.queues import Board
from intake.review.rules import Rules
from intake.service import Service
from intake.uploads import Uploads
from review_ui.site.navigation import Item
from review_ui.site.pages import Pages
from review_ui.site.static_files import StaticFiles
from schemas.form_type import FormType


@dataclass(frozen=True, slots=True)
class SiteDesk:
    """The service, and what pages are made of.

    pictures:   of pages of mail.
    rules:      how people are asked.
    uploads:    files on their way in.
    day_book:   the day in numbers.
    forms:      the form types that are read here, by id.
    signing_in: how many attempts to sign in are looked at side by side.
    board:      what waits for people.
    """

    service: Service
    pages: Pages
    static: StaticFiles
    navigation: tuple[Item, ...]
    pictures: Pictures
    rules: Rules
    uploads: Uploads
    day_book: DayBook
    forms: Mapping[str, FormType]
    signing_in: CapacityLimiter
    board: Board

    @property
    def lifetimes(self) -> Lifetimes:
        settings = self.service.settings
        return Lifetimes(timedelta(seconds=settings.session_idle_seconds), timedelta(seconds=settings.session_seconds))

    def is_https(self, request: HTTPConnection) -> bool:
        """Whether the person reaches us by https: what a cookie may be told."""
        if self.service.settings.https or request.url.scheme == "https":
            return True
        return self._is_passed_on(request) and request.headers.get("x-forwarded-proto", "").lower() == "https"

    def address(self, request: HTTPConnection) -> str:
        """From where somebody asks: of what a proxy says, the last is what it saw itself."""
        if self._is_passed_on(request):
            passed_on = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
            if passed_on:
                return passed_on
        return "" if request.client is None else request.client.host

    def _is_passed_on(self, request: HTTPConnection) -> bool:
        return request.client is not None and request.client.host in self.service.settings.proxy_addresses


def desk_of(request: HTTPConnection) -> SiteDesk:
    """The desk of the site that is asked."""
    desk: SiteDesk = request.app.state.site
    return desk


def _of_request(request: Request) -> SiteDesk:
    return desk_of(request)


AtSite = Annotated[SiteDesk, Depends(_of_request)]
