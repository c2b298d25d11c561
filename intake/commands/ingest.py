"""`postroom ingest`: hands a batch over. When it returns, nothing of it can be lost any more."""

import getpass
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from intake.gather import FoundFile, gather
from intake.receive import Arrival, KeyReused, Receipt, Sender, receive
from intake.service import open_service
from intake.settings import load_settings
from schemas.errors import MailError


class ExitCode(IntEnum):
    """How `postroom ingest` ends."""

    RECEIVED = 0
    SOME_NOT_RECEIVED = 1
    WRONG_USE = 2
    CANNOT_KEEP = 3


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders of them.")],
    name: Annotated[str, typer.Option(help="What people call this batch.")] = "",
    received_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day the mail arrived; default: today.")
    ] = None,
    key: Annotated[str, typer.Option(help="A key of your own: the same key never makes a second batch.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON on standard output.")] = False,
) -> None:
    """Receive files as one batch.

    Exit codes: 0 all received; 1 some paths could not be opened, the rest was received; 2 wrong use, or the key was
    used for other files; 3 nothing was received: the store or the database failed.
    """
    console = Console(stderr=True)
    found = gather(paths)
    refused = [file for file in found if file.failure is not None]
    for file in refused:
        assert file.failure is not None  # noqa: S101  # chosen above
        console.print(f"Not received: {file.path}: {file.failure.problem}", markup=False, soft_wrap=True)
    sender = Sender(getpass.getuser(), "ingest", None if received_on is None else received_on.date(), name, key)
    try:
        settings = load_settings()
        service = open_service(settings)
        files = [file for file in found if file.failure is None]
        receipt = receive(
            service.database, service.store, _arrivals(files), sender, low_water_bytes=settings.low_water_bytes
        )
    except (KeyReused, ValueError) as error:
        console.print(f"postroom: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(ExitCode.WRONG_USE) from error
    except (MailError, OSError) as error:
        console.print(f"postroom: nothing was received: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(ExitCode.CANNOT_KEEP) from error
    _report(receipt, console, as_json=as_json)
    raise typer.Exit(ExitCode.SOME_NOT_RECEIVED if refused else ExitCode.RECEIVED)


def _arrivals(files: Sequence[FoundFile]) -> Iterator[Arrival]:
    for file in files:
        with file.path.open("rb") as stream:
            yield Arrival(file.path.name, stream)


def _report(receipt: Receipt, console: Console, *, as_json: bool) -> None:
    if as_json:
        files = [
            {"id": str(file.id), "name": file.name, "sha256": file.sha256, "bytes": file.bytes,
             "duplicates": file.duplicates}
            for file in receipt.files
        ]  # fmt: skip
        answer = {"batch_id": str(receipt.batch_id), "received_at": receipt.received_at.isoformat(), "files": files}
        typer.echo(json.dumps(answer, indent=2))
    for file in receipt.files:
        if file.duplicates:
            console.print(f"Received before: {file.name} ({file.duplicates} times)", markup=False, soft_wrap=True)
    what = "Received" if receipt.is_new else "Had been received before"
    console.print(f"{what}: {len(receipt.files)} files as batch {receipt.batch_id}", markup=False, soft_wrap=True)
