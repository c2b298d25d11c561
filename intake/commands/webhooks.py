"""`postroom webhooks`: where events go. Whoever sits at the machine of the service may do all of it."""

import getpass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from intake.commands.opened_service import opened_service
from intake.events import webhooks
from intake.events.address import ForbiddenAddress, NoSuchName
from intake.events.webhooks import Changed, NoSuchWebhook, TooMany, Wanted
from schemas.delivery import DeliveryState
from schemas.events import EventType

Which = Annotated[UUID, typer.Argument(metavar="ID", help="Of the webhook, as `list` shows it.")]
Types = Annotated[list[EventType] | None, typer.Option("--type", help="An event that is sent; all if none is given.")]
WithRecord = Annotated[bool, typer.Option("--with-record", help="Events of records carry the record itself.")]
Since = Annotated[datetime, typer.Option("--since", help="All that were given up since then, in UTC.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=5_000, help="So many at most.")]


_opened = partial(opened_service, Changed, ForbiddenAddress, NoSuchName, NoSuchWebhook, TooMany)


def list_webhooks() -> None:
    """List the webhooks: id, state, address, and since when one does not answer.

    Exit codes: 0 listed; 5 the database does not answer.
    """
    with _opened() as service, service.database.read() as session:
        for each in webhooks.all_of(session):
            failing = "" if each.failing_since is None else f" failing since {each.failing_since.isoformat()}"
            typer.echo(f"{each.id} {each.state.value} {each.url}{failing} {each.reason}".rstrip())


def add(url: str, types: Types = None, with_record: WithRecord = False) -> None:
    """Send events there from now on; the secret they are signed with is printed this once.

    Exit codes: 0 added; 1 events cannot be sent there, or there are too many webhooks; 5 the database does not answer.
    """
    with _opened() as service:
        office = webhooks.office_of(service.settings)
        office.judge(url)
        with service.database.write() as session:
            wanted = Wanted(url, types=tuple(types or ()), with_record=with_record)
            made, secret = office.add(session, wanted, getpass.getuser(), service.database.now(session))
    typer.echo(f"{made.id} {secret}")
    _say("The secret is shown this once: give it to the receiver.")


def remove(webhook: Which) -> None:
    """Send nothing there any more. Exit codes: 0 removed; 1 there is none; 5 the database does not answer."""
    with _opened() as service, service.database.write() as session:
        webhooks.remove(session, webhook, getpass.getuser(), service.database.now(session))
    _say("Removed.")


def rotate(webhook: Which) -> None:
    """Sign with a new secret, printed this once; the one before signs beside it for a while.

    Exit codes: 0 done; 1 there is no such webhook; 5 the database does not answer.
    """
    with _opened() as service, service.database.write() as session:
        now = service.database.now(session)
        _, secret = webhooks.office_of(service.settings).rotate(session, webhook, getpass.getuser(), now)
    typer.echo(secret)


def test(webhook: Which) -> None:
    """Send it an event that says only that it is a test; the service that runs delivers it.

    Exit codes: 0 on its way; 1 there is no such webhook; 5 the database does not answer.
    """
    with _opened() as service, service.database.write() as session:
        webhooks.test(session, webhook, getpass.getuser(), service.database.now(session))
    _say("It is on its way.")


def turn_on(webhook: Which) -> None:
    """Send there what happens from now on; its address is judged again.

    Exit codes: 0 done; 1 there is no such webhook, or events cannot be sent there; 5 the database does not answer.
    """
    _switch(webhook, on=True)
    _say("Turned on.")


def turn_off(webhook: Which) -> None:
    """Send nothing there until it is turned on. Exit codes: 0 done; 1 there is none; 5 the database does not answer."""
    _switch(webhook, on=False)
    _say("Turned off.")


def _switch(webhook: UUID, *, on: bool) -> None:
    with _opened() as service:
        database = service.database
        with database.read() as session:
            found = webhooks.one(session, webhook)
        if on:
            webhooks.office_of(service.settings).judge(found.url)
        with database.write() as session:
            webhooks.switch(session, webhook, found.version, getpass.getuser(), database.now(session), on=on)


def dead(webhook: Which, limit: Limit = 100) -> None:
    """List what was given up, the newest first: its id, since when, how often it was tried, the event, of what.

    Exit codes: 0 listed; 1 there is no such webhook; 5 the database does not answer.
    """
    with _opened() as service, service.database.read() as session:
        for each in webhooks.deliveries_of(session, webhook, DeliveryState.DEAD, limit=limit):
            last = "" if each.outcome is None else f" {each.outcome.value}"
            tried = f"{each.attempts} attempts" if each.attempts != 1 else "1 attempt"
            typer.echo(f"{each.id} {each.since.isoformat()} {tried}{last} {each.event} {each.subject}")


def replay(webhook: Which, since: Since) -> None:
    """Send again what was given up since a moment, in its order; prints how many.

    Exit codes: 0 done; 1 there is no such webhook; 5 the database does not answer.
    """
    moment = since if since.tzinfo else since.replace(tzinfo=UTC)
    with _opened() as service, service.database.write() as session:
        now = service.database.now(session)
        count = webhooks.replay_dead(session, webhook, moment, getpass.getuser(), now)
    typer.echo(str(count))


def _say(words: str) -> None:
    Console(stderr=True).print(words, highlight=False)
