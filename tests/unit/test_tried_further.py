"""More documents move what may be accepted without a new fit, in both directions, and never count twice."""

from dataclasses import replace

import pytest

from extract.calibrate import Calibration, Curve, Step, Weighing, Weight
from extract.policy import Policy
from extract.standards import Standards
from intake.measure.evidence import Case
from intake.measure.tried_further import tried_further
from schemas.errors import MailError

READER = "a-reader/1a2b3c4d/onnxruntime-1.31.1"
# The score is a half at a weakest character of 0.9 (one nine), and rises with every further nine.
SURE = Weighing(0.0, {"weakest": Weight(mean=1.0, scale=1.0, weight=3.0)})
CURVE = Curve(SURE, (0.0,), (0.99,), 900, (Step(0.9, 400, 0), Step(0.4, 500, 60)))
FITTED = Calibration("900-1234abcd", {"name": CURVE}, frozenset({"a-form"}), readers=frozenset({"a-reader/1a2b3c4d"}))


def cases(
    values: int, *, wrong: int = 0, weakest: float = 0.99, name: str = "name", reader: str = READER
) -> list[Case]:
    return [
        Case("a-form", name, {"weakest": weakest, "length": float(number)}, reader, is_right=number >= wrong)
        for number in range(values)
    ]


def threshold(calibration: Calibration) -> float | None:
    return Standards(calibration, Policy("1")).threshold("a-form", "name")


def test_more_right_values_open_what_too_few_left_closed() -> None:
    assert threshold(FITTED) is None  # 400 right ones prove no half percent
    assert threshold(tried_further(FITTED, cases(300))) == 0.9


def test_wrong_values_close_what_was_open() -> None:
    opened = replace(FITTED, curves={"name": replace(CURVE, tested=(Step(0.9, 700, 0),))})
    assert threshold(opened) == 0.9
    assert threshold(tried_further(opened, cases(20, wrong=4))) is None


def test_a_value_counts_in_every_set_that_its_score_is_high_enough_for() -> None:
    [curve] = tried_further(FITTED, [*cases(10, wrong=1), *cases(5, wrong=2, weakest=0.9)]).curves.values()
    assert curve.tested == (Step(0.9, 410, 1), Step(0.4, 515, 63))
    [curve] = tried_further(FITTED, cases(5, wrong=2, weakest=0.5)).curves.values()
    assert [(step.values, step.wrong) for step in curve.tested] == [(400, 0), (500, 60), (505, 62)]
    assert curve.tested[-1].score < 0.4


def test_nothing_else_changes_but_the_version() -> None:
    further = tried_further(FITTED, cases(10))
    assert further.version.startswith("900-1234abcd+10-")
    assert replace(further, version=FITTED.version, curves=FITTED.curves) == FITTED
    assert replace(further.curves["name"], tested=CURVE.tested) == CURVE


def test_what_the_calibration_knows_nothing_of_does_not_count() -> None:
    strange = [*cases(9, name="address"), *cases(9, reader="b-reader/1a2b3c4d/onnxruntime-1.31.1")]
    strange += [replace(one, form_type="b-form") for one in cases(9)] + [
        replace(one, features=None) for one in cases(9)
    ]
    assert tried_further(FITTED, strange).curves == FITTED.curves


def test_a_class_that_is_kept_closed_stays_closed() -> None:
    closed = replace(FITTED, curves={"name": replace(CURVE, tested=())})
    assert threshold(tried_further(closed, cases(3000))) is None


def test_curves_of_a_form_type_alone_get_the_values_of_that_form_type() -> None:
    own = replace(FITTED, own={"a-form": {"name": CURVE}})
    further = tried_further(own, cases(10))
    assert further.curves == FITTED.curves
    assert further.own["a-form"]["name"].tested[0] == Step(0.9, 410, 0)


def test_the_same_documents_are_refused_the_second_time() -> None:
    once = tried_further(FITTED, cases(10))
    with pytest.raises(MailError, match="count twice"):
        tried_further(tried_further(once, cases(11)), reversed(cases(10)))
