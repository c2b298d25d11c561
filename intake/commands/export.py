"""`postroom export`: published records in the order of publication, to a file or to whatever reads on."""

import getpass
import json
import os
import sys
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Final, NoReturn
from uuid import UUID

import typer
from rich.console import Console

from intake import audit
from intake.exports import reading
from intake.exports.files import WholeFile
from intake.exports.reading import Format, Part
from intake.form_choice import chosen_form_types
from intake.output import CannotWrite
from intake.published import CursorAhead, Wanted
from intake.service import Service, open_service
from intake.settings import load_settings
from schemas.errors import MailError
from schemas.form_type import FormType

_STANDARD_OUTPUT: Final = Path("-")


class ExitCode(IntEnum):
    """How `postroom export` ends."""

    DONE = 0
    WRONG_USE = 2
    CANNOT_WRITE = 3
    CURSOR_AHEAD = 4
    NOT_READY = 5


def export(  # noqa: PLR0913, PLR0917  # its options
    format: Annotated[Format, typer.Option("--format", help="JSON lines, or a table of one form type.")] = Format.JSONL,
    after: Annotated[int, typer.Option(min=0, max=2**62, metavar="CURSOR", help="Where an earlier export ended.")] = 0,
    output: Annotated[Path, typer.Option(help="The file; - for the standard output.")] = _STANDARD_OUTPUT,
    form_type: Annotated[str | None, typer.Option(help="Only records of this form type; a table needs one.")] = None,
    batch: Annotated[UUID | None, typer.Option(help="Only records of this batch, by its id.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many records.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin a table with a byte order mark, for older Excel.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON; needs --output.")] = False,
) -> None:
    """Write published records, every revision of them, in the order of publication.

    At the end it says behind which cursor to go on: --after CURSOR then gives what was published since, and nothing
    twice. A file is replaced whole, or left as it was.
    Exit codes: 0 done; 2 wrong use; 3 the output cannot be written; 4 nothing was ever published under that cursor: it
    is of another service; 5 the database does not answer.
    """
    if as_json and output == _STANDARD_OUTPUT:
        _end("--json needs --output FILE: the standard output holds the records", ExitCode.WRONG_USE)
    if format is Format.CSV and form_type is None:
        _end("a table has the columns of one form type: name it with --form-type", ExitCode.WRONG_USE)
    if bom and format is not Format.CSV:
        _end("--bom is for --format csv only", ExitCode.WRONG_USE)
    try:
        service = open_service(load_settings())
        form = _form(service, form_type or "") if format is Format.CSV else None
        _note(service, format, after)
        read = reading.pages(service.database, Wanted(form_type=form_type, batch=batch), after=after, limit=limit)
        parts = reading.as_lines(read) if form is None else reading.as_table(read, form, has_mark=bom)
        records, cursor = _to_standard_output(parts) if output == _STANDARD_OUTPUT else _to_file(parts, output)
    except CannotWrite as error:
        _end(str(error), ExitCode.CANNOT_WRITE)
    except CursorAhead:
        _end(f"--after {after}: nothing was ever published under this number here", ExitCode.CURSOR_AHEAD)
    except MailError as error:
        _end(str(error), ExitCode.NOT_READY)
    if as_json:
        typer.echo(json.dumps({"records": records, "cursor": cursor, "output": str(output)}))
    said = f"Records: {records}. Go on with --after {cursor}"
    Console(stderr=True).print(said, highlight=False, soft_wrap=True)


def _note(service: Service, format: Format, after: int) -> None:
    """Write into the audit that somebody takes records out, before they do."""
    database = service.database
    with database.write() as session:
        details: audit.Details = {"format": format.value, "after": after}
        audit.append(session, database.now(session), getpass.getuser(), "records exported", "records:all", details)


def _form(service: Service, name: str) -> FormType:
    folders = () if service.settings.forms is None else (service.settings.forms,)
    known = {form.id: form for form in chosen_form_types(folders, None)}
    if name not in known:
        _end(f"--form-type {name}: there is no such form type here; there are {', '.join(known)}", ExitCode.WRONG_USE)
    return known[name]


def _to_file(parts: Iterator[Part], output: Path) -> tuple[int, int]:
    """(how many records, the cursor to go on behind). Raises CannotWrite; the file is then as it was."""
    records = cursor = 0
    with WholeFile(output) as file:
        for part in parts:
            file.write(part.content)
            records, cursor = records + part.records, part.cursor
        file.finish()
    return records, cursor


def _to_standard_output(parts: Iterator[Part]) -> tuple[int, int]:
    """The same. Raises CannotWrite where nobody reads on."""
    records = cursor = 0
    try:
        for part in parts:
            typer.echo(part.content, nl=False)
            records, cursor = records + part.records, part.cursor
        sys.stdout.flush()
    except OSError as error:
        # What Python would flush at its end goes nowhere either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CannotWrite(f"The standard output cannot be written: {error.strerror}.") from error
    return records, cursor


def _end(problem: str, code: ExitCode) -> NoReturn:
    Console(stderr=True).print(f"postroom: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(code)
