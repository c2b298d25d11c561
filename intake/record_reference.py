"""The reference of records for people who write receiving systems, made of the JSON Schemas."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from schemas.form_type import FormType
from schemas.json_schema import Schema, form_id, record_id, record_schema, value_schema
from schemas.record import SCHEMA_VERSION

_HEAD: Final = f"""# Records, version {SCHEMA_VERSION}

Made from the code by `make schemas`; change `schemas/record.py` or the form types, not this file.

One JSON object for each document. Every property below is always there. Within a major version only additions are
made: pass over what you do not know. The JSON Schemas (draft 2020-12) lie in `schemas/json/{SCHEMA_VERSION}/`, and a
running service gives them out at `/v1/schemas/record` and `/v1/form-types/ID/schema`.
"""


def reference(forms: Sequence[FormType]) -> str:
    """The whole reference as Markdown: the record and its parts, then each form type."""
    schema = record_schema()
    parts = {name: part for name, part in schema["$defs"].items() if "properties" in part}
    words = {name: part for name, part in schema["$defs"].items() if "enum" in part}
    text = [_HEAD, f"Schema: `{record_id()}`\n", *_table("Record", schema)]
    for name, part in sorted(parts.items()):
        text += _table(name, part)
    text.append("## Words\n")
    for name, part in sorted(words.items()):
        text.append(f"- **{name}**: {', '.join(f'`{word}`' for word in part['enum'])}")
    for form in forms:
        text += _form(form)
    return "\n".join(text) + "\n"


def _table(name: str, schema: Schema) -> Iterator[str]:
    yield f"## {name}\n"
    yield _line(schema.get("description", "")) + "\n"
    yield "| property | type | meaning |"
    yield "|---|---|---|"
    for key, part in schema["properties"].items():
        yield f"| `{key}` | {_type(part)} | {_line(part.get('description', ''))} |"
    yield ""


def _form(form: FormType) -> Iterator[str]:
    yield f"\n## Form type `{form.id}`: {form.title}\n"
    yield f"Schema: `{form_id(form.id)}`. Editions: {', '.join(f'`{edition.id}`' for edition in form.editions)}.\n"
    yield "| field | kind | value | on the form |"
    yield "|---|---|---|---|"
    for spec in form.fields:
        yield f"| `{spec.name}` | {spec.kind.value} | {_value(value_schema(spec))} | {_line(spec.label)} |"


def _type(part: Schema) -> str:
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    if "anyOf" in part:
        return " or ".join(_type(each) for each in part["anyOf"])
    if "enum" in part:
        return ", ".join(f"`{word}`" for word in part["enum"])
    kind = str(part.get("type", "any"))
    if kind == "array":
        return f"list of {_type(part.get('items', {}))}"
    if kind == "object":
        return f"object of {_type(part.get('additionalProperties', {}))}"
    return f"{kind} ({part['format']})" if "format" in part else kind


def _value(part: Schema) -> str:
    if "items" in part:
        options: list[Any] = part["items"].get("enum", [])
        return "list of " + (", ".join(f"`{_line(option)}`" for option in options) or "strings")
    kind = part["type"][0]
    return str(part.get("format") or ("amount, `12.50`" if "pattern" in part else kind))


def _line(text: str) -> str:
    """As it can stand in a cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")
