"""`postroom keys`: which programs may call, and for what. Whoever sits at the machine may do all of it."""

import getpass
import json
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from intake import kept_keys
from intake.commands.opened_service import opened_service
from intake.kept_keys import KeptKey, NoSuchKey
from schemas.scopes import Scope

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON on standard output.")]


_opened = partial(opened_service, NoSuchKey, ValueError)


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the caller, as it stands in the audit.")],
    scope: Annotated[list[Scope], typer.Option(help="What the key opens; give it once for each.")],
) -> None:
    """Make a key and print it, this once: only a digest of it is kept.

    From the first key on every caller needs one, those on this machine too.
    Exit codes: 0 done; 1 the name cannot be one; 5 the database does not answer.
    """
    with _opened() as service, service.database.write() as session:
        made, key = kept_keys.add(session, name, set(scope), getpass.getuser(), service.database.now(session))
    typer.echo(key)
    Console(stderr=True).print(
        f"Key {made.id} of {made.name}. Keep it now: it cannot be shown again.", highlight=False, markup=False
    )


def list_keys(as_json: AsJson = False) -> None:
    """Show every key: whose it is and what it opens, never the key.

    Those of POSTROOM_API_KEYS are not among them: `postroom doctor` shows these.
    Exit codes: 0 shown; 5 the database does not answer.
    """
    with _opened() as service, service.database.read() as session:
        found = kept_keys.listed(session)
    if as_json:
        typer.echo(json.dumps([_as_json(key) for key in found], indent=2))
        return
    table = Table("Number", "Caller", "Opens", "Made", "Revoked")
    for key in found:
        revoked = "" if key.revoked_at is None else f"{key.revoked_at:%Y-%m-%d %H:%M}"
        table.add_row(str(key.id), key.name, "\n".join(key.scopes), f"{key.created_at:%Y-%m-%d %H:%M}", revoked)
    console = Console()
    if found:
        console.print(table)
    console.print(f"Keys: {len(found)}", highlight=False)


def revoke(
    which: Annotated[str, typer.Argument(metavar="NUMBER-OR-NAME", help="One key, or all of a caller.")],
) -> None:
    """Let nobody in any more with a key, or with any key of a caller. It takes effect at once.

    Exit codes: 0 done; 1 no key in use has that number or name; 5 the database does not answer.
    """
    with _opened() as service, service.database.write() as session:
        revoked = kept_keys.revoke(session, which, getpass.getuser(), service.database.now(session))
    Console(stderr=True).print(f"Revoked: {len(revoked)}", highlight=False)


def _as_json(key: KeptKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": key.created_at.isoformat(),
        "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(),
    }
