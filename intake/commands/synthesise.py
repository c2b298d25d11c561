"""`postroom synthesise`: a folder of synthetic post with its exact truth, for trials, tests and measurements."""

import json
import signal
from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from intake.form_choice import chosen_form_types
from intake.synthetic.clerk import Writing
from intake.synthetic.wear import Ageing
from intake.synthetic.write import write_post
from schemas.errors import NotAForm, Unavailable


class ExitCode(IntEnum):
    """How `postroom synthesise` ends."""

    WRITTEN = 0
    WRONG_USE = 2  # as with every command that is called wrongly
    CANNOT_WRITE = 3
    NOT_READY = 5
    TERMINATED = 128 + signal.SIGTERM  # as shells have it; 130, by Ctrl-C, comes with typer


def synthesise(  # noqa: PLR0913, PLR0917  # one parameter per option: that is how typer is told of them
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="An empty or new folder for the post.")],
    documents: Annotated[int, typer.Option(min=1, help="How many forms and letters to make.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    ageing: Annotated[
        Ageing, typer.Option("--ageing", "--degree", help="How much paper and scanner have suffered.")
    ] = Ageing.MEDIUM,
    writing: Annotated[Writing, typer.Option(help="Who writes: pens and machines, or machines alone.")] = Writing.MIXED,
    form_type: Annotated[
        list[str] | None, typer.Option("--form-type", help="Form type to fill; repeat for several; default: our own.")
    ] = None,
    forms: Annotated[Path | None, typer.Option(envvar="POSTROOM_FORMS", help="Folder of further form types.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that work side by side.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON on standard output.")] = False,
) -> None:
    """Make scans of filled forms and letters, with the truth about every field in FOLDER/truth.jsonl.

    Any form type can be filled, also one derived from scans; without --form-type it is our own three, with letters.

    Exit codes: 0 written; 2 wrong use, an unknown form type, or the folder is not empty; 3 the folder cannot be
    written to; 5 fonts are missing on this machine; 130 stopped by Ctrl-C; 143 by SIGTERM.
    """
    console = Console(stderr=True)
    try:
        folders = () if forms is None else (forms,)
        chosen = [form for id in form_type or () for form in chosen_form_types(folders, id)]
        with _ended_in_order():
            post = write_post(folder, documents, seed, ageing, chosen or None, workers, writing)
    except (FileExistsError, NotAForm) as error:
        console.print(str(error), markup=False)
        raise typer.Exit(ExitCode.WRONG_USE) from error
    except OSError as error:
        console.print(f"{folder}: cannot be written to: {error.strerror or error}", markup=False)
        raise typer.Exit(ExitCode.CANNOT_WRITE) from error
    except Unavailable as error:
        console.print(str(error), markup=False)
        raise typer.Exit(ExitCode.NOT_READY) from error
    if as_json:
        counts = {"files": post.files, "pages": post.pages, "documents": post.documents, "truth": str(post.truth)}
        typer.echo(json.dumps(counts))
        return
    console.print(
        f"{post.documents} documents on {post.pages} pages in {post.files} files; the truth is in {post.truth}",
        markup=False,
    )


@contextmanager
def _ended_in_order() -> Generator[None]:
    """SIGTERM ends the work inside as Ctrl-C does, so that the processes working side by side are ended, too."""
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(ExitCode.TERMINATED)
