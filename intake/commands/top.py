"""`postroom top`: the service at a glance, on a terminal as it goes on."""

import json
import time
from enum import IntEnum
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.live import Live

from intake import overview
from intake.overview_screen import screen
from intake.service import Service, open_service
from intake.settings import load_settings
from schemas.errors import MailError


class ExitCode(IntEnum):
    """How `postroom top` ends."""

    SHOWN = 0
    NOT_READY = 5


def top(
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it once as JSON on standard output.")] = False,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
) -> None:
    """Show throughput, what waits, who works and what was set aside; on a terminal until Ctrl-C, elsewhere once.

    Exit codes: 0 shown; 5 the database does not answer.
    """
    console = Console()
    try:
        service = open_service(load_settings())
        if as_json:
            typer.echo(json.dumps(overview.take(service).as_json(), indent=2))
        elif once or not console.is_terminal:
            console.print(_shown(service))
        else:
            _watch(service, console, every)
    except MailError as error:
        Console(stderr=True).print(f"postroom: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(ExitCode.NOT_READY) from error


def _shown(service: Service) -> RenderableType:
    settings = service.settings
    return screen(
        overview.take(service),
        low_water_bytes=settings.low_water_bytes,
        stalled_seconds=settings.stalled_seconds,
    )


def _watch(service: Service, console: Console, every: float) -> None:
    """Until Ctrl-C, which is how one leaves. A database that is away for a moment ends it: the screen would lie."""
    try:
        with Live(_shown(service), console=console, screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(every)
                live.update(_shown(service), refresh=True)
    except KeyboardInterrupt:
        return
