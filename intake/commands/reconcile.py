"""`postroom reconcile`: proves that everything received is in exactly one place."""

import getpass
import json
from enum import IntEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from intake import ledger
from intake.reconciliation import reconcile as reconcile_books
from intake.service import open_service
from intake.settings import load_settings
from schemas.errors import MailError
from schemas.states import MailState


class ExitCode(IntEnum):
    """How `postroom reconcile` ends."""

    ADDS_UP = 0
    DIFFERENCE = 4  # as `postroom read` ends if its counts do not add up
    NOT_READY = 5


def reconcile(
    as_json: Annotated[bool, typer.Option("--json", help="Print the ledger as JSON on standard output.")] = False,
) -> None:
    """Count everything received, and where it stands; a difference is an alarm.

    `postroom serve` does so every night; what it found, /health/ready tells until it adds up again.
    Exit codes: 0 it adds up; 4 it does not; 5 the database does not answer.
    """
    console = Console(stderr=True)
    try:
        service = open_service(load_settings())
        found = reconcile_books(service.database, getpass.getuser())
        now = service.database.now()
    except MailError as error:
        console.print(f"postroom: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(ExitCode.NOT_READY) from error
    if as_json:
        typer.echo(json.dumps(found.as_json(now), indent=2))
    else:
        Console().print(_table(found))
    for what, count in found.differences.items():
        console.print(f"Difference: {what}: {count}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(ExitCode.DIFFERENCE if found.difference else ExitCode.ADDS_UP)


def _table(found: ledger.Ledger) -> Table:
    table = Table("", "received", *(state.value.replace("_", " ") for state in MailState))
    for kind, received in found.received.items():
        counts = (f"{found.states[kind][state].count:,}" for state in MailState)
        table.add_row(kind, f"{received:,}", *counts)
    return table
