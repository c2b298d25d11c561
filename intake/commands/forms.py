"""`postroom forms list` and `check`: which form types are known, and whether a folder of them is valid."""

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from extract.validate import check_names
from intake.form_choice import chosen_form_types
from schemas.errors import NotAForm
from schemas.form_type import FormType, load_form_types

_FORMS = typer.Option(envvar="POSTROOM_FORMS", help="Folder of further form types.")


def list_forms(
    forms: Annotated[Path | None, _FORMS] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the known form types, their editions and fields."""
    try:
        known = chosen_form_types(() if forms is None else (forms,), None)
    except NotAForm as error:
        _refuse(error)
    if as_json:
        typer.echo(json.dumps([_as_json(form) for form in known], indent=2))
        return
    table = Table()
    for heading in ("Form type", "Title", "Editions", "Pages", "Fields"):
        table.add_column(heading)
    for form in known:
        editions = "\n".join(edition.id for edition in form.editions)
        table.add_row(form.id, form.title, editions, str(form.pages), str(len(form.fields)))
    Console().print(table)


def check_forms(
    folder: Annotated[Path, typer.Argument(help="A folder that holds one folder per form type.")],
) -> None:
    """Check every form type in a folder; the first fault is named with its file, and the exit code is 1."""
    try:
        found = load_form_types((folder,))
        for form in found:
            check_names(form)
    except NotAForm as error:
        _refuse(error)
    if not found:
        _refuse(NotAForm(f"{folder}: no form type in it (a form type is a folder with a form.toml)"))
    for form in found:
        typer.echo(f"{form.id}: valid, {len(form.fields)} fields, {len(form.editions)} editions")


def _refuse(error: NotAForm) -> NoReturn:
    typer.echo(f"postroom: {error}", err=True)
    raise typer.Exit(1) from error


def _as_json(form: FormType) -> dict[str, object]:
    return {
        "id": form.id,
        "title": form.title,
        "pages": form.pages,
        "editions": [{"id": edition.id, "title": edition.title, "dpi": edition.dpi} for edition in form.editions],
        "fields": [{"name": spec.name, "kind": spec.kind.value, "label": spec.label} for spec in form.fields],
    }
