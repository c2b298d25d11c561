"""Lines of writing and the dirt beside them; everything is drawn on white paper here, so the truth is known."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from extract import answers
from extract.answers import Answers, InkLine
from schemas.geometry import Box

WIDTH, HEIGHT = 1300, 400
ZONE = Box(100, 50, 1200, 350)
BLANK = answers.prepare(np.full((HEIGHT, WIDTH), 255, np.uint8))
TYPED = ImageFont.load_default(36)


def sheet() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("L", (WIDTH, HEIGHT), 255)
    return picture, ImageDraw.Draw(picture)


def ink(picture: Image.Image, *zones: Box) -> Answers:
    return answers.find_answers(np.asarray(picture, np.uint8), BLANK, zones, two_levels=True)


def lines(picture: Image.Image, *zones: Box) -> list[list[InkLine]]:
    return answers.lines_of_zones(ink(picture, *zones), zones)


def bar(pen: ImageDraw.ImageDraw, left: int, top: int, width: int, height: int) -> None:
    pen.rectangle((left, top, left + width - 1, top + height - 1), fill=0)


@pytest.mark.parametrize(
    "dirt",
    [
        pytest.param((700, 70, 4, 24), id="a piece of a crease above the line"),
        pytest.param((900, 170, 6, 12), id="a low stroke far behind the line"),
        pytest.param((800, 150, 4, 60), id="a thin stroke, taller than the letters"),
        pytest.param((900, 280, 12, 14), id="a blot below the line"),
    ],
)
def test_dirt_that_stands_apart_is_in_no_line_and_is_counted_as_not_read(dirt: tuple[int, int, int, int]) -> None:
    picture, pen = sheet()
    pen.text((150, 150), "12 Quay Street", font=TYPED, fill=0)
    ((clean,),) = lines(picture, ZONE)
    bar(pen, *dirt)
    answer = ink(picture, ZONE)
    ((line,),) = answers.lines_of_zones(answer, [ZONE])
    assert line.box == clean.box
    missed = answers.foreign_ink(answer, ZONE, [line]) + answers.stray_ink(answer, ZONE, [line])
    assert missed == dirt[2] * dirt[3]


@pytest.mark.parametrize("text", ["#4", "B", "1A", "I"])
def test_a_number_or_letter_far_behind_the_line_is_writing(text: str) -> None:
    picture, pen = sheet()
    pen.text((150, 150), "12 Quay Street", font=TYPED, fill=0)
    pen.text((700, 150), text, font=TYPED, fill=0)
    ((line,),) = lines(picture, ZONE)
    assert line.box.right > 700


def test_a_dash_between_words_is_writing_however_wide_the_blanks_beside_it() -> None:
    picture, pen = sheet()
    pen.text((150, 150), "Government", font=TYPED, fill=0)
    bar(pen, 400, 172, 14, 5)
    pen.text((470, 150), "Kurdistan", font=TYPED, fill=0)
    assert pen.textbbox((150, 150), "Government", font=TYPED)[2] < 365
    ((line,),) = lines(picture, ZONE)
    assert int((line.pixels < 128).sum()) == int((np.asarray(picture) < 128).sum())


@pytest.mark.parametrize("text", ["X", "5", "#", "N/A", "1"])
def test_a_lone_character_is_an_answer(text: str) -> None:
    picture, pen = sheet()
    pen.text((150, 150), text, font=ImageFont.load_default(48), fill=0)
    assert [len(zone) for zone in lines(picture, ZONE)] == [1]


@pytest.mark.parametrize(
    "dirt",
    [
        pytest.param((88, 150, 24, 24), id="a tick's tail over the zone's edge"),
        pytest.param((500, 56, 24, 8), id="what is left of a rule at the zone's top"),
        pytest.param((500, 120, 4, 42), id="a piece of a crease"),
    ],
)
def test_remains_of_something_else_are_no_answer(dirt: tuple[int, int, int, int]) -> None:
    picture, pen = sheet()
    bar(pen, *dirt)
    answer = ink(picture, ZONE)
    assert answers.lines_of_zones(answer, [ZONE]) == [[]]
    assert answers.stray_ink(answer, ZONE, []) > 90


def test_lines_that_touch_are_parted_even_if_one_is_short() -> None:
    picture, pen = sheet()
    pen.text((150, 100), "Ministry of Foreign Affairs of", font=TYPED, fill=0)
    pen.text((150, 133), "Haiti", font=TYPED, fill=0)
    ((upper, lower),) = lines(picture, ZONE)
    assert (upper.box.right > 500, lower.box.right < 250) == (True, True)
    # A short line that lost its lower half to a rule.
    pen.rectangle((100, 158, 1200, 400), fill=255)
    ((upper, lower),) = lines(picture, ZONE)
    assert lower.box.height < 20


def test_a_stroke_through_two_lines_leaves_them_two() -> None:
    picture, pen = sheet()
    pen.text((150, 100), "Iyn and Dietrich Corporation", font=TYPED, fill=0)
    pen.text((150, 160), "6806 Willow Lane", font=TYPED, fill=0)
    pen.line((260, 90, 292, 200), fill=0, width=10)
    ((upper, lower),) = lines(picture, ZONE)
    assert (upper.box.right > 500, lower.box.right < 500) == (True, True)


def test_a_crease_through_a_letter_goes_and_the_letter_stays() -> None:
    picture, pen = sheet()
    pen.text((150, 150), "GOVERNMENT", font=TYPED, fill=0)
    ((clean,),) = lines(picture, ZONE)
    letters = int((np.asarray(picture) < 128).sum())
    bar(pen, 222, 60, 4, 170)
    ((line,),) = lines(picture, ZONE)
    assert line.box.height <= clean.box.height + 2
    assert int((line.pixels < 128).sum()) == pytest.approx(letters, abs=4 * clean.box.height)


def test_the_last_word_of_a_line_goes_with_the_line_although_most_of_it_is_in_the_zone_beside() -> None:
    left, right = Box(100, 50, 595, 350), Box(595, 50, 1200, 350)
    picture, pen = sheet()
    pen.text((440, 150), "Albany,", font=TYPED, fill=0)
    start = 584
    assert 22 < start - pen.textbbox((440, 150), "Albany,", font=TYPED)[2] < 60
    pen.text((start, 150), "NY", font=TYPED, fill=0)
    (line,), rest = lines(picture, left, right)
    assert rest == []
    assert line.box.right > 620


def test_a_first_word_that_begins_over_the_edge_stays_with_what_follows_it() -> None:
    left, right = Box(100, 50, 595, 350), Box(595, 50, 1200, 350)
    picture, pen = sheet()
    pen.text((440, 150), "Albany", font=TYPED, fill=0)
    pen.text((584, 150), "NY", font=TYPED, fill=0)
    pen.text((670, 150), "and more", font=TYPED, fill=0)
    _, (line,) = lines(picture, left, right)
    assert line.box.left < 595
