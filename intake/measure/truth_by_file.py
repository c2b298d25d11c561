"""Truth keyed as one JSON object: for each file's name the answers of its form, by field.

    {"_about": "...", "scan-1.pdf": {"B3": "Yes", "B4": "93", "cancelled": ["C1: Yes"]}, ...}

Text is as written, "" where nothing is; a choice is the ticked option or a list of them. What is scribbled out is noted
for people and not measured: it shows in the choice. Names that begin with _ are remarks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from extract.score import Expected
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import FormType

_REMARK, _CANCELLED = "_", "cancelled"


def answers_by_file(
    raw: Mapping[str, Any], form_types: Sequence[FormType]
) -> dict[str, tuple[str | None, dict[str, Expected]]]:
    """For each file: the id of the form type that has all its fields (None if none has), and what they hold.

    Raises TypeError or ValueError if the object is of another shape.
    """
    found: dict[str, tuple[str | None, dict[str, Expected]]] = {}
    for name, answers in raw.items():
        if name.startswith(_REMARK):
            continue
        if not isinstance(answers, Mapping):
            raise TypeError("the answers of a file must be an object")
        given = {field: value for field, value in answers.items() if field != _CANCELLED}
        form = next((form for form in form_types if given.keys() <= form.by_name.keys()), None)
        fields = {field: _expected(value, form.by_name[field] if form else None) for field, value in given.items()}
        found[name] = (None if form is None else form.id, fields)
    return found


def _expected(value: object, spec: FieldSpec | None) -> Expected:
    if isinstance(value, list) or (spec is not None and spec.kind is FieldKind.CHOICE):
        ticked = value if isinstance(value, list) else [value] if value else []
        return Expected(FieldKind.CHOICE, tuple(str(option) for option in ticked), handwritten=True)
    if not isinstance(value, str):
        raise TypeError("an answer must be text or a list of options")
    return Expected(FieldKind.TEXT, value, value, handwritten=bool(value), as_keyed=True)
