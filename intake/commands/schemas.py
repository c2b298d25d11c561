"""`postroom forms schemas`: the JSON Schemas of records and events, and the reference made of those of records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from intake.form_choice import chosen_form_types
from intake.record_reference import reference
from schemas.errors import NotAForm
from schemas.events import EventType
from schemas.form_type import FormType
from schemas.json_schema import as_text, event_schema, form_schema, record_schema
from schemas.record import SCHEMA_VERSION


def write_schemas(
    folder: Annotated[Path, typer.Argument(help="Where the files go, in a folder named after the version.")],
    forms: Annotated[Path | None, typer.Option(envvar="POSTROOM_FORMS", help="Folder of further form types.")] = None,
    reference_file: Annotated[
        Path | None, typer.Option("--reference", help="Write the reference of records (Markdown) there as well.")
    ] = None,
) -> None:
    """Write the JSON Schema of any record, of the records of each form type, and of what each event carries.

    Exit codes: 0 written; 1 a form type is not valid.
    """
    try:
        known = chosen_form_types(() if forms is None else (forms,), None)
    except NotAForm as error:
        typer.echo(f"postroom: {error}", err=True)
        raise typer.Exit(1) from error
    here = folder / SCHEMA_VERSION
    here.mkdir(parents=True, exist_ok=True)
    for name, text in schema_files(known).items():
        (here / name).write_text(text, encoding="utf-8")
        typer.echo(str(here / name))
    if reference_file is not None:
        reference_file.write_text(reference(known), encoding="utf-8")
        typer.echo(str(reference_file))


def schema_files(forms: tuple[FormType, ...]) -> Mapping[str, str]:
    """The text of every schema, by the name of its file."""
    made = {"record": record_schema()} | {form.id: form_schema(form) for form in forms}
    made |= {f"event.{kind.value}": event_schema(kind) for kind in EventType}
    return {f"{name}.schema.json": as_text(schema) for name, schema in made.items()}
