"""The routes about webhooks: where events go, their secrets, and what became of each delivery."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from intake.api.front_desk import AsCaller, AtDesk, FrontDesk
from intake.api.numbers import LARGEST_NUMBER
from intake.api.policy import PolicedRoute, policy
from intake.api.problem import Fault, ProblemCode, Refused
from intake.events import webhooks
from intake.events.address import LONGEST_URL, ForbiddenAddress, NoSuchName
from intake.events.webhooks import Changed, NoSuchWebhook, Office, TooMany, Wanted, Webhook
from schemas.delivery import DeliveryOutcome, DeliveryState, WebhookState
from schemas.events import EventType
from schemas.scopes import Scope

router: Final = APIRouter(route_class=PolicedRoute, prefix="/v1/webhooks", tags=["webhooks"])

_ETAG: Final = {"headers": {"ETag": {"description": "Of the webhook as it is now.", "schema": {"type": "string"}}}}
_LONGEST_DESCRIPTION: Final = 200

Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Before = Annotated[
    int | None, Query(ge=1, le=LARGEST_NUMBER, description="`next` of the page before: older ones follow.")
]
OfState = Annotated[DeliveryState | None, Query(description="Only those that stand there.")]
Result = TypeVar("Result")
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", max_length=200, description="The ETag of the webhook that was looked at.", examples=['"1"']
    ),
]


class _Border(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_URL,
        pattern=r"^https?://[\x21-\x7e]+$",
        description="https to a public address; the operator can allow others in POSTROOM_WEBHOOK_ALLOW.",
        examples=["https://register.example.org/postroom"],
    ),
]
Description = Annotated[str, Field(max_length=_LONGEST_DESCRIPTION, pattern=r"^[^\x00-\x1f\x7f]*$")]
Types = Annotated[list[EventType], Field(max_length=20, description="The events that are sent; all if empty.")]


class NewWebhook(_Border):
    """Where events are to go."""

    url: Url
    description: Description = ""
    types: Types = []
    with_record: bool = Field(default=False, description="Events of records carry the record itself.")


class WebhookChange(_Border):
    """What is to be changed; what is not given stays as it is."""

    url: Url | None = None
    description: Description | None = None
    types: Types | None = None
    with_record: bool | None = None
    active: bool | None = Field(default=None, description="False switches it off; true switches it on again.")


class WebhookView(_Border):
    """A webhook as it stands, without its secrets."""

    id: UUID
    url: str
    description: str
    types: tuple[EventType, ...]
    with_record: bool
    state: WebhookState
    reason: str = Field(description="Why it is not active; empty if it is.")
    two_secrets_until: datetime | None = Field(description="Until then two secrets sign; null if one does.")
    failing_since: datetime | None = Field(description="Since when it does not answer; null if it does.")
    paused_until: datetime | None
    created_by: str
    created_at: datetime


class WebhookList(_Border):
    """All webhooks, the oldest first."""

    webhooks: tuple[WebhookView, ...]


class WebhookWithSecret(WebhookView):
    """A webhook with the secret that it has just been given: it is shown this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class DeliveryView(_Border):
    """One event on its way to one receiver."""

    id: UUID
    event_id: UUID = Field(description="The header webhook-id, the same however often it is sent.")
    event: EventType
    subject: str
    state: DeliveryState
    since: datetime = Field(description="Since when it stands there.")
    attempts: int
    next_attempt_at: datetime | None
    outcome: DeliveryOutcome | None = Field(description="Of the last attempt; null if none was made.")
    status: int | None = Field(description="What the receiver answered last; null if nothing.")


class DeliveryList(_Border):
    """Deliveries, the newest first."""

    deliveries: tuple[DeliveryView, ...]
    next: int | None = Field(description="`before` of the next page; null if this is the last.")


class ReplayRequest(_Border):
    """Which dead letters are sent again."""

    dead_since: AwareDatetime = Field(description="All that were given up since then.")


class Replayed(_Border):
    """How many are on their way again."""

    replayed: int


@router.get("")
@policy(Scope.WEBHOOKS_MANAGE)
def list_webhooks(desk: AtDesk) -> WebhookList:
    """Where events go."""
    with desk.service.database.read() as session:
        return WebhookList(webhooks=tuple(map(_view, webhooks.all_of(session))))


@router.post("", status_code=201, responses={201: _ETAG})
@policy(Scope.WEBHOOKS_MANAGE)
def add_webhook(response: Response, desk: AtDesk, caller: AsCaller, new: NewWebhook) -> WebhookWithSecret:
    """Send events there from now on. The answer has the secret they are signed with: it is shown this once."""
    office, database = _office(desk), desk.service.database
    with _refusals():
        office.judge(new.url)
        wanted = Wanted(new.url, new.description, tuple(new.types), new.with_record)
        with database.write() as session:
            made, secret = office.add(session, wanted, caller.name, database.now(session))
    response.headers["ETag"], response.headers["Location"] = _etag(made), f"{router.prefix}/{made.id}"
    return _with_secret(made, secret)


@router.get("/{webhook_id}", responses={200: _ETAG})
@policy(Scope.WEBHOOKS_MANAGE)
def get_webhook(response: Response, desk: AtDesk, webhook_id: UUID) -> WebhookView:
    """One webhook."""
    with _refusals(), desk.service.database.read() as session:
        found = webhooks.one(session, webhook_id)
    response.headers["ETag"] = _etag(found)
    return _view(found)


@router.patch("/{webhook_id}", responses={200: _ETAG})
@policy(Scope.WEBHOOKS_MANAGE)
def change_webhook(
    response: Response,
    desk: AtDesk,
    caller: AsCaller,
    webhook_id: UUID,
    change: WebhookChange,
    if_match: IfMatch = None,
) -> WebhookView:
    """Change it, or switch it off or on. If-Match is required."""
    database = desk.service.database
    with _refusals():
        with database.read() as session:
            found = webhooks.one(session, webhook_id)
        expected = _expected(found, if_match)
        wanted = _changed(found, change)
        if wanted.url != found.url or (wanted.is_active and found.state is not WebhookState.ACTIVE):
            _office(desk).judge(wanted.url)
        with database.write() as session:
            made = webhooks.change(session, webhook_id, wanted, expected, caller.name, database.now(session))
    response.headers["ETag"] = _etag(made)
    return _view(made)


@router.delete("/{webhook_id}", status_code=204)
@policy(Scope.WEBHOOKS_MANAGE)
def remove_webhook(desk: AtDesk, caller: AsCaller, webhook_id: UUID) -> None:
    """Send nothing there any more, and forget its secrets and what is still to be delivered."""
    _write(desk, lambda session, now: webhooks.remove(session, webhook_id, caller.name, now))


@router.post("/{webhook_id}/secret/rotate", responses={200: _ETAG})
@policy(Scope.WEBHOOKS_MANAGE)
def rotate_secret(response: Response, desk: AtDesk, caller: AsCaller, webhook_id: UUID) -> WebhookWithSecret:
    """Sign with a new secret, shown this once; the one before signs beside it for a day, as long as it is set to."""
    office = _office(desk)
    made, secret = _write(desk, lambda session, now: office.rotate(session, webhook_id, caller.name, now))
    response.headers["ETag"] = _etag(made)
    return _with_secret(made, secret)


@router.post("/{webhook_id}/test", status_code=202)
@policy(Scope.WEBHOOKS_MANAGE)
def send_test(desk: AtDesk, caller: AsCaller, webhook_id: UUID) -> DeliveryView:
    """Send it an event that only says that it is a test; what became of it stands among its deliveries."""
    made = _write(desk, lambda session, now: webhooks.test(session, webhook_id, caller.name, now))
    return DeliveryView.model_validate(made)


@router.get("/{webhook_id}/deliveries")
@policy(Scope.WEBHOOKS_MANAGE)
def list_deliveries(
    desk: AtDesk, webhook_id: UUID, state: OfState = None, before: Before = None, limit: Limit = 100
) -> DeliveryList:
    """What was sent there, or is to be; those that were delivered are forgotten after some weeks."""
    with _refusals(), desk.service.database.read() as session:
        found = webhooks.deliveries_of(session, webhook_id, state, before=before, limit=limit + 1)
    shown = found[:limit]
    next_ = shown[-1].number if len(found) > limit else None
    return DeliveryList(deliveries=tuple(map(DeliveryView.model_validate, shown)), next=next_)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202)
@policy(Scope.WEBHOOKS_MANAGE)
def replay(desk: AtDesk, caller: AsCaller, webhook_id: UUID, delivery_id: UUID) -> Replayed:
    """Send one event again that was given up or delivered, under the id it had; nothing if it is on its way."""
    count = _write(desk, lambda session, now: webhooks.replay_one(session, webhook_id, delivery_id, caller.name, now))
    return Replayed(replayed=count)


@router.post("/{webhook_id}/deliveries/replay", status_code=202)
@policy(Scope.WEBHOOKS_MANAGE)
def replay_dead(desk: AtDesk, caller: AsCaller, webhook_id: UUID, wanted: ReplayRequest) -> Replayed:
    """Send all again that were given up since a moment, in their order; some thousand with one request."""
    since = wanted.dead_since
    count = _write(desk, lambda session, now: webhooks.replay_dead(session, webhook_id, since, caller.name, now))
    return Replayed(replayed=count)


def _write(desk: FrontDesk, what: Callable[[Session, datetime], Result]) -> Result:
    database = desk.service.database
    with _refusals(), database.write() as session:
        return what(session, database.now(session))


def _office(desk: FrontDesk) -> Office:
    return webhooks.office_of(desk.service.settings)


@contextmanager
def _refusals() -> Iterator[None]:
    """Answer what cannot be done as a problem."""
    try:
        yield
    except NoSuchWebhook as error:
        raise Refused(404, ProblemCode.NOT_FOUND, str(error)) from error
    except Changed as error:
        raise Refused(412, ProblemCode.SUPERSEDED, str(error)) from error
    except TooMany as error:
        raise Refused(409, ProblemCode.TOO_MANY_WEBHOOKS, str(error)) from error
    except (ForbiddenAddress, NoSuchName) as error:
        fault = Fault(place="body.url", problem=str(error))
        detail = "Events cannot be sent to this address."
        raise Refused(422, ProblemCode.FORBIDDEN_ADDRESS, detail, faults=[fault]) from error


def _expected(found: Webhook, if_match: str | None) -> int:
    """The version that If-Match names. Raises Refused if it is missing, Changed if it names another."""
    if if_match is None or if_match.strip() in ("", "*"):
        detail = "Send the header If-Match with the ETag of the webhook that you looked at."
        raise Refused(428, ProblemCode.NEEDS_IF_MATCH, detail)
    if _etag(found) not in [tag.strip() for tag in if_match.split(",")]:
        raise Changed("It was changed since you looked at it. Look at it again.")
    return found.version


def _changed(found: Webhook, change: WebhookChange) -> Wanted:
    return Wanted(
        url=found.url if change.url is None else change.url,
        description=found.description if change.description is None else change.description,
        types=found.types if change.types is None else tuple(change.types),
        with_record=found.with_record if change.with_record is None else change.with_record,
        is_active=(found.state is WebhookState.ACTIVE) if change.active is None else change.active,
    )


def _etag(webhook: Webhook) -> str:
    return f'"{webhook.version}"'


def _view(webhook: Webhook) -> WebhookView:
    return WebhookView.model_validate(webhook)


def _with_secret(webhook: Webhook, secret: str) -> WebhookWithSecret:
    return WebhookWithSecret(**_view(webhook).model_dump(), secret=secret)
