"""A blank derived from filled pages becomes a page of an edition in the folder of its form type."""

import os
import shutil
import tempfile
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from extract import references, registration, views
from extract.derive import REFERENCE_DPI
from extract.fit import to_page
from extract.page import Grey, PageImage
from intake.form_folder import toml_value, zone_as_toml
from schemas.errors import NoFit, NotAForm
from schemas.form_type import Edition, Zone, load_form_type
from schemas.geometry import Box

_FIELDS_TO_COME = """
# Add one entry for every thing the form asks, and in the edition's own file a [[zone]] for the place of its answer.
# [[field]]
# name = "surname"
# kind = "text"  # or date, integer, money, choice, signature, barcode
# label = "Surname"
"""
_ZONES_TO_COME = """
# Add one entry for the place of every answer: left, top, right and bottom in pixels of the image above.
# [[zone]]
# field = "surname"
# page = {page}
# box = [300, 600, 1200, 680]
"""


@dataclass(frozen=True, slots=True, eq=False)
class BlankPage:
    """A derived page of an edition that is not on disk yet.

    title:  the words by which the form names its own version.
    pixels: (height, width) uint8, 0 or 255, at 300 dpi.
    zones:  in pixels of `pixels`; empty if nobody has drawn any yet.
    """

    form: str
    edition: str
    title: str
    number: int
    pixels: Grey
    zones: tuple[Zone, ...] = ()


def check_place(output: Path, form: str, edition: str, *, page: int, replacing: bool) -> None:
    """Raises NotAForm if the page cannot be written there: a bad name, or a page that is there already."""
    for name in (form, edition):
        if not name or Path(name).name != name or name.startswith("."):
            raise NotAForm(f"{name!r} cannot be an id: it must be the plain name of a file")
    if edition == "form":
        raise NotAForm("'form' cannot be the id of an edition: form.toml describes the form type")
    image = output / form / _image(edition, page)
    if image.exists() and not replacing:
        raise NotAForm(f"{image}: is there already; name --replace to put the new blank in its place")


def write_blank(output: Path, blank: BlankPage) -> Path:
    """Write the page into `output`/`form`; all of it appears, or none. Returns the file that describes the edition.

    An edition that is there already keeps its zones and its other pages; a form type its fields.

    Raises NotAForm if what would be written does not load.
    """
    folder = output / blank.form
    output.mkdir(parents=True, exist_ok=True)
    # A name that starts with a dot, so that nobody who lists the form types meanwhile sees half of one.
    with tempfile.TemporaryDirectory(prefix=".deriving-", dir=output) as scratch:
        new = Path(scratch) / blank.form
        if folder.exists():
            shutil.copytree(folder, new)
        new.mkdir(exist_ok=True)
        written = [_write_image(new, blank), _write_form(new, blank), _write_edition(new, blank)]
        load_form_type(new)
        folder.mkdir(exist_ok=True)
        # The description last: it names the image, so the image must be there before.
        for name in written:
            os.replace(new / name, folder / name)
    return folder / f"{blank.edition}.toml"


def _image(edition: str, page: int) -> str:
    return f"{edition}-{page}.png"


def _write_image(folder: Path, blank: BlankPage) -> str:
    name = _image(blank.edition, blank.number)
    _, encoded = cv2.imencode(".png", blank.pixels, [cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 9])
    (folder / name).write_bytes(encoded.tobytes())
    return name


def _write_form(folder: Path, blank: BlankPage) -> str:
    description = folder / "form.toml"
    if not description.exists():
        head = f"id = {toml_value(blank.form)}\ntitle = {toml_value(blank.title)}\npages = {blank.number}\n"
        description.write_text(head + _FIELDS_TO_COME, encoding="utf-8")
    return description.name


def _write_edition(folder: Path, blank: BlankPage) -> str:
    description = folder / f"{blank.edition}.toml"
    image = _image(blank.edition, blank.number)
    if description.exists():
        written = description.read_text(encoding="utf-8")
    else:
        written = f"id = {toml_value(blank.edition)}\ntitle = {toml_value(blank.title)}\ndpi = {REFERENCE_DPI}\n"
    # Where the page is described already its image alone is new: the zones people drew stay.
    if not any(page.get("number") == blank.number for page in _pages(description, written)):
        written += f"\n[[page]]\nnumber = {blank.number}\nimage = {toml_value(image)}\n"
        zones = "".join("\n" + zone_as_toml(zone) for zone in blank.zones)
        written += zones or _ZONES_TO_COME.format(page=blank.number)
    description.write_text(written, encoding="utf-8")
    return description.name


def _pages(description: Path, written: str) -> list[dict[str, object]]:
    try:
        return list(tomllib.loads(written).get("page", []))
    except tomllib.TOMLDecodeError as error:
        raise NotAForm(f"{description.name}: {error}") from error


def carried_zones(sibling: Path, blank: Grey, page: int) -> tuple[Zone, ...]:
    """The zones of a page of another edition, given by the path of its description, moved to where `blank` has them.

    Raises NotAForm if that edition does not load or has no such page, NoFit if its print is too different.
    """
    edition = _edition(sibling)
    images = [known.image for known in edition.pages if known.number == page]
    if not images:
        raise NotAForm(f"{sibling}: has no page {page} to carry zones over from")
    pixels = cv2.imread(str(images[0]), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise NotAForm(f"{images[0]}: the reference image cannot be read")
    reference = references.prepare(np.asarray(pixels, np.uint8), edition.dpi)
    try:
        fit = registration.align(views.view(PageImage(blank, REFERENCE_DPI, page)), reference)
    except NoFit as error:
        problem = f"{sibling}: no zones can be carried over: {error}"
        raise NoFit(problem, residual_pixels=error.residual_pixels) from error

    def moved(box: Box) -> Box:
        corners = ((box.left, box.top), (box.right, box.bottom))
        (left, top), (right, bottom) = (to_page(fit, reference, x, y) for x, y in corners)
        height, width = blank.shape
        return Box(round(left), round(top), round(right), round(bottom)).within(width, height)

    return tuple(
        replace(zone, box=moved(zone.box), cells=tuple(moved(cell) for cell in zone.cells))
        for zone in edition.zones
        if zone.page == page
    )


def _edition(description: Path) -> Edition:
    form = load_form_type(description.parent)
    for edition in form.editions:
        if edition.id == description.stem:
            return edition
    raise NotAForm(f"{description}: there is no such edition of {form.id!r}")
