"""`postroom audit`: whether the audit log is as it was written, and where it ends now."""

import json
from collections.abc import Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from intake import audit
from intake.audit import Break, Head
from intake.service import open_service
from intake.settings import load_settings
from schemas.errors import MailError

_KEPT = "A head written down earlier as LENGTH:HASH, or a file with one on each line. Can be given several times."
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON on standard output.")]
Kept = Annotated[list[str] | None, typer.Option("--head", metavar="FILE|LENGTH:HASH", help=_KEPT)]


class ExitCode(IntEnum):
    """How the commands of `postroom audit` end."""

    HOLDS = 0
    WRONG_USE = 2
    BROKEN = 4  # as `postroom reconcile` ends if something is wrong with the books
    NOT_READY = 5


def verify(kept: Kept = None, as_json: AsJson = False) -> None:
    """Follow the audit log from its first entry; any change, deletion, insertion or other order is found.

    That the whole log, or its end, was written anew shows only against a head kept elsewhere: `postroom audit head`.
    Exit codes: 0 it holds; 2 wrong use; 4 it does not hold; 5 the database does not answer.
    """
    heads = list(_heads(kept or ()))
    found, end = _verified(heads)
    if as_json:
        typer.echo(json.dumps(_as_json(found, end, len(heads)), indent=2))
    elif found is None:
        against = f"It passes through {len(heads)} heads kept outside." if heads else "No head kept outside was given."
        Console().print(f"The audit log holds: {end.length} entries. {against}", highlight=False, soft_wrap=True)
    if found is not None:
        _complain(f"The audit log does not hold at entry {found.sequence}. {found.problem}")
        raise typer.Exit(ExitCode.BROKEN)


def head(as_json: AsJson = False) -> None:
    """Print where the audit log ends, as LENGTH:HASH: to be written down where nobody of the service can change it.

    Exit codes: 0 printed; 5 the database does not answer.
    """
    try:
        service = open_service(load_settings())
        with service.database.read() as session:
            end = audit.head(session)
    except MailError as error:
        _complain(str(error))
        raise typer.Exit(ExitCode.NOT_READY) from error
    typer.echo(json.dumps({"length": end.length, "hash": end.hash}) if as_json else str(end))


def _verified(heads: list[Head]) -> tuple[Break | None, Head]:
    """(where it does not hold, if it does not; where it ends as its own head says)."""
    try:
        service = open_service(load_settings())
        with service.database.read() as session:
            found = audit.verify(session, heads)
            return found, audit.head(session) if found is None else Head(0, audit.BEGINNING)
    except MailError as error:
        _complain(str(error))
        raise typer.Exit(ExitCode.NOT_READY) from error


def _heads(given: Iterable[str]) -> Iterator[Head]:
    """Every head that was given. Ends the command if one is none, or a file cannot be read."""
    for word in given:
        try:
            yield from _heads_of(word)
        except (OSError, ValueError) as error:
            _complain(f"--head {word}: neither LENGTH:HASH nor a file of such lines")
            raise typer.Exit(ExitCode.WRONG_USE) from error


def _heads_of(word: str) -> Iterator[Head]:
    if ":" in word and not Path(word).exists():
        yield audit.parse_head(word)
        return
    lines = [line for line in Path(word).read_text("utf-8").splitlines() if line.strip()]
    if not lines:
        raise ValueError("an empty file proves nothing")
    yield from map(audit.parse_head, lines)


def _as_json(found: Break | None, end: Head, heads: int) -> dict[str, object]:
    return {
        "holds": found is None,
        "length": None if found is not None else end.length,
        "hash": None if found is not None else end.hash,
        "heads_kept_outside": heads,
        "break": None if found is None else {"sequence": found.sequence, "problem": found.problem},
    }


def _complain(problem: str) -> None:
    Console(stderr=True).print(f"postroom: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
