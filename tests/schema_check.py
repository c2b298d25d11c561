"""Holds JSON against a JSON Schema, as a receiving system would."""

import json

from jsonschema import Draft202012Validator

from schemas.json_schema import Schema


def faults_of(text: str, schema: Schema) -> list[str]:
    """What does not agree, each with its place; none if all does."""
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{fault.json_path}: {fault.message[:200]}" for fault in validator.iter_errors(json.loads(text))]
