"""Draws the blank forms: `python -m intake.synthetic.draw` renews PDF, edition TOML and reference PNG of each.

The field descriptions (`form.toml`) are written by hand; everything that depends on where things stand on the
paper comes from one layout, so that print and zones cannot drift apart.
"""

import io
from pathlib import Path

import cv2
import numpy as np
from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from extract.engines.pdf import render_pages
from extract.page import Grey
from intake.synthetic.blanks import every_blank
from intake.synthetic.layout import PAGE_HEIGHT, PAGE_WIDTH, Bars, BlankForm, Panel, Place, Rule, Shape, Sheet, Words
from schemas.form_type import SHIPPED_FORMS, load_form_type

REFERENCE_DPI = 300

# Millimetres from the middle of a printed frame to paper that is surely free of it.
_FRAME_CLEARANCE = 0.3
_FRAME_POINTS = 0.6

# Sixteen levels of grey keep the tints and the smooth edges, and halve the file.
_GREY_STEP = 17

# These two fonts come inside reportlab, so the blanks look the same wherever they are drawn.
_REGULAR, _BOLD = "Vera", "VeraBd"


def paint(blank: BlankForm) -> bytes:
    """The blank form as a vector PDF without any date in it: the same layout gives the same bytes."""
    for name in (_REGULAR, _BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(PAGE_WIDTH * mm, PAGE_HEIGHT * mm), invariant=1, pageCompression=1)
    canvas.setTitle(blank.title)
    canvas.setCreator("postroom")
    for page in blank.sheets:
        for item in page.items:
            _paint_item(canvas, item)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _paint_item(canvas: Canvas, item: Words | Panel | Rule | Bars | Place) -> None:
    match item:
        case Words():
            canvas.setFillGray(item.ink)
            canvas.setFont(_BOLD if item.bold else _REGULAR, item.size)
            canvas.drawString(item.left * mm, (PAGE_HEIGHT - item.baseline) * mm, item.text)
        case Panel():
            canvas.setFillGray(item.ink)
            _rectangle(canvas, item.left, item.top, item.width, item.height, stroke=0, fill=1)
        case Rule():
            canvas.setStrokeGray(0)
            canvas.setLineWidth(item.thickness)
            _stroke(canvas, item.left, item.top, item.right, item.bottom)
        case Bars():
            _paint_bars(canvas, item)
        case Place():
            _paint_place(canvas, item)


def _rectangle(canvas: Canvas, left: float, top: float, width: float, height: float, *, stroke: int, fill: int) -> None:
    canvas.rect(left * mm, (PAGE_HEIGHT - top - height) * mm, width * mm, height * mm, stroke=stroke, fill=fill)


def _stroke(canvas: Canvas, left: float, top: float, right: float, bottom: float) -> None:
    canvas.line(left * mm, (PAGE_HEIGHT - top) * mm, right * mm, (PAGE_HEIGHT - bottom) * mm)


def _paint_bars(canvas: Canvas, bars: Bars) -> None:
    canvas.setFillGray(1)
    _rectangle(canvas, bars.left - 3, bars.top - 1, bars.width + 6, bars.height + 2, stroke=0, fill=1)
    symbol = Code128(bars.payload, barHeight=bars.height * mm, quiet=0, humanReadable=0)
    symbol.barWidth = bars.width * mm / (symbol.width / symbol.barWidth)
    canvas.setFillGray(0)
    symbol.drawOn(canvas, bars.left * mm, (PAGE_HEIGHT - bars.top - bars.height) * mm)


def _paint_place(canvas: Canvas, place: Place) -> None:
    if place.shape is Shape.OPEN:
        return
    canvas.setFillGray(1)
    canvas.setStrokeGray(0.15)
    canvas.setLineWidth(_FRAME_POINTS)
    if place.shape is Shape.CELLS:
        for left, top, right, bottom in place.cells():
            _rectangle(canvas, left, top, right - left, bottom - top, stroke=1, fill=1)
        return
    if place.shape is Shape.COMB:
        _paint_comb(canvas, place)
        return
    _rectangle(canvas, place.left, place.top, place.width, place.height, stroke=1, fill=1)
    canvas.setStrokeGray(0.55)
    canvas.setLineWidth(0.4)
    for row in range(1, place.lines):
        y = place.top + row * place.height / place.lines
        _stroke(canvas, place.left, y, place.left + place.width, y)


def _paint_comb(canvas: Canvas, place: Place) -> None:
    cells, first = place.cells(), 0
    for size in place.groups:
        group = cells[first : first + size]
        _rectangle(canvas, group[0][0], place.top, group[-1][2] - group[0][0], place.height, stroke=1, fill=1)
        for left, _, _, bottom in group[1:]:
            _stroke(canvas, left, bottom - place.height * 0.38, left, bottom)
        first += size


def describe(blank: BlankForm) -> str:
    """The edition as TOML: its pages and its zones in pixels of the reference images."""
    rows = [
        "# Made by `python -m intake.synthetic.draw` from the layout that also draws the PDF: change that, not this.",
        f'id = "{blank.edition}"',
        f'title = "{blank.title}"',
        f"dpi = {REFERENCE_DPI}",
    ]
    for page in blank.sheets:
        rows += ["", "[[page]]", f"number = {page.number}", f'image = "{_picture_name(blank, page)}"']
    for page in blank.sheets:
        for place in page.places:
            rows += ["", "[[zone]]", *_describe_zone(place, page.number)]
    return "\n".join(rows) + "\n"


def _describe_zone(place: Place, page: int) -> list[str]:
    edges = (place.left, place.top, place.left + place.width, place.top + place.height)
    rows = [f'field = "{place.field}"', f"page = {page}", f"box = {_inside(edges)}"]
    if place.option:
        rows.append(f'option = "{place.option}"')
    if place.groups:
        rows += ["cells = [", *(f"    {_inside(cell)}," for cell in place.cells()), "]"]
    if place.shape is not Shape.TICK:
        rows.append(f"lines = {place.lines}")
    return rows


def _inside(edges: tuple[float, float, float, float]) -> list[int]:
    left, top, right, bottom = edges
    clear = _FRAME_CLEARANCE
    return [_pixels(left + clear), _pixels(top + clear), _pixels(right - clear), _pixels(bottom - clear)]


def _pixels(millimetres: float) -> int:
    return round(millimetres / 25.4 * REFERENCE_DPI)


def _picture_name(blank: BlankForm, page: Sheet) -> str:
    return f"{blank.edition}-{page.number}.png"


def pictures(pdf: bytes) -> list[Grey]:
    """The pages of a blank PDF as reference images: (height, width) grey at REFERENCE_DPI, 16 levels."""
    levels = (np.round(np.arange(256) / _GREY_STEP) * _GREY_STEP).astype(np.uint8)
    return [levels[pixels] for pixels in render_pages(pdf, REFERENCE_DPI)]


def write_blanks(folder: Path = SHIPPED_FORMS) -> None:
    """Renew the drawn files of every form type of our own below `folder`, and load each to see that it is valid."""
    for blank in every_blank():
        home = folder / blank.form_type
        home.mkdir(parents=True, exist_ok=True)
        pdf = paint(blank)
        (home / f"{blank.edition}.pdf").write_bytes(pdf)
        (home / f"{blank.edition}.toml").write_text(describe(blank), encoding="utf-8")
        for page, pixels in zip(blank.sheets, pictures(pdf), strict=True):
            _, png = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
            (home / _picture_name(blank, page)).write_bytes(png.tobytes())
    for form_type in sorted({blank.form_type for blank in every_blank()}):
        load_form_type(folder / form_type)


if __name__ == "__main__":
    write_blanks()
