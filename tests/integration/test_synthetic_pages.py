"""Filled and aged pages hold what their truth says: checked by readers that know nothing of how they were made."""

from dataclasses import replace
from difflib import SequenceMatcher

import cv2
import numpy as np
import pytesseract
import pytest
import zxingcpp
from numpy.random import PCG64, Generator

from extract.page import Grey
from intake.synthetic import fonts
from intake.synthetic.age import age
from intake.synthetic.answers import answer_form
from intake.synthetic.fill import FilledForm, Writer, blank_page, fill, without_last_side
from intake.synthetic.fonts import OFFICE, missing_packages
from intake.synthetic.hand import Hand, invent_hand, invent_machine
from intake.synthetic.other_pages import letter_page, separator_page
from intake.synthetic.people import invent_person
from intake.synthetic.strokes import TickStyle
from intake.synthetic.truth import BoxTruth
from intake.synthetic.wear import Ageing, Colour, Scanner, Wear, invent_scanner, invent_wear
from schemas.errors import Unavailable
from schemas.field import FieldKind
from schemas.form_type import SHIPPED_FORMS, Edition, FormType, load_form_type
from schemas.page import SEPARATOR_PAYLOAD

pytestmark = pytest.mark.skipif(bool(missing_packages()), reason=f"fonts are missing: {', '.join(missing_packages())}")

PLAIN = Wear(0.0, 0.0, (0.0, 0.0), (1.0, 1.0), 0, 250, 0.0, 0.0, 0.0, 1.0, 0.0, 0, 0, False, 0.0, 0, 0)
FLATBED = Scanner(300, Colour.GREY, 90, black_backing=False)


def random_of(seed: int) -> Generator:
    return Generator(PCG64(seed))


def filled(id: str, seed: int, hand: Hand | None = None) -> tuple[FormType, Edition, FilledForm]:
    random, form = random_of(seed), load_form_type(SHIPPED_FORMS / id)
    person, pen, edition = invent_person(random), invent_hand(random), form.editions[0]
    writer = Writer(person.number, hand or pen, pen, TickStyle.CROSS)
    return form, edition, fill(form, edition, answer_form(id, person, random), writer, random)


def office_hand() -> Hand:
    return replace(invent_machine(random_of(0)), face=OFFICE[0], is_capitals=False, wander=0.0, patchy=0.0, ink=0.95)


def ink_added(edition: Edition, pages: tuple[Grey, ...], field: str, option: str = "") -> float:
    """The share of the zone that is darker than on the blank, neighbours' overhang at its rim left out."""
    zone = next(zone for zone in edition.zones_of(field) if zone.option == option)
    box = zone.box.grown(-6)
    blank = blank_page(edition.pages[zone.page - 1].image)[box.top : box.bottom, box.left : box.right]
    page = pages[zone.page - 1][box.top : box.bottom, box.left : box.right]
    return float((cv2.subtract(blank, page) > 60).mean())


@pytest.mark.parametrize("id", ["change-of-keeper", "fee-refund", "licence-renewal"])
@pytest.mark.parametrize("seed", range(3))
def test_there_is_ink_where_the_truth_says_so_and_nowhere_else(id: str, seed: int) -> None:
    form, edition, filling = filled(id, seed)
    for spec in form.fields:
        truth = filling.fields[spec.name]
        if spec.kind is FieldKind.CHOICE:
            for option, state in truth.boxes:
                share = ink_added(edition, filling.pages, spec.name, option)
                assert (share > 0.03) == (state in (BoxTruth.TICKED, BoxTruth.CANCELLED)), (spec.name, option, share)
        elif spec.name != "form_barcode":
            share = ink_added(edition, filling.pages, spec.name)
            assert (share > 0.002) == (truth.answer.value not in (None, False)), (spec.name, share)


def test_a_form_scanned_on_its_front_only_has_lost_the_answers_on_its_back_and_no_others() -> None:
    _, edition, filling = filled("licence-renewal", 2)
    front = without_last_side(filling, edition)
    assert len(front.pages) == 1
    lost = {name for name, truth in front.fields.items() if truth.is_missing}
    assert {"signature", "signed_on", "health_fits"} <= lost
    assert not {"surname", "driver_number", "categories"} & lost
    assert front.fields["signature"].answer.value is None
    assert front.fields["surname"] == filling.fields["surname"]


def test_tesseract_reads_the_typed_address_that_the_truth_names() -> None:
    _, edition, filling = filled("change-of-keeper", 4, office_hand())
    box = edition.zones_of("address")[0].box.grown(-8)
    snippet = filling.pages[0][box.top : box.bottom, box.left : box.right]
    read = " ".join(pytesseract.image_to_string(snippet, config="--psm 6 --dpi 300").split())
    truth = filling.fields["address"].answer.text
    assert SequenceMatcher(None, read, truth).ratio() > 0.9, (read, truth)


def test_the_personal_barcode_of_a_reminder_says_what_the_truth_says() -> None:
    _, _, filling = filled("licence-renewal", 5)
    read = [symbol.text for symbol in zxingcpp.read_barcodes(filling.pages[0])]
    assert read == [filling.fields["reminder_barcode"].answer.text]


@pytest.mark.parametrize("edition", [0, 1])
def test_the_printed_barcode_of_a_form_says_what_the_truth_says(edition: int) -> None:
    random, form = random_of(6), load_form_type(SHIPPED_FORMS / "change-of-keeper")
    person, pen = invent_person(random), invent_hand(random)
    answers = answer_form(form.id, person, random)
    filling = fill(form, form.editions[edition], answers, Writer(person.number, pen, pen, TickStyle.CHECK), random)
    read = [symbol.text for symbol in zxingcpp.read_barcodes(filling.pages[0])]
    assert read == [filling.fields["form_barcode"].answer.text]


@pytest.mark.parametrize("level", Ageing)
def test_a_separator_sheet_is_found_at_every_level_of_ageing(level: Ageing) -> None:
    for seed in range(2):
        random = random_of(seed)
        sheet = separator_page(invent_machine(random), random)
        scan = age(sheet, None, invent_wear(level, random), invent_scanner(level, random), random)
        assert SEPARATOR_PAYLOAD in {symbol.text for symbol in zxingcpp.read_barcodes(scan.pixels)}


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_page_turned_clockwise_stands_upright_after_the_rest_of_the_circle(turned: int) -> None:
    page = np.full((3508, 2480), 255, np.uint8)
    page[100:300, 100:1200] = 0  # top left
    scan = age(page, None, replace(PLAIN, turned=turned), FLATBED, random_of(1))
    upright = np.rot90(scan.pixels, -((360 - turned) % 360) // 90)  # numpy turns counter-clockwise
    assert upright.shape == page.shape
    assert upright[150:250, 200:1100].mean() < 60
    assert upright[-250:-150, 200:1100].mean() > 200


def test_a_fax_is_black_and_white_at_204_by_196_dots_per_inch() -> None:
    page = blank_page(SHIPPED_FORMS / "fee-refund" / "vr33-2024-02-1.png")
    scan = age(page, None, PLAIN, Scanner(204, Colour.FAX, 75, black_backing=False), random_of(1))
    assert scan.dpi == (204, 196)
    assert scan.pixels.shape == (round(page.shape[0] * 196 / 300), round(page.shape[1] * 204 / 300))
    assert set(np.unique(scan.pixels)) == {0, 255}


def test_heavier_ageing_moves_a_page_further_from_the_clean_one() -> None:
    page = blank_page(SHIPPED_FORMS / "fee-refund" / "vr33-2024-02-1.png")
    distances = []
    for level in Ageing:
        scans = [age(page, None, invent_wear(level, random_of(seed)), FLATBED, random_of(seed)) for seed in range(5)]
        upright = [scan.pixels for scan in scans if scan.pixels.shape == page.shape]
        distances.append(float(np.median([cv2.absdiff(pixels, page).mean() for pixels in upright])))
    assert distances == sorted(distances)


def test_two_people_and_the_same_person_twice_write_differently() -> None:
    first, again, other = (filled("fee-refund", seed)[2].pages[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_letter_names_its_lines_from_top_to_bottom() -> None:
    random = random_of(3)
    person = invent_person(random)
    letter = letter_page(person, office_hand(), invent_hand(random), random)
    read = pytesseract.image_to_string(letter.page, config="--psm 4 --dpi 300").split()
    truth = " ".join(letter.lines).split()
    assert SequenceMatcher(None, read, truth).ratio() > 0.85


def test_a_missing_font_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_FONT_FOLDERS", ())
    with pytest.raises(Unavailable, match=r"apt-get install fonts-breip fonts-bwht .*fonts-rufscript"):
        fonts.require_fonts()
