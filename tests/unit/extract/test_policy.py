"""The policy: what an office demands is read as it is written, and nonsense is refused with the reason."""

from pathlib import Path

import pytest

from extract.bounds import fewest_cases, is_below, upper_bound
from extract.calibrate import load_calibration
from extract.policy import SHIPPED_POLICY, load_policy
from extract.standards import Standards
from intake.policy_choice import VARIABLE, chosen_policy
from schemas.errors import Unavailable
from schemas.field import FieldKind, FieldStatus

POLICY = """
version = "12"
confidence = 0.99
accepted_unseen = ["accepted"]
critical = ["identifier"]
self_checking = ["barcode"]
[ceiling]
default = 0.01
identifier = 0.001
phone = 0.02
[group]
contact = ["phone", "postcode"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_policy_demands_what_the_design_says() -> None:
    policy = load_policy()
    assert (policy.ceiling("name"), policy.ceiling("identifier"), policy.confidence) == (0.005, 0.0014, 0.95)
    assert policy.unseen == {FieldStatus.ACCEPTED, FieldStatus.BLANK}
    assert policy.version.startswith("2-")


def test_a_policy_is_read_as_it_is_written(tmp_path: Path) -> None:
    policy = load_policy(written(tmp_path, POLICY))
    assert (policy.confidence, policy.ceiling("identifier"), policy.ceiling("name")) == (0.99, 0.001, 0.01)
    assert policy.unseen == {FieldStatus.ACCEPTED}
    assert policy.self_checking == {FieldKind.BARCODE}
    assert policy.peers("phone") == ("phone", "postcode")
    assert policy.ceiling("phone") == policy.ceiling("postcode") == 0.01  # the strictest of those who share evidence


def test_what_is_typed_has_the_ceiling_of_its_class_unless_one_of_its_own_is_set(tmp_path: Path) -> None:
    policy = load_policy(written(tmp_path, POLICY))
    assert [policy.ceiling(name) for name in ("typed:identifier", "typed:phone", "typed:name")] == [0.001, 0.02, 0.01]
    own = load_policy(written(tmp_path, POLICY.replace("[group]", '"typed:identifier" = 0.0005\n[group]')))
    assert (own.ceiling("typed:identifier"), own.ceiling("identifier")) == (0.0005, 0.001)


def test_a_changed_demand_changes_the_version_even_if_nobody_raised_it_and_a_comment_does_not(tmp_path: Path) -> None:
    version = load_policy(written(tmp_path, POLICY)).version
    assert load_policy(written(tmp_path, POLICY + "# a comment\n")).version == version
    assert load_policy(written(tmp_path, POLICY.replace("0.001", "0.002"))).version != version


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('version = "12"\n', "", "'version' is missing"),
        ('version = "12"', "version = 12", "version must be a text"),
        ("confidence = 0.99", "confidence = 1.0", "confidence must be a share"),
        ("confidence = 0.99", 'confidence = "high"', "confidence must be a share"),
        ("default = 0.01", "default = 0", "ceiling of 'default' must be a share"),
        ("default = 0.01", "default = true", "ceiling of 'default' must be a share"),
        ("default = 0.01", 'default = "none"', "ceiling of 'default' must be a share"),
        ("default = 0.01\n", "", "ceiling must have a default"),
        ('["accepted"]', '["accepted", "review"]', "only 'accepted' and 'blank'"),
        ('["accepted"]', '["acepted"]', "acepted"),
        ('["barcode"]', '["barcodes"]', "barcodes"),
        ('critical = ["identifier"]', 'critical = "identifier"', "critical must be a list of names"),
        ('["phone", "postcode"]', '["phone", "phone"]', "'phone' is in two groups, or twice in one"),
        ("[ceiling]", "[ceilings]", "unknown keys"),
        ("[ceiling]", "[ceiling", "not a policy"),
    ],
)
def test_nonsense_is_refused_with_file_and_reason(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in POLICY
    with pytest.raises(Unavailable, match=r"policy\.toml: not a policy: ") as refused:
        load_policy(written(tmp_path, POLICY.replace(old, new)))
    assert problem in str(refused.value)


def test_the_environment_may_name_another_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(written(tmp_path, POLICY)))
    assert chosen_policy().version.startswith("12-")
    assert chosen_policy(SHIPPED_POLICY).version.startswith("2-")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.toml"))
    with pytest.raises(Unavailable, match=r"none\.toml: the policy cannot be read"):
        chosen_policy()
    monkeypatch.setenv(VARIABLE, "")
    assert chosen_policy().version.startswith("2-")


def test_the_fewest_values_without_an_error_follow_from_the_ceiling() -> None:
    # (1 - ceiling) ** values < 0.05; for 5 % the often quoted 59.
    assert [fewest_cases(ceiling) for ceiling in (0.005, 0.05, 0.0014)] == [598, 59, 2139]


@pytest.mark.parametrize(("errors", "cases"), [(0, 597), (0, 598), (1, 946), (1, 947), (3, 3), (0, 0)])
def test_the_short_test_says_the_same_as_the_bound(errors: int, cases: int) -> None:
    assert is_below(0.005, errors, cases) == (upper_bound(errors, cases) < 0.005)


def test_no_class_is_accepted_in_the_shelter_of_those_it_shares_evidence_with() -> None:
    calibration, policy = load_calibration(), load_policy()
    standards = Standards(calibration, policy)
    for form_type in calibration.form_types:
        for name, curve in calibration.curves.items():
            threshold = standards.threshold(form_type, name)
            if threshold is None:
                continue
            accepted = [step for step in curve.tested if step.score >= threshold][-1]
            assert accepted.wrong <= policy.ceiling(name) * accepted.values, name
