"""A calibration promises no more than its evidence proves, and says nothing of paper it has not seen."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import pytest

from extract.calibrate import Calibration, Step, load_calibration, models_of
from extract.policy import Policy
from extract.score import Expected
from extract.standards import Standards, thresholds
from intake.measure import held_out
from intake.measure.calibration_file import as_toml
from intake.measure.evidence import Case, cases
from intake.measure.fit import Block, Pair, fit, fit_curve, pool, sets_to_test
from intake.measure.match import match
from intake.measure.truth import TrueDocument
from intake.measure.weigh import fit_weighings, logistic
from schemas.field import FieldKind, FieldSpec, FieldStatus
from schemas.form_type import FormType
from schemas.record import Record, RecordCheck, RecordField, RecordReading, RecordSource

READER = "pp-ocrv6-tiny-latin/d2bef774/openvino-2026.3>pp-ocrv6-small-latin/0b636836/openvino-2026.3"
CEILING = 0.005
POLICY = Policy("1")
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


def case(weakest: float | None, *, is_right: bool = True, form_type: str = "a-form", name: str = "name") -> Case:
    features = None if weakest is None else {"weakest": weakest, "mean": 0.99}
    return Case(form_type, name, features, READER, is_right=is_right)


def evidence(*runs: tuple[float, int, int], **facts: str) -> list[Case]:
    """Cases from (weakest character, how many right, how many wrong), as many held out."""
    seen = [case(score, is_right=is_right, **facts) for score, is_right in pairs_of(*runs)]
    return [replace(one, is_held_out=held) for one in seen for held in (False, True)]


def threshold(pairs: Sequence[Pair], ceiling: float = CEILING) -> float | None:
    return thresholds({"name": sets_to_test(pairs)}, ceiling)["name"]


def is_proven(wrong: int, values: int) -> bool:
    """Whether so few wrong ones are seen in at most 1 of 20 samples if the error is at the ceiling; exact sums."""
    rate = Fraction(1, 200)
    return sum(comb(values, k) * rate**k * (1 - rate) ** (values - k) for k in range(wrong + 1)) < Fraction(1, 20)


def test_neighbours_that_fall_are_pooled_until_the_curve_rises() -> None:
    # As scikit-learn 1.9.1 has it: 0, then 1/3 three times, 2/3 three times, 1.
    answers = [0, 1, 0, 0, 1, 1, 0, 1]
    levels = [Block((place + 1) / 10, 1, right) for place, right in enumerate(answers)]
    assert [(block.score, block.share) for block in pool(levels, lambda block: block.share)] == [
        (0.1, 0.0), (0.2, pytest.approx(1 / 3)), (0.5, pytest.approx(2 / 3)), (0.8, 1.0),
    ]  # fmt: skip


def test_one_low_step_can_pull_down_several_before_it() -> None:
    # By hand: 9 and 0 together are 9/30, less than 4/10; with that 13/40, more than 2/10.
    levels = [Block(0.1, 10, 2), Block(0.2, 10, 4), Block(0.3, 10, 9), Block(0.4, 20, 0)]
    assert pool(levels, lambda block: block.share) == [Block(0.1, 10, 2), Block(0.2, 40, 13)]


def test_with_much_evidence_the_curve_has_the_steps_of_the_data() -> None:
    scores, probabilities = fit_curve(pairs_of((0.2, 100, 300), (0.9, 790, 10)))
    assert scores == (0.2, 0.9)
    assert probabilities == pytest.approx((101 / 402, 791 / 802), abs=1e-6)  # (right + 1) / (values + 2)


def test_with_little_evidence_the_curve_is_smooth_and_never_certain() -> None:
    scores, probabilities = fit_curve(pairs_of((0.2, 1, 1), (0.6, 3, 1), (0.9, 8, 0)))
    assert scores == (0.2, 0.6, 0.9)
    assert list(probabilities) == sorted(probabilities)
    assert 0.6 < probabilities[-1] < 0.98


def test_a_score_that_misleads_gives_no_falling_curve() -> None:
    _, probabilities = fit_curve(pairs_of((0.2, 40, 0), (0.9, 0, 40)))
    assert probabilities == (pytest.approx(0.5, abs=1e-6),)


def test_the_weights_are_those_that_another_program_finds() -> None:
    # scikit-learn 1.9.1, LogisticRegression(C=0.5, tol=1e-12), on the same data.
    number = np.arange(400)
    features = np.stack([np.sin(number), np.cos(2.3 * number) * 2, (number % 7 - 3) / 2.0, np.ones(400)], 1)
    chances = 1 / (1 + np.exp(-(0.4 + 1.2 * features[:, 0] - 0.7 * features[:, 1])))
    right = ((np.sin(12.9898 * number) * 43758.5453) % 1 < chances).astype(np.float64)
    found = logistic(features, right, np.zeros(4), np.array([2.0, 2.0, 2.0, 1e-9]))
    assert found == pytest.approx([1.18881151, -0.69227646, -0.19910745, 0.36781434], abs=1e-6)


def test_a_feature_never_counts_the_wrong_way_round() -> None:
    # Ink left over speaks against a value; data in which it seems to speak for one change nothing about that.
    odd = [replace(case(0.9, is_right=more), features={"weakest": 0.9, "stray": 50.0 * more}) for more in (True, False)]
    assert fit_weighings(odd * 100)["name"].weights["stray"].weight == 0
    plain = [replace(one, is_right=not one.is_right) for one in odd]
    assert fit_weighings(plain * 100)["name"].weights["stray"].weight < -0.5


def test_what_was_never_absent_counts_at_its_worst_when_it_is() -> None:
    always = fit_weighings([case(place / 50, is_right=place > 20) for place in range(50)])["name"]
    assert always.score({"weakest": 0.9}) == always.score({"weakest": 0.9, "mean": 0.99})  # the same for all: no weight
    assert always.score({}) < always.score({"weakest": 0.0})
    told = {"weakest": 0.9, "known": 1.0}
    sometimes = [case(place / 50, is_right=place > 20) for place in range(50)]
    sometimes += [replace(one, features=told) for one in sometimes]
    assert 0.5 < fit_weighings(sometimes)["name"].score({"weakest": 0.9}) < 1


def test_a_class_with_few_values_is_weighed_like_the_others() -> None:
    many = [case(place / 400, is_right=place > 150 or place % 3 == 0) for place in range(400)]
    few = [case(0.9, name="rare"), case(0.95, name="rare")]
    weighings = fit_weighings(many + few)
    assert weighings["rare"].weights["weakest"].weight == pytest.approx(
        weighings["name"].weights["weakest"].weight, rel=0.3
    )


@pytest.mark.parametrize(("wrong", "values"), [(0, 598), (1, 947), (2, 1258)])
def test_a_class_opens_at_exactly_the_number_of_values_that_proves_it(wrong: int, values: int) -> None:
    assert is_proven(wrong, values)
    assert not is_proven(wrong, values - 1)
    assert threshold(pairs_of((1.0, values - wrong, wrong))) == 1.0
    assert threshold(pairs_of((1.0, values - wrong - 1, wrong))) is None


def test_the_threshold_stands_above_the_scores_where_errors_begin() -> None:
    assert threshold(pairs_of((0.99, 700, 0), (0.9, 300, 0), (0.4, 200, 30))) == 0.9
    assert threshold(pairs_of((0.99, 800, 0), (0.9, 300, 30), (0.4, 1000, 0))) == 0.99


def test_with_much_evidence_one_early_error_closes_nothing() -> None:
    assert is_proven(1, 1000)
    assert threshold(pairs_of((0.99, 599, 1), (0.95, 400, 0), (0.9, 3_000, 0))) == 0.9
    assert threshold(pairs_of((0.99, 649, 1), (0.95, 650, 0), (0.9, 1_300, 0))) == 0.9


def test_a_series_that_begins_late_has_less_to_be_wrong_with() -> None:
    # The strictest set fails. Half of all pass with five in a hundred, but not with one and a quarter.
    spoilt, good = (0.99, 795, 5), (0.9, 1_400, 0)
    assert is_proven(5, 2_200)
    assert threshold(pairs_of(spoilt, good)) is None
    assert threshold(pairs_of(spoilt, good, (0.8, 800, 0))) == 0.8


def test_a_handful_of_errors_does_not_hide_the_many_right_ones_below() -> None:
    assert not is_proven(3, 1010)
    assert is_proven(3, 3910)
    assert threshold(pairs_of((0.95, 999, 1), (0.94, 8, 2), (0.9, 2_900, 0))) == 0.9


def test_a_set_that_is_hardly_larger_than_the_last_is_not_tried() -> None:
    assert not is_proven(3, 1110)
    steps = (Step(0.95, 1000, 1), Step(0.94, 1110, 3), Step(0.9, 3910, 3))
    assert thresholds({"name": steps}, CEILING) == {"name": 0.9}


def test_with_much_evidence_the_threshold_comes_near_to_where_the_ceiling_is_reached() -> None:
    # 8,000 proven ones; below, one in ten is wrong. Each further set is larger by 299 values: 30 errors.
    assert is_proven(29, 8_300)
    assert not is_proven(59, 8_600)
    falling = [(0.9 - place / 10_000, place % 10 != 0) for place in range(1, 2_001)]
    found = threshold([*pairs_of((0.99, 8_000, 0)), *falling])
    assert found == pytest.approx(0.9 - 299 / 10_000, abs=0.006)


def test_after_a_set_that_fails_no_larger_one_is_tried() -> None:
    # All 3,600 together would pass with their 10 errors; but the strictest set fails.
    assert is_proven(10, 3_600)
    assert threshold(pairs_of((0.99, 990, 10), (0.5, 2_600, 0))) is None


def test_the_sets_kept_hold_every_value_and_end_where_scores_change() -> None:
    steps = sets_to_test(pairs_of((0.9, 15, 0), (0.8, 30, 2), (0.7, 1, 0), (0.6, 0, 5)))
    assert steps == (Step(0.9, 15, 0), Step(0.8, 47, 2), Step(0.6, 53, 7))


def test_the_sets_that_tests_begin_with_are_kept_to_the_value() -> None:
    sizes = [step.values for step in sets_to_test([(place / 2000, True) for place in range(2000)])]
    assert {500, 1000, 1500, 2000} <= set(sizes)
    assert len(sizes) < 200


def test_classes_that_share_their_evidence_open_together_and_each_at_its_own_score() -> None:
    few, many = pairs_of((0.95, 300, 0)), pairs_of((0.9, 400, 0), (0.3, 100, 50))
    assert thresholds({"few": sets_to_test(few)}, CEILING) == {"few": None}
    assert thresholds({"few": sets_to_test(few), "many": sets_to_test(many)}, CEILING) == {"few": 0.95, "many": 0.9}
    spoilt = pairs_of((0.95, 300, 20))
    assert thresholds({"few": sets_to_test(spoilt), "many": sets_to_test(many)}, CEILING) == {"few": None, "many": None}


def test_the_promise_is_kept_in_nineteen_of_twenty_trials() -> None:
    # Calibrations from 1,000 values each; a value of score s is wrong with a chance of 0.06 (1 - s)². Where a class is
    # opened from t on, the true error of what it accepts is therefore 0.02 (1 - t)², which must not be above 1 %.
    random = np.random.default_rng(5)
    broken = opened = 0
    for _ in range(100):
        scores = random.random(1_000)
        is_right = random.random(1_000) > 0.06 * (1 - scores) ** 2
        found = threshold(list(zip(scores.tolist(), is_right.tolist(), strict=True)), 0.01)
        opened += found is not None
        broken += found is not None and 0.02 * (1 - found) ** 2 > 0.01
    assert opened > 30
    assert broken <= 10  # 5 are expected at most; more than 10 come by chance in 1 of 100 runs


def test_a_class_without_enough_evidence_is_closed_but_tells_how_sure_it_is() -> None:
    fitted = Standards(fit(evidence((0.9, 20, 0))), POLICY)
    score = fitted.score("a-form", "name", {"weakest": 0.9, "mean": 0.99})
    assert fitted.objection("a-form", "name", score, READER) != ""
    known = fitted.probability("a-form", "name", score, READER)
    assert known is not None
    assert 0.85 < known < 1


def opened() -> Standards:
    return Standards(fit(evidence((0.9, 600, 0), (0.2, 50, 30))), POLICY)


def objection(standards: Standards, weakest: float, form_type: str = "a-form", reader: str | None = READER) -> str:
    score = standards.score(form_type, "name", {"weakest": weakest, "mean": 0.99})
    return standards.objection(form_type, "name", score, reader)


def test_an_open_class_accepts_from_its_threshold_upwards() -> None:
    fitted = opened()
    assert objection(fitted, 0.9) == ""
    assert objection(fitted, 0.2) == "The reading is not sure enough."


def test_what_is_fitted_on_opens_nothing_alone_and_what_is_held_out_has_no_curve_alone() -> None:
    both = evidence((0.9, 600, 0))
    fitted = fit([one for one in both if not one.is_held_out])
    assert fitted.curves["name"].tested == ()
    assert Standards(fitted, POLICY).threshold("a-form", "name") is None
    assert fit([one for one in both if one.is_held_out]).curves == {}


def test_another_ceiling_takes_effect_without_fitting_anew() -> None:
    fitted = fit(evidence((0.9, 600, 0), (0.2, 50, 30)))
    assert Standards(fitted, POLICY).threshold("a-form", "name") is not None
    assert Standards(fitted, Policy("2", ceilings={"name": 0.0014})).threshold("a-form", "name") is None
    surer = Standards(fitted, Policy("3", confidence=0.99))  # it takes 919 values without an error
    assert surer.threshold("a-form", "name") is None
    lax = Standards(fitted, Policy("4", default_ceiling=0.2))
    low, usual = lax.threshold("a-form", "name"), opened().threshold("a-form", "name")
    assert low is not None
    assert usual is not None
    assert low < usual


def test_a_form_type_without_evidence_is_closed_and_has_no_confidence() -> None:
    fitted = opened()
    assert objection(fitted, 1.0, "b-form") == "There is no evidence about this form type yet."
    assert fitted.probability("b-form", "name", 1.0, READER) is None


def test_a_form_type_that_gave_values_of_one_class_only_stays_closed_for_the_others() -> None:
    dates = [replace(one, field_class="date") for one in evidence((0.9, 3, 0), form_type="b-form")]
    fitted = Standards(fit(evidence((0.9, 600, 0)) + dates), POLICY)
    assert objection(fitted, 0.9, "a-form") == ""
    assert objection(fitted, 0.9, "b-form") != ""
    assert fitted.probability("b-form", "name", 0.9, READER) is None
    assert fitted.probability("b-form", "date", 0.9, READER) is not None


def test_a_value_read_with_another_model_is_not_accepted_but_another_library_is_no_matter() -> None:
    fitted = opened()
    assert objection(fitted, 1.0, reader=READER.replace("openvino-2026.3", "onnxruntime-1.31.1")) == ""
    other = READER.replace("0b636836", "ffffffff")
    assert objection(fitted, 1.0, reader=other) == "There is no evidence about the reader of this value yet."
    assert fitted.probability("a-form", "name", 1.0, other) is None
    assert models_of("tesseract-5.3.0/eng") == "tesseract-5.3.0/eng"


def test_what_no_reader_read_needs_no_reader() -> None:
    ticks = [replace(one, reader=None, features={"faintest": 0.3}) for one in evidence((0.9, 600, 0), name="tick")]
    fitted = Standards(fit(ticks), POLICY)
    score = fitted.score("a-form", "tick", {"faintest": 0.3})
    assert fitted.objection("a-form", "tick", score, None) == ""


def test_curves_of_one_form_type_win_over_the_general_ones() -> None:
    general = fit(evidence((0.9, 600, 0)) + evidence((0.9, 1, 0), form_type="b-form")).curves["name"]
    own = replace(general, tested=())
    both = Calibration("1", {"name": general}, frozenset({"a-form", "b-form"}), {"b-form": {"name": own}})
    assert (both.curve("a-form", "name"), both.curve("b-form", "name")) == (general, own)
    standards = Standards(both, POLICY)
    assert standards.threshold("a-form", "name") is not None
    assert standards.threshold("b-form", "name") is None
    assert Calibration("1", {"name": general}, frozenset(), {"b-form": {"name": own}}).curve("b-form", "tick") is None


def test_fitting_per_form_type_says_nothing_of_any_other() -> None:
    seen = [one for form_type in ("a-form", "b-form") for one in evidence((0.9, 600, 0), form_type=form_type)]
    fitted = fit(seen, per_form_type=True)
    assert fitted.own["a-form"]["name"].evidence == 600
    assert objection(Standards(fitted, POLICY), 0.9, "b-form") == ""
    assert objection(Standards(fitted, POLICY), 0.9, "c-form") != ""


@pytest.mark.parametrize("per_form_type", [False, True])
def test_a_calibration_comes_back_from_its_file_as_it_was(tmp_path: Path, *, per_form_type: bool) -> None:
    seen = [one for score in range(400) for one in evidence((score / 1000, score % 7 > 0, score % 7 == 0))]
    seen += evidence((0.99, 700, 0)) + evidence((1e-06, 0, 1), name='odd "name"')
    seen += [replace(one, features={**(one.features or {}), "known": 1.0}) for one in evidence((0.99, 30, 0))]
    fitted = fit(seen, per_form_type=per_form_type)
    path = tmp_path / "calibration.toml"
    path.write_text(as_toml(fitted, ["a note"]), encoding="utf-8")
    assert load_calibration(path) == fitted


def test_the_same_evidence_in_any_order_gives_the_same_calibration_and_other_evidence_another_version() -> None:
    seen = [one for score in range(100) for one in evidence((score / 100, score % 3 > 0, score % 3 == 0))]
    assert as_toml(fit(seen)) == as_toml(fit(seen[::-1]))
    version = fit(seen).version
    assert version.startswith("200-")
    assert fit([*seen[:-1], replace(seen[-1], is_right=not seen[-1].is_right)]).version != version


def field(value: str | list[str] | None, **changes: object) -> RecordField:
    facts: dict[str, object] = {
        "value": value, "text": "", "kind": FieldKind.TEXT, "status": FieldStatus.REVIEW, "confidence": None,
        "score": 0.9, "page": 1, "box": None, "decided_by": "policy@0", "field_class": "name",
        "features": {"weakest": 0.9},
        "readings": [RecordReading(text="x", reader=READER, score=0.95)],
    }  # fmt: skip
    return RecordField.model_validate(facts | changes)


def seen(found: RecordField, true: str | None = "Ann", *, read_as: str = "a-form") -> Sequence[Case]:
    """The cases of one record with one field."""
    truth = TrueDocument("a.tif", (1,), "a-form", None, {"name": Expected(FieldKind.TEXT, true, true or "")})
    source = RecordSource(name="a.tif", sha256="00", pages=[1])
    record = Record(record_id="1", status="review", source=source, form_type=read_as, fields={"name": found})
    return list(cases(match([truth], [record]), [FORM, replace(FORM, id="b-form")]))


def test_a_value_that_passed_its_checks_counts_with_its_features() -> None:
    [right], [wrong] = seen(field("Ann")), seen(field("Amn"))
    assert (right.field_class, right.features, right.reader, right.is_right) == ("name", {"weakest": 0.9}, READER, True)
    assert (wrong.features, wrong.is_right) == ({"weakest": 0.9}, False)


def test_a_value_that_failed_a_check_is_no_evidence_for_those_that_passed() -> None:
    [failed] = seen(field("Ann", checks=[RecordCheck(name="c", passed=False, message="no")]))
    assert failed.features is None
    assert fit([failed]).curves == {}


def test_what_is_read_where_nothing_is_written_is_wrong() -> None:
    [invented] = seen(field("Ann"), None)
    assert (invented.features, invented.is_right) == ({"weakest": 0.9}, False)


def test_every_field_of_a_form_taken_for_another_is_wrong() -> None:
    [mistaken] = seen(field("Ann"), read_as="b-form")
    assert (mistaken.form_type, mistaken.is_right) == ("b-form", False)


def test_a_field_taken_for_empty_is_evidence_about_empty_places() -> None:
    blank = field(None, status=FieldStatus.REVIEW, score=None, readings=[], features={"stray": 7.0, "inked": 0.0})
    [missed], [empty] = seen(blank), seen(blank, None)
    assert (missed.field_class, missed.is_blank, missed.reader) == ("blank:text", True, None)
    assert (missed.is_right, empty.is_right) == (False, True)
    fitted = fit([replace(empty, is_held_out=False), replace(missed, is_held_out=False)])
    assert set(fitted.curves) == {"blank:text"}
    assert set(fitted.curves["blank:text"].weighing.weights) == set()  # the same ink in both tells nothing


def test_ink_that_nobody_read_is_no_evidence_about_empty_places() -> None:
    inked = field(None, status=FieldStatus.REVIEW, score=None, readings=[], features={"stray": 900.0, "inked": 1.0})
    [unread] = seen(inked)
    assert (unread.field_class, unread.features) == ("name", None)


def test_what_is_held_out_is_counted_as_one_counts_by_hand() -> None:
    tried = [case(0.95), case(0.95, is_right=False), case(0.5), case(None), case(0.95, form_type="b-form")]
    fitted = opened()
    [name, every] = held_out.trials(tried, fitted)
    assert (name.values, name.accepted, name.wrong) == (5, 2, 1)
    assert every.belief.fields == 3


def test_a_class_that_breaks_its_promise_is_closed_whatever_the_policy() -> None:
    fitted = opened()
    tried = held_out.trials([case(0.95) for _ in range(199)] + [case(0.95, is_right=False)], fitted)
    assert held_out.broken(tried, fitted) == []  # 1 of 200 is what was promised
    assert held_out.broken(held_out.trials([case(0.95, is_right=False)], fitted), fitted) == ["name"]
    closed = held_out.closed(fitted.calibration, ["name"])
    assert objection(Standards(closed, Policy("9", default_ceiling=0.5)), 1.0) != ""
    assert closed.version != fitted.calibration.version
    assert closed.curves["name"].probabilities == fitted.calibration.curves["name"].probabilities
