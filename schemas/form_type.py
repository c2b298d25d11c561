"""Form types as data: what a form asks, its printed editions, and where on each edition the answers stand.

On disk a form type is a folder:

    form.toml                 id, title, [[field]] entries, [[check]] entries, [review]: how people are asked
    EDITION-ID.toml           one per edition: printed name, dpi, [[page]] with its reference image, [[zone]] entries
    EDITION-ID-1.png ...      the reference image of each page: the blank form, dark on light
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from schemas.errors import NotAForm
from schemas.field import FieldKind, FieldSpec, Rule
from schemas.geometry import Box
from schemas.grammar import grammar_of
from schemas.lexicon import lexicon_names
from schemas.review import ReviewMode

SHIPPED_FORMS = Path(__file__).parent / "forms"


@dataclass(frozen=True, slots=True)
class Zone:
    """Where the answer to `field` stands on one edition, in pixels of the reference image.

    option: for a choice, which of its options this tick box stands for; "" otherwise.
    cells:  for comb fields the inside of every cell, left to right; empty for free lines.
    turn:   degrees (0, 90, 180, 270) this zone's ink must be turned clockwise to stand upright; -1 means
            unknown, try (a rubber stamp set at any right angle).
    lines:  the most lines of writing that fit; 0 means any number.
    """

    field: str
    page: int
    box: Box
    option: str = ""
    cells: tuple[Box, ...] = ()
    turn: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class ReferencePage:
    """One page of the blank form: its number in the document and the file of its image."""

    number: int
    image: Path


@dataclass(frozen=True, slots=True)
class Edition:
    """One printed version of a form type.

    id:    short name, unique within the form type, e.g. "nsd-6-2011-03".
    title: the words by which the form names its own version, e.g. "FORM NSD-6 Revised 03/11".
    dpi:   dots per inch of the reference images and of all zones.
    """

    id: str
    title: str
    dpi: int
    pages: tuple[ReferencePage, ...]
    zones: tuple[Zone, ...]

    def zones_of(self, field: str) -> tuple[Zone, ...]:
        return tuple(zone for zone in self.zones if zone.field == field)


@dataclass(frozen=True)
class FormType:
    """A kind of document we know.

    pages:  how many sides a complete one has; a scan may hold more or fewer.
    review: how people are asked, by class of field; "default" for all others. Empty: as the office's policy says.
    """

    id: str
    title: str
    pages: int
    fields: tuple[FieldSpec, ...]
    checks: tuple[Rule, ...]
    editions: tuple[Edition, ...]
    review: Mapping[str, ReviewMode] = field(default_factory=dict, hash=False)

    @cached_property
    def by_name(self) -> Mapping[str, FieldSpec]:
        return {spec.name: spec for spec in self.fields}

    def edition(self, id: str) -> Edition:
        for edition in self.editions:
            if edition.id == id:
                return edition
        raise KeyError(id)


def load_form_types(folders: Sequence[Path] = (SHIPPED_FORMS,)) -> tuple[FormType, ...]:
    """Every form type found one level below the given folders, sorted by id.

    Raises NotAForm naming the file and the reason if any of them is not valid, or if an id occurs twice.
    """
    found: dict[str, FormType] = {}
    for folder in folders:
        if not folder.is_dir():
            raise NotAForm(f"{folder}: not a folder of form types")
        for description in sorted(folder.glob("*/form.toml")):
            form = load_form_type(description.parent)
            if form.id in found:
                raise NotAForm(f"{description}: a form type named {form.id!r} is there already")
            found[form.id] = form
    return tuple(found[id] for id in sorted(found))


def load_form_type(folder: Path) -> FormType:
    """The form type in `folder`. Raises NotAForm with file and reason if it is not valid."""
    description = folder / "form.toml"
    raw = _toml(description)
    try:
        fields = tuple(_field(entry) for entry in raw.get("field", []))
        checks = tuple(_rule(entry) for entry in raw.get("check", []))
        id, title, pages = str(raw["id"]), str(raw["title"]), int(raw.get("pages", 1))
        review = {str(name): ReviewMode(mode) for name, mode in raw.get("review", {}).items()}
    except (KeyError, TypeError, ValueError) as error:
        raise NotAForm(f"{description}: {_reason(error)}") from error
    if id != folder.name:
        raise NotAForm(f"{description}: the id {id!r} must be the name of its folder")
    editions = tuple(
        _edition(path, {spec.name: spec for spec in fields})
        for path in sorted(folder.glob("*.toml"))
        if path != description
    )
    if not editions:
        raise NotAForm(f"{folder}: no edition: a form type needs at least one EDITION.toml")
    names = [spec.name for spec in fields]
    if len(set(names)) != len(names):
        raise NotAForm(f"{description}: a field name occurs twice")
    for rule in checks:
        unknown = set(rule.fields) - set(names)
        if unknown:
            raise NotAForm(f"{description}: check {rule.name!r} speaks of unknown fields {sorted(unknown)}")
    unknown_classes = set(review) - {spec.field_class for spec in fields} - {"default"}
    if unknown_classes:
        raise NotAForm(f"{description}: [review] speaks of classes no field has: {sorted(unknown_classes)}")
    return FormType(id, title, pages, fields, checks, editions, review)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NotAForm(f"{path}: {error}") from error


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


_TUPLES = ("patterns", "options", "erase", "lexicons", "words")
_FIELD_KEYS = frozenset(FieldSpec.__dataclass_fields__)


def _field(entry: Mapping[str, Any]) -> FieldSpec:
    unknown = set(entry) - _FIELD_KEYS
    if unknown:
        raise ValueError(f"field {entry.get('name', '?')!r} has unknown keys {sorted(unknown)}")
    values: dict[str, Any] = {key: tuple(value) if key in _TUPLES else value for key, value in entry.items()}
    values["kind"] = FieldKind(values["kind"])
    spec = FieldSpec(**values)
    _check_declared(spec)
    _check_expressions(spec)
    return spec


def _check_expressions(spec: FieldSpec) -> None:
    """Raises ValueError, naming field and key, for a regular expression that is none: else the first page fails."""
    given = {"patterns": spec.patterns, "pattern_full": (spec.pattern_full,), "erase": spec.erase}
    for key, expressions in given.items():
        for expression in expressions:
            try:
                re.compile(expression)
            except (re.error, TypeError, OverflowError, RecursionError) as error:
                raise ValueError(f"field {spec.name!r}: {key} is no regular expression: {error}") from error


def _check_declared(spec: FieldSpec) -> None:
    """Raises ValueError for a grammar or a lexicon that there is not, or a constraint that says too much or nothing."""
    if spec.grammar:
        grammar_of(spec.grammar)
    unknown = {*spec.lexicons, *spec.words} - lexicon_names()
    if unknown:
        raise ValueError(f"field {spec.name!r} names the unknown lexicons {sorted(unknown)}")
    if spec.grammar and spec.lexicons:
        raise ValueError(f"field {spec.name!r} has a grammar and lexicons: an answer can follow one of them")
    if spec.soft and not (spec.grammar or spec.lexicons):
        raise ValueError(f"field {spec.name!r} is soft, but has no grammar and no lexicons that could be")


def _rule(entry: Mapping[str, Any]) -> Rule:
    arguments = tuple((key, str(value)) for key, value in sorted(entry.items()) if key not in ("name", "fields"))
    return Rule(str(entry["name"]), tuple(entry["fields"]), arguments)


def _edition(path: Path, specs: Mapping[str, FieldSpec]) -> Edition:
    raw = _toml(path)
    try:
        pages = tuple(ReferencePage(int(entry["number"]), path.parent / entry["image"]) for entry in raw["page"])
        zones = tuple(_zone(entry) for entry in raw.get("zone", []))
        edition = Edition(str(raw["id"]), str(raw["title"]), int(raw["dpi"]), pages, zones)
    except (KeyError, TypeError, ValueError) as error:
        raise NotAForm(f"{path}: {_reason(error)}") from error
    for page in pages:
        if not page.image.is_file():
            raise NotAForm(f"{path}: the reference image {page.image.name} is missing")
    numbers = {page.number for page in pages}
    for zone in zones:
        spec = specs.get(zone.field)
        if spec is None:
            raise NotAForm(f"{path}: a zone names the unknown field {zone.field!r}")
        if zone.page not in numbers:
            raise NotAForm(f"{path}: the zone of {zone.field!r} is on page {zone.page}, which has no reference image")
        if spec.kind is FieldKind.CHOICE and zone.option not in spec.options:
            raise NotAForm(f"{path}: the zone of {zone.field!r} names the unknown option {zone.option!r}")
    return edition


def _zone(entry: Mapping[str, Any]) -> Zone:
    return Zone(
        field=str(entry["field"]),
        page=int(entry.get("page", 1)),
        box=Box(*(int(value) for value in entry["box"])),
        option=str(entry.get("option", "")),
        cells=tuple(Box(*(int(value) for value in cell)) for cell in entry.get("cells", [])),
        turn=int(entry.get("turn", 0)),
        lines=int(entry.get("lines", 0)),
    )
