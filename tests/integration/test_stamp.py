"""Rubber stamps set on their side, over rules and print, are found and their dates read: real readers throughout."""

from datetime import date

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from extract import answers
from extract.decoding.automaton import Constraint, expression
from extract.digits import read_number
from extract.engines.ppocr import PaddleLineFinder, PaddleReader
from extract.page import Grey
from extract.printed import prepare
from extract.receipt_dates import Span
from extract.stamp import StampRead, StampReaders, read_printed_receipts, read_stamp
from schemas.form_type import Zone
from schemas.geometry import Box

WIDTH, HEIGHT = 2480, 2000
PLACE = Box(0, 300, WIDTH, HEIGHT)
DAYS = Span(date(2007, 1, 1), date(2022, 12, 31))


@pytest.fixture(scope="module")
def readers() -> StampReaders:
    return StampReaders(PaddleLineFinder(), PaddleReader("rec-tiny"), PaddleReader("rec-small"))


def blank_form() -> Grey:
    """Rules across the page and a printed question."""
    picture = Image.new("L", (WIDTH, HEIGHT), 255)
    pen = ImageDraw.Draw(picture)
    for top in range(350, HEIGHT, 190):
        pen.line((150, top, WIDTH - 150, top), fill=0, width=5)
        pen.text((170, top + 12), "Name and address of the keeper", font=ImageFont.load_default(38), fill=0)
    return np.asarray(picture, np.uint8)


def stamped(form: Grey, lines: tuple[str, ...], *, tilt: float = 0.0, down: bool = True) -> Grey:
    """The form with a stamp at its right, its writing running down (or up) the page."""
    stamp = Image.new("L", (640, 60 * len(lines) + 40), 255)
    pen = ImageDraw.Draw(stamp)
    for number, line in enumerate(lines):
        pen.text((40, 20 + 60 * number), line, font=ImageFont.load_default(44), fill=0)
    turned = np.asarray(stamp.rotate((-90 if down else 90) + tilt, expand=True, fillcolor=255), np.uint8)
    page = form.copy()
    window = page[700 : 700 + turned.shape[0], 1900 : 1900 + turned.shape[1]]
    np.minimum(window, np.where(turned < 128, 0, 255).astype(np.uint8), out=window)
    return page


def read_page(page: Grey, form: Grey, readers: StampReaders) -> StampRead | None:
    blank = prepare(form)
    ink = answers.find_answers(page, blank, [PLACE], two_levels=True)
    return read_stamp(ink, blank, Zone("received", 1, PLACE, turn=-1), readers, DAYS)


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("tilt", [0.0, 4.0, -5.0])
def test_a_tilted_stamp_across_rules_is_read_whichever_way_it_stands(
    tilt: float, down: bool, readers: StampReaders
) -> None:
    form = blank_form()
    page = stamped(form, ("2010 AUG 27 PM 3: 14", "POST OFFICE UNIT"), tilt=tilt, down=down)
    seen = read_page(page, form, readers)
    assert seen is not None
    assert seen.text == "2010 AUG 27"
    assert seen.margin > 1.0
    assert 1850 < seen.box.left < seen.box.right < 2150


def test_a_single_figure_after_a_dash_is_the_day(readers: StampReaders) -> None:
    form = blank_form()
    seen = read_page(stamped(form, ("RECEIVED", "2012 DEC -4 AM 9: 22")), form, readers)
    assert seen is not None
    assert seen.text == "2012 DEC 4"


def test_a_page_without_a_stamp_has_no_date(readers: StampReaders) -> None:
    form = blank_form()
    assert read_page(form, form, readers) is None


def test_a_stamp_without_a_date_gives_none(readers: StampReaders) -> None:
    form = blank_form()
    assert read_page(stamped(form, ("REGISTRATION", "OFFICE UNIT")), form, readers) is None


def printed(text: str) -> Grey:
    picture = Image.new("L", (1100, 60), 255)
    ImageDraw.Draw(picture).text((10, 8), text, font=ImageFont.load_default(36), fill=0)
    return np.array(picture, np.uint8)


def test_two_worn_lines_of_receipt_say_together_what_neither_says_alone(readers: StampReaders) -> None:
    first, second = printed("Received 11/19/2012 8:59:20 AM"), printed("Received 11/19/2012 8:59:20 AM")
    first[:, 240:262] = 255  # the day's second figure is worn off, here a figure of the year
    second[:, 320:345] = 255
    place = Box(0, 0, 1100, 60)
    seen = read_printed_receipts([(first, place), (second, place)], readers.careful, DAYS)
    alone = read_printed_receipts([(first, place)], readers.careful, DAYS)
    assert alone is not None
    assert alone.text != "11/19/2012"
    assert seen is not None
    assert seen.text == "11/19/2012"
    assert read_printed_receipts([(printed("Registration statement"), place)], readers.careful, DAYS) is None


NUMBER = Constraint(expression("#?[1-9][0-9]{0,3}"), ignores=" ")


def written(text: str) -> Grey:
    """Figures as thin, wide strokes, as a pen makes them."""
    picture = np.full((150, 140 * len(text) + 40, 1), 255, np.uint8)
    cv2.putText(picture, text, (20, 120), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 4.0, (0,), 4, cv2.LINE_AA)
    return picture[:, :, 0]


def test_a_number_in_thin_wide_figures_is_read_under_its_grammar(readers: StampReaders) -> None:
    for text in ("6463", "5867", "1619"):
        seen = read_number([written(text)], readers.careful, NUMBER)
        assert seen is not None
        assert seen.text == text


def test_of_several_lines_the_one_that_is_a_number_counts(readers: StampReaders) -> None:
    seen = read_number([printed("istration"), written("6283")], readers.careful, NUMBER)
    assert seen is not None
    assert (seen.text, seen.line) == ("6283", 1)
    assert read_number([], readers.careful, NUMBER) is None
