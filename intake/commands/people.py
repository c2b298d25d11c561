"""`postroom people`: who may sign in to the site. Whoever sits at the machine of the service may do all of it."""

import getpass
import json
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from intake.commands.opened_service import opened_service
from intake.people import accounts
from intake.people.accounts import Account
from intake.people.errors import LastAdmin, NameTaken, NoSuchPerson, UnfitName
from intake.people.public_address import public_address
from intake.service import Service
from schemas.people import Role

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON on standard output.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name they sign in with.")]


_opened = partial(opened_service, LastAdmin, NameTaken, NoSuchPerson, UnfitName)


def list_people(as_json: AsJson = False) -> None:
    """Show everybody who has an account.

    Exit codes: 0 shown; 5 the database does not answer.
    """
    with _opened() as service, service.database.read() as session:
        found = accounts.listed(session)
    if as_json:
        typer.echo(json.dumps([_as_json(account) for account in found], indent=2))
        return
    table = Table("Name", "Shown as", "Role", "State")
    for account in found:
        shown_as = account.person.shown_as.replace("[", r"\[")  # brackets in names are no mark-up
        table.add_row(account.person.name, shown_as, account.person.role.value, _state(account))
    console = Console()
    if found:
        console.print(table)
    console.print(f"People: {len(found)}", highlight=False)


def invite(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they are here for.")],
    shown_as: Annotated[str, typer.Option(help="The name others see; the name itself if not given.")] = "",
) -> None:
    """Make a person, and print the link with which they choose a password.

    Exit codes: 0 done; 1 the name is taken or cannot be one; 5 the database does not answer.
    """
    with _opened() as service, service.database.write() as session:
        now = service.database.now(session)
        _, token = accounts.invite(session, name, shown_as or name, role, _operator(), now)
    _print_link(service, token)


def new_link(name: Name) -> None:
    """Print a link with which a person chooses a new password. What else they have goes on until they do.

    Exit codes: 0 done; 1 nobody has that name, or they are disabled; 5 the database does not answer.
    """
    with _opened() as service, service.database.write() as session:
        person = accounts.named(session, name).person
        token = accounts.new_link(session, person.id, _operator(), service.database.now(session))
    _print_link(service, token)


def disable(name: Name) -> None:
    """Let a person in no more; they are signed out everywhere at once.

    Exit codes: 0 done; 1 nobody has that name, or they are the last admin; 5 the database does not answer.
    """
    with _opened() as service, service.database.write() as session:
        person = accounts.named(session, name).person
        accounts.disable(session, person.id, _operator(), service.database.now(session))
    Console(stderr=True).print("Disabled.", highlight=False)


def enable(name: Name) -> None:
    """Let a person in again who was disabled.

    Exit codes: 0 done; 1 nobody has that name; 5 the database does not answer.
    """
    with _opened() as service, service.database.write() as session:
        person = accounts.named(session, name).person
        accounts.enable(session, person.id, _operator(), service.database.now(session))
    Console(stderr=True).print("May sign in again.", highlight=False)


def _operator() -> str:
    """Who sits at the machine, as they stand in the audit."""
    return getpass.getuser()


def _print_link(service: Service, token: str) -> None:
    settings = service.settings
    typer.echo(f"{public_address(settings, settings.port)}/link/{token}")
    hours = int(accounts.LINK_LASTS.total_seconds() // 3600)
    Console(stderr=True).print(f"It works once, for {hours} hours. Give it to nobody else.", highlight=False)


def _state(account: Account) -> str:
    if account.is_disabled:
        return "disabled"
    return "active" if account.has_password else "invited"


def _as_json(account: Account) -> dict[str, object]:
    return {
        "id": account.person.id,
        "name": account.person.name,
        "shown_as": account.person.shown_as,
        "role": account.person.role.value,
        "state": _state(account),
        "created_at": account.created_at.isoformat(),
    }
