"""Stamps on their side are told from level writing letter by letter; all of them are drawn here."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from extract import answers
from extract.answers import Answers
from schemas.geometry import Box

WIDTH, HEIGHT = 1300, 700
ZONE = Box(100, 50, 1200, 650)
BLANK = answers.prepare(np.full((HEIGHT, WIDTH), 255, np.uint8))
TYPED = ImageFont.load_default(36)


def ink(picture: Image.Image) -> Answers:
    return answers.find_answers(np.asarray(picture, np.uint8), BLANK, [ZONE], two_levels=True)


def sheet() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("L", (WIDTH, HEIGHT), 255)
    return picture, ImageDraw.Draw(picture)


def stamp(picture: Image.Image, text: str, left: int, top: int) -> None:
    """A text set on its side, its letters parted as a stamp's are; it covers nothing but its own ink."""
    word = Image.new("L", (900, 50), 0)
    pen = ImageDraw.Draw(word)
    x = 4.0
    for letter in text:
        pen.text((x, 0), letter, font=ImageFont.load_default(40), fill=255)
        x += pen.textlength(letter, ImageFont.load_default(40)) + 5
    upright = word.crop((0, 0, int(x), 50)).transpose(Image.Transpose.ROTATE_270)
    picture.paste(0, (left, top), upright)


def written(answer: Answers) -> list[Box]:
    return [line.box for line in answers.lines_of_zones(answer, [ZONE])[0]]


def test_the_lines_of_a_stamp_beside_one_another_are_all_known() -> None:
    picture, pen = sheet()
    stamp(picture, "2002 FEB 13 AM 9", 900, 80)
    stamp(picture, "NSD/CES/REGISTRATION", 945, 80)
    pen.text((150, 300), "None", font=TYPED, fill=0)
    answer = ink(picture)
    (line,) = written(answer)
    assert line.right < 300
    assert answers.is_stamped(answer, ZONE)


def test_a_short_word_of_a_stamp_is_known_where_no_writing_is_beside_it() -> None:
    picture, _ = sheet()
    stamp(picture, "UNIT", 900, 80)
    assert written(ink(picture)) == []


def test_lines_typed_letter_under_letter_are_no_stamp() -> None:
    picture, pen = sheet()
    for row, text in enumerate(["HUNGARY", "HONDURA", "HAMBURG", "HALIFAX", "HOLLAND", "HAVANNA"]):
        for column, letter in enumerate(text):
            pen.text((150 + 28 * column, 100 + 50 * row), letter, font=TYPED, fill=0)
    answer = ink(picture)
    assert len(written(answer)) == 6
    assert not answer.sideways.any()


def test_letters_that_a_stamp_hides_are_counted_as_not_read() -> None:
    picture, pen = sheet()
    pen.text((150, 300), "Acquired on 05/19/1963", font=TYPED, fill=0)
    stamp(picture, "2015 FEB 11 PM 4", 455, 120)
    answer = ink(picture)
    assert answers.is_stamped(answer, ZONE)
    found = answers.lines_of_zones(answer, [ZONE])[0]
    assert answers.foreign_ink(answer, ZONE, found) > 100


def test_a_stamp_beside_a_line_hides_nothing_of_it() -> None:
    picture, pen = sheet()
    pen.text((150, 300), "Acquired on 05/19/1963", font=TYPED, fill=0)
    stamp(picture, "2015 FEB 11 PM 4", 900, 120)
    answer = ink(picture)
    assert answers.foreign_ink(answer, ZONE, answers.lines_of_zones(answer, [ZONE])[0]) == 0
