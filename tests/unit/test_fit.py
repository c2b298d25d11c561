"""A calibration promises no more than its evidence proves, and says nothing of paper it has not seen."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest

from extract import assemble
from extract.calibrate import Calibration, Curve, load_calibration, models_of
from extract.read import ZoneText
from extract.score import Expected
from intake.measure import held_out
from intake.measure.evidence import Case, cases
from intake.measure.fit import Block, Pair, as_toml, fewest_values, fit, fit_curve, pool, threshold
from intake.measure.match import match
from intake.measure.truth import TrueDocument
from schemas.field import FieldKind, FieldSpec, FieldStatus
from schemas.form_type import Edition, FormType, Zone
from schemas.geometry import Box, PageArea
from schemas.record import Record, RecordCheck, RecordField, RecordReading, RecordSource

READER = "pp-ocrv6-tiny-latin/d2bef774/openvino-2026.3>pp-ocrv6-small-latin/0b636836/openvino-2026.3"
CEILING = 0.005
FORM = FormType(
    "a-form",
    "A form",
    1,
    (FieldSpec("name", FieldKind.TEXT, family="name"), FieldSpec("paid", FieldKind.CHOICE, family="tick")),
    (),
    (),
)


def pairs_of(*runs: tuple[float, int, int]) -> list[Pair]:
    """Pairs from (score, how many right, how many wrong)."""
    return [(score, is_right) for score, right, wrong in runs for is_right in [True] * right + [False] * wrong]


def case(score: float | None, *, is_right: bool = True, form_type: str = "a-form", name: str = "name") -> Case:
    return Case(form_type, name, score, READER, is_blank=False, is_right=is_right)


def is_proven(wrong: int, values: int) -> bool:
    """Whether so few wrong ones are seen in at most 1 of 20 samples if the error is at the ceiling; exact sums."""
    rate = Fraction(1, 200)
    return sum(comb(values, k) * rate**k * (1 - rate) ** (values - k) for k in range(wrong + 1)) < Fraction(1, 20)


def test_neighbours_that_fall_are_pooled_until_the_curve_rises() -> None:
    # By hand: 1, 0, 1, 0, 1, 1 at rising scores gives 1/2 for the first two, 1/2 for the next two, then 1.
    # Equal neighbours are one step.
    levels = [Block(score, 1, right) for score, right in [(0.1, 1), (0.2, 0), (0.3, 1), (0.4, 0), (0.5, 1), (0.6, 1)]]
    assert pool(levels, lambda block: block.share) == [Block(0.1, 4, 2), Block(0.5, 2, 2)]


def test_one_low_step_can_pull_down_several_before_it() -> None:
    # By hand: 9 and 0 together are 9/30, less than 4/10; with that 13/40, more than 2/10.
    levels = [Block(0.1, 10, 2), Block(0.2, 10, 4), Block(0.3, 10, 9), Block(0.4, 20, 0)]
    assert pool(levels, lambda block: block.share) == [Block(0.1, 10, 2), Block(0.2, 40, 13)]


def test_a_few_values_that_are_all_right_do_not_make_certain() -> None:
    curve = fit_curve(pairs_of((0.2, 0, 1), (0.9, 8, 0)), CEILING)
    assert curve.scores == (0.2, 0.9)
    assert curve.probabilities == pytest.approx((1 / 3, 9 / 10), abs=1e-6)  # (right + 1) / (values + 2)
    assert curve.evidence == 9


def test_the_curve_rises_even_where_few_values_are_above_many() -> None:
    curve = fit_curve(pairs_of((0.5, 990, 10), (0.9, 3, 0)), CEILING)
    assert list(curve.probabilities) == sorted(curve.probabilities)
    assert curve.probability(0.9) < 0.999


@pytest.mark.parametrize(("wrong", "values"), [(0, 598), (1, 947), (2, 1258)])
def test_a_class_opens_at_exactly_the_number_of_values_that_proves_it(wrong: int, values: int) -> None:
    assert is_proven(wrong, values)
    assert not is_proven(wrong, values - 1)
    assert threshold(pairs_of((1.0, values - wrong, wrong)), CEILING) == 1.0
    assert threshold(pairs_of((1.0, values - wrong - 1, wrong)), CEILING) is None


def test_the_fewest_values_without_an_error_follow_from_the_ceiling() -> None:
    # (1 - ceiling) ** values < 0.05; for 5 % the often quoted 59.
    assert fewest_values(0.005) == 598
    assert fewest_values(0.05) == 59


def test_the_threshold_stands_above_the_scores_where_errors_begin() -> None:
    pairs = pairs_of((0.99, 700, 0), (0.9, 300, 0), (0.4, 200, 30))
    assert threshold(pairs, CEILING) == 0.9
    assert threshold(pairs_of((0.99, 700, 0), (0.9, 300, 30), (0.4, 1000, 0)), CEILING) == 0.99


def test_with_much_evidence_one_early_error_closes_nothing() -> None:
    assert is_proven(1, 1000)
    assert threshold(pairs_of((0.99, 599, 1), (0.95, 400, 0), (0.9, 3_000, 0)), CEILING) == 0.9
    assert threshold(pairs_of((0.99, 599, 1), (0.95, 400, 0)), CEILING) is None  # a quarter is too little to begin with


def test_a_handful_of_errors_does_not_hide_the_many_right_ones_below() -> None:
    assert not is_proven(3, 1010)
    assert is_proven(3, 3910)
    assert threshold(pairs_of((0.95, 999, 1), (0.94, 8, 2), (0.9, 2_900, 0)), CEILING) == 0.9


def test_after_a_set_that_fails_no_larger_one_is_tried() -> None:
    # All 3,600 together would pass with their 10 errors; but the strictest set fails.
    assert is_proven(10, 3_600)
    assert threshold(pairs_of((0.99, 990, 10), (0.5, 2_600, 0)), CEILING) is None


def test_a_class_without_enough_evidence_is_closed_but_tells_how_sure_it_is() -> None:
    fitted = fit([case(0.9) for _ in range(20)], CEILING)
    assert fitted.objection("a-form", "name", 1.0, READER) != ""
    assert fitted.probability("a-form", "name", 0.9, READER) == pytest.approx(21 / 22, abs=1e-6)


def opened() -> Calibration:
    return fit([case(0.9) for _ in range(600)], CEILING)


def test_an_open_class_accepts_from_its_threshold_upwards() -> None:
    fitted = opened()
    assert fitted.objection("a-form", "name", 0.9, READER) == ""
    assert fitted.objection("a-form", "name", 0.899999, READER) == "The reading is not sure enough."


def test_a_form_type_without_evidence_is_closed_and_has_no_confidence() -> None:
    fitted = opened()
    assert fitted.objection("b-form", "name", 1.0, READER) == "There is no evidence about this form type yet."
    assert fitted.probability("b-form", "name", 1.0, READER) is None


def test_a_value_read_with_another_model_is_not_accepted_but_another_library_is_no_matter() -> None:
    fitted = opened()
    assert fitted.objection("a-form", "name", 1.0, READER.replace("openvino-2026.3", "onnxruntime-1.31.1")) == ""
    other = READER.replace("0b636836", "ffffffff")
    assert fitted.objection("a-form", "name", 1.0, other) == "There is no evidence about the reader of this value yet."
    assert fitted.probability("a-form", "name", 1.0, other) is None
    assert models_of("tesseract-5.3.0/eng") == "tesseract-5.3.0/eng"


def test_what_no_reader_read_needs_no_reader() -> None:
    fitted = fit([replace(case(1.0, name="tick"), reader=None) for _ in range(600)], CEILING)
    assert fitted.objection("a-form", "tick", 1.0, None) == ""


def test_curves_of_one_form_type_win_over_the_general_ones() -> None:
    general, own = Curve((0.0,), (0.9,), 600, 0.5), Curve((0.0,), (0.4,), 10, None)
    both = Calibration("1", {"name": general}, frozenset({"a-form", "b-form"}), {"b-form": {"name": own}})
    assert both.curve("a-form", "name") == general
    assert both.curve("b-form", "name") == own
    assert Calibration("1", {"name": general}, frozenset(), {"b-form": {"name": own}}).curve("b-form", "tick") is None


@pytest.mark.parametrize(("form_type", "status"), [("a-form", FieldStatus.ACCEPTED), ("b-form", FieldStatus.REVIEW)])
def test_a_form_is_decided_by_the_evidence_about_its_own_type(form_type: str, status: FieldStatus) -> None:
    box = Box(10, 10, 90, 40)
    form = replace(FORM, id=form_type, fields=FORM.fields[:1])
    edition = Edition("one", "one", 300, (), (Zone("name", 1, box),))
    read = ZoneText("Ann", (1.0, 0.95, 1.0), box, READER)
    page = assemble.Seen(1, 1, {"name": ((read, PageArea(0.1, 0.1, 0.9, 0.4)),)}, {}, {})
    [decided] = assemble.fields(form, edition, [page], opened())
    assert (decided.status, decided.score) == (status, 0.95)


def test_fitting_per_form_type_says_nothing_of_any_other() -> None:
    evidence = [case(0.9, form_type=form_type) for form_type in ("a-form", "b-form") for _ in range(600)]
    fitted = fit(evidence, CEILING, per_form_type=True)
    assert fitted.own["a-form"]["name"].evidence == 600
    assert fitted.objection("b-form", "name", 0.9, READER) == ""
    assert fitted.objection("c-form", "name", 0.9, READER) != ""


@pytest.mark.parametrize("per_form_type", [False, True])
def test_a_calibration_comes_back_from_its_file_as_it_was(tmp_path: Path, *, per_form_type: bool) -> None:
    evidence = [case(score / 1000, is_right=score % 7 > 0) for score in range(400)] + [case(0.99)] * 700
    evidence += [case(1e-06, name='odd "name"', is_right=False)]
    fitted = fit(evidence, CEILING, per_form_type=per_form_type)
    path = tmp_path / "calibration.toml"
    path.write_text(as_toml(fitted, ["a note"]), encoding="utf-8")
    assert load_calibration(path) == fitted


def test_the_same_evidence_in_any_order_gives_the_same_calibration_and_other_evidence_another_version() -> None:
    evidence = [case(score / 100, is_right=score % 3 > 0) for score in range(100)]
    assert as_toml(fit(evidence, CEILING)) == as_toml(fit(evidence[::-1], CEILING))
    version = fit(evidence, CEILING).version
    assert version.startswith("100-")
    assert fit([*evidence[:-1], replace(evidence[-1], is_right=True)], CEILING).version != version
    assert fit(evidence, 0.01).version != version


def field(value: str | list[str] | None, **changes: object) -> RecordField:
    facts: dict[str, object] = {
        "value": value, "text": "", "kind": FieldKind.TEXT, "status": FieldStatus.REVIEW, "confidence": None,
        "score": 0.9, "page": 1, "box": None, "decided_by": "policy@0",
        "readings": [RecordReading(text="x", reader=READER, score=0.95)],
    }  # fmt: skip
    return RecordField.model_validate(facts | changes)


def seen(found: RecordField, true: str | None = "Ann", *, read_as: str = "a-form") -> Sequence[Case]:
    """The cases of one record with one field."""
    truth = TrueDocument("a.tif", (1,), "a-form", None, {"name": Expected(FieldKind.TEXT, true, true or "")})
    source = RecordSource(name="a.tif", sha256="00", pages=[1])
    record = Record(record_id="1", status="review", source=source, form_type=read_as, fields={"name": found})
    return list(cases(match([truth], [record]), [FORM, replace(FORM, id="b-form")]))


def test_a_value_that_passed_its_checks_counts_with_its_score() -> None:
    [right], [wrong] = seen(field("Ann")), seen(field("Amn"))
    assert (right.field_class, right.score, right.reader, right.is_right) == ("name", 0.9, READER, True)
    assert (wrong.score, wrong.is_right) == (0.9, False)


def test_a_value_that_failed_a_check_is_no_evidence_for_those_that_passed() -> None:
    [failed] = seen(field("Ann", checks=[RecordCheck(name="c", passed=False, message="no")]))
    assert failed.score is None
    assert fit([failed], CEILING).curves == {}


def test_what_is_read_where_nothing_is_written_is_wrong() -> None:
    [invented] = seen(field("Ann"), None)
    assert (invented.score, invented.is_right) == (0.9, False)


def test_every_field_of_a_form_taken_for_another_is_wrong() -> None:
    [mistaken] = seen(field("Ann"), read_as="b-form")
    assert (mistaken.form_type, mistaken.is_right) == ("b-form", False)


def test_a_field_taken_for_empty_is_counted_apart() -> None:
    blank = field(None, status=FieldStatus.BLANK, score=None, readings=[])
    [missed], [empty] = seen(blank), seen(blank, None)
    assert (missed.is_blank, missed.is_right, empty.is_right) == (True, False, True)
    [*_, every] = held_out.trials([missed, empty], opened())
    assert (every.blank, every.missed, every.written, every.accepted) == (2, 1, 0, 0)


def test_the_half_held_out_is_counted_as_one_counts_by_hand() -> None:
    tried = [case(0.95), case(0.95, is_right=False), case(0.5), case(None), case(0.95, form_type="b-form")]
    [name, every] = held_out.trials(tried, opened())
    assert (name.written, name.accepted, name.wrong) == (5, 2, 1)
    # Three values have the confidence 601/602, two of them are right.
    assert every.calibration_error == pytest.approx(601 / 602 - 2 / 3, abs=1e-5)


def test_a_class_that_breaks_its_promise_is_closed_again() -> None:
    fitted = opened()
    tried = held_out.trials([case(0.95) for _ in range(199)] + [case(0.95, is_right=False)], fitted)
    assert held_out.broken(tried, CEILING) == []  # 1 of 200 is what was promised
    assert held_out.broken(held_out.trials([case(0.95, is_right=False)], fitted), CEILING) == ["name"]
    closed = held_out.closed(fitted, ["name"])
    assert closed.objection("a-form", "name", 1.0, READER) != ""
    assert closed.version != fitted.version
    assert closed.curves["name"].probabilities == fitted.curves["name"].probabilities
