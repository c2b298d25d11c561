"""Every value is decided with a reason: accepted above its measured threshold, else to a person, and why."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.calibrate import Calibration, Curve, load_calibration
from extract.decide import Decision, decide_choice, decide_exact, decide_signature, decide_text
from schemas.errors import Unavailable
from schemas.extraction import Normal
from schemas.field import CheckResult, FieldKind, FieldSpec, FieldStatus
from schemas.geometry import PageArea
from schemas.reading import Mark, MarkState, Reading

AREA = PageArea(0.1, 0.1, 0.2, 0.2)
CURVE = Curve(scores=(0.0, 0.5, 0.9), probabilities=(0.2, 0.7, 0.995), evidence=900, threshold=0.9)
CLOSED = Curve(scores=(0.0, 0.5), probabilities=(0.3, 0.8), evidence=12, threshold=None)
FORM = "change-of-keeper"
MEASURED = Calibration(
    "7",
    {"name": CURVE, "choice": CURVE, "signature": CURVE, "rare": CLOSED},
    form_types=frozenset({FORM}),
    readers=frozenset({"r@1"}),
)
NAME = FieldSpec("surname", FieldKind.TEXT, family="name")
TICKS = FieldSpec("reason", FieldKind.CHOICE, options=("sold", "lost"))
SIGNED = FieldSpec("signature", FieldKind.SIGNATURE)
FAILED = CheckResult("pattern", passed=False, message="This is no surname.")
PASSED = CheckResult("pattern", passed=True, message="never shown")


def reading(text: str, score: float, *, ink: bool = True) -> Reading:
    return Reading(text, (1.0,) * (len(text) - 1) + (score,) if text else (), "r@1", AREA if ink else None)


def on_text(
    text: str = "JONES",
    score: float = 0.95,
    *checks: CheckResult,
    spec: FieldSpec = NAME,
    ink: bool = True,
    normal: Normal | None = None,
) -> Decision:
    read = reading(text, score, ink=ink)
    return decide_text(spec, normal or Normal(text or None, text), read, checks, MEASURED, form_type=FORM)


def mark(option: str, state: MarkState) -> Mark:
    return Mark(option, state, 0.1, "A stroke leaves the box.", AREA)


def test_a_sure_reading_is_accepted_with_its_measured_probability() -> None:
    assert on_text() == Decision(FieldStatus.ACCEPTED, 0.995, (), "policy@7", score=0.95)


@pytest.mark.parametrize(
    ("score", "status", "probability"),
    [
        (0.9, FieldStatus.ACCEPTED, 0.995),
        (0.8999, FieldStatus.REVIEW, 0.7),
        (0.5, FieldStatus.REVIEW, 0.7),
        (0.4999, FieldStatus.REVIEW, 0.2),
        (0.0, FieldStatus.REVIEW, 0.2),
        (1.0, FieldStatus.ACCEPTED, 0.995),
    ],
)
def test_the_weakest_letter_decides_and_the_threshold_itself_is_enough(
    score: float, status: FieldStatus, probability: float
) -> None:
    decision = on_text("JONES", score)
    assert (decision.status, decision.confidence) == (status, probability)
    assert decision.reasons == (() if status is FieldStatus.ACCEPTED else ("The reading is not sure enough.",))


def test_blank_paper_is_blank_and_ink_that_reads_as_nothing_is_unreadable() -> None:
    assert on_text("", ink=False) == Decision(FieldStatus.BLANK, None, (), "policy@7")
    unreadable = on_text("")
    assert unreadable.status is FieldStatus.UNREADABLE
    assert unreadable.reasons == ("There is ink here that could not be read; it may be an answer or only dirt.",)


def test_a_required_answer_that_is_missing_goes_to_a_person() -> None:
    missing = CheckResult("required", passed=False, message="An answer is required here.")
    decision = on_text("", 1.0, missing, ink=False)
    assert (decision.status, decision.reasons) == (FieldStatus.REVIEW, ("An answer is required here.",))


def test_what_was_read_but_not_understood_goes_to_a_person_with_the_reason() -> None:
    problem = Normal(None, "31/02/2024", "There is no such day.")
    decision = on_text("31/02/2024", 1.0, FAILED, normal=problem)
    assert decision.status is FieldStatus.REVIEW
    assert decision.reasons == ("There is no such day.", "This is no surname.")
    silent = on_text("?", 1.0, normal=Normal(None, "?"))
    assert silent.reasons == ("What stands here could not be understood.",)


def test_a_failed_check_sends_even_a_sure_reading_to_a_person() -> None:
    decision = on_text("JONES", 1.0, PASSED, FAILED)
    # The curves were measured on values that passed their checks: of this one they know nothing.
    assert (decision.status, decision.confidence) == (FieldStatus.REVIEW, None)
    assert decision.reasons == ("This is no surname.",)
    assert on_text("JONES", 1.0, PASSED).status is FieldStatus.ACCEPTED


@pytest.mark.parametrize(("family", "confidence"), [("rare", 0.8), ("never measured", None)])
def test_a_class_without_enough_evidence_is_closed_however_sure_the_reading(
    family: str, confidence: float | None
) -> None:
    decision = on_text("JONES", 1.0, spec=FieldSpec("x", FieldKind.TEXT, family=family))
    assert (decision.status, decision.confidence) == (FieldStatus.REVIEW, confidence)
    assert decision.reasons == ("There is too little evidence about this class of field to accept it unseen.",)


def test_plain_ticks_are_accepted_and_none_at_all_is_blank() -> None:
    ticked = (mark("sold", MarkState.TICKED), mark("lost", MarkState.CANCELLED))
    assert decide_choice(TICKS, ["sold"], ticked, (), MEASURED, form_type=FORM).status is FieldStatus.ACCEPTED
    empty = (mark("sold", MarkState.EMPTY), mark("lost", MarkState.EMPTY))
    assert decide_choice(TICKS, [], empty, (), MEASURED, form_type=FORM).status is FieldStatus.BLANK


def test_one_doubtful_box_sends_the_whole_question_to_a_person() -> None:
    marks = (mark("sold", MarkState.TICKED), mark("lost", MarkState.DOUBTFUL))
    decision = decide_choice(TICKS, ["sold"], marks, [FAILED], MEASURED, form_type=FORM)
    assert (decision.status, decision.confidence, decision.score) == (FieldStatus.REVIEW, None, None)
    assert decision.reasons == ("lost: A stroke leaves the box.", "This is no surname.")


def test_ticks_of_a_closed_class_are_not_accepted() -> None:
    spec = FieldSpec("x", FieldKind.CHOICE, family="rare", options=("sold",))
    assert (
        decide_choice(spec, ["sold"], [mark("sold", MarkState.TICKED)], (), MEASURED, form_type=FORM).status
        is FieldStatus.REVIEW
    )
    assert (
        decide_choice(spec, [], [mark("sold", MarkState.EMPTY)], (), MEASURED, form_type=FORM).status
        is FieldStatus.REVIEW
    )


def test_a_signature_is_accepted_unless_it_is_in_doubt() -> None:
    assert (
        decide_signature(SIGNED, doubtful=False, reason="", calibration=MEASURED, form_type=FORM).status
        is FieldStatus.ACCEPTED
    )
    doubt = decide_signature(SIGNED, doubtful=True, reason="Only a short stroke.", calibration=MEASURED, form_type=FORM)
    assert (doubt.status, doubt.reasons) == (FieldStatus.REVIEW, ("Only a short stroke.",))


def test_a_barcode_needs_no_calibration_but_must_pass_its_checks() -> None:
    code = Reading("A1", (1.0, 1.0), "zxing", AREA)
    assert decide_exact(code, (), MEASURED).status is FieldStatus.ACCEPTED
    assert decide_exact(code, [FAILED], MEASURED).reasons == ("This is no surname.",)


def test_a_barcode_that_cannot_be_read_is_not_blank_paper() -> None:
    assert decide_exact(Reading("", (), "zxing", AREA), (), MEASURED).status is FieldStatus.UNREADABLE
    assert decide_exact(Reading("", (), "zxing", None), (), MEASURED).status is FieldStatus.BLANK


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_score_never_makes_a_value_less_probable(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert CURVE.probability(low) <= CURVE.probability(high)


@given(st.text("AB ", max_size=4), st.floats(0, 1), st.booleans(), st.sampled_from(["name", "rare", "none"]))
def test_whoever_must_look_is_told_why_and_nobody_else_is(text: str, score: float, ink: bool, family: str) -> None:
    spec = FieldSpec("x", FieldKind.TEXT, family=family)
    decision = on_text(text, score, spec=spec, ink=ink)
    must_look = decision.status in (FieldStatus.REVIEW, FieldStatus.UNREADABLE)
    assert bool(decision.reasons) == must_look


def test_a_calibration_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        'version = "3"\n[class.name]\nscores = [0, 0.5]\nprobabilities = [0.1, 0.9]\nevidence = 40\nthreshold = 0.6\n'
        "[class.date]\nscores = [0]\nprobabilities = [0.5]\nevidence = 2\n"
    )
    assert load_calibration(file) == Calibration(
        "3", {"name": Curve((0.0, 0.5), (0.1, 0.9), 40, 0.6), "date": Curve((0.0,), (0.5,), 2, None)}
    )


@pytest.mark.parametrize(
    "text", ["", "version = ", 'version = "1"\n[class.name]\nscores = [0.1]\n', "[class]\nname = 3"]
)
def test_a_calibration_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(Unavailable, match=r"c\.toml: not a calibration"):
        load_calibration(file)


def test_a_missing_calibration_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"none\.toml"):
        load_calibration(tmp_path / "none.toml")


def test_the_calibration_that_ships_can_be_read() -> None:
    shipped = load_calibration()
    assert shipped.version
    for curve in shipped.curves.values():
        assert list(curve.scores) == sorted(curve.scores)
        assert list(curve.probabilities) == sorted(curve.probabilities)
