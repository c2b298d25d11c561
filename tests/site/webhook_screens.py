"""The screens about webhooks: receivers that take events, fail, or are turned off, and what could not be delivered."""

import random
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake.database.tables import WebhookRow
from intake.events import deliveries, outbox, webhooks
from intake.events.deliveries import Patience
from intake.events.sending import Answer
from intake.events.webhooks import Wanted
from intake.service import Service
from schemas.delivery import DeliveryOutcome
from schemas.events import BatchReceived, EventType
from schemas.people import Role
from tests.site.hostile import HostileScreen
from tests.site.payloads import PAYLOADS
from tests.site.screens import Screen, at
from tests.site.served import SignedIn, Site

TAKING: Final = "https://records.example.org/postroom"
FAILING: Final = (
    "https://case-files.example.org/api/v2/incoming/events?office=swansea&stream=licence-renewals-and-refunds"
)
GONE: Final = "https://archive.example.org/hooks/postroom"
_DAY: Final = timedelta(days=1)
_TAKEN: Final = Answer(DeliveryOutcome.DELIVERED, 204)
_REFUSED: Final = Answer(DeliveryOutcome.REJECTED, 503)
_SLOW: Final = Answer(DeliveryOutcome.TOO_SLOW, None)


def add(service: Service, url: str, description: str = "", *types: EventType) -> UUID:
    """A receiver, added as at the command line."""
    office = webhooks.office_of(service.settings)
    with service.database.write() as session:
        wanted = Wanted(url, description, types)
        return office.add(session, wanted, "operations", service.database.now(session))[0].id


def send(service: Service, webhook: UUID, *answers: Answer, since: timedelta = timedelta(0)) -> UUID:
    """Tell the receiver of a batch, an attempt for each answer; the delivery. since: how long ago it was first tried.

    It is a dead letter once it has failed a day or more after that.
    """
    with service.database.write() as session:
        now = service.database.now(session) - since
        key = session.scalars(select(WebhookRow.id).where(WebhookRow.public_id == webhook)).one()
        number = f"{UUID(int=random.Random(str((webhook, since))).getrandbits(128), version=4)}"  # noqa: S311
        data = BatchReceived(batch_id=number, channel="site", received_on="2026-03-02", files=3, link="/v1/batches/x")
        event = outbox.add(session, EventType.BATCH_RECEIVED, f"batches/{number}", data, now)
        deliveries.add(session, key, event, f"batches/{number}", now)
        for turn, answer in enumerate(answers):
            _attempt(session, key, answer, now + since * turn / max(len(answers) - 1, 1))
        return webhooks.deliveries_of(session, webhook, limit=1)[0].id


def _attempt(session: Session, key: int, answer: Answer, now: datetime) -> None:
    patience, chance = Patience(_DAY, timedelta(seconds=1)), random.Random(7)  # noqa: S311
    claim = deliveries.claim(session, key, now, timedelta(minutes=1))
    assert claim is not None
    deliveries.settle(session, claim, answer, now, patience, chance)


def furnish(site: Site) -> dict[str, UUID]:
    """Three receivers, made once: one takes all, one fails, one wants nothing more. Their ids by their address."""
    with site.service.database.read() as session:
        known = {each.url: each.id for each in webhooks.all_of(session)}
    if FAILING in known:
        return known
    service = site.service
    taking = add(service, TAKING, "Register of licences")
    for hours in (30, 5, 2, 1):
        send(service, taking, _TAKEN, since=timedelta(hours=hours))
    gone = add(service, GONE, "", EventType.BATCH_COMPLETED)
    send(service, gone, Answer(DeliveryOutcome.GONE, 410), since=timedelta(hours=40))
    failing = add(
        service, FAILING, "Case files", EventType.RECORD_PUBLISHED, EventType.RECORD_CORRECTED, EventType.BATCH_RECEIVED
    )
    send(service, failing, _TAKEN, since=timedelta(hours=60))
    send(service, failing, _SLOW, _REFUSED, since=timedelta(hours=50))
    send(service, failing, _REFUSED, _REFUSED, since=timedelta(hours=26))
    send(service, failing, since=timedelta(minutes=4))
    send(service, failing, since=timedelta(minutes=2))
    return furnish(site)


def _list(site: Site, _: SignedIn | None) -> str:
    furnish(site)
    return "/webhooks"


def _failing(site: Site, _: SignedIn | None) -> str:
    return f"/webhooks/{furnish(site)[FAILING]}"


def _gone(site: Site, _: SignedIn | None) -> str:
    return f"/webhooks/{furnish(site)[GONE]}"


def _new(site: Site, _: SignedIn | None) -> str:
    with site.service.database.read() as session:
        known = {each.url: each.id for each in webhooks.all_of(session)}
    url = "https://new.example.org/"
    return f"/webhooks/{known.get(url) or add(site.service, url)}"


def _turn_on(page: Page) -> None:
    """It leads nowhere: names of this kind are nobody's."""
    page.get_by_role("button", name="Turn on").click()
    page.locator(".govuk-error-summary").wait_for()


OF_WEBHOOKS: Final = (
    Screen("webhooks-none", Role.SUPERVISOR, at("/webhooks")),
    Screen("webhooks", Role.SUPERVISOR, _list),
    Screen("webhook", Role.ADMIN, _failing),
    Screen("webhook-off", Role.SUPERVISOR, _gone),
    Screen("webhook-off-refused", Role.SUPERVISOR, _gone, _turn_on),
    Screen("webhook-new", Role.SUPERVISOR, _new),
)


def _hostile(site: Site, _: SignedIn) -> list[str]:
    """Each payload as the description of a receiver, and as an address that was never judged."""
    pages = [f"/webhooks/{add(site.service, payload, payload)}" for payload in PAYLOADS]
    return ["/webhooks", *pages[::10]]


HOSTILE_WEBHOOKS: Final = (HostileScreen("webhooks", Role.ADMIN, _hostile),)
