"""`postroom synthesise`: a folder of synthetic post with its exact truth, for trials, tests and measurements."""

import json
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from intake.synthetic.wear import Ageing
from intake.synthetic.write import write_post
from schemas.errors import Unavailable


class ExitCode(IntEnum):
    """How `postroom synthesise` ends."""

    WRITTEN = 0
    WRONG_USE = 2  # as with every command that is called wrongly
    CANNOT_WRITE = 3
    NOT_READY = 5


def synthesise(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="An empty or new folder for the post.")],
    documents: Annotated[int, typer.Option(min=1, help="How many forms and letters to make.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    ageing: Annotated[Ageing, typer.Option(help="How much paper and scanner have suffered.")] = Ageing.MEDIUM,
    workers: Annotated[int, typer.Option(min=1, help="Processes that work side by side.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON on standard output.")] = False,
) -> None:
    """Make scans of filled forms and letters, with the truth about every field in FOLDER/truth.jsonl.

    Exit codes: 0 written; 2 wrong use, or the folder is not empty; 3 the folder cannot be written to;
    5 fonts are missing on this machine.
    """
    console = Console(stderr=True)
    try:
        post = write_post(folder, documents, seed, ageing, workers=workers)
    except FileExistsError as error:
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
