"""`postroom forms import-quexf`: turn a form banded for queXF into a form type."""

from pathlib import Path
from typing import Annotated

import typer

from extract.engines.pdf import open_pdf
from extract.page import Grey
from intake import quexf, quexf_print
from intake.form_folder import EditionDrawn, write_form_type
from schemas.errors import Cause, MailError, NotAForm, Unreadable

# A questionnaire of more pages, or a page larger than A2, is some other file.
_MOST_PAGES, _MOST_PIXELS = 200, 40_000_000


def import_quexf(
    banding: Annotated[Path, typer.Argument(help="the banding XML that queXF exports")],
    blank: Annotated[Path, typer.Argument(help="the blank form as a PDF, born digital or scanned")],
    id: Annotated[str, typer.Option(help="name of the new form type and of its folder")],
    output: Annotated[Path, typer.Option(envvar="POSTROOM_FORMS", help="folder of form types")] = Path("forms"),
) -> None:
    """Turn a queXF form (banding XML and blank PDF) into a form type; fields are named by queXF's variable names."""
    try:
        folder, fields, zones = import_form(banding, blank, id, output)
    except MailError as error:
        typer.echo(f"postroom: {error}", err=True)
        raise typer.Exit(code=1) from error
    typer.echo(f"{folder}: {fields} fields in {zones} zones")
    typer.echo("Use it with POSTROOM_FORMS set to the folder above it.")


def import_form(banding: Path, blank: Path, id: str, output: Path) -> tuple[Path, int, int]:
    """Import the form into `output`/`id`: (that folder, number of fields, number of zones).

    Raises NotAForm or Unreadable naming the file and the reason.
    """
    described = quexf.read_banding(_bytes(banding), str(banding))
    pages = quexf_print.references(described, _rendered(blank), str(blank))
    described = quexf_print.on_the_print(described, pages)
    fields, zones = quexf.fields(described), quexf.zones(described)
    folder = write_form_type(
        output,
        id=id,
        title=f"{id}, imported from queXF",
        fields=fields,
        edition=EditionDrawn(
            id="quexf",
            title="queXF pages " + ", ".join(page.barcode for page in described.pages),
            dpi=quexf.QUEXF_DPI,
            pages=tuple(pages),
            zones=zones,
        ),
        remarks={
            variable: "queXF's codes: " + ", ".join(f"{option} = {code}" for option, code in options.items())
            for variable, options in quexf.codes(described).items()
        },
    )
    return folder, len(fields), len(zones)


def _rendered(blank: Path) -> list[Grey]:
    """Every page of the blank PDF at queXF's resolution."""
    try:
        pdf = open_pdf(_bytes(blank), _MOST_PAGES)
        if pdf.count > _MOST_PAGES:
            raise NotAForm(f"{blank}: {pdf.count} pages are too many for a form, at most {_MOST_PAGES} are read")
        pages = []
        for number in range(1, pdf.count + 1):
            # Asking for the page as it is first refuses one that is too large to be drawn.
            page = pdf.page(number, _MOST_PIXELS)
            pages.append(page.pixels if page.dpi == quexf.QUEXF_DPI else pdf.rendered_at(number, quexf.QUEXF_DPI))
        return pages
    except Unreadable as error:
        if str(blank) in error.problem:
            raise
        raise Unreadable(f"{blank}: {error.problem}", cause=error.cause, remedy=error.remedy) from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(
            f"{path}: {error.strerror}", cause=Cause.NOT_ACCESSIBLE, remedy="Check the name and the rights of the file."
        ) from error
