"""`postroom fit`: from records and their truth, the calibration that says which values may be accepted unseen."""

import json
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from extract.calibrate import load_calibration
from extract.standards import Standards
from intake.form_choice import chosen_form_types
from intake.measure import calibration_file, evidence, held_out, match, repeats, truth
from intake.measure import fit as fitting
from intake.measure.tried_further import tried_further
from intake.output import CannotWrite
from intake.policy_choice import VARIABLE, chosen_policy
from schemas.errors import MailError
from schemas.form_type import FormType


class ExitCode(IntEnum):
    """How `postroom fit` ends."""

    FITTED = 0
    WRONG_USE = 2  # as with every command that is called wrongly
    CANNOT_WRITE = 3


def fit(  # noqa: PLR0913, PLR0917  # one parameter per option: that is how typer is told of them
    truths: Annotated[
        list[Path],
        typer.Argument(
            metavar="TRUTH...", help="Folders of scans with truth.jsonl, or files of truth (JSON lines, CSV)."
        ),
    ],
    records: Annotated[list[Path], typer.Option(help="Records of the same post; once per truth, in that order.")],
    output: Annotated[Path, typer.Option(help="File for the calibration, in TOML.")],
    policy: Annotated[
        Path | None, typer.Option(envvar=VARIABLE, help="The policy to try it under; it can be changed later.")
    ] = None,
    per_form_type: Annotated[
        bool, typer.Option("--per-form-type", help="Curves for each form type alone, not for all together.")
    ] = False,
    onto: Annotated[
        Path | None,
        typer.Option(
            metavar="CALIBRATION", help="Fit nothing: test this calibration further with all of these documents."
        ),
    ] = None,
    forms: Annotated[Path | None, typer.Option(envvar="POSTROOM_FORMS", help="Folder of further form types.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")] = False,
) -> None:
    """Fit a calibration on a quarter of the documents, and test on the others what may be accepted unseen.

    A class of field is opened where the error of what would be accepted is below the policy's ceiling with the
    policy's confidence. It stays closed whatever the policy if all documents together show more errors than that.
    Documents of the same contents, as synthetic post of one seed at several degrees of ageing, count once.

    With --onto, documents that a calibration was not fitted on are added to those its thresholds are tested on: its
    weights stay, and more evidence lets more through where it bears that out, and less where it does not. A class is
    closed where these documents alone prove an error above the ceiling.

    Exit codes: 0 fitted, even if every class stays closed; 2 wrong use, or there is no usable truth or policy; 3 the
    calibration cannot be written.
    """
    if onto is not None and per_form_type:
        raise typer.BadParameter("nothing is fitted with --onto", param_hint="--per-form-type")
    if len(truths) != len(records):
        raise typer.BadParameter("each truth needs one file of records", param_hint="--records")
    if not output.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {output.parent}", param_hint="--output")
    console = Console(stderr=True)
    try:
        wanted = chosen_policy(policy)
        form_types = chosen_form_types(() if forms is None else (forms,), None)
        cases, left_out = _cases(truths, records, form_types)
        if onto is None:
            fitted = Standards(fitting.fit(cases, per_form_type=per_form_type), wanted)
        else:
            fitted = Standards(tried_further(load_calibration(onto), cases), wanted)
        everything = held_out.trials(cases, fitted)
        broken = held_out.broken(everything, fitted) if onto is None else held_out.contradicted(everything, fitted)
        final = Standards(held_out.closed(fitted.calibration, broken), wanted)
        tried = held_out.trials((case for case in cases if case.is_held_out or onto is not None), final)
        calibration_file.write(output, calibration_file.as_toml(final.calibration, _notes(tried, final, onto)))
    except MailError as error:
        console.print(f"postroom: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        is_unwritten = isinstance(error, CannotWrite)
        raise typer.Exit(ExitCode.CANNOT_WRITE if is_unwritten else ExitCode.WRONG_USE) from error
    if as_json:
        typer.echo(json.dumps({**held_out.as_json(tried, final), "left_out": left_out}, indent=2))
    else:
        Console().print(held_out.accepted_table(tried, final))
    if left_out:
        console.print(_told_of(left_out), markup=False, highlight=False, soft_wrap=True)
    if broken:
        console.print(f"Closed, too much was wrong among all that would be accepted: {', '.join(broken)}", markup=False)
    console.print(f"Calibration {final.calibration.version}: {output}", markup=False, highlight=False, soft_wrap=True)


def _cases(
    truths: Sequence[Path], records: Sequence[Path], form_types: Sequence[FormType]
) -> tuple[list[evidence.Case], int]:
    """The cases, and how many documents repeated others and gave none.

    Raises NoTruth if there is none, or if nothing in the records can be compared with it.
    """
    given = []
    for true, file in zip(truths, records, strict=True):
        found = match.match(truth.load(true, form_types), match.load_records(file))
        if next(evidence.cases(found, form_types), None) is None:
            raise truth.NoTruth(f"{file}: none of its fields has a truth in {true}: is this the right truth?")
        given.append(found)
    kept, left_out = repeats.without_repeats(given)
    return [case for matches in kept for case in evidence.cases(matches, form_types)], left_out


def _told_of(left_out: int) -> str:
    """What to say of documents that count only once."""
    many = f"{left_out:,} documents have" if left_out > 1 else "1 document has"
    were = "were" if left_out > 1 else "was"
    return (
        f"{many} the same contents as others and {were} left out: a seed of their own is needed for each degree of "
        "synthetic post."
    )


def _notes(tried: Sequence[held_out.Trial], standards: Standards, onto: Path | None) -> list[str]:
    values, policy = tried[-1], standards.policy
    which = "held out" if onto is None else "it was tested further with"
    return [
        "Written by `postroom fit`: how sure the readings of each class of field are, and the counts that say which of",
        "them may be accepted without a person. The policy decides on that; it can be changed without fitting anew.",
        f"Under policy {policy.version}, on the documents {which}: {values.accepted} of",
        f"{values.values} values accepted, {values.wrong} of them wrong.",
    ]
