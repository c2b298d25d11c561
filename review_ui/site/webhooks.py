"""Webhooks: who gets events, whether they take them, and what could not be delivered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from intake.api.numbers import LARGEST_NUMBER
from intake.api.problem import ProblemCode, Refused
from intake.events import deliveries, webhooks
from intake.events.address import ForbiddenAddress, NoSuchName
from intake.events.deliveries import Standing
from intake.events.webhooks import Changed, Delivery, NoSuchWebhook, Webhook
from intake.people.person import Person
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.policy import AsPerson, SiteRoute, allows
from review_ui.site.shell import render, see_other
from review_ui.site.state_words import StateWords
from review_ui.site.webhook_words import DELIVERIES, EVENTS, ended
from review_ui.site.who import names_of
from review_ui.site.words import moment, span
from schemas.delivery import DeliveryState, WebhookState
from schemas.events import EventType
from schemas.people import Right

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_AT_ONCE: Final = 25
_DONE: Final = {
    "again": "It is on its way again.",
    "all": "The dead letters are on their way again, in their order.",
    "none": "There was nothing to send again: it is on its way already.",
    "disabled": "It was turned off. Nothing is sent there any more.",
    "enabled": "It was turned on. What happens from now on is sent there.",
}
_OFF: Final = "Nothing was sent again: the receiver is turned off. Turn it on first."

_ON: Final = StateWords("On", "govuk-tag--green", "published")
_FAILING: Final = StateWords("Failing", "govuk-tag--red", "quarantined")
_TURNED_OFF: Final = StateWords("Off", "govuk-tag--grey", "rejected")

Before = Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)]
Version = Annotated[int, Form(ge=1, le=LARGEST_NUMBER)]


@dataclass(frozen=True, slots=True)
class Line:
    """A receiver as it is listed. events: in words; empty if it gets all. last: when something was delivered."""

    id: UUID
    url: str
    description: str
    state: StateWords
    why: str
    events: tuple[str, ...]
    standing: Standing
    last: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One event on its way to the receiver, in words. error: how the last attempt ended."""

    id: UUID
    event_id: UUID
    event: str
    subject: str
    state: StateWords
    since: datetime
    attempts: int
    next_attempt_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Letters:
    """A page of deliveries, the newest first. older: where to go on; None on the last page."""

    letters: Sequence[Letter]
    older: int | None
    is_first: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Which deliveries are shown, and which dead letters: those before a number; None for the newest."""

    before: int | None = None
    dead_before: int | None = None


_BEGINNING: Final = Place()


@router.get("/webhooks")
@allows(Right.MANAGE_WEBHOOKS)
def list_webhooks(request: Request, desk: AtSite) -> Response:
    """All receivers, and how it stands with each."""
    database = desk.service.database
    with database.read() as session:
        found, now = webhooks.all_of(session), database.now(session)
        standings = deliveries.standing_of_each(session, [each.id for each in found])
    lines = [_line(each, standings[each.id], _keeps(desk), now) for each in found]
    return render(request, "site/webhooks.html", lines=lines, **_told(desk))


@router.get("/webhooks/{webhook_id}")
@allows(Right.MANAGE_WEBHOOKS)
def one_webhook(
    request: Request, desk: AtSite, webhook_id: UUID, before: Before = None, dead_before: Before = None, done: str = ""
) -> Response:
    """One of them: its dead letters, and what was sent last."""
    return _one(request, desk, webhook_id, place=Place(before, dead_before), done=_DONE.get(done, ""))


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/replay")
@allows(Right.MANAGE_WEBHOOKS)
def replay_one(request: Request, desk: AtSite, person: AsPerson, webhook_id: UUID, delivery_id: UUID) -> Response:
    """Send one dead letter again."""

    def replay(session: Session, found: Webhook, now: datetime) -> int:
        return webhooks.replay_one(session, found.id, delivery_id, person.actor, now)

    return _replay(request, desk, webhook_id, "again", replay)


@router.post("/webhooks/{webhook_id}/replay")
@allows(Right.MANAGE_WEBHOOKS)
def replay_all(request: Request, desk: AtSite, person: AsPerson, webhook_id: UUID) -> Response:
    """Send all dead letters of a receiver again."""

    def replay(session: Session, found: Webhook, now: datetime) -> int:
        return webhooks.replay_dead(session, found.id, found.created_at, person.actor, now)

    return _replay(request, desk, webhook_id, "all", replay)


@router.post("/webhooks/{webhook_id}/disable")
@allows(Right.MANAGE_WEBHOOKS)
def disable(request: Request, desk: AtSite, person: AsPerson, webhook_id: UUID, version: Version) -> Response:
    """Send nothing there until somebody turns it on."""
    return _switch(request, desk, person, webhook_id, version, on=False)


@router.post("/webhooks/{webhook_id}/enable")
@allows(Right.MANAGE_WEBHOOKS)
def enable(request: Request, desk: AtSite, person: AsPerson, webhook_id: UUID, version: Version) -> Response:
    """Send events there again, from now on."""
    return _switch(request, desk, person, webhook_id, version, on=True)


def _replay(
    request: Request, desk: SiteDesk, webhook_id: UUID, done: str, replay: Callable[[Session, Webhook, datetime], int]
) -> Response:
    database = desk.service.database
    try:
        with database.write() as session:
            found = webhooks.one(session, webhook_id)
            is_on = found.state is WebhookState.ACTIVE
            count = replay(session, found, database.now(session)) if is_on else 0
    except NoSuchWebhook as error:
        raise _none(error) from error
    if not is_on:
        return _one(request, desk, webhook_id, 409, problem=_OFF)
    return see_other(f"/webhooks/{webhook_id}?done={done if count else 'none'}")


def _switch(request: Request, desk: SiteDesk, person: Person, webhook_id: UUID, version: int, *, on: bool) -> Response:
    database = desk.service.database
    try:
        if on:
            with database.read() as session:
                url = webhooks.one(session, webhook_id).url
            webhooks.office_of(desk.service.settings).judge(url)
        with database.write() as session:
            webhooks.switch(session, webhook_id, version, person.actor, database.now(session), on=on)
    except NoSuchWebhook as error:
        raise _none(error) from error
    except Changed as error:
        return _one(request, desk, webhook_id, 409, problem=str(error))
    except (ForbiddenAddress, NoSuchName) as error:
        return _one(request, desk, webhook_id, 422, problem=f"It was not turned on. {error}")
    return see_other(f"/webhooks/{webhook_id}?done={'enabled' if on else 'disabled'}")


def _one(
    request: Request,
    desk: SiteDesk,
    webhook_id: UUID,
    status: int = 200,
    *,
    place: Place = _BEGINNING,
    done: str = "",
    problem: str = "",
) -> Response:
    database = desk.service.database
    try:
        with database.read() as session:
            found = webhooks.one(session, webhook_id)
            standing = deliveries.standing_of_each(session, [webhook_id])[webhook_id]
            dead = _letters(session, webhook_id, DeliveryState.DEAD, place.dead_before)
            recent = _letters(session, webhook_id, None, place.before)
            names, now = names_of(session, {found.created_by}), database.now(session)
    except NoSuchWebhook as error:
        raise _none(error) from error
    return render(
        request, "site/webhook.html", status, webhook=found, line=_line(found, standing, _keeps(desk), now),
        added_by=names[found.created_by], is_on=found.state is WebhookState.ACTIVE, dead=dead, recent=recent, done=done,
        problem=problem, **_told(desk),
    )  # fmt: skip


def _letters(session: Session, webhook_id: UUID, state: DeliveryState | None, before: int | None) -> Letters:
    found = webhooks.deliveries_of(session, webhook_id, state, before=before, limit=_AT_ONCE + 1)
    shown = found[:_AT_ONCE]
    older = shown[-1].number if len(found) > _AT_ONCE else None
    return Letters(list(map(_letter, shown)), older, is_first=before is None)


def _letter(found: Delivery) -> Letter:
    return Letter(
        found.id, found.event_id, EVENTS[EventType(found.event)], found.subject, DELIVERIES[found.state], found.since,
        found.attempts, found.next_attempt_at, ended(found.outcome, found.status),
    )  # fmt: skip


def _line(found: Webhook, standing: Standing, keeps: timedelta, now: datetime) -> Line:
    state, why = _standing_of(found, now)
    events = tuple(EVENTS[kind] for kind in found.types)
    last = _last(found, standing, keeps, now)
    return Line(found.id, found.url, found.description, state, why, events, standing, last)


def _standing_of(found: Webhook, now: datetime) -> tuple[StateWords, str]:
    """Whether it is on, and why not, or what is wrong with it."""
    if found.state is not WebhookState.ACTIVE:
        return _TURNED_OFF, found.reason
    if found.failing_since is None:
        return _ON, ""
    why = f"Every attempt since {moment(found.failing_since)} failed."
    if found.paused_until is not None and found.paused_until > now:
        why += f" It is left alone until {moment(found.paused_until)}."
    return _FAILING, why


def _last(found: Webhook, standing: Standing, keeps: timedelta, now: datetime) -> str:
    """When something was last delivered. What was is forgotten in the end."""
    if standing.delivered_at is not None:
        return moment(standing.delivered_at)
    return "Nothing yet" if found.created_at > now - keeps else f"Not in the last {keeps.days} days"


def _keeps(desk: SiteDesk) -> timedelta:
    return timedelta(days=desk.service.settings.webhook_keep_days)


def _told(desk: SiteDesk) -> dict[str, Any]:
    """What both pages explain."""
    return {"gives_up_after": span(desk.service.settings.webhook_give_up_seconds)}


def _none(error: NoSuchWebhook) -> Refused:
    return Refused(404, ProblemCode.NOT_FOUND, str(error))
