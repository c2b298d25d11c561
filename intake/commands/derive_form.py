"""`postroom forms derive`: the blank of a form edition from filled pages, for mailrooms that were never given one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from extract import clean, derive
from extract.limits import UnreadablePage
from extract.page import PageImage
from intake.derived_form import BlankPage, carried_zones, check_place, write_blank
from intake.gather import gather
from intake.sandbox import Sandbox
from schemas.errors import Cause, MailError, NoFit, Unreadable
from schemas.form_type import load_form_type
from schemas.geometry import Box

# Two pages at 300 dpi per scan are held in memory: with so many about 2 GB.
_MOST_SCANS = 100
# With fewer scans an answer shared by two or three of them is easily taken for print.
_ENOUGH_SCANS = 8
_LOOK = (
    'Look at the image before you use it. An answer that most scans share (a city, a year, "none") may have stayed as'
    " a ghost, and what real people wrote must not remain: run the command again with --replace and"
    " --erase LEFT,TOP,RIGHT,BOTTOM for every such place."
)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The page asked for of every scan that has it, and a sentence for each that has not."""

    paths: tuple[Path, ...]
    pages: tuple[PageImage, ...]
    missing: tuple[str, ...]


def derive_form(  # noqa: PLR0913, PLR0917  # one argument per option of the command line
    scans: Annotated[
        list[Path], typer.Argument(metavar="SCAN...", help="filled forms of one edition, or folders of them")
    ],
    id: Annotated[str, typer.Option(help="name of the form type and of its folder")],
    edition: Annotated[str, typer.Option(help="short name of the edition, such as nsd-6-2011-03")],
    title: Annotated[str, typer.Option(help='the words by which the form names its version, as in "FORM X 03/11"')],
    page: Annotated[int, typer.Option(min=1, help="which page of every scan")] = 1,
    output: Annotated[Path, typer.Option(envvar="POSTROOM_FORMS", help="folder of form types")] = Path("forms"),
    erase: Annotated[
        list[str] | None, typer.Option(metavar="LEFT,TOP,RIGHT,BOTTOM", help="a place to make white, in pixels")
    ] = None,
    zones_from: Annotated[
        Path | None, typer.Option(metavar="FOLDER/EDITION.toml", help="an edition whose zones are carried over")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="put the blank in the place of one there already")] = False,
) -> None:
    """Derive the blank form from filled ones: what nearly all scans share is print, the rest are answers."""
    places = [_place(text) for text in erase or []]
    try:
        check_place(output, id, edition, page=page, replacing=replace)
        gathered = gather_pages(scans, page)
        derived = _derived(gathered)
        blank = derive.erase(derived.pixels, places)
        zones = () if zones_from is None else carried_zones(zones_from, blank, page)
        written = write_blank(output, BlankPage(id, edition, title, page, blank, zones))
    except MailError as error:
        typer.echo(f"postroom: {error}", err=True)
        raise typer.Exit(code=1) from error
    _tell(gathered, derived)
    typer.echo(f"{written}: page {page}, {len(zones)} zones carried over" if zones_from else f"{written}: page {page}")
    sides = load_form_type(written.parent).pages
    if sides < page:
        typer.echo(f"{written.parent / 'form.toml'} says pages = {sides}: make it {page}.")
    typer.echo(_LOOK)


def gather_pages(scans: Sequence[Path], number: int) -> Gathered:
    """Page `number` of every scan, turned into pixels in the sandbox.

    Raises Unreadable for more scans than can be held at once.
    """
    files = gather(scans)
    if len(files) > _MOST_SCANS:
        raise Unreadable(
            f"{len(files)} scans are too many, at most {_MOST_SCANS} can be combined.",
            cause=Cause.TOO_LARGE,
            remedy="Name fewer scans; thirty are plenty.",
        )
    paths, pages, missing = [], [], []
    with Sandbox() as sandbox:
        for file in files:
            if file.failure is not None:
                missing.append(f"{file.path}: {file.failure.problem}")
                continue
            try:
                pages.append(_page(sandbox, file.path, number))
                paths.append(file.path)
            except Unreadable as error:
                missing.append(f"{file.path}: {error.problem}")
    return Gathered(tuple(paths), tuple(pages), tuple(missing))


def _page(sandbox: Sandbox, path: Path, number: int) -> PageImage:
    for page in sandbox.open_pages(path):
        if page.number != number:
            continue
        if isinstance(page, UnreadablePage):
            raise page.error
        return clean.without_shadow(page)  # black margins that all scans share would become print
    raise Unreadable(f"It has no page {number}.", cause=Cause.DAMAGED, remedy="Leave the file out.")


def _derived(gathered: Gathered) -> derive.Derived:
    if len(gathered.pages) < 2:
        problem = "At least two scans are needed: one page cannot tell print from answers."
        for sentence in gathered.missing:
            problem += f"\n  {sentence}"
        raise Unreadable(problem, cause=Cause.EMPTY, remedy="Name more scans of this edition.")
    try:
        return derive.derive_blank(gathered.pages)
    except NoFit as error:
        remedy = "Name scans of the same page of one edition, upright."
        raise Unreadable(f"No blank can be derived: {error}. {remedy}", cause=Cause.DAMAGED, remedy=remedy) from error


def _tell(gathered: Gathered, derived: derive.Derived) -> None:
    for index, residual in zip(derived.used, derived.residuals, strict=True):
        typer.echo(f"  used     {residual:4.2f} px off  {gathered.paths[index]}")
    for index in derived.refused:
        typer.echo(f"  refused  does not fit  {gathered.paths[index]} (another edition, or not upright)")
    for sentence in gathered.missing:
        typer.echo(f"  missing  {sentence}")
    typer.echo(
        f"{len(derived.used)} scans used, {len(derived.refused)} refused, {len(gathered.missing)} could not be read."
    )
    if len(derived.used) < _ENOUGH_SCANS:
        typer.echo(f"With fewer than {_ENOUGH_SCANS} scans expect ghosts of answers.")


def _place(text: str) -> Box:
    """LEFT,TOP,RIGHT,BOTTOM as a box. Raises BadParameter if it is none."""
    try:
        left, top, right, bottom = (int(part) for part in text.split(","))
        if min(left, top) < 0:
            raise ValueError(text)
        return Box(left, top, right, bottom)
    except ValueError as error:
        problem = f"{text!r} is no place: give LEFT,TOP,RIGHT,BOTTOM in pixels"
        raise typer.BadParameter(problem, param_hint="--erase") from error
