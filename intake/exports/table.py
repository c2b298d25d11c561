"""Published records as a table: one row for each revision, with the same columns for every record of a form type."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from intake.exports.cells import safe_cell
from intake.published import Published
from schemas.form_type import FormType
from schemas.record import Record, RecordField

BYTE_ORDER_MARK: Final = "\ufeff"  # by which older spreadsheets know UTF-8
# First in every table, whatever the form type.
LEAD: Final = (
    "cursor", "record_id", "revision", "status", "published_at", "received_on", "batch_id", "piece_id", "file",
    "file_sha256", "pages", "form_type", "edition",
)  # fmt: skip
# Last: what the record has and the form type, as it is known here, has not; JSON, empty if there is nothing.
REST: Final = "other_fields"
_BETWEEN_OPTIONS: Final = "; "


def columns_of(form: FormType) -> list[str]:
    """The names of the columns; for each field, in the form's order, its value, status and confidence."""
    fields = [
        column for spec in form.fields for column in (spec.name, f"{spec.name}.status", f"{spec.name}.confidence")
    ]
    return [*LEAD, *fields, REST]


def rows_of(form: FormType, found: Iterable[Published]) -> Iterator[list[str]]:
    """A row for each revision, every cell safe to open."""
    for each in found:
        record = Record.model_validate_json(each.body)
        yield [safe_cell(cell) for cell in _cells(form, each, record)]


class Lines:
    """Rows as they stand in the file (RFC 4180): every cell quoted, CR LF behind each row."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")

    def of(self, rows: Iterable[Sequence[str]]) -> str:
        """The lines of these rows."""
        self._writer.writerows(rows)
        lines = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return lines


def _cells(form: FormType, each: Published, record: Record) -> Iterator[str]:
    source = record.source
    yield from (str(each.sequence), each.record_id, str(each.revision), each.status, each.published_at.isoformat())
    yield "" if source.received_on is None else source.received_on.isoformat()
    yield from (source.batch_id or "", source.piece_id or "", source.name, source.sha256 or "")
    yield " ".join(map(str, source.pages))
    yield from (record.form_type or "", record.edition or "")
    for spec in form.fields:
        field = record.fields.get(spec.name)
        yield from ("", "", "") if field is None else _cells_of(field)
    rest = {name: field.value for name, field in record.fields.items() if name not in form.by_name}
    yield json.dumps(rest, ensure_ascii=False) if rest else ""


def _cells_of(field: RecordField) -> tuple[str, str, str]:
    return _plain(field.value), field.status.value, "" if field.confidence is None else str(field.confidence)


def _plain(value: str | int | bool | list[str] | None) -> str:
    """The value as text; "" where there is none, which the status tells from a value that is empty."""
    match value:
        case None:
            return ""
        case bool(is_so):
            return "true" if is_so else "false"
        case list(options):
            return _BETWEEN_OPTIONS.join(options)
    return str(value)
