"""The dots that stand for grey go, what is written on it stays; clean pages are not touched."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from extract.page import Grey, PageImage
from extract.screen import without_screen


def written() -> Image.Image:
    picture = Image.new("L", (900, 400), 255)
    ImageDraw.Draw(picture).text((60, 120), "Harbour Street", font=ImageFont.load_default(60), fill=0)
    return picture


def page(pixels: Grey) -> PageImage:
    return PageImage(pixels, 300, 1)


def dithered(grey: int) -> Grey:
    """A grey ground under the writing, drawn in black and white by error diffusion, as a scanner does."""
    ground = Image.new("L", (900, 400), 255)
    ImageDraw.Draw(ground).rectangle((0, 60, 899, 250), fill=grey)
    both = Image.fromarray(np.minimum(np.asarray(ground), np.asarray(written())))
    return np.asarray(both.convert("1", dither=Image.Dither.FLOYDSTEINBERG).convert("L"), np.uint8)


def test_the_dots_of_a_grey_ground_go_and_the_writing_on_it_stays() -> None:
    scanned = dithered(150)
    truth = np.asarray(written()) < 128
    assert float((scanned[60:250] < 128).mean()) > 0.35
    cleaned = without_screen(page(scanned)).pixels < 128
    assert float(cleaned[~truth].mean()) < 0.01
    assert float(cleaned[truth].mean()) > 0.8


def test_faint_writing_that_was_drawn_in_dots_is_grey_on_white_again() -> None:
    full = Image.new("L", (900, 400), 255)
    draw = ImageDraw.Draw(full)
    for row in range(0, 400, 40):
        draw.text((10, row), "Harbour Street and Mill Road, Fairhaven", font=ImageFont.load_default(40), fill=130)
    strokes = np.asarray(full) == 130
    scanned = np.asarray(full.convert("1", dither=Image.Dither.FLOYDSTEINBERG).convert("L"), np.uint8)
    assert float((scanned[strokes] < 128).mean()) < 0.6
    cleaned = without_screen(page(scanned)).pixels
    assert float((cleaned[strokes] < 230).mean()) > 0.7
    assert float(np.median(cleaned[~strokes])) == 255


def test_a_page_without_dots_is_the_page_itself() -> None:
    clean = page(np.where(np.asarray(written()) < 128, 0, 255).astype(np.uint8))
    assert without_screen(clean) is clean


def test_a_page_with_grey_of_its_own_is_left_alone() -> None:
    noise = np.random.default_rng(7).integers(90, 170, (400, 900)).astype(np.uint8)
    grey = page(noise)
    assert without_screen(grey) is grey
