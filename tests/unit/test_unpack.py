"""Bytes become pages: formats, greys, resolution. Files are drawn here, in memory."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from extract.limits import Limits, UnreadablePage
from extract.page import PageImage
from extract.unpack import sensible_dpi, unpack
from schemas.errors import Cause, Unreadable


def drawn(mode: str, size: tuple[int, int] = (60, 40)) -> Image.Image:
    """White paper with a black square in its top left corner."""
    paper = Image.new("L", size, 255)
    ImageDraw.Draw(paper).rectangle((0, 0, 9, 9), fill=0)
    if mode == "I;16":
        return Image.fromarray((np.asarray(paper).astype(np.uint16) << 8) + np.asarray(paper))
    return paper.convert("RGB").quantize(4) if mode == "P" else paper.convert(mode)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def only_page(content: bytes) -> PageImage:
    (page,) = unpack(content)
    assert isinstance(page, PageImage)
    return page


@pytest.mark.parametrize(
    ("mode", "compression"),
    [
        ("1", "group4"),
        ("1", "group3"),
        ("1", None),
        ("L", "tiff_lzw"),
        ("L", "tiff_adobe_deflate"),
        ("RGB", "jpeg"),
        ("RGB", "tiff_lzw"),
        ("P", "tiff_lzw"),
        ("CMYK", "tiff_lzw"),
        ("I;16", None),
    ],
)
def test_every_kind_of_tiff_gives_dark_ink_on_light_paper(mode: str, compression: str | None) -> None:
    page = only_page(saved(drawn(mode), "TIFF", compression=compression))
    assert page.pixels.shape == (40, 60)
    assert page.pixels.dtype == np.uint8
    assert page.pixels[2:8, 2:8].max() < 30
    assert page.pixels[20:, 20:].min() > 225


@pytest.mark.parametrize("mode", ["1", "L", "I;16"])
def test_a_tiff_that_counts_darkness_instead_of_light_is_turned_the_right_way(mode: str) -> None:
    content = bytearray(saved(drawn(mode), "TIFF"))
    # Photometric interpretation (tag 262, type short, one value) is 1, "black is zero"; make it 0, "white is zero".
    entry = content.index(b"\x06\x01\x03\x00\x01\x00\x00\x00")
    assert content[entry + 8] == 1
    content[entry + 8] = 0
    page = only_page(bytes(content))
    assert page.pixels[2:8, 2:8].min() > 225
    assert page.pixels[20:, 20:].max() < 30


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_every_kind_of_png_gives_dark_ink_on_light_paper(mode: str) -> None:
    page = only_page(saved(drawn(mode), "PNG"))
    assert page.pixels[2:8, 2:8].max() < 30
    assert page.pixels[20:, 20:].min() > 225


def test_transparent_paper_is_white() -> None:
    clear = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    ImageDraw.Draw(clear).rectangle((0, 0, 9, 9), fill=(0, 0, 0, 255))
    page = only_page(saved(clear, "PNG"))
    assert page.pixels[2:8, 2:8].max() == 0
    assert page.pixels[20:, 20:].min() == 255


def test_a_photo_is_turned_as_its_exif_data_says() -> None:
    exif = Image.Exif()
    exif[274] = 6  # "turn 90 degrees clockwise": what is top left in the file belongs top right
    page = only_page(saved(drawn("L"), "JPEG", exif=exif, dpi=(200, 100)))
    # 60 x 40 become 40 x 60; what was 100 dots per inch down is now across, and is brought to 200.
    assert page.pixels.shape == (60, 80)
    assert page.pixels[2:8, -16:-4].max() < 60


def test_the_pages_of_a_tiff_come_in_order_with_their_numbers() -> None:
    others = [Image.new("1", (60 + number, 40), 1) for number in (1, 2)]
    content = saved(drawn("1"), "TIFF", save_all=True, append_images=others, compression="group4")
    assert [(page.number, page.width) for page in unpack(content) if isinstance(page, PageImage)] == [
        (1, 60),
        (2, 61),
        (3, 62),
    ]


def test_a_name_means_nothing_and_the_content_everything() -> None:
    with pytest.raises(Unreadable, match="plain text") as refusal:
        list(unpack(b"Dear Sir or Madam,\nplease find enclosed"))
    assert refusal.value.cause is Cause.UNKNOWN_FORMAT


def test_an_empty_file_is_called_empty() -> None:
    with pytest.raises(Unreadable, match="empty") as refusal:
        list(unpack(b""))
    assert refusal.value.cause is Cause.EMPTY


def test_a_file_larger_than_allowed_is_refused_by_its_size() -> None:
    with pytest.raises(Unreadable, match="MiB") as refusal:
        list(unpack(bytes(1025), Limits(file_bytes=1024)))
    assert refusal.value.cause is Cause.TOO_LARGE


def test_too_many_pages_are_counted_and_the_remedy_named() -> None:
    content = saved(drawn("1"), "TIFF", save_all=True, append_images=[drawn("1")] * 6)
    with pytest.raises(Unreadable, match="7 pages") as refusal:
        list(unpack(content, Limits(pages_per_file=5)))
    assert "--max-pages" in refusal.value.remedy


def test_a_page_too_large_is_refused_alone_and_the_others_are_read() -> None:
    content = saved(drawn("1"), "TIFF", save_all=True, append_images=[drawn("1", (200, 200)), drawn("1")])
    first, large, last = unpack(content, Limits(pixels_per_page=10_000))
    assert isinstance(first, PageImage)
    assert isinstance(last, PageImage)
    assert isinstance(large, UnreadablePage)
    assert large.number == 2
    assert large.error.cause is Cause.TOO_LARGE
    assert "200 x 200" in large.error.problem


def test_the_pages_before_the_cut_of_a_truncated_tiff_are_read_and_the_cut_one_is_named() -> None:
    speckled = Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 60), np.uint8))
    content = saved(speckled, "TIFF", save_all=True, append_images=[speckled, speckled])
    whole = len(content) // 3
    pages = list(unpack(content[: whole * 2 - 50]))
    assert isinstance(pages[0], PageImage)
    # Of the second page half the picture is missing; of the third only the link to it is there.
    assert [(page.error.cause, page.error.page) for page in pages[1:] if isinstance(page, UnreadablePage)] == [
        (Cause.DAMAGED, 2),
        (Cause.DAMAGED, 3),
    ]


def test_a_tiff_whose_directories_run_in_a_circle_ends() -> None:
    content = bytearray(saved(drawn("L"), "TIFF"))
    directory = int.from_bytes(content[4:8], "little")
    entries = int.from_bytes(content[directory : directory + 2], "little")
    link = directory + 2 + 12 * entries
    content[link : link + 4] = directory.to_bytes(4, "little")
    first, second = unpack(bytes(content))
    assert isinstance(first, PageImage)
    assert isinstance(second, UnreadablePage)


def test_a_fax_with_half_as_many_lines_as_columns_is_made_square() -> None:
    # Standard fax resolution (ITU-T T.4): 204 dots across, 98 down; an A4 page is 1,728 x 1,145.
    page = only_page(saved(drawn("1", (1728, 1145)), "TIFF", compression="group3", dpi=(204, 98)))
    assert page.dpi == 204
    assert page.width == 1728
    assert page.height == pytest.approx(1145 * 204 / 98, abs=1)


def test_a_resolution_in_centimetres_is_understood() -> None:
    content = saved(drawn("1", (2480, 3508)), "TIFF", compression="group4", resolution_unit=3, resolution=118.11)
    assert only_page(content).dpi == 300


# 2480 x 3508 pixels are A4 at 300 dpi, 2550 x 3300 US Letter, 1654 x 2339 A4 at 200 dpi.
@pytest.mark.parametrize(
    ("width", "height", "claim", "dpi"),
    [
        (2480, 3508, 300.0, 300),
        (3508, 2480, 300.0, 300),
        (2480, 3508, None, 300),
        (2550, 3300, None, 300),
        (1654, 2339, None, 200),
        (2480, 3508, 72.0, 300),  # 34 x 49 inches would be no paper: the scanner did not know
        (2480, 3508, 2400.0, 300),  # one inch wide
        (1240, 1748, 300.0, 300),  # A6 at 300 dpi: small, but paper
        (3508, 4961, 300.0, 300),  # A3
        (60, 40, None, 72),
    ],
)
def test_the_resolution_claimed_is_believed_if_it_gives_a_size_of_paper(
    width: int, height: int, claim: float | None, dpi: int
) -> None:
    assert sensible_dpi(width, height, claim) == dpi
