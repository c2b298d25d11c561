"""Truth keyed as one object for all files, as a questionnaire's variables name it."""

import pytest

from extract.score import Read, is_right
from intake.measure.truth_by_file import answers_by_file
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import FormType

FORM = FormType(
    "survey",
    "A survey",
    1,
    (FieldSpec("B3", FieldKind.CHOICE, options=("Yes", "No")), FieldSpec("B4", FieldKind.INTEGER)),
    (),
    (),
)


def test_answers_are_taken_by_the_kind_of_their_field_and_remarks_left_out() -> None:
    raw = {"_about": "keyed by eye", "one.pdf": {"B3": "Yes", "B4": "93", "cancelled": ["B3: No"]}}
    found = answers_by_file(raw, (FORM,))
    assert list(found) == ["one.pdf"]
    form_type, fields = found["one.pdf"]
    assert form_type == "survey"
    assert is_right(fields["B3"], Read(("Yes",), "Yes"))
    assert not is_right(fields["B3"], Read(("Yes", "No"), "Yes, No"))
    assert is_right(fields["B4"], Read(93, "93"))
    assert not is_right(fields["B4"], Read(43, "43"))


def test_nothing_ticked_and_nothing_written_are_answers_too() -> None:
    _, fields = answers_by_file({"one.pdf": {"B3": "", "B4": ""}}, (FORM,))["one.pdf"]
    assert is_right(fields["B3"], Read((), ""))
    assert not is_right(fields["B3"], Read(("No",), "No"))
    assert is_right(fields["B4"], Read(None, ""))


def test_fields_that_no_form_type_has_give_none() -> None:
    assert answers_by_file({"one.pdf": {"Q9": "x"}}, (FORM,))["one.pdf"][0] is None


@pytest.mark.parametrize("raw", [{"one.pdf": "Yes"}, {"one.pdf": {"B4": 93}}])
def test_another_shape_is_refused(raw: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        answers_by_file(raw, (FORM,))
