"""Where the truth comes from: the file beside synthetic post, or what people keyed from real scans.

Keyed truth is one JSON object per file: `id` (the file's name without its ending), `edition` (as printed, "" if it
cannot be read), `handwritten` (names of fields), `notes`, and one entry per field of the form's first page: the words
as written, or a list of the ticked options.

Truth out of a register is a table (CSV) with a heading: `file`, `form_type` (an id, or the end of one) and one column
per field, by its name; other columns say nothing. An empty cell says that the register does not know.

One object for all files (JSON) is described in `intake.measure.truth_by_file`.
"""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from extract.score import Expected, normalised
from intake.measure.truth_by_file import answers_by_file
from intake.synthetic.truth import TRUTH_NAME, DocumentTruth, FieldTruthEntry
from schemas.errors import MailError
from schemas.extraction import Value
from schemas.field import FieldKind
from schemas.form_type import FormType
from schemas.page import PageLabel

_KEYED: Final = frozenset({"id", "edition", "handwritten", "notes"})  # what a keyed object has beside its fields
_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
# A form's "other (specify)" is keyed as the words written there; whether its box is ticked as well says nothing more.
_OTHER: Final = "other"
_TABLE_ENDING: Final = ".csv"
_BY_FILE_ENDING: Final = ".json"
_FILE_COLUMN, _FORM_COLUMN = "file", "form_type"


FileKey = tuple[str, bool]  # a file's name; whether that is without its ending


class NoTruth(MailError):
    """There is no truth to measure against, or it cannot be used; the message says file, line and reason."""


@dataclass(frozen=True, slots=True)
class TrueDocument:
    """What one document really is and says.

    file:    its file's name; without the ending if `is_stem`.
    pages:   their numbers in the file; empty if nobody noted them: then the file holds one document.
    edition: its title; None if nobody could tell which it is, or it has none.
    fields:  empty for a document of no known form type.
    lines:   of a letter, from top to bottom.
    labels, turned: by page number; empty if nobody noted them.
    """

    file: str
    pages: tuple[int, ...]
    form_type: str | None
    edition: str | None
    fields: Mapping[str, Expected]
    is_stem: bool = False
    lines: tuple[str, ...] = ()
    labels: Mapping[int, PageLabel] = field(default_factory=dict)
    turned: Mapping[int, int] = field(default_factory=dict)

    @property
    def key(self) -> FileKey:
        """What the file it is in goes by."""
        return self.file, self.is_stem

    def is_of(self, name: str) -> bool:
        """Whether the document is in the file of this name."""
        return self.key in keys_of(name)


def keys_of(name: str) -> tuple[FileKey, FileKey]:
    """What a file goes by: its name, and its name without the ending."""
    return (name, False), (Path(name).stem, True)


def load(path: Path, form_types: Sequence[FormType]) -> list[TrueDocument]:
    """The documents of a truth file, or of the one in a folder: a table by its ending, other formats by their shape.

    Raises NoTruth.
    """
    file = path / TRUTH_NAME if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise NoTruth(f"{file}: cannot be read: {reason}. Name the truth with --truth.") from error
    if file.suffix.lower() == _TABLE_ENDING:
        documents = _from_table(file, text, form_types)
    elif file.suffix.lower() == _BY_FILE_ENDING:
        documents = _by_file(file, text, form_types)
    else:
        lines = enumerate(text.splitlines(), 1)
        documents = [_document(file, number, line, form_types) for number, line in lines if line.strip()]
    if not documents:
        raise NoTruth(f"{file}: holds no document")
    return documents


def _by_file(file: Path, content: str, form_types: Sequence[FormType]) -> list[TrueDocument]:
    try:
        answers = answers_by_file(json.loads(content), form_types)
    except (ValueError, TypeError, AttributeError) as error:
        raise NoTruth(f"{file}: not an object with the answers of each file") from error
    return [TrueDocument(name, (), form, None, fields) for name, (form, fields) in answers.items()]


def _document(file: Path, number: int, line: str, form_types: Sequence[FormType]) -> TrueDocument:
    try:
        raw = json.loads(line)
        if isinstance(raw, dict) and raw.keys() >= _KEYED:
            return _from_keyed(raw, form_types)
        return _from_synthetic(DocumentTruth.model_validate(raw), form_types)
    except ValidationError as error:
        # Its message would quote what people wrote; the place of the first fault is enough to find it.
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "its shape"
        raise NoTruth(f"{file}, line {number}: neither keyed nor synthetic truth: see {place}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise NoTruth(f"{file}, line {number}: not a JSON object of a known shape") from error


def _from_table(file: Path, text: str, form_types: Sequence[FormType]) -> list[TrueDocument]:
    """One document per row of a form type known here. Raises NoTruth if the table lacks what every row needs."""
    rows = csv.DictReader(text.splitlines())
    if not {_FILE_COLUMN, _FORM_COLUMN} <= set(rows.fieldnames or ()):
        raise NoTruth(f"{file}, line 1: a table of truth needs the columns {_FILE_COLUMN} and {_FORM_COLUMN}")
    documents = []
    for row in rows:
        form = _form_named(row[_FORM_COLUMN] or "", form_types)
        if form is not None and row[_FILE_COLUMN]:
            known = {name: row[name] for name in form.by_name if row.get(name)}
            fields = {name: _keyed(name, value, known, is_by_hand=False) for name, value in known.items()}
            documents.append(TrueDocument(row[_FILE_COLUMN], (), form.id, None, fields))
    return documents


def _form_named(name: str, form_types: Sequence[FormType]) -> FormType | None:
    """The form type of this id, or the only one whose id ends with it ("short-form" for "office-short-form")."""
    exact = [form for form in form_types if form.id == name]
    ending = [form for form in form_types if name and form.id.endswith(f"-{name}")]
    return exact[0] if exact else ending[0] if len(ending) == 1 else None


def edition_title(form_types: Iterable[FormType], form_type: str | None, edition: str | None) -> str | None:
    """The words by which an edition names itself; its id if it is of no form type known here."""
    for form in form_types:
        if form.id == form_type:
            for known in form.editions:
                if known.id == edition:
                    return known.title
    return edition


def _from_synthetic(truth: DocumentTruth, form_types: Sequence[FormType]) -> TrueDocument:
    form = next((form for form in form_types if form.id == truth.form_type), None)
    kinds = {} if form is None else {name: spec.kind for name, spec in form.by_name.items()}
    return TrueDocument(
        file=truth.file,
        pages=tuple(truth.pages),
        form_type=truth.form_type,
        edition=edition_title(form_types, truth.form_type, truth.edition),
        fields={name: _expected(entry, kinds.get(name)) for name, entry in truth.fields.items()},
        lines=tuple(truth.lines),
        labels={number: page.label for number, page in truth.pages_truth.items()},
        turned={number: page.turned for number, page in truth.pages_truth.items()},
    )


def _expected(entry: FieldTruthEntry, kind: FieldKind | None) -> Expected:
    value: Value = tuple(entry.value) if isinstance(entry.value, list) else entry.value
    kind = kind or _kind(value)
    is_drawn = kind in (FieldKind.CHOICE, FieldKind.SIGNATURE)
    text = None if is_drawn or entry.missing else entry.text
    return Expected(kind, value, text, handwritten=entry.handwritten, missing=entry.missing)


def _kind(value: Value) -> FieldKind:
    """What kind of field a value comes from, as far as its shape tells."""
    match value:
        case bool():
            return FieldKind.SIGNATURE
        case int():
            return FieldKind.INTEGER
        case tuple():
            return FieldKind.CHOICE
        case str() if _ISO_DATE.fullmatch(value):
            return FieldKind.DATE
    return FieldKind.TEXT


def _from_keyed(raw: Mapping[str, Any], form_types: Sequence[FormType]) -> TrueDocument:
    values = {name: value for name, value in raw.items() if name not in _KEYED}
    form = next((form for form in form_types if values.keys() <= form.by_name.keys()), None)
    titles = {} if form is None else {normalised(edition.title): edition.title for edition in form.editions}
    by_hand = set(raw["handwritten"])
    return TrueDocument(
        file=str(raw["id"]),
        pages=(),
        form_type=None if form is None else form.id,
        edition=titles.get(normalised(str(raw["edition"]))),
        fields={name: _keyed(name, value, values, is_by_hand=name in by_hand) for name, value in values.items()},
        is_stem=True,
    )


def _keyed(name: str, value: Any, values: Mapping[str, Any], *, is_by_hand: bool) -> Expected:
    if isinstance(value, list):
        uncounted = frozenset({_OTHER} if f"{name}_{_OTHER}" in values else ())
        ticked = tuple(str(option) for option in value)
        return Expected(FieldKind.CHOICE, ticked, handwritten=is_by_hand, uncounted=uncounted)
    text = str(value)
    # A date in ISO form is how it was keyed, hardly ever how it is written.
    written = None if _ISO_DATE.fullmatch(text) else text
    return Expected(FieldKind.TEXT, text, written, handwritten=is_by_hand, as_keyed=True)
