"""A fault in a form type is told with its file and field before any page is read."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from intake.form_choice import chosen_form_types
from review_ui.cli import app
from schemas.errors import NotAForm
from schemas.form_type import SHIPPED_FORMS, load_form_types


def spoilt(folder: Path, right: str, wrong: str) -> Path:
    """A folder with the refund form, one of its lines changed and its id with it, so that it stands beside ours."""
    form = folder / "refund-again"
    shutil.copytree(SHIPPED_FORMS / "fee-refund", form)
    description = form / "form.toml"
    text = description.read_text(encoding="utf-8")
    assert right in text
    text = text.replace('id = "fee-refund"', 'id = "refund-again"').replace(right, wrong)
    description.write_text(text, encoding="utf-8")
    return folder


def told(folder: Path) -> str:
    answer = CliRunner().invoke(app, ["forms", "check", str(folder)])
    assert answer.exit_code == 1
    return answer.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("right", "wrong", "key"),
    [
        ('pattern_full = "[0-9]{8}"', 'pattern_full = "[0-9{8}"', "pattern_full"),
        ('label = "Account number"', 'label = "Account number"\npatterns = ["(a"]', "patterns"),
        ('label = "Account number"', 'label = "Account number"\nerase = ["*"]', "erase"),
    ],
)
def test_a_regular_expression_that_is_none_is_refused(tmp_path: Path, right: str, wrong: str, key: str) -> None:
    message = told(spoilt(tmp_path, right, wrong))
    assert "form.toml" in message
    assert "'account_number'" in message
    assert key in message
    with pytest.raises(NotAForm, match="account_number"):
        load_form_types((tmp_path,))


def test_a_check_that_there_is_not_is_refused_by_the_check_and_by_every_run(tmp_path: Path) -> None:
    spoilt(tmp_path, 'name = "account_number"\nfields', 'name = "moon_phase"\nfields')
    assert "moon_phase" in told(tmp_path)
    with pytest.raises(NotAForm, match=r"'refund-again'.*moon_phase"):
        chosen_form_types((tmp_path,), None)
