"""A value that is not built as its field declares fails a check, whatever the reader's confidence."""

import pytest

from extract import assemble
from extract.calibrate import Calibration, Curve, Step, Weighing, Weight
from extract.policy import Policy
from extract.read import ZoneText
from extract.standards import Standards
from schemas.extraction import FieldValue
from schemas.field import CheckResult, FieldKind, FieldSpec, FieldStatus
from schemas.form_type import Edition, FormType, Zone
from schemas.geometry import Box, PageArea
from schemas.reading import Feature

READER = "a-reader/1a2b3c4d/onnxruntime-1.31.1"
BOX = Box(10, 10, 90, 40)
# Whatever is read surely is accepted, unless something else speaks against it.
SURE = Curve(
    Weighing(0.0, {"weakest": Weight(mean=1.0, scale=1.0, weight=10.0)}), (0.0,), (0.99,), 900, (Step(0.1, 2000, 0),)
)
STANDARDS = Standards(
    Calibration("7", {"postcode": SURE}, frozenset({"a-form"}), readers=frozenset({"a-reader/1a2b3c4d"})), Policy("3")
)


def read(text: str, fits: float | None, *, soft: bool = False) -> FieldValue:
    """A field as it stands on the record; fits: what the reader noted of the grammar, if anything."""
    spec = FieldSpec("x", FieldKind.TEXT, family="postcode", grammar="" if fits is None else "uk_postcode", soft=soft)
    known = {} if fits is None else {str(Feature.GRAMMAR): fits}
    seen = ZoneText(text, (0.99,) * len(text), BOX, READER, features=known)
    page = assemble.Seen(1, 1, {"x": ((seen, PageArea(0.1, 0.1, 0.9, 0.4)),)}, {}, {})
    form = FormType("a-form", "A form", 1, (spec,), (), ())
    [value] = assemble.fields(form, Edition("one", "one", 300, (), (Zone("x", 1, BOX),)), [page], STANDARDS)
    return value


def test_what_fits_passes_and_may_be_accepted() -> None:
    value = read("EC1A 1BB", 1.0)
    assert value.checks == (CheckResult("grammar", True, ""),)
    assert value.status is FieldStatus.ACCEPTED


def test_what_does_not_fit_is_kept_but_a_person_looks_and_is_told_why() -> None:
    value = read("EC1A 1B8", 0.0)
    [check] = value.checks
    assert (check.name, check.passed) == ("grammar", False)
    assert "not built as it must be" in check.message
    assert "EC1A" not in check.message  # what people wrote is in the value only
    assert (value.value, value.status) == ("EC1A 1B8", FieldStatus.REVIEW)


@pytest.mark.parametrize("fits", [0.0, 1.0])
def test_a_grammar_that_says_only_what_is_likely_is_no_check(fits: float) -> None:
    value = read("EC1A 1BB", fits, soft=True)
    assert value.checks == ()
    assert value.status is FieldStatus.ACCEPTED


def test_without_a_grammar_there_is_nothing_to_check() -> None:
    value = read("EC1A 1B8", None)
    assert value.checks == ()
    assert value.status is FieldStatus.ACCEPTED


def test_an_empty_place_is_not_said_to_be_built_wrongly() -> None:
    spec = FieldSpec("x", FieldKind.TEXT, family="postcode", grammar="uk_postcode")
    page = assemble.Seen(1, 1, {"x": ((ZoneText("", (), None, READER), PageArea(0.1, 0.1, 0.9, 0.4)),)}, {}, {})
    form = FormType("a-form", "A form", 1, (spec,), (), ())
    [value] = assemble.fields(form, Edition("one", "one", 300, (), (Zone("x", 1, BOX),)), [page], STANDARDS)
    assert value.checks == ()
    unseen = assemble.fields(form, Edition("one", "one", 300, (), (Zone("x", 1, BOX),)), [], STANDARDS)
    assert unseen[0].checks == ()
