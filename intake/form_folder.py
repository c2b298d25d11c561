"""Write a form type as the folder that `schemas.form_type.load_form_type` reads."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from extract.page import Grey
from schemas.errors import NotAForm
from schemas.field import FieldSpec
from schemas.form_type import Zone, load_form_type
from schemas.geometry import Box


@dataclass(frozen=True, slots=True, eq=False)
class EditionDrawn:
    """An edition that is not on disk yet: as `schemas.form_type.Edition`, with the pages' pixels, first page first."""

    id: str
    title: str
    dpi: int
    pages: tuple[Grey, ...]
    zones: tuple[Zone, ...]


def write_form_type(
    output: Path,
    *,
    id: str,
    title: str,
    fields: Sequence[FieldSpec],
    edition: EditionDrawn,
    remarks: Mapping[str, str],
) -> Path:
    """Write a form type of one edition into `output`/`id` and return that folder; all of it appears, or none.

    remarks: for a field's name, a line of comment to stand above it in form.toml.

    Raises NotAForm if the folder is there already, if `id` cannot name a folder, or if what was written does not load.
    """
    folder = output / id
    if not id or Path(id).name != id or id.startswith("."):
        raise NotAForm(f"{id!r} cannot be the id of a form type: it must be the plain name of a folder")
    if folder.exists():
        raise NotAForm(f"{folder}: is there already; remove it or choose another id")
    output.mkdir(parents=True, exist_ok=True)
    # A name that starts with a dot, so that nobody who lists the form types meanwhile sees half of one.
    with tempfile.TemporaryDirectory(prefix=".importing-", dir=output) as scratch:
        new = Path(scratch) / id
        new.mkdir()
        images = [f"{edition.id}-{number}.png" for number in range(1, len(edition.pages) + 1)]
        for image, page in zip(images, edition.pages, strict=True):
            _, encoded = cv2.imencode(".png", page, [cv2.IMWRITE_PNG_COMPRESSION, 9])
            (new / image).write_bytes(encoded.tobytes())
        (new / "form.toml").write_text(_form(id, title, len(edition.pages), fields, remarks), encoding="utf-8")
        (new / f"{edition.id}.toml").write_text(_edition(edition, images), encoding="utf-8")
        load_form_type(new)
        os.replace(new, folder)
    return folder


def _form(id: str, title: str, pages: int, fields: Sequence[FieldSpec], remarks: Mapping[str, str]) -> str:
    lines = [f"id = {toml_value(id)}", f"title = {toml_value(title)}", f"pages = {pages}"]
    for spec in fields:
        lines.append("")
        if spec.name in remarks:
            lines.append(f"# {_one_line(remarks[spec.name])}")
        lines += ["[[field]]", f"name = {toml_value(spec.name)}", f"kind = {toml_value(spec.kind.value)}"]
        for key in FieldSpec.__dataclass_fields__:
            value = getattr(spec, key)
            # What equals the default is left out: a short file is read, a long one is not.
            if key not in ("name", "kind") and value != FieldSpec.__dataclass_fields__[key].default:
                lines.append(f"{key} = {toml_value(value)}")
    return "\n".join(lines) + "\n"


def _edition(edition: EditionDrawn, images: Sequence[str]) -> str:
    lines = [f"id = {toml_value(edition.id)}", f"title = {toml_value(edition.title)}", f"dpi = {edition.dpi}"]
    for number, image in enumerate(images, start=1):
        lines += ["", "[[page]]", f"number = {number}", f"image = {toml_value(image)}"]
    for zone in edition.zones:
        lines += ["", zone_as_toml(zone).rstrip("\n")]
    return "\n".join(lines) + "\n"


def zone_as_toml(zone: Zone) -> str:
    """One [[zone]] of an edition's description; what equals the default is left out."""
    lines = ["[[zone]]", f"field = {toml_value(zone.field)}", f"page = {zone.page}", f"box = {_place(zone.box)}"]
    if zone.option:
        lines.append(f"option = {toml_value(zone.option)}")
    if zone.cells:
        lines.append(f"cells = [{', '.join(_place(cell) for cell in zone.cells)}]")
    if zone.turn:
        lines.append(f"turn = {zone.turn}")
    if zone.lines:
        lines.append(f"lines = {zone.lines}")
    return "\n".join(lines) + "\n"


def _place(box: Box) -> str:
    return f"[{box.left}, {box.top}, {box.right}, {box.bottom}]"


def toml_value(value: str | bool | Sequence[str]) -> str:
    """A TOML value. JSON writes strings as TOML reads them, but for the one character TOML wants escaped as well."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    return " ".join(text.replace("\x7f", " ").split())
