"""`postroom measure handwriting`: how well real handwriting is read, next to Tesseract on the same pictures."""

import importlib
import json
from enum import IntEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from extract.engines import LineReader
from intake.measure.handwriting import ReaderScore, score_readers
from intake.measure.handwriting_sets import load_sets
from schemas.errors import Unavailable


class ExitCode(IntEnum):
    """How `postroom measure handwriting` ends."""

    MEASURED = 0
    WRONG_USE = 2  # as with every command that is called wrongly
    NOT_READY = 5


def measure_handwriting(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Holds dhsd, chars74k_hand and usps, or some.")],
    sample: Annotated[int, typer.Option(min=1, help="Most lines of each set.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")] = False,
) -> None:
    """Character error and lines read exactly, on handwriting by people: our readers and Tesseract, same pictures.

    Sets of digits or capitals are read within their alphabet, as a field that holds only those is. Intervals are 95 %.

    Exit codes: 0 measured, however well; 2 wrong use, or the folder holds none of the sets; 5 something is missing on
    this machine, see `postroom doctor`.
    """
    console = Console(stderr=True)
    found, missing = load_sets(folder, sample)
    for sentence in missing:
        console.print(f"Left out: {sentence}", markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print(f"postroom: {folder} holds none of the sets of handwriting", style="red", markup=False)
        raise typer.Exit(ExitCode.WRONG_USE)
    scores: list[ReaderScore] = []
    try:
        readers = _readers()
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            for handwriting in progress.track(found, description="Reading"):
                scores += score_readers(handwriting, readers)
    except Unavailable as error:
        console.print(f"postroom: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(ExitCode.NOT_READY) from error
    if as_json:
        typer.echo(json.dumps({"sets": [_as_json(score) for score in scores], "left_out": missing}, indent=2))
    else:
        Console().print(_table(scores))


def _readers() -> dict[str, LineReader]:
    # Imported here, for every other command would wait for the engines to load as well.
    wiring = importlib.import_module("intake.wiring")
    tesseract: LineReader = importlib.import_module("extract.engines.tesseract").TesseractReader()
    wiring.use_one_thread()
    wired = wiring.wired_readers()
    return {"quick": wired.quick, "careful": wired.careful, "cascade": wired.cascade, "Tesseract": tesseract}


def _as_json(score: ReaderScore) -> dict[str, object]:
    return {
        "set": score.set_name,
        "alphabet": score.alphabet,
        "reader": score.reader,
        "lines": score.lines,
        "writers": score.writers,
        "characters": score.characters,
        "errors": score.errors,
        "character_error_rate": round(score.error_rate, 5),
        "character_error_interval": [round(end, 5) for end in score.error_interval],
        "right": score.right,
        "right_share": round(score.right_share, 5),
        "right_interval": [round(end, 5) for end in score.right_interval],
        "right_apart_from_accents": score.right_apart_from_accents,
    }


def _table(scores: list[ReaderScore]) -> Table:
    table = Table(title="Handwriting by people; in brackets: 95 %")
    for heading in ("Set", "Reader"):
        table.add_column(heading)
    for heading in ("Character error", "Lines right", "Accents aside"):
        table.add_column(heading, justify="right", no_wrap=heading != "Accents aside")
    for name, group in groupby(scores, key=lambda score: score.set_name):
        table.add_section()
        for place, score in enumerate(group):
            beside = (name, f"{score.lines} lines", f"{score.writers} writers" if score.writers else "")
            table.add_row(
                beside[place] if place < len(beside) else "",
                score.reader,
                f"{score.error_rate:.1%} {_interval(score.error_interval)}",
                f"{score.right_share:.1%} {_interval(score.right_interval)}",
                f"{score.right_apart_from_accents / max(score.lines, 1):.1%}",
            )
    return table


def _interval(ends: tuple[float, float]) -> str:
    return f"({100 * ends[0]:.1f}-{100 * ends[1]:.1f})"
