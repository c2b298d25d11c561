"""`postroom doctor`: every setting with its origin, what is missing here, and the command that mends it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from intake.finding import Finding
from intake.setting_origins import ShownSetting, shown_settings


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Show the settings, and look at this machine and at all they name; nothing is changed.

    Exit codes: 0 all is well; 1 something is missing or wrong: each such line has the command that mends it.
    """
    # Looking at the engines means loading them, which takes a second that no other command should pay.
    from intake.machine_check import findings  # noqa: PLC0415
    from intake.service_check import readable_settings, service_findings  # noqa: PLC0415

    settings = readable_settings()
    found: list[Finding] = []
    shown: list[ShownSetting] = []
    if isinstance(settings, Finding):
        found.append(settings)
    else:
        shown = shown_settings(settings)
        found += service_findings(settings)
    found += findings()
    if as_json:
        told = {"settings": [asdict(each) for each in shown], "findings": [asdict(finding) for finding in found]}
        typer.echo(json.dumps(told, indent=2))
    else:
        _print(shown, found)
    if not all(finding.is_good for finding in found):
        raise typer.Exit(1)


def _print(shown: Sequence[ShownSetting], found: Sequence[Finding]) -> None:
    width = max((len(setting.name) for setting in shown), default=0)
    for setting in shown:
        typer.echo(f"{setting.origin.value:<11}  {setting.name:<{width}}  {setting.value}")
    if shown:
        typer.echo()
    for finding in found:
        typer.echo(f"{'good' if finding.is_good else 'MEND'}  {finding.name}: {finding.detail}")
        if finding.remedy:
            typer.echo(f"      mend it with: {finding.remedy}")
