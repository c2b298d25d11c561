"""Every value is decided with a reason: accepted above its measured threshold, else to a person, and why."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.calibrate import Calibration, Curve, Step, Weighing, Weight, load_calibration
from extract.decide import Decision, Facts, Judged, decide, weighed_as
from extract.policy import Policy
from extract.standards import Standards
from schemas.errors import Unavailable
from schemas.extraction import Value
from schemas.field import CheckResult, FieldKind, FieldStatus
from schemas.reading import MarkState

# The score is the logistic function of the share of known words, less 0.5: 0.5 at 0.5, 0.622459 at 1.0.
WEIGHING = Weighing(0.0, {"known": Weight(mean=0.5, scale=1.0, weight=1.0)})
HALF, FULL = 0.5, 0.622459
PROVEN = (Step(0.6, 700, 0), Step(HALF, 900, 0), Step(0.1, 1000, 200))
CURVE = Curve(WEIGHING, scores=(0.0, 0.45, 0.6), probabilities=(0.2, 0.7, 0.995), evidence=900, tested=PROVEN)
CLOSED = replace(CURVE, tested=(Step(0.6, 12, 0),))
FORM = "change-of-keeper"
STANDARDS = Standards(
    Calibration(
        "7",
        {
            "name": CURVE, "typed:country": CURVE, "country": CLOSED,
            "identifier": CURVE, "choice": CURVE, "signature": CURVE, "rare": CLOSED,
            "blank:text": CURVE, "blank:choice": CURVE, "blank:signature": CURVE, "blank:date": CLOSED,
        },
        form_types=frozenset({FORM}),
        readers=frozenset({"r@1"}),
    ),
    Policy("3", critical=frozenset({"identifier"})),
)  # fmt: skip
FAILED = CheckResult("pattern", passed=False, message="This is no surname.")
PASSED = CheckResult("pattern", passed=True, message="never shown")
NAMED = "policy@3/7"
CROSSED_OUT = "Something written here seems to be crossed out."


def text(value: Value = "JONES", known: float = 1.0, **changes: object) -> Facts:
    """A field of writing, read and understood."""
    facts = Facts(FORM, "name", FieldKind.TEXT, value, was_read=True, reader="r@1", features={"known": known})
    return replace(facts, **changes)  # type: ignore[arg-type]


def empty(inked: float = 0.0, **changes: object) -> Facts:
    facts = text(None, was_read=False, reader=None, features={"known": 1.0, "inked": inked})
    return replace(facts, **changes)  # type: ignore[arg-type]


def ticks(value: Value, *states: MarkState, field_class: str = "choice") -> Facts:
    marks = [Judged(f"box {place}", state, "A stroke leaves the box.") for place, state in enumerate(states)]
    return Facts(FORM, field_class, FieldKind.CHOICE, value, marks=marks, features={"known": 1.0})


def signature(value: Value, state: MarkState) -> Facts:
    marks = [Judged("signature", state, "Only a short stroke.")]
    return Facts(FORM, "signature", FieldKind.SIGNATURE, value, marks=marks, features={"known": 1.0})


def test_a_receipt_that_is_not_found_is_no_empty_place_like_others() -> None:
    assert weighed_as(replace(empty(), field_class="stamp", kind=FieldKind.DATE)) == "blank:stamp"
    assert weighed_as(replace(empty(), field_class="date", kind=FieldKind.DATE)) == "blank:date"


def test_a_sure_reading_is_accepted_with_its_measured_probability() -> None:
    assert decide(text(), STANDARDS) == Decision(FieldStatus.ACCEPTED, 0.995, (), NAMED, score=FULL)


@pytest.mark.parametrize(
    ("known", "status", "probability"),
    [(1.0, FieldStatus.ACCEPTED, 0.995), (0.5, FieldStatus.ACCEPTED, 0.7), (0.4999, FieldStatus.REVIEW, 0.7),
     (0.0, FieldStatus.REVIEW, 0.2)],
)  # fmt: skip
def test_the_threshold_itself_is_enough(known: float, status: FieldStatus, probability: float) -> None:
    decision = decide(text(known=known), STANDARDS)
    assert (decision.status, decision.confidence) == (status, probability)
    assert decision.reasons == (() if status is FieldStatus.ACCEPTED else ("The reading is not sure enough.",))


def test_blank_paper_is_blank_only_on_evidence_and_ink_that_reads_as_nothing_is_unreadable() -> None:
    assert decide(empty(), STANDARDS) == Decision(FieldStatus.BLANK, 0.995, (), NAMED, score=FULL)
    unproven = decide(empty(kind=FieldKind.DATE), STANDARDS)
    assert unproven.status is FieldStatus.REVIEW
    assert unproven.reasons == ("There is too little evidence about this class of field to accept it unseen.",)
    doubtful = decide(empty(features={"known": 0.0}), STANDARDS)
    assert (doubtful.status, doubtful.reasons) == (FieldStatus.REVIEW, ("The reading is not sure enough.",))
    unreadable = decide(empty(inked=1.0), STANDARDS)
    assert unreadable.status is FieldStatus.UNREADABLE
    assert unreadable.reasons == ("There is ink here that could not be read; it may be an answer or only dirt.",)


def test_empty_places_of_kinds_that_share_their_evidence_are_believed_together() -> None:
    shared = replace(STANDARDS.policy, groups={"empty": ("blank:text", "blank:date")})
    decision = decide(empty(kind=FieldKind.DATE), Standards(STANDARDS.calibration, shared))
    assert decision.status is FieldStatus.BLANK


def test_a_required_answer_that_is_missing_goes_to_a_person() -> None:
    missing = CheckResult("required", passed=False, message="An answer is required here.")
    decision = decide(empty(checks=[missing]), STANDARDS)
    assert (decision.status, decision.reasons) == (FieldStatus.REVIEW, ("An answer is required here.",))


def test_what_was_read_but_not_understood_goes_to_a_person_with_the_reason() -> None:
    decision = decide(text(None, problem="There is no such day.", checks=[FAILED]), STANDARDS)
    assert decision.status is FieldStatus.REVIEW
    assert decision.reasons == ("There is no such day.", "This is no surname.")
    assert decide(text(None), STANDARDS).reasons == ("What stands here could not be understood.",)


def test_a_failed_check_sends_even_a_sure_reading_to_a_person() -> None:
    decision = decide(text(checks=[PASSED, FAILED]), STANDARDS)
    # The curves were measured on values that passed their checks: of this one they know nothing.
    assert (decision.status, decision.confidence) == (FieldStatus.REVIEW, None)
    assert decision.reasons == ("This is no surname.",)
    assert decide(text(checks=[PASSED]), STANDARDS).status is FieldStatus.ACCEPTED


@pytest.mark.parametrize(("field_class", "confidence"), [("rare", 0.995), ("never measured", None)])
def test_a_class_without_enough_evidence_is_closed_however_sure_the_reading(
    field_class: str, confidence: float | None
) -> None:
    decision = decide(text(field_class=field_class), STANDARDS)
    assert (decision.status, decision.confidence) == (FieldStatus.REVIEW, confidence)
    assert decision.reasons == ("There is too little evidence about this class of field to accept it unseen.",)


@pytest.mark.parametrize(
    ("stamped", "foreign", "status"),
    [(0.0, 250.0, FieldStatus.ACCEPTED), (0.0, 251.0, FieldStatus.REVIEW),
     (1.0, 60.0, FieldStatus.ACCEPTED), (1.0, 61.0, FieldStatus.REVIEW)],
)  # fmt: skip
def test_what_reaches_into_a_value_counts_for_more_where_a_stamp_does(
    stamped: float, foreign: float, status: FieldStatus
) -> None:
    assert decide(text(features={"known": 1.0, "stamped": stamped, "foreign": foreign}), STANDARDS).status is status


@pytest.mark.parametrize(("struck", "status"), [(1.3, FieldStatus.ACCEPTED), (1.6, FieldStatus.REVIEW)])
def test_what_was_crossed_out_goes_to_a_person(struck: float, status: FieldStatus) -> None:
    decision = decide(text(features={"known": 1.0, "struck": struck}), STANDARDS)
    assert decision.status is status
    assert decision.reasons == (() if status is FieldStatus.ACCEPTED else (CROSSED_OUT,))


@pytest.mark.parametrize(
    ("field_class", "agreement", "status"),
    [("identifier", 0.9, FieldStatus.REVIEW), ("identifier", 1.0, FieldStatus.ACCEPTED),
     ("name", 0.9, FieldStatus.ACCEPTED)],
)  # fmt: skip
def test_two_readers_must_not_differ_about_a_critical_value(
    field_class: str, agreement: float, status: FieldStatus
) -> None:
    seen = text(field_class=field_class, features={"known": 1.0, "agreement": agreement})
    assert decide(seen, STANDARDS).status is status


@pytest.mark.parametrize(
    ("feature", "measured", "status"),
    [("hemmed", 31.0, FieldStatus.REVIEW), ("hemmed", 30.0, FieldStatus.ACCEPTED),
     ("gap", 0.61, FieldStatus.REVIEW), ("gap", 0.6, FieldStatus.ACCEPTED)],
)  # fmt: skip
def test_a_number_that_may_lack_a_figure_goes_to_a_person_and_is_no_evidence(
    feature: str, measured: float, status: FieldStatus
) -> None:
    seen = text(field_class="identifier", features={"known": 1.0, feature: measured})
    assert decide(seen, STANDARDS).status is status
    assert (weighed_as(seen) is None) is (status is FieldStatus.REVIEW)


@pytest.mark.parametrize(
    ("feature", "measured", "status"),
    [("missed", 0.81, FieldStatus.REVIEW), ("missed", 0.8, FieldStatus.ACCEPTED),
     ("capital", 0.81, FieldStatus.REVIEW), ("capital", 0.8, FieldStatus.ACCEPTED),
     ("answers", 2.0, FieldStatus.REVIEW), ("answers", 1.0, FieldStatus.ACCEPTED)],
)  # fmt: skip
def test_what_another_reader_surely_saw_and_a_second_answer_are_for_a_person(
    feature: str, measured: float, status: FieldStatus
) -> None:
    seen = text(features={"known": 1.0, feature: measured})
    decision = decide(seen, STANDARDS)
    assert decision.status is status
    assert (weighed_as(seen) is None) is (status is FieldStatus.REVIEW)
    assert len(decision.reasons) == (status is FieldStatus.REVIEW)


@pytest.mark.parametrize(("faint", "status"), [(2.0, FieldStatus.BLANK), (3.0, FieldStatus.REVIEW)])
def test_what_is_taken_for_empty_on_a_page_of_faint_writing_is_for_a_person(faint: float, status: FieldStatus) -> None:
    assert decide(empty(features={"known": 1.0, "faint": faint}), STANDARDS).status is status


def test_a_policy_may_ask_that_a_person_sees_everything() -> None:
    nothing = Standards(STANDARDS.calibration, Policy("4", unseen=frozenset({FieldStatus.ACCEPTED})))
    assert decide(text(), nothing).status is FieldStatus.ACCEPTED
    assert decide(empty(), nothing).reasons == ("The policy asks that a person sees all that is taken for empty.",)


def test_plain_ticks_are_accepted_and_none_at_all_is_blank() -> None:
    ticked = ticks(("sold",), MarkState.TICKED, MarkState.CANCELLED)
    assert decide(ticked, STANDARDS).status is FieldStatus.ACCEPTED
    none = ticks((), MarkState.EMPTY, MarkState.EMPTY)
    assert (decide(none, STANDARDS).status, weighed_as(none)) == (FieldStatus.BLANK, "blank:choice")


def test_one_doubtful_box_sends_the_whole_question_to_a_person() -> None:
    doubtful = replace(ticks(("sold",), MarkState.TICKED, MarkState.DOUBTFUL), checks=[FAILED])
    decision = decide(doubtful, STANDARDS)
    assert (decision.status, decision.confidence, decision.score) == (FieldStatus.REVIEW, None, None)
    assert decision.reasons == ("box 1: A stroke leaves the box.", "This is no surname.")


def test_ticks_of_a_closed_class_are_not_accepted() -> None:
    assert decide(ticks(("sold",), MarkState.TICKED, field_class="rare"), STANDARDS).status is FieldStatus.REVIEW


def test_a_signature_is_accepted_unless_it_is_in_doubt_and_so_is_that_there_is_none() -> None:
    assert decide(signature(True, MarkState.TICKED), STANDARDS).status is FieldStatus.ACCEPTED
    unsigned = signature(False, MarkState.EMPTY)
    assert (decide(unsigned, STANDARDS).status, weighed_as(unsigned)) == (FieldStatus.ACCEPTED, "blank:signature")
    doubt = decide(signature(False, MarkState.DOUBTFUL), STANDARDS)
    assert (doubt.status, doubt.reasons) == (FieldStatus.REVIEW, ("signature: Only a short stroke.",))


def barcode(**changes: object) -> Facts:
    return text("A1", kind=FieldKind.BARCODE, field_class="identifier", reader="zxing", **changes)


def test_a_barcode_proves_itself_but_must_pass_its_checks() -> None:
    assert decide(barcode(), STANDARDS) == Decision(FieldStatus.ACCEPTED, None, (), NAMED)
    assert decide(barcode(checks=[FAILED]), STANDARDS).reasons == ("This is no surname.",)
    strict = Standards(STANDARDS.calibration, Policy("5", self_checking=frozenset()))
    assert decide(barcode(), strict).status is FieldStatus.REVIEW


def test_a_barcode_that_cannot_be_read_is_not_blank_paper() -> None:
    unread = decide(empty(inked=1.0, kind=FieldKind.BARCODE), STANDARDS)
    assert (unread.status, unread.reasons) == (
        FieldStatus.UNREADABLE, ("A barcode seems to stand here that could not be read.",),
    )  # fmt: skip


def test_a_page_too_poor_to_be_read_or_missing_gives_no_value() -> None:
    poor = decide(text(page_problems=["The page is too faint."]), STANDARDS)
    assert (poor.status, poor.confidence, poor.reasons) == (FieldStatus.UNREADABLE, None, ("The page is too faint.",))
    assert decide(text(None, has_page=False), STANDARDS).status is FieldStatus.NOT_FOUND


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_score_never_makes_a_value_less_probable(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert CURVE.probability(low) <= CURVE.probability(high)
    assert WEIGHING.score({"known": low}) <= WEIGHING.score({"known": high})


@given(st.booleans(), st.floats(0, 1), st.booleans(), st.sampled_from(["name", "rare", "none"]))
def test_whoever_must_look_is_told_why_and_nobody_else_is(
    is_read: bool, known: float, is_inked: bool, field_class: str
) -> None:
    facts = text(known=known) if is_read else empty(float(is_inked))
    decision = decide(replace(facts, field_class=field_class), STANDARDS)
    must_look = decision.status in (FieldStatus.REVIEW, FieldStatus.UNREADABLE)
    assert bool(decision.reasons) == must_look


TABLE = """
format = 2
version = "3"
readers = ["r@1"]
[class.name]
evidence = 40
scores = [0, 0.5]
probabilities = [0.1, 0.9]
tested = [[0.6, 30, 0], [0.2, 50, 4]]
intercept = 0.25
[class.name.weights]
known = { mean = 0.5, scale = 2, weight = 1.5, absent = -0.5 }
"""


def test_a_calibration_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(TABLE)
    weighing = Weighing(0.25, {"known": Weight(0.5, 2.0, 1.5, -0.5)})
    curve = Curve(weighing, (0.0, 0.5), (0.1, 0.9), 40, (Step(0.6, 30, 0), Step(0.2, 50, 4)))
    assert load_calibration(file) == Calibration("3", {"name": curve}, readers=frozenset({"r@1"}))


def test_an_absent_feature_counts_as_the_file_says() -> None:
    weighing = Weighing(0.25, {"known": Weight(0.5, 2.0, 1.5, -0.5)})
    # 1 / (1 + exp(-(0.25 + 1.5 * 0.25))) and 1 / (1 + exp(0.25)), by hand.
    assert weighing.score({"known": 1.0}) == 0.651355
    assert weighing.score({}) == 0.437823
    assert weighing.score({"known": 1e9}) == weighing.score({"known": 8.5})  # four standard deviations at most


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version = ",
        TABLE.replace("format = 2", "format = 1"),
        TABLE.replace("probabilities = [0.1, 0.9]", ""),
        TABLE.replace("[0.2, 50, 4]", "[0.7, 50, 4]"),
        TABLE.replace("known =", "wisdom ="),
        TABLE.replace("scale = 2", "scale = 0"),
        'format = 2\nversion = "1"\n[class]\nname = 3',
    ],
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


@pytest.mark.parametrize(
    ("measure", "most", "reason"),
    [
        ("foreign", 250.0, "Writing that was taken for another field's reaches in here."),
        ("unread", 250.0, "A line of writing here could not be read."),
        ("stray", 2000.0, "Much ink here belongs to no line that was read."),
    ],
)
def test_ink_that_the_reading_leaves_out_sends_even_a_sure_value_to_a_person(
    measure: str, most: float, reason: str
) -> None:
    little, much = ({"known": 1.0, measure: pixels} for pixels in (most, most + 1))
    for facts in (text(features=much), empty(features=much)):
        decision = decide(facts, STANDARDS)
        assert (decision.status, decision.reasons) == (FieldStatus.REVIEW, (reason,))
        assert weighed_as(facts) is None  # nor is it evidence for any curve
    assert decide(text(features=little), STANDARDS).status is FieldStatus.ACCEPTED


def test_what_is_typed_is_weighed_by_itself_and_what_cannot_be_told_is_taken_for_handwriting() -> None:
    typed = {"known": 1.0, "evenness": 0.8}
    by_hand = {"known": 1.0, "evenness": 0.79}
    assert weighed_as(text(field_class="country", features=typed)) == "typed:country"
    assert weighed_as(text(field_class="country", features=by_hand)) == "country"
    assert weighed_as(text(field_class="country")) == "country"
    assert decide(text(field_class="country", features=typed), STANDARDS).status is FieldStatus.ACCEPTED
    assert decide(text(field_class="country", features=by_hand), STANDARDS).status is FieldStatus.REVIEW


def test_a_calibration_that_tells_no_type_from_handwriting_weighs_both_alike() -> None:
    typed = text(features={"known": 1.0, "evenness": 0.9})
    assert weighed_as(typed) == "typed:name"
    assert decide(typed, STANDARDS) == decide(text(), STANDARDS) == Decision(
        FieldStatus.ACCEPTED, 0.995, (), NAMED, score=FULL
    )  # fmt: skip


def test_an_empty_place_and_a_barcode_are_never_typed() -> None:
    even = {"known": 1.0, "evenness": 1.0, "inked": 0.0}
    assert weighed_as(empty(features=even)) == "blank:text"
    assert weighed_as(text(kind=FieldKind.BARCODE, features=even)) == "barcode"
