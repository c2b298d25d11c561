"""`postroom measure`: read post whose truth is known, and say how well and how fast it was read."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from extract.calibrate import SHIPPED_TABLE, load_calibration
from extract.standards import Standards
from intake.form_choice import chosen_form_types
from intake.gather import FoundFile, gather
from intake.measure import match, truth
from intake.measure.as_json import as_json as measures_as_json
from intake.measure.measures import Measures
from intake.measure.measures import measure as measure_matches
from intake.measure.report import DEFAULT_SNIPPETS, render
from intake.measure.table import print_measures
from intake.output import CannotWrite, RecordFile
from intake.policy_choice import chosen_policy
from intake.progress import progress_on
from intake.replay import under
from intake.run import Order, read_files
from intake.summary import Summary
from intake.summary_table import print_summary
from intake.worker import WorkshopSettings
from schemas.errors import MailError, NotAForm
from schemas.form_type import FormType
from schemas.record import Record


class ExitCode(IntEnum):
    """How `postroom measure` ends."""

    MEASURED = 0
    WRONG_USE = 2  # as with every command that is called wrongly
    CANNOT_WRITE = 3
    DOES_NOT_ADD_UP = 4
    NOT_READY = 5


def measure(  # noqa: PLR0913, PLR0917  # one parameter per option: that is how typer is told of them
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Scans, and their truth in truth.jsonl.")],
    truth_file: Annotated[Path | None, typer.Option("--truth", help="The truth, if it lies elsewhere.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report with a picture of every miss.")] = None,
    misses: Annotated[int, typer.Option(min=0, help="Most misses with a picture in the report.")] = DEFAULT_SNIPPETS,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; default: one per processor core.")
    ] = None,
    records: Annotated[Path | None, typer.Option(help="Measure these records instead of reading the scans.")] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="With --records: decide anew by this calibration before measuring.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="With --records: decide anew under this policy before measuring.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Keep the records that were read in this file.")] = None,
    forms: Annotated[Path | None, typer.Option(envvar="POSTROOM_FORMS", help="Folder of further form types.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")] = False,
) -> None:
    """Read post whose truth is known: accuracy, error among the accepted, speed; a report shows every miss.

    Exit codes: 0 measured, however well; 2 wrong use, or there is no usable truth; 3 a file cannot be written;
    4 the counts do not add up, an error in this program; 5 something is missing on this machine, see `postroom doctor`;
    130 stopped by Ctrl-C.
    """
    console = Console(stderr=True)
    if records is not None and output is not None:
        raise typer.BadParameter("nothing is read with --records, so there is nothing to keep", param_hint="--output")
    if records is None and (calibration is not None or policy is not None):
        raise typer.BadParameter(
            "what is read now is decided by what is installed", param_hint="--calibration, --policy"
        )
    if report is not None and not report.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {report.parent}", param_hint="--report")
    settings = WorkshopSettings(() if forms is None else (forms,))
    try:
        form_types = chosen_form_types(settings.form_folders, None)
        truths = truth.load(truth_file or folder, form_types)
        wanted = {document.key for document in truths}
        found = [file for file in gather([folder]) if not wanted.isdisjoint(truth.keys_of(file.path.name))]
        _check_files(truths, found, folder, are_needed=records is None)
        if records is None:
            order = Order(found, workers or len(os.sched_getaffinity(0)), settings=settings)
            summary, measures = _read_and_measure(order, output, truths, form_types, console)
        else:
            decided = _decided(match.load_records(records), calibration, policy)
            summary, measures = None, measure_matches(match.match(truths, decided), form_types)
        if as_json:
            typer.echo(json.dumps(measures_as_json(measures, summary), indent=2))
        else:
            print_measures(measures, summary, Console())
        if report is not None:
            where = {file.path.name: file.path for file in found}
            title = f"{measures.documents} forms from the folder {folder.resolve().name}"
            _write(report, render(measures, summary, form_types, where, most_snippets=misses, title=title))
            console.print(f"Report: {report}", markup=False, highlight=False, soft_wrap=True)
    except MailError as error:
        raise _refused(error, console) from error
    if summary is not None and summary.mismatches:
        raise typer.Exit(ExitCode.DOES_NOT_ADD_UP)


def _decided(records: list[Record], calibration: Path | None, policy: Path | None) -> list[Record]:
    """The records, decided anew where another calibration or policy is given."""
    if calibration is None and policy is None:
        return records
    standards = Standards(load_calibration(calibration or SHIPPED_TABLE), chosen_policy(policy))
    return [under(record, standards) for record in records]


def _read_and_measure(
    order: Order,
    output: Path | None,
    truths: Sequence[truth.TrueDocument],
    form_types: Sequence[FormType],
    console: Console,
) -> tuple[Summary, Measures]:
    with tempfile.TemporaryDirectory(prefix="postroom-measure-") as scratch:
        path = output or Path(scratch) / "records.jsonl"
        with RecordFile(path) as written, progress_on(console, order.files) as progress:
            summary = read_files(order, written, progress)
        found = match.load_records(path)
    print_summary(summary, console)
    return summary, measure_matches(match.match(truths, found), form_types)


def _check_files(
    truths: Sequence[truth.TrueDocument], found: Sequence[FoundFile], folder: Path, *, are_needed: bool
) -> None:
    """Raises NoTruth if the truth speaks of files that are not there, or of two at once."""
    there = Counter(key for file in found for key in truth.keys_of(file.path.name))
    missing = sorted({document.file for document in truths if not there[document.key]})
    if missing and are_needed:
        some = ", ".join(missing[:3]) + (" and others" if len(missing) > 3 else "")
        raise truth.NoTruth(f"{folder}: {len(missing)} of the files that the truth speaks of are missing: {some}")
    for document in truths:
        if there[document.key] > 1:
            raise truth.NoTruth(f"{folder}: the truth speaks of one file {document.file}, but there are several")


def _write(path: Path, html: str) -> None:
    """Readable by its owner only: it shows what people wrote."""
    try:
        with open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(html)
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written: {error.strerror}. Name another file with --report.") from error


def _refused(error: MailError, console: Console) -> typer.Exit:
    console.print(f"postroom: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    match error:
        case CannotWrite():
            return typer.Exit(ExitCode.CANNOT_WRITE)
        case NotAForm() | truth.NoTruth():
            return typer.Exit(ExitCode.WRONG_USE)
    return typer.Exit(ExitCode.NOT_READY)
