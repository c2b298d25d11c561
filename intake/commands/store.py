"""`postroom store`: files that belong to nothing in the database, and the key that everything is sealed with."""

import getpass
import json
from datetime import timedelta
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from intake import orphans, rewrapping
from intake.commands.opened_service import ExitCode, opened_service
from intake.orphans import Doubtful
from intake.store import ORPHAN_AGE, Survey, Swept
from intake.store.errors import KeyUnusable

_opened = partial(opened_service, Doubtful)


def list_orphans(
    remove: Annotated[bool, typer.Option("--remove", help="Remove them for good.")] = False,
    even_so: Annotated[
        bool, typer.Option("--even-so", help="Also if it looks as if the database lacked something.")
    ] = False,
    days: Annotated[
        int, typer.Option(min=1, help="Leave alone what was put within so many days: its row may be on its way.")
    ] = ORPHAN_AGE.days,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON on standard output.")] = False,
) -> None:
    """Show files in the store that nothing in the database belongs to; with --remove, remove them.

    More than a tenth of all files, or files newer than anything the database knows, are removed only with --even-so:
    they may be originals that a database brought back from a backup lacks.
    Exit codes: 0 done; 1 nothing was removed, as said; 2 wrong use; 5 the database or the store does not answer.
    """
    with _opened() as service:
        found = orphans.look(service, timedelta(days=days))
        removed = orphans.remove(service, found, getpass.getuser(), even_so=even_so) if remove else None
    if as_json:
        typer.echo(json.dumps(_as_json(found.survey, removed), indent=2))
        return
    _show(found.survey, removed)


def rewrap() -> None:
    """Bring all files and the secrets of webhooks under the first key in POSTROOM_KEY; the service may run meanwhile.

    When every process has had the new key first and this ends with 0, the old one can be taken out of POSTROOM_KEY.
    Exit codes: 0 done; 1 there is no key, or something could not be brought under it; 5 the database or the store does
    not answer.
    """
    with opened_service(KeyUnusable) as service:
        done = rewrapping.rewrap(service, getpass.getuser())
    typer.echo(f"Under the key {done.key_id} now: {done.files} files, {done.secrets} secrets of webhooks.")
    complaints = [
        *(f"Left as it is: {problem}." for problem in done.left_files),
        *(
            f"The secret of webhook {each} does not open. Rotate it: postroom webhooks rotate {each}"
            for each in done.left_webhooks
        ),
    ]
    for complaint in complaints:
        Console(stderr=True).print(complaint, highlight=False, soft_wrap=True)
    if complaints:
        raise typer.Exit(ExitCode.NOT_DONE)


def _show(survey: Survey, removed: Swept | None) -> None:
    # No table: it would cut off digests where the terminal is narrow.
    lines = [f"{each.sha256}  {each.touched_at:%Y-%m-%d %H:%M}  {each.bytes:>13,}" for each in survey.orphans]
    room = sum(orphan.bytes for orphan in survey.orphans)
    lines.append(f"Belonging to nothing: {len(survey.orphans)} of {survey.files} files, {room:,} bytes.")
    if survey.copies:
        lines.append(f"Second copies of files that are needed: {survey.copies}.")
    if survey.unknown:
        lines.append(f"Left alone, for no key at hand opens them: {survey.unknown}.")
    if removed is not None:
        lines.append(f"Removed: {removed.orphans}, and {removed.unfinished} that were never finished.")
    elif survey.orphans or survey.copies:
        lines.append("Nothing was removed: --remove does that.")
    console = Console()
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _as_json(survey: Survey, removed: Swept | None) -> dict[str, object]:
    return {
        "files": survey.files,
        "orphans": [
            {"sha256": orphan.sha256, "bytes": orphan.bytes, "touched_at": orphan.touched_at.isoformat()}
            for orphan in survey.orphans
        ],
        "copies": survey.copies,
        "unknown": survey.unknown,
        "removed": None if removed is None else removed.orphans,
        "unfinished_removed": None if removed is None else removed.unfinished,
    }
