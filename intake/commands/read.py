"""`postroom read`: the whole journey in this process and its workers, no database, no broker."""

import json
import os
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from extract.limits import DEFAULT_LIMITS
from intake.form_choice import chosen_form_types
from intake.gather import gather
from intake.output import CannotWrite, RecordFile
from intake.policy_choice import chosen_policy
from intake.progress import progress_on
from intake.run import Order, read_files
from intake.sandbox import with_most_pages
from intake.summary import Summary
from intake.summary_table import print_summary
from intake.worker import WorkshopSettings
from schemas.errors import MailError, NotAForm, Unavailable


class ExitCode(IntEnum):
    """How `postroom read` ends."""

    ALL_READ = 0
    SOME_FAILED = 1
    WRONG_USE = 2  # as with every command that is called wrongly
    CANNOT_WRITE = 3
    DOES_NOT_ADD_UP = 4
    NOT_READY = 5


_EXIT_CODES = """
Exit codes: 0 everything was read; 1 some files or pages could not be read (they are in the summary and in the records,
the rest was read); 2 wrong use; 3 the output cannot be written; 4 the counts do not add up, an error in this program;
5 something is missing on this machine, see `postroom doctor`; 130 stopped by Ctrl-C.
"""


def read(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Scans (TIFF, PDF, PNG, JPEG) or folders of them.")
    ],
    output: Annotated[
        Path, typer.Option(help="File for the records, one JSON object per line; - for standard output.")
    ],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; default: one per processor core.")
    ] = None,
    form_type: Annotated[str | None, typer.Option(help="Look for this form type only.")] = None,
    forms: Annotated[Path | None, typer.Option(envvar="POSTROOM_FORMS", help="Folder of further form types.")] = None,
    max_pages: Annotated[int | None, typer.Option(min=1, help="Most pages in one file; default: 300.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")] = False,
) -> None:
    """Read scans into records: one JSON object per document."""
    console = Console(stderr=True)
    settings = WorkshopSettings(() if forms is None else (forms,), form_type)
    try:
        _check_use(paths, output, settings, as_json=as_json)
    except (NotAForm, Unavailable) as error:
        raise typer.BadParameter(str(error)) from error
    order = Order(gather(paths), workers or available_cores(), with_most_pages(DEFAULT_LIMITS, max_pages), settings)
    raise typer.Exit(run_and_report(order, output, console, as_json=as_json))


read.__doc__ = f"{read.__doc__}\n{_EXIT_CODES}"


def run_and_report(order: Order, output: Path, console: Console, *, as_json: bool = False) -> ExitCode:
    """Read, show progress and summary on `console`, and say how it ended."""
    try:
        with RecordFile(output) as records, progress_on(console, order.files) as progress:
            summary = read_files(order, records, progress)
    except CannotWrite as error:
        return _give_up(console, error, ExitCode.CANNOT_WRITE)
    except Unavailable as error:
        return _give_up(console, error, ExitCode.NOT_READY)
    if as_json:
        typer.echo(json.dumps(summary.as_json(), indent=2))
    print_summary(summary, console)
    if str(output) != "-":
        console.print(f"Records: {summary.records} in {output}", markup=False, highlight=False, soft_wrap=True)
    return _exit_code(summary)


def _give_up(console: Console, error: MailError, code: ExitCode) -> ExitCode:
    console.print(f"postroom: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    return code


def _exit_code(summary: Summary) -> ExitCode:
    if summary.mismatches:
        return ExitCode.DOES_NOT_ADD_UP
    return ExitCode.SOME_FAILED if summary.failures else ExitCode.ALL_READ


def _check_use(paths: list[Path], output: Path, settings: WorkshopSettings, *, as_json: bool) -> None:
    """Raises BadParameter, NotAForm or Unavailable for what would go wrong in every file, before it is touched."""
    chosen_form_types(settings.form_folders, settings.form_type)
    chosen_policy()
    if as_json and str(output) == "-":
        raise typer.BadParameter("the records and the summary cannot both go to standard output", param_hint="--json")
    if any(path.is_file() and output.exists() and path.samefile(output) for path in paths):
        raise typer.BadParameter("the output is one of the files to read", param_hint="--output")


def available_cores() -> int:
    return len(os.sched_getaffinity(0))
