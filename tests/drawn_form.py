"""A form drawn here, pixel by pixel, so that tests know exactly where everything stands; 300 dpi, half a page."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from extract.page import Grey, PageImage
from schemas.geometry import Box

WIDTH, HEIGHT = 2480, 2000
# Where the answers go: twelve boxed lines in two columns.
PLACES = tuple(Box(left, top, left + 1000, top + 110) for top in range(520, 1800, 220) for left in (180, 1300))
_INSTRUCTIONS = (
    "Application for a licence to keep ferrets and other small animals on the premises named below. Please write "
    "in black ink and in capital letters; do not write outside the boxes. Return this sheet to the office within "
    "twenty one days of the date shown above, together with your payment and proof of your present address."
)
_LABELS = (
    "Surname", "Given names", "House and street", "Town or village", "Postcode", "Telephone number",
    "Number of animals", "Breed or kind", "Keeper since", "Previous keeper", "Place of payment", "Reference number",
)  # fmt: skip


def draw_form(*, title: str = "FORM K 11  Revised 03/11", last_label: str = _LABELS[-1]) -> Grey:
    """The blank form: a heading, instructions, and twelve labelled boxes."""
    picture = Image.new("L", (WIDTH, HEIGHT), 255)
    pen = ImageDraw.Draw(picture)
    pen.text((180, 120), "County of Drewshire", font=ImageFont.load_default(70), fill=0)
    pen.text((1600, 130), title, font=ImageFont.load_default(48), fill=0)
    small, x, y = ImageFont.load_default(34), 180, 250
    for word in _INSTRUCTIONS.split():
        long = pen.textlength(word + " ", small)
        if x + long > WIDTH - 180:
            x, y = 180, y + 48
        pen.text((x, y), word, font=small, fill=0)
        x += int(long)
    for place, label in zip(PLACES, (*_LABELS[:-1], last_label), strict=True):
        pen.rectangle((place.left, place.top, place.right, place.bottom), outline=0, width=4)
        pen.text((place.left + 4, place.top - 48), label, font=ImageFont.load_default(38), fill=0)
    return np.asarray(picture, np.uint8)


def draw_letter() -> Grey:
    """A page that is no form at all, as large as the form."""
    picture = Image.new("L", (WIDTH, HEIGHT), 255)
    pen = ImageDraw.Draw(picture)
    words = _INSTRUCTIONS.split()[::-1]
    for row, y in enumerate(range(200, 1700, 75)):
        start = row * 7 % len(words)
        line = " ".join((words * 2)[start : start + 11])
        pen.text((220, y), line, font=ImageFont.load_default(44), fill=0)
    return np.asarray(picture, np.uint8)


def filled(blank: Grey, answers: dict[Box, str], *, size: int = 64, start: tuple[int, int] = (24, 18)) -> Grey:
    """The form with words written into its boxes, each from so far within its box."""
    picture = Image.fromarray(blank)
    pen = ImageDraw.Draw(picture)
    for place, text in answers.items():
        pen.text((place.left + start[0], place.top + start[1]), text, font=ImageFont.load_default(size), fill=0)
    return np.asarray(picture, np.uint8)


def moved(pixels: Grey, *, turn: float = 0.0, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> Grey:
    """The page as a scanner would take it: `moving` says where every point went."""
    height, width = pixels.shape
    taken = cv2.warpAffine(
        pixels, moving(turn=turn, scale=scale, shift=shift), (width, height), flags=cv2.INTER_AREA, borderValue=(255,)
    )
    return np.asarray(taken, np.uint8)


def moving(*, turn: float = 0.0, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.float64]:
    """(2, 3): points of the drawn page to points of the page as taken; turned about its middle, by hand arithmetic."""
    cosine, sine = scale * np.cos(np.radians(turn)), scale * np.sin(np.radians(turn))
    x, y = WIDTH / 2, HEIGHT / 2
    return np.array(
        [[cosine, -sine, x - cosine * x + sine * y + shift[0]], [sine, cosine, y - sine * x - cosine * y + shift[1]]]
    )


def page_of(pixels: Grey, dpi: int = 300, number: int = 1) -> PageImage:
    return PageImage(pixels, dpi, number)
