"""`postroom keys`: which programs may call, and for what. Whoever sits at the machine may do all of it."""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from intake import kept_keys
from intake.kept_keys import KeptKey, NoSuchKey
from intake.service import Service, open_service
from intake.settings import load_settings
from schemas.errors import MailError
from schemas.scopes import Scope

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON on standard output.")]


class ExitCode(IntEnum):
    """How the commands of `postroom keys` end."""

    DONE = 0
    NOT_DONE = 1
    NOT_READY = 5


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


@contextmanager
def _opened() -> Iterator[Service]:
    """The service; what cannot be done ends the command with its exit code."""
    try:
        service = open_service(load_settings())
    except MailError as error:
        raise _ended(error, ExitCode.NOT_READY) from error
    try:
        yield service
    except (NoSuchKey, ValueError) as error:
        raise _ended(error, ExitCode.NOT_DONE) from error
    except MailError as error:
        raise _ended(error, ExitCode.NOT_READY) from error
    finally:
        service.close()


def _ended(error: Exception, code: ExitCode) -> typer.Exit:
    Console(stderr=True).print(f"postroom: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(code)


def _as_json(key: KeptKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": key.created_at.isoformat(),
        "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(),
    }
