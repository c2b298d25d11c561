"""`postroom fit`: from records and their truth, the calibration that says which values may be accepted unseen."""

import json
import os
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from intake.form_choice import chosen_form_types
from intake.measure import evidence, held_out, match, truth
from intake.measure import fit as fitting
from intake.output import CannotWrite
from schemas.errors import MailError
from schemas.form_type import FormType

# The promise of the design: of the values nobody looks at, one in two hundred may be wrong.
_DEFAULT_CEILING: Final = 0.005


class ExitCode(IntEnum):
    """How `postroom fit` ends."""

    FITTED = 0
    WRONG_USE = 2  # as with every command that is called wrongly
    CANNOT_WRITE = 3


def fit(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of scans with truth.jsonl.")],
    records: Annotated[list[Path], typer.Option(help="Records read from a folder; once per folder, in that order.")],
    output: Annotated[Path, typer.Option(help="File for the calibration, in TOML.")],
    error_ceiling: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="Most of the accepted values that may be wrong, as a share.")
    ] = _DEFAULT_CEILING,
    per_form_type: Annotated[
        bool, typer.Option("--per-form-type", help="Curves for each form type alone, not for all together.")
    ] = False,
    forms: Annotated[Path | None, typer.Option(envvar="POSTROOM_FORMS", help="Folder of further form types.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")] = False,
) -> None:
    """Fit a calibration on one half of the records, and try it on the other half.

    A class of field is opened where the error of what would be accepted is below the ceiling with 95 % confidence, and
    closed again if the half held out shows more errors than that.

    Exit codes: 0 fitted, even if every class stays closed; 2 wrong use, or there is no usable truth; 3 the calibration
    cannot be written.
    """
    if len(folders) != len(records):
        raise typer.BadParameter("each folder needs one file of records", param_hint="--records")
    if not output.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {output.parent}", param_hint="--output")
    console = Console(stderr=True)
    try:
        form_types = chosen_form_types(() if forms is None else (forms,), None)
        cases = _cases(folders, records, form_types)
        calibration = fitting.fit(
            (case for case in cases if not case.is_held_out), error_ceiling, per_form_type=per_form_type
        )
        tried = held_out.trials((case for case in cases if case.is_held_out), calibration)
        everything = held_out.trials(cases, calibration)  # nothing is fitted to what was taken for empty
        broken = held_out.broken(tried, error_ceiling)
        final = held_out.closed(calibration, broken)
        _write(output, fitting.as_toml(final, _notes(tried, everything, error_ceiling)))
    except MailError as error:
        console.print(f"postroom: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        is_unwritten = isinstance(error, CannotWrite)
        raise typer.Exit(ExitCode.CANNOT_WRITE if is_unwritten else ExitCode.WRONG_USE) from error
    if as_json:
        typer.echo(json.dumps(held_out.as_json(tried, everything, final), indent=2))
    else:
        Console().print(held_out.accepted_table(tried, calibration))
        Console().print(held_out.empty_table(everything))
    if broken:
        console.print(f"Closed again, too much was wrong in the half held out: {', '.join(broken)}", markup=False)
    console.print(f"Calibration {final.version}: {output}", markup=False, highlight=False, soft_wrap=True)


def _cases(folders: Sequence[Path], records: Sequence[Path], form_types: Sequence[FormType]) -> list[evidence.Case]:
    """Raises NoTruth if a folder has none, or if nothing in the records can be compared with it."""
    cases: list[evidence.Case] = []
    for folder, file in zip(folders, records, strict=True):
        matches = match.match(truth.load(folder, form_types), match.load_records(file))
        cases += evidence.cases(matches, form_types)
    if not cases:
        raise truth.NoTruth(f"{records[0]}: none of its fields has a truth in {folders[0]}: is this the right folder?")
    return cases


def _notes(tried: Sequence[held_out.Trial], everything: Sequence[held_out.Trial], ceiling: float) -> list[str]:
    values, empty = tried[-1], everything[-1]
    return [
        "Written by `postroom fit`: which values may be accepted without a person.",
        f"At most {ceiling:.2%} of what is accepted in a class of field may be wrong, with 95 % confidence.",
        f"On the half held out: {values.accepted} of {values.written} values accepted, {values.wrong} of them wrong.",
        f"On both halves: {empty.blank} fields taken for empty, {empty.missed} of them were not.",
    ]


def _write(path: Path, text: str) -> None:
    """Replace the file at once: a calibration that is half written would close or open the wrong classes."""
    begun = path.with_name(f".{path.name}.begun")
    try:
        begun.write_text(text, encoding="utf-8")
        os.replace(begun, path)
    except OSError as error:
        begun.unlink(missing_ok=True)
        raise CannotWrite(f"{path}: cannot be written: {error.strerror}. Name another file with --output.") from error
