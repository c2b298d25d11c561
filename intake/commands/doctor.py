"""`postroom doctor`: what is missing on this machine, and the command that mends it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Look at this machine and say what is missing, with the command that mends it; exit code 1 if anything is."""
    # Looking at the engines means loading them, which takes a second that no other command should pay.
    from intake.machine_check import findings  # noqa: PLC0415

    found = list(findings())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        for finding in found:
            typer.echo(f"{'good   ' if finding.is_good else 'MISSING'}  {finding.name}: {finding.detail}")
            if finding.remedy:
                typer.echo(f"         mend it with: {finding.remedy}")
    if not all(finding.is_good for finding in found):
        raise typer.Exit(1)
