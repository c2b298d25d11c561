"""PDF pages: born digital, scanned, with a hidden OCR layer, with form fields, turned, too large."""

import io
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from extract.limits import Limits, UnreadablePage
from extract.page import PageImage
from extract.unpack import unpack
from schemas.errors import Cause, Unreadable

A4 = (595.2, 841.92)  # points: 2480 x 3508 pixels at 300 dpi


def pdf(draw: Callable[[canvas.Canvas], None], size: tuple[float, float] = A4) -> bytes:
    file = io.BytesIO()
    drawing = canvas.Canvas(file, pagesize=size)
    draw(drawing)
    drawing.showPage()
    drawing.save()
    return file.getvalue()


def scan(width: int = 1654, height: int = 2339) -> Image.Image:
    """A scan with fine lines: one pixel of ink, one of paper, which any interpolation would turn grey."""
    pixels = np.full((height, width), 255, np.uint8)
    pixels[100:200:2, 100:200] = 0
    return Image.fromarray(pixels).convert("1")


def only_page(content: bytes, limits: Limits | None = None) -> PageImage:
    (page,) = unpack(content, limits or Limits())
    assert isinstance(page, PageImage)
    return page


def test_a_born_digital_page_gives_its_words_exactly_where_their_ink_is() -> None:
    def draw(drawing: canvas.Canvas) -> None:
        drawing.setFont("Helvetica", 24)
        drawing.drawString(72, 600, "Registration")
        drawing.drawString(300, 200, "AB12CDE")

    page = only_page(pdf(draw))
    assert (page.width, page.height, page.dpi) == (2480, 3508, 300)
    assert [word.text for word in page.words] == ["Registration", "AB12CDE"]
    for word in page.words:
        inside = page.pixels[round(word.top) : round(word.bottom), round(word.left) : round(word.right)]
        assert inside.min() < 50
    ink = np.argwhere(page.pixels < 128)
    assert ink[:, 1].min() == pytest.approx(page.words[0].left, abs=12)
    assert ink[:, 1].max() == pytest.approx(page.words[1].right, abs=12)


def test_a_scan_in_a_pdf_comes_out_at_its_own_resolution_pixel_for_pixel() -> None:
    page = only_page(pdf(lambda drawing: drawing.drawImage(ImageReader(scan()), 0, 0, *A4)))
    assert page.dpi == 200
    assert (page.width, page.height) == (1654, 2339)
    assert np.array_equal(page.pixels, np.asarray(scan().convert("L")))
    assert page.words == ()


@pytest.mark.parametrize("mode", [3, 0], ids=["invisible", "visible"])
def test_words_over_a_scan_are_not_believed(mode: int) -> None:
    def draw(drawing: canvas.Canvas) -> None:
        drawing.drawImage(ImageReader(scan()), 0, 0, *A4)
        text = drawing.beginText(72, 600)
        text.setTextRenderMode(mode)
        text.textLine("what some other program thought it read")
        drawing.drawText(text)

    assert only_page(pdf(draw)).words == ()


def test_a_scan_in_strips_is_a_scan() -> None:
    def draw(drawing: canvas.Canvas) -> None:
        whole = scan(1654, 2340)
        for strip in range(10):
            part = whole.crop((0, strip * 234, 1654, strip * 234 + 234))
            drawing.drawImage(ImageReader(part), 0, A4[1] * (9 - strip) / 10, A4[0], A4[1] / 10)
        drawing.drawString(72, 600, "hidden")

    page = only_page(pdf(draw))
    assert page.dpi == 200
    assert page.words == ()


def test_a_letterhead_picture_does_not_make_a_letter_a_scan() -> None:
    def draw(drawing: canvas.Canvas) -> None:
        drawing.drawImage(ImageReader(scan(400, 100)), 72, 750, 96, 24)
        drawing.drawString(72, 600, "Dear Sir or Madam")

    page = only_page(pdf(draw))
    assert [word.text for word in page.words] == ["Dear", "Sir", "or", "Madam"]
    assert page.dpi == 300


def test_what_is_filled_into_a_form_field_is_on_the_page_and_among_its_words() -> None:
    def draw(drawing: canvas.Canvas) -> None:
        drawing.drawString(72, 720, "Name")
        drawing.acroForm.textfield(name="name", value="Rhiannon", x=72, y=600, width=200, height=30, borderWidth=0)

    page = only_page(pdf(draw))
    (word,) = (word for word in page.words if word.text == "Rhiannon")
    assert word.left / 300 * 72 == pytest.approx(72, abs=10)
    assert (3508 - word.bottom) / 300 * 72 == pytest.approx(605, abs=15)
    assert page.pixels[round(word.top) : round(word.bottom), round(word.left) : round(word.right)].min() < 100


def test_a_page_whose_text_is_turned_upright_by_the_reader_has_upright_words() -> None:
    def draw(drawing: canvas.Canvas) -> None:
        drawing.setPageRotation(90)  # clockwise, when shown; reportlab keeps the size shown
        drawing.rotate(90)
        drawing.drawString(300, -100, "Sideways")

    page = only_page(pdf(draw))
    assert (page.width, page.height) == (2480, 3508)
    (word,) = page.words
    assert word.text == "Sideways"
    assert page.pixels[round(word.top) : round(word.bottom), round(word.left) : round(word.right)].min() < 50


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_words_that_would_come_out_backwards_do_not_come_out(turn: int) -> None:
    def draw(drawing: canvas.Canvas) -> None:
        drawing.setPageRotation(turn)
        drawing.drawString(72, 72, "Bottom line")

    page = only_page(pdf(draw))
    assert page.words == ()
    assert page.pixels.min() < 50


def test_a_page_of_a_million_points_is_refused_before_it_is_drawn() -> None:
    (page,) = unpack(pdf(lambda drawing: None, (1_000_000, 1_000_000)))
    assert isinstance(page, UnreadablePage)
    assert page.error.cause is Cause.TOO_LARGE


def test_a_large_plan_is_drawn_at_the_resolution_that_fits() -> None:
    page = only_page(pdf(lambda drawing: drawing.rect(0, 0, 99, 99), (2384, 3370)))  # A0
    assert page.width * page.height <= 40_000_000
    assert page.width / page.height == pytest.approx(2384 / 3370, rel=0.001)


def test_a_picture_too_large_to_unpack_is_refused_by_its_header() -> None:
    content = pdf(lambda drawing: drawing.drawImage(ImageReader(scan(3000, 3000)), 0, 0, *A4))
    (page,) = unpack(content, Limits(pixels_per_page=8_999_999))
    assert isinstance(page, UnreadablePage)
    assert "9 megapixels" in page.error.problem


def test_mixed_pages_are_told_apart_one_by_one() -> None:
    file = io.BytesIO()
    drawing = canvas.Canvas(file, pagesize=A4)
    drawing.drawString(72, 600, "Letter")
    drawing.showPage()
    drawing.drawImage(ImageReader(scan()), 0, 0, *A4)
    drawing.showPage()
    drawing.save()
    letter, scanned = unpack(file.getvalue())
    assert isinstance(letter, PageImage)
    assert isinstance(scanned, PageImage)
    assert (len(letter.words), letter.dpi) == (1, 300)
    assert (len(scanned.words), scanned.dpi) == (0, 200)


def test_a_pdf_of_garbage_is_damaged() -> None:
    with pytest.raises(Unreadable, match="damaged") as refusal:
        list(unpack(b"%PDF-1.7\n" + bytes(range(256)) * 4))
    assert refusal.value.cause is Cause.DAMAGED


def with_picture(filter_name: str, data: bytes, *, more: str = "") -> bytes:
    """A page that is one picture of 1000 x 1000 pixels, its data as given."""
    facts = f"/Type /XObject /Subtype /Image /Width 1000 /Height 1000 /Filter /{filter_name} {more} /Length {len(data)}"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /XObject << /P 5 0 R >> >> >>",
        b"<< /Length 25 >>\nstream\nq 595 0 0 842 0 0 cm /P Do Q\nendstream",
        f"<< {facts} >>".encode() + b"\nstream\n" + data + b"\nendstream",
    ]
    body, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(body)
    return body + b"xref\n0 6\n0000000000 65535 f \n" + table + end


GREY = "/BitsPerComponent 8 /ColorSpace /DeviceGray"


def jpeg(level: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (1000, 1000), level).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("filter_name", "more"), [("JBIG2Decode", "/BitsPerComponent 1"), ("DCTDecode", GREY), ("JPXDecode", GREY)]
)
def test_a_scan_that_cannot_be_decoded_is_no_blank_page(filter_name: str, more: str) -> None:
    (page,) = unpack(with_picture(filter_name, b"no picture at all", more=more), Limits())
    assert isinstance(page, UnreadablePage)
    assert (page.error.cause, page.number) == (Cause.DAMAGED, 1)


@pytest.mark.parametrize("level", [255, 0])
def test_a_scan_of_one_level_is_a_page_like_any_other(level: int) -> None:
    page = only_page(with_picture("DCTDecode", jpeg(level), more=GREY))
    assert set(np.unique(page.pixels)) == {level}


def test_a_scan_behind_a_mask_is_a_page_like_any_other() -> None:
    white = zlib.compress(b"\xff" * 125_000)
    page = only_page(with_picture("FlateDecode", white, more="/BitsPerComponent 1 /ImageMask true"))
    assert set(np.unique(page.pixels)) == {255}
