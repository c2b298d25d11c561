"""The committed blank forms are what the layout draws, and load as form types."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from extract.engines.pdf import render_pages
from intake.synthetic.blanks import every_blank
from intake.synthetic.draw import REFERENCE_DPI, describe, paint, pictures, write_blanks
from intake.synthetic.layout import BlankForm
from schemas.field import FieldKind
from schemas.form_type import SHIPPED_FORMS, load_form_type

BLANKS = every_blank()
RENEW = "run `python -m intake.synthetic.draw` and commit what it changes"


def home(blank: BlankForm) -> Path:
    return SHIPPED_FORMS / blank.form_type


@pytest.mark.parametrize("blank", BLANKS, ids=lambda blank: blank.edition)
def test_the_committed_zones_are_those_of_the_layout(blank: BlankForm) -> None:
    committed = (home(blank) / f"{blank.edition}.toml").read_text(encoding="utf-8")
    assert committed == describe(blank), RENEW


@pytest.mark.parametrize("blank", BLANKS, ids=lambda blank: blank.edition)
def test_the_committed_pdf_and_reference_images_look_as_the_layout_draws_them(blank: BlankForm) -> None:
    drawn = pictures(paint(blank))
    committed = render_pages((home(blank) / f"{blank.edition}.pdf").read_bytes(), REFERENCE_DPI)
    assert len(drawn) == len(committed) == len(blank.sheets)
    for number, (new, old) in enumerate(zip(drawn, committed, strict=True), start=1):
        image = cv2.imread(str(home(blank) / f"{blank.edition}-{number}.png"), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        # Half a grey step is what rounding to 16 levels may change; more is another drawing.
        assert int(cv2.absdiff(new, old).max()) <= 9, RENEW
        assert np.array_equal(new, image), RENEW


def test_the_same_layout_gives_the_same_pdf_byte_for_byte() -> None:
    assert paint(BLANKS[0]) == paint(BLANKS[0])


@pytest.mark.parametrize("id", ["change-of-keeper", "fee-refund", "licence-renewal"])
def test_every_edition_has_a_zone_for_every_field_and_every_option(id: str) -> None:
    form = load_form_type(SHIPPED_FORMS / id)
    for edition in form.editions:
        for spec in form.fields:
            zones = edition.zones_of(spec.name)
            if spec.kind is FieldKind.CHOICE:
                assert tuple(zone.option for zone in zones) == spec.options
            else:
                assert len(zones) == 1


@pytest.mark.parametrize("blank", BLANKS, ids=lambda blank: blank.edition)
def test_every_tick_box_and_cell_of_the_reference_image_is_empty_paper(blank: BlankForm) -> None:
    edition = load_form_type(home(blank)).edition(blank.edition)
    for page in edition.pages:
        image = cv2.imread(str(page.image), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        for zone in edition.zones:
            if zone.page != page.number or not (zone.option or zone.cells):
                continue
            for box in zone.cells or (zone.box,):
                inside = box.grown(-3)
                # A comb's short rules stand between the cells, not in them.
                assert image[inside.top : inside.bottom, inside.left : inside.right].min() > 200, zone.field


def test_drawing_into_another_folder_makes_complete_form_types(tmp_path: Path) -> None:
    for blank in BLANKS:
        (tmp_path / blank.form_type).mkdir(exist_ok=True)
        description = (home(blank) / "form.toml").read_bytes()
        (tmp_path / blank.form_type / "form.toml").write_bytes(description)
    write_blanks(tmp_path)
    assert [edition.id for edition in load_form_type(tmp_path / "change-of-keeper").editions] == [
        "vr11-2021-04",
        "vr11-2024-10",
    ]
