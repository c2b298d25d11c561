"""The two commands that also show something: `postroom demo` and `postroom show`."""

from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from intake.commands.demo import DOCUMENTS, DemoPlan, run_demo
from intake.commands.read import available_cores
from intake.gather import gather
from review_ui.demo import serve_demo
from review_ui.result_page import write_result_page
from schemas.errors import MailError
from schemas.form_type import SHIPPED_FORMS, load_form_types


class ShowExitCode(IntEnum):
    """How `postroom show` ends."""

    WRITTEN = 0
    WRONG_USE = 2
    CANNOT_WRITE = 3


def demo(
    home: Annotated[Path, typer.Option(envvar="POSTROOM_HOME", help="The data folder; the demo goes below it.")] = Path(
        "postroom-data"
    ),
    documents: Annotated[int, typer.Option(min=1, help="How many forms and letters to make.")] = DOCUMENTS,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; default: one per processor core.")
    ] = None,
    serve: Annotated[
        bool | None,
        typer.Option("--serve/--no-serve", help="End in the site; default: if this is a terminal. Else in a page."),
    ] = None,
    port: Annotated[int, typer.Option(envvar="POSTROOM_PORT", min=0, max=65535, help="Of the site.")] = 8000,
) -> None:
    """Make a miniature day of synthetic post, read it, and show it in the site, with fields to key.

    The site is there until Ctrl-C. With --no-serve the post is read and shown as one page, beside its truth.
    Everything goes to HOME/demo; an earlier demo there is replaced. Exit codes as of `postroom read`.
    """
    plan = DemoPlan(home / "demo", documents, workers or available_cores())
    console = Console(stderr=True)
    if console.is_terminal if serve is None else serve:
        raise typer.Exit(serve_demo(plan, console, port))
    raise typer.Exit(run_demo(plan, console, write_result_page))


def show(
    records: Annotated[Path, typer.Argument(metavar="RECORDS", help="The file that `postroom read` wrote.")],
    scans: Annotated[list[Path], typer.Argument(metavar="PATH...", help="The scans that were read, or their folders.")],
    folder: Annotated[Path, typer.Option(help="Where the page and its pictures go.")] = Path("postroom-result"),
    forms: Annotated[Path | None, typer.Option(envvar="POSTROOM_FORMS", help="Folder of further form types.")] = None,
) -> None:
    """Show what was read: a page with every field outlined on its scan, beside its value.

    Scans are found by their content, whatever they are called now. Exit codes: 0 written; 2 wrong use, or RECORDS holds
    no records; 3 something cannot be read or written.
    """
    console = Console(stderr=True)
    sources = [found.path for found in gather(scans) if found.failure is None]
    try:
        known = load_form_types([SHIPPED_FORMS, *([] if forms is None else [forms])])
        page = write_result_page(records, sources, folder, forms=known)
    except MailError as error:
        console.print(f"postroom: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(ShowExitCode.WRONG_USE) from error
    except OSError as error:
        reason = f"{error.filename or folder}: {error.strerror or error}"
        console.print(f"postroom: {reason}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(ShowExitCode.CANNOT_WRITE) from error
    console.print(f"Page: {page.resolve().as_uri()}", markup=False, highlight=False, soft_wrap=True)
