"""Every page finds its form type, edition, page and turn, or honestly none."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from extract.candidate import Candidate
from extract.classify import Catalogue, load_catalogue
from extract.page import Grey, PageImage
from extract.views import view
from intake.synthetic.write import OWN_FORMS
from schemas.errors import NotAForm
from schemas.form_type import SHIPPED_FORMS, Edition, FormType, load_form_type
from tests.drawn_form import PLACES, draw_form, draw_letter, filled, moved, page_of

FORMS = [load_form_type(SHIPPED_FORMS / id) for id in OWN_FORMS]
SIDES = [(form.id, edition.id, page.number) for form in FORMS for edition in form.editions for page in edition.pages]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(FORMS)


def scan(form: str, edition: str, page: int, *, turned: int = 0) -> PageImage:
    """A printed form at 200 dpi, 2 mm off, with some handwriting across its middle, as it lies on the glass."""
    (image,) = [
        known.image for known in load_form_type(SHIPPED_FORMS / form).edition(edition).pages if known.number == page
    ]
    pixels = np.asarray(cv2.imread(str(image), cv2.IMREAD_GRAYSCALE), np.uint8)
    random = np.random.default_rng(3)
    for left, top in random.integers((200, 300), (1800, 3000), (25, 2)):
        points = np.cumsum(random.integers(-25, 30, (9, 2)), axis=0) + np.array([left, top])
        pixels = np.asarray(cv2.polylines(pixels, [points.astype(np.int32)], False, (40,), 5), np.uint8)
    move = np.array([[2 / 3, 0.004, 15.0], [-0.004, 2 / 3, -16.0]])
    height, width = pixels.shape
    laid = cv2.warpAffine(pixels, move, (width * 2 // 3, height * 2 // 3), flags=cv2.INTER_AREA, borderValue=(255,))
    return PageImage(np.ascontiguousarray(np.rot90(np.asarray(laid, np.uint8), turned // 90)), 200, 1)


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_every_side_of_our_forms_is_known_for_what_it_is(side: tuple[str, str, int], catalogue: Catalogue) -> None:
    match = catalogue.recognise(view(scan(*side)))
    assert match is not None
    assert (match.form_type.id, match.edition.id, match.page) == side
    assert match.turned == 0
    assert match.fit.residual_pixels < 2


# Two editions of a form that differ by a date in the corner and by one label.
YEARS = {
    "2011": draw_form(title="FORM K 11  Revised 03/11"),
    "2014": draw_form(title="FORM K 11  Revised 03/14", last_label="Reference (if known)"),
}


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("first", YEARS)
def test_two_editions_that_differ_by_a_date_and_a_label_are_told_apart(year: str, first: str) -> None:
    form = FormType("ferrets", "Ferrets", 1, (), (), ())
    known = sorted(YEARS, key=lambda name: name != first)  # whichever is tried first must not win by that
    candidates = [Candidate(form, Edition(name, name, 300, (), ()), 1, YEARS[name].copy) for name in known]
    written = filled(YEARS[year], {place: f"ANSWER {number}" for number, place in enumerate(PLACES)})
    noise = np.random.default_rng(4).normal(0, 12, written.shape)
    page = page_of((moved(written, turn=0.5, shift=(9, -6)) + noise).clip(0, 255).astype(np.uint8))
    match = Catalogue(candidates).recognise(view(page))
    assert match is not None
    assert match.edition.id == year


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_page_that_lies_turned_says_by_how_much_it_must_be_turned_back(turned: int, catalogue: Catalogue) -> None:
    match = catalogue.recognise(view(scan("fee-refund", "vr33-2024-02", 1, turned=turned)))
    assert match is not None
    # The scan was turned counter-clockwise, so it must be turned clockwise by as much.
    assert (match.form_type.id, match.turned) == ("fee-refund", turned)


@pytest.mark.parametrize("other", ["letter", "another form", "paper", "black", "noise", "speck"])
def test_a_page_of_another_kind_is_no_known_form(other: str, catalogue: Catalogue) -> None:
    pixels: Grey = {
        "letter": draw_letter(),
        "another form": draw_form(),
        "paper": np.full((2339, 1654), 255, np.uint8),
        "black": np.zeros((2339, 1654), np.uint8),
        "noise": np.random.default_rng(5).integers(0, 256, (2339, 1654)).astype(np.uint8),
        "speck": np.full((1, 1), 0, np.uint8),
    }[other]
    assert catalogue.recognise(view(page_of(pixels, 200))) is None


def test_without_form_types_every_page_is_of_no_known_form() -> None:
    assert Catalogue([]).recognise(view(scan("fee-refund", "vr33-2024-02", 1))) is None


def test_recognising_twice_gives_the_same(catalogue: Catalogue) -> None:
    one, two = (catalogue.recognise(view(scan("licence-renewal", "vr22-2023-01", 2))) for _ in range(2))
    assert one is not None
    assert two is not None
    assert np.array_equal(one.fit.affine, two.fit.affine)
    assert (one.edition.id, one.page, one.fit.likeness) == (two.edition.id, two.page, two.fit.likeness)


def test_a_reference_that_is_no_picture_is_named_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(NotAForm, match=r"e\.png: .*cannot be read"):
        load_catalogue([load_form_type(form_of_one_page(tmp_path, 300, b"no picture"))])


def test_an_edition_drawn_at_another_resolution_is_refused(tmp_path: Path) -> None:
    _, encoded = cv2.imencode(".png", draw_form())
    with pytest.raises(NotAForm, match=r"e\.toml: the dpi .* must be 300"):
        load_catalogue([load_form_type(form_of_one_page(tmp_path, 200, encoded.tobytes()))])


def form_of_one_page(folder: Path, dpi: int, image: bytes) -> Path:
    folder = folder / "f"
    folder.mkdir()
    (folder / "form.toml").write_text('id = "f"\ntitle = "F"\n')
    (folder / "e.toml").write_text(f'id = "e"\ntitle = "E"\ndpi = {dpi}\n[[page]]\nnumber = 1\nimage = "e.png"\n')
    (folder / "e.png").write_bytes(image)
    return folder
