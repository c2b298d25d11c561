"""What was seen on a page becomes fields: with all that is known of them, and nothing said about what was not seen."""

from dataclasses import replace
from datetime import date

import pytest

from extract import assemble
from extract.calibrate import Calibration, Curve, Step, Weighing, Weight
from extract.marks import SignatureSeen
from extract.policy import Policy
from extract.read import ZoneText
from extract.standards import Standards
from schemas.extraction import FieldValue
from schemas.field import FieldKind, FieldSpec, FieldStatus
from schemas.form_type import Edition, FormType, Zone
from schemas.geometry import Box, PageArea
from schemas.reading import Mark, MarkState

READER = "a-reader/1a2b3c4d/onnxruntime-1.31.1"
HERE = PageArea(0.1, 0.1, 0.9, 0.4)
BOX = Box(10, 10, 90, 40)
# Wholly sure from a weakest character of 0.9 on: that is one nine, the mean.
SURE = Weighing(0.0, {"weakest": Weight(mean=1.0, scale=1.0, weight=10.0)})
CURVE = Curve(SURE, (0.0,), (0.99,), 900, (Step(0.49, 900, 0), Step(0.1, 2000, 900)))
STANDARDS = Standards(
    Calibration("7", {"name": CURVE}, frozenset({"a-form"}), readers=frozenset({"a-reader/1a2b3c4d"})), Policy("3")
)


def decided(kind: FieldKind, page: assemble.Seen, form_type: str = "a-form") -> FieldValue:
    form = FormType(form_type, "A form", 1, (FieldSpec("x", kind, family="name", options=("a", "b")),), (), ())
    [value] = assemble.fields(form, Edition("one", "one", 300, (), (Zone("x", 1, BOX),)), [page], STANDARDS)
    return value


def read(
    text: str, weakest: float = 0.95, *, area: PageArea = HERE, stray: int = 0, inked: bool = True
) -> assemble.Seen:
    characters = (1.0,) * (len(text) - 1) + (weakest,) if text else ()
    seen = ZoneText(text, characters, BOX if inked else None, READER, stray=stray)
    return assemble.Seen(1, 1, {"x": ((seen, area),)}, {}, {})


@pytest.mark.parametrize(
    ("day", "passed"),
    [("03/04/2011", True), ("12/31/2010", False), ("11/28/2026", True), ("11/29/2026", False), ("03/04/2040", False)],
)
def test_a_receipt_dated_before_its_form_was_printed_or_after_today_goes_to_a_person(day: str, passed: bool) -> None:
    checks = _received(day, family="stamp").checks
    assert [check.passed for check in checks if check.name == "received_in_time"] == [passed]
    assert [check.name for check in _received(day, family="date").checks] == ["understood"]


def _received(day: str, *, family: str) -> FieldValue:
    form = FormType("a-form", "A form", 1, (FieldSpec("x", FieldKind.DATE, family=family, day_first=False),), (), ())
    edition = Edition("form-2011-03", "one", 300, (), (Zone("x", 1, BOX),))
    [value] = assemble.fields(form, edition, [read(day)], STANDARDS, date(2026, 11, 27))
    return value


@pytest.mark.parametrize(("form_type", "status"), [("a-form", FieldStatus.ACCEPTED), ("b-form", FieldStatus.REVIEW)])
def test_a_form_is_decided_by_the_evidence_about_its_own_type(form_type: str, status: FieldStatus) -> None:
    assert decided(FieldKind.TEXT, read("Ann"), form_type).status is status


def test_a_reading_carries_what_is_known_of_it_and_of_its_page() -> None:
    page = replace(read("Ann", 0.95, stray=12), quality={"blur": 1.23456789})
    assert decided(FieldKind.TEXT, page).features == {
        "blur": 1.234568, "length": 3.0, "mean": 0.983333, "stray": 12.0, "weakest": 0.95,
    }  # fmt: skip


def test_an_empty_place_carries_only_what_is_known_of_the_place() -> None:
    blank = decided(FieldKind.TEXT, read("", inked=False, stray=7))
    assert blank.features == {"inked": 0.0, "stray": 7.0}
    unread = decided(FieldKind.TEXT, read("", inked=True))
    assert (unread.features["inked"], unread.status) == (1.0, FieldStatus.UNREADABLE)


def test_ticks_carry_how_plain_they_are() -> None:
    marks = (
        Mark("a", MarkState.TICKED, 0.22, "A mark.", HERE, score=0.8),
        Mark("b", MarkState.EMPTY, 0.01, "Nothing.", HERE, score=0.9),
        Mark("c", MarkState.STRAY, 0.03, "A line.", HERE, score=0.6),
    )
    value = decided(FieldKind.CHOICE, assemble.Seen(1, 1, {}, {"x": (marks, ("a",))}, {}))
    assert value.features == {"cancelled": 0.0, "faintest": 0.22, "fullest": 0.03, "plain": 0.6}
    assert value.value == ("a",)


@pytest.mark.parametrize(
    ("present", "doubtful", "state", "feature"),
    [(True, False, MarkState.TICKED, "faintest"), (False, False, MarkState.EMPTY, "fullest"),
     (False, True, MarkState.DOUBTFUL, "fullest")],
)  # fmt: skip
def test_a_signature_explains_itself_as_a_tick_does(
    present: bool, doubtful: bool, state: MarkState, feature: str
) -> None:
    seen = SignatureSeen(present, doubtful, 0.05, "Joined writing.", HERE)
    value = decided(FieldKind.SIGNATURE, assemble.Seen(1, 1, {}, {}, {"x": seen}))
    [mark] = value.marks
    assert (mark.state, mark.reason, mark.ink_share) == (state, "Joined writing.", 0.05)
    assert value.features == {feature: 0.05}


def test_a_place_beyond_the_edge_of_the_scan_is_not_found_rather_than_empty() -> None:
    beyond = decided(FieldKind.TEXT, read("", inked=False, area=PageArea(0.1, 0.95, 0.9, 1.1)))
    assert (beyond.status, beyond.page, beyond.area) == (FieldStatus.NOT_FOUND, None, None)
    nearly = decided(FieldKind.TEXT, read("", inked=False, area=PageArea(0.1, 0.85, 0.9, 1.05)))
    assert nearly.status is not FieldStatus.NOT_FOUND
    half = Mark("b", MarkState.EMPTY, 0.0, "Nothing.", PageArea(-0.02, 0.1, 0.01, 0.2))
    both = (Mark("a", MarkState.TICKED, 0.2, "A mark.", HERE), half)
    cut = decided(FieldKind.CHOICE, assemble.Seen(1, 1, {}, {"x": (both, ("a",))}, {}))
    assert cut.status is FieldStatus.NOT_FOUND


def test_a_page_too_poor_to_be_read_gives_no_value_but_says_what_was_seen() -> None:
    poor = replace(read("Ann"), problems=("The page is too faint.",))
    value = decided(FieldKind.TEXT, poor)
    assert (value.status, value.value, value.text, value.score) == (FieldStatus.UNREADABLE, None, "", None)
    assert value.reasons == ("The page is too faint.",)
    assert [reading.text for reading in value.readings] == ["Ann"]


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        ("1974", 0.0),
        ("1974 London", 0.0),  # words behind a date are its place
        ("13, 1974", 2 / 6),  # figures before it may be its day
        ("DECENBER 1974", 8 / 12),
        ("1974 2", 1 / 5),
    ],
)
def test_what_a_pattern_leaves_out_of_an_answer_is_told(text: str, unused: float) -> None:
    spec = FieldSpec("x", FieldKind.TEXT, patterns=(r"\b(19\d\d)\b",))
    form = FormType("a-form", "A form", 1, (spec,), (), ())
    edition = Edition("one", "one", 300, (), (Zone("x", 1, BOX),))
    [value] = assemble.fields(form, edition, [read(text)], STANDARDS)
    assert value.features["unused"] == pytest.approx(unused, abs=1e-6)


@pytest.mark.parametrize(("stray", "status"), [(40, FieldStatus.REVIEW), (41, FieldStatus.UNREADABLE)])
def test_specks_such_as_faint_pencil_leaves_are_not_called_blank(stray: int, status: FieldStatus) -> None:
    assert decided(FieldKind.TEXT, read("", inked=False, stray=stray)).status is status


@pytest.mark.parametrize("unread", [0, 2, 3])
def test_an_empty_place_tells_how_many_fields_of_its_page_could_not_be_read(unread: int) -> None:
    names = ["written", "empty", *(f"faint-{number}" for number in range(unread))]
    form = FormType("a-form", "A form", 1, tuple(FieldSpec(name, FieldKind.TEXT) for name in names), (), ())
    seen = {"written": read("word"), "empty": read("", inked=False)}
    texts = {name: seen.get(name, read("")).texts["x"] for name in names}
    edition = Edition("one", "one", 300, (), tuple(Zone(name, 1, BOX) for name in names))
    fields = assemble.fields(form, edition, [assemble.Seen(1, 1, texts, {}, {})], STANDARDS)
    written, empty, *faint = fields
    assert empty.features.get("faint", 0.0) == unread
    assert any("too faint" in reason for reason in empty.reasons) is (unread > 2)
    assert all("faint" not in field.features for field in (written, *faint))
