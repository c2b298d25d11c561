"""Cleaning: level and upright pages, shadows taken off, blank pages known; what was done can be undone."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from extract import clean
from extract.page import Grey, PageImage
from tests.drawn_form import draw_letter, moved, page_of

WIDTH, HEIGHT = 1654, 2339  # A4 at 200 dpi


def paper() -> Image.Image:
    return Image.new("L", (WIDTH, HEIGHT), 255)


def page(picture: Image.Image) -> PageImage:
    return PageImage(np.asarray(picture, np.uint8), 200, 1)


def dark(pixels: Grey) -> int:
    return int((pixels < 128).sum())


@pytest.fixture(scope="module")
def letter() -> Grey:
    return draw_letter()


@pytest.mark.parametrize("turn", [-3.7, -1.0, -0.3, 0.0, 0.45, 2.0])
def test_skew_is_measured_within_a_tenth_of_a_degree(turn: float, letter: Grey) -> None:
    # `moved` turns clockwise on the page for positive angles, as y points down; skew counts counter-clockwise.
    assert clean.skew_degrees(page_of(moved(letter, turn=turn))) == pytest.approx(-turn, abs=0.1)


def test_empty_paper_has_no_skew() -> None:
    assert clean.skew_degrees(page(paper())) == 0.0


def test_a_straightened_page_is_level_and_says_how_it_lay(letter: Grey) -> None:
    straight = clean.straighten(clean.turn(page_of(moved(letter, turn=1.6)), 0))
    assert abs(clean.skew_degrees(straight.page)) < 0.1
    assert straight.skew == pytest.approx(-1.6, abs=0.1)


def test_a_level_page_stays_untouched(letter: Grey) -> None:
    cleaned = clean.turn(page_of(letter), 0)
    assert clean.straighten(cleaned) is cleaned


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_mark_on_the_cleaned_page_leads_back_to_where_it_was_scanned(turned: int, letter: Grey) -> None:
    scanned = moved(letter, turn=2.0)
    scanned[300:309, 500:509] = 0
    scanned = np.where(np.add.outer(np.arange(2000), np.zeros(2480)) > 1750, 255, scanned).astype(np.uint8)
    scanned[1900:1909, 700:709] = 0  # alone on bare paper: it can be told from the letters
    upright = np.ascontiguousarray(np.rot90(scanned, turned // 90))  # so that turning it clockwise puts it right
    cleaned = clean.straighten(clean.turn(page_of(upright), turned))
    assert cleaned.turned == turned
    bare = cleaned.page.pixels.copy()
    bare[:1780] = 255
    rows, columns = np.nonzero(bare < 128)
    back = cleaned.to_scan @ np.array([columns.mean(), rows.mean(), 1.0])
    # Turning counter-clockwise moves the point (704, 1904) by hand arithmetic on 2480 x 2000 pixels.
    there = {0: (704, 1904), 90: (1904, 2479 - 704), 180: (2479 - 704, 1999 - 1904), 270: (1999 - 1904, 704)}[turned]
    assert tuple(back) == pytest.approx(there, abs=1.0)


def test_a_page_without_ink_is_blank_in_spite_of_dirt_and_grey_paper() -> None:
    assert clean.is_blank(page(paper()))
    noise = np.random.default_rng(1).normal(215, 6, (HEIGHT, WIDTH)).clip(0, 255).astype(np.uint8)
    assert clean.is_blank(PageImage(noise, 200, 1))
    speckled = paper()
    pen = ImageDraw.Draw(speckled)
    for x in range(200, 1500, 130):
        pen.point((x, 1000 + x % 7 * 30), 0)
    pen.line((0, 20, WIDTH, 20), fill=0, width=8)  # the edge of the sheet, outside its margins
    assert clean.is_blank(page(speckled))


def test_a_page_with_only_a_small_signature_is_not_blank() -> None:
    signed = paper()
    # About 3 cm long, 1 cm high, by a thin ballpoint of 0.4 mm.
    strokes = [(900, 1900), (930, 1850), (950, 1920), (990, 1860), (1010, 1910), (1060, 1870), (1136, 1900)]
    ImageDraw.Draw(signed).line(strokes, fill=60, width=3)
    assert not clean.is_blank(page(signed))


def test_a_page_with_one_typed_word_is_not_blank() -> None:
    typed = paper()
    ImageDraw.Draw(typed).text((700, 1000), "RETURNED", font=ImageFont.load_default(34), fill=0)
    assert not clean.is_blank(page(typed))


def test_black_margins_are_taken_off_and_nothing_else() -> None:
    written = paper()
    ImageDraw.Draw(written).text((300, 1000), "Dear Sir or Madam", font=ImageFont.load_default(40), fill=0)
    ink = dark(np.asarray(written, np.uint8))
    pen = ImageDraw.Draw(written)
    pen.rectangle((0, 0, 40, HEIGHT), fill=10)  # along the left edge
    pen.rectangle((0, 0, WIDTH, 30), fill=10)  # and the top
    cleaned = clean.without_shadow(page(written))
    assert (cleaned.width, cleaned.height) == (WIDTH, HEIGHT)
    assert dark(cleaned.pixels) == ink
    assert clean.is_blank(PageImage(cleaned.pixels[: HEIGHT // 3], 200, 1))


@pytest.mark.parametrize("top", [60, 300])
def test_a_thick_printed_bar_stays_even_near_the_edge(top: int) -> None:
    printed = paper()
    # A heading's band, 1 cm high, with white paper at both ends.
    ImageDraw.Draw(printed).rectangle((150, top, WIDTH - 150, top + 80), fill=0)
    given = page(printed)
    assert np.array_equal(clean.without_shadow(given).pixels, given.pixels)


def test_a_black_margin_that_stands_a_little_off_the_edge_is_taken_off() -> None:
    shadowed = paper()
    # The sheet was smaller than the glass: a bar all along, with a white line of reflected light beside it.
    ImageDraw.Draw(shadowed).rectangle((20, 0, 60, HEIGHT), fill=10)
    assert clean.without_shadow(page(shadowed)).pixels.min() == 255
