"""JSON Schemas (draft 2020-12): of any record, of the records of each form type, and of what each event carries.

They say what a receiving system may rely on. What they do not name may come in a later minor version, so that nothing
is forbidden: whoever reads records passes over what they do not know.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from schemas.events import DATA, OF_RECORDS, EventType, data_schema_id
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import FormType
from schemas.record import SCHEMA_VERSION, Record

Schema = dict[str, Any]

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_MAJOR: Final = SCHEMA_VERSION.partition(".")[0]


def record_id() -> str:
    """The `$id` of the schema of any record."""
    return f"urn:postroom:record:{SCHEMA_VERSION}"


def form_id(form_type: str) -> str:
    """The `$id` of the schema of the records of one form type."""
    return f"urn:postroom:record:{SCHEMA_VERSION}:{form_type}"


def record_schema() -> Schema:
    """The schema of any record, of whatever form type or of none."""
    made: Schema = _plain(Record.model_json_schema(mode="serialization"))
    made["properties"]["schema_version"] = {
        "type": "string",
        "pattern": rf"^{re.escape(_MAJOR)}\.[0-9]+$",
        "description": f"within {_MAJOR} only additions are made; this describes {SCHEMA_VERSION}",
    }
    return {"$schema": DRAFT, "$id": record_id()} | made


def form_schema(form: FormType) -> Schema:
    """The schema of the records of a form type: its editions, and every field with its kind and form of value.

    It holds the schema of any record, so that one file is enough.
    """
    return {
        "$schema": DRAFT,
        "$id": form_id(form.id),
        "title": form.title,
        "description": f"A record of the form type {form.id}. It has every field of the form, found or not.",
        "$ref": record_id(),
        "properties": {
            "form_type": {"const": form.id},
            "edition": {
                "enum": [*(edition.id for edition in form.editions), None],
                "description": "null where a person said what it is: "
                + "; ".join(f"{edition.id}: {edition.title}" for edition in form.editions),
            },
            "fields": {
                "type": "object",
                "required": [spec.name for spec in form.fields],
                "properties": {spec.name: _field(spec) for spec in form.fields},
            },
        },
        "$defs": {"record": record_schema()},
    }


def event_schema(event: EventType) -> Schema:
    """The schema of the `data` of such events."""
    made: Schema = _plain(DATA[event].model_json_schema(mode="serialization"))
    if event in OF_RECORDS:
        # Never null: it is there for receivers that asked for it, and otherwise it is not.
        told = f"The record itself, as {record_id()} describes it; only for receivers that asked for it."
        made["properties"]["record"] = {"type": "object", "description": told}
    return {"$schema": DRAFT, "$id": data_schema_id(event)} | made


def value_schema(spec: FieldSpec) -> Schema:
    """The normal form of a field's value; null where nothing is known."""
    match spec.kind:
        case FieldKind.DATE:
            return {"type": ["string", "null"], "format": "date"}
        case FieldKind.INTEGER:
            return {"type": ["integer", "null"]}
        case FieldKind.MONEY:
            return {"type": ["string", "null"], "pattern": r"^[0-9]+\.[0-9]{2}$"}
        case FieldKind.CHOICE:
            options = {"type": "string"} | ({"enum": list(spec.options)} if spec.options else {})
            return {"type": ["array", "null"], "items": options, "uniqueItems": True}
        case FieldKind.SIGNATURE:
            return {"type": ["boolean", "null"], "description": "whether it is signed"}
        case FieldKind.TEXT | FieldKind.BARCODE:
            return {"type": ["string", "null"]}


def as_text(schema: Schema) -> str:
    """A schema as it is published."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _field(spec: FieldSpec) -> Schema:
    described = {"description": spec.label} if spec.label else {}
    return described | {"properties": {"kind": {"const": spec.kind.value}, "value": value_schema(spec)}}


def _plain(schema: Any) -> Any:
    """A schema as pydantic makes it, without names made of names, and forbidding nothing that may yet come."""
    match schema:
        case Mapping():
            kept = {key: value for key, value in schema.items() if (key, value) != ("additionalProperties", False)}
            for key in ("properties", "$defs"):
                if key in kept:
                    kept[key] = {name: _plain(_untitled(value, key)) for name, value in kept[key].items()}
            return {key: value if key in ("properties", "$defs") else _plain(value) for key, value in kept.items()}
        case list():
            return [_plain(entry) for entry in schema]
    return schema


def _untitled(schema: Schema, kept_in: str) -> Schema:
    return schema if kept_in == "$defs" else {key: value for key, value in schema.items() if key != "title"}
