"""A little post to look at: drawn scans of one of our forms, blank backs and separators, and a reader that knows them.

The reader stands in for the engines: it gives the answers that were drawn, for the form its page names by a mark.
"""

import io
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from extract.page import Grey, PageImage
from intake.hands import open_hands
from intake.people.person import Person
from intake.receive import Arrival, Receipt, Sender, receive
from intake.service import Service
from intake.worker import Stopwatch, Workshop, WorkshopSettings
from schemas.extraction import Document, FieldValue
from schemas.field import CheckResult, FieldSpec, FieldStatus
from schemas.form_type import SHIPPED_FORMS, FormType, Zone, load_form_type
from schemas.geometry import fraction_of_page, hull
from schemas.page import PageFact, PageLabel
from schemas.reading import Mark, MarkState, Reading

READER: Final = "tests.site.post:open_workshop"
_SCALE: Final = 0.5  # 150 dpi: large enough to be read, small enough to be quick
_MARK_ROW: Final = 3
_SEPARATOR: Final = 200  # pixels of the mark on a separator; the number of the form on all others

# The answers of each form, by field. What stands in DOUBTFUL is for people.
FORMS: Final[Sequence[dict[str, str]]] = (
    {
        "reference_number": "RF 741052-6",
        "amount": "125.75",
        "paid_on": "25.01.2026",
        "reason": "Application withdrawn",
        "reason_detail": "MOVED ABROAD BEFORE YOU ANSWERED.",
        "account_holder": "ANGUS WILSON",
        "sort_code": "724041",
        "account_number": "36068251",
        "email": "ANGUS.WILSON@MAIL.EXAMPLE",
        "claimant_name": "ANGUS WILSON",
        "signature": "A. Wilson",
        "signed_on": "04.02.2026",
    },
    {
        "reference_number": "RF 118290-3",
        "amount": "62.00",
        "paid_on": "03.02.2026",
        "reason": "Paid twice",
        "account_holder": "CERYS MORGAN",
        "sort_code": "201575",
        "account_number": "55779911",
        "phone": "01792 555 014",
        "claimant_name": "CERYS MORGAN",
        "signature": "C. Morgan",
        "signed_on": "09.02.2026",
    },
)
DOUBTFUL: Final = ("account_holder", "claimant_name")


@cache
def form() -> FormType:
    return load_form_type(SHIPPED_FORMS / "fee-refund")


def scan(number: int = 0, *, sure: bool = False, back: bool = False, separator: bool = False, note: str = "") -> bytes:
    """A TIFF of one filled form, with a blank back and a separator sheet if asked for.

    sure: whether the machine is, of every field. note: makes other bytes of it.
    """
    pages = [_filled(number, sure=sure, note=note)]
    if back:
        pages.append(np.full_like(pages[0], 255))
    if separator:
        sheet = np.full_like(pages[0], 255)
        sheet[800:900, 300:900] = 0
        _mark(sheet, _SEPARATOR)
        pages.append(sheet)
    file = io.BytesIO()
    images = [Image.fromarray(page).convert("1") for page in pages]
    images[0].save(file, "TIFF", dpi=(150, 150), compression="group4", save_all=True, append_images=images[1:])
    return file.getvalue()


def hand_in(service: Service, person: Person | str, files: Sequence[tuple[str, bytes]], name: str = "") -> Receipt:
    """A batch of those files, received as the site does."""
    operator = person if isinstance(person, str) else person.actor
    arrivals = [Arrival(file, io.BytesIO(content)) for file, content in files]
    return receive(service.database, service.store, arrivals, Sender(operator, "site", name=name))


def read_all(service: Service) -> None:
    """Let a worker do all there is to do."""
    hands = open_hands(service.settings, workshop=READER, clock=service.database.clock)
    try:
        hands.runner.run_until_idle()
    finally:
        hands.close()


def open_workshop(settings: WorkshopSettings, watch: Stopwatch) -> Workshop:
    """The reader."""

    def read(pages: Iterable[PageImage]) -> list[Document]:
        documents: list[Document] = []
        for page in pages:
            number = _marked(page.pixels)
            fact = _fact(page, _label(number, page))
            if fact.label is PageLabel.BLANK and documents:
                last = documents.pop()
                documents.append(Document(last.form_type, last.edition, (*last.pages, fact), last.fields))
            elif fact.label is PageLabel.CONTENT:
                fields = _fields((number - 1) % 10, sure=number > 10, page=page)
                documents.append(Document(form().id, form().editions[0].id, (fact,), fields))
            else:
                documents.append(Document(None, None, (fact,)))
        return documents

    return Workshop(read)


def _label(number: int, page: PageImage) -> PageLabel:
    if number == _SEPARATOR:
        return PageLabel.SEPARATOR
    return PageLabel.CONTENT if number else PageLabel.BLANK


def _fact(page: PageImage, label: PageLabel) -> PageFact:
    transform = (float(page.width), 0.0, 0.0, 0.0, float(page.height), 0.0)
    return PageFact(page.number, label, width=page.width, height=page.height, transform=transform)


def _filled(number: int, *, sure: bool, note: str) -> Grey:
    edition = form().editions[0]
    blank = Image.open(edition.pages[0].image)
    picture = blank.resize((round(blank.width * _SCALE), round(blank.height * _SCALE)))
    pen = ImageDraw.Draw(picture)
    for name, answer in FORMS[number].items():
        zones = edition.zones_of(name)
        ticked = [zone for zone in zones if zone.option == answer]
        if ticked:
            place = ticked[0].box.scaled(_SCALE)
            pen.line([(place.left, place.top), (place.right, place.bottom)], fill=0, width=4)
            pen.line([(place.left, place.bottom), (place.right, place.top)], fill=0, width=4)
        else:
            _write(pen, zones[0], answer)
    if note:
        pen.text((900, 1700), note, font=ImageFont.load_default(16), fill=0)
    pixels = np.array(picture, dtype=np.uint8)
    _mark(pixels, number + 1 + (10 if sure else 0))
    return pixels


def _write(pen: ImageDraw.ImageDraw, zone: Zone, answer: str) -> None:
    if zone.cells:
        for cell, sign in zip(zone.cells, answer, strict=False):
            place = cell.scaled(_SCALE)
            pen.text((place.left + 6, place.top + 2), sign, font=ImageFont.load_default(30), fill=0)
    else:
        place = zone.box.scaled(_SCALE)
        pen.text((place.left + 10, place.top + 6), answer, font=ImageFont.load_default(26), fill=0)


def _mark(pixels: Grey, count: int) -> None:
    pixels[_MARK_ROW, :] = 255
    pixels[_MARK_ROW, 10 : 10 + count] = 0


def _marked(pixels: Grey) -> int:
    row = pixels[_MARK_ROW, 10:]
    return int(np.argmax(row > 127)) if row[0] < 128 else 0


def _fields(number: int, *, sure: bool, page: PageImage) -> tuple[FieldValue, ...]:
    return tuple(_field(spec, FORMS[number], sure=sure, page=page.number) for spec in form().fields)


def _field(spec: FieldSpec, answers: dict[str, str], *, sure: bool, page: int) -> FieldValue:
    zones = form().editions[0].zones_of(spec.name)
    answer = answers.get(spec.name, "")
    area = fraction_of_page(hull(zone.box for zone in zones), *_size()) if zones else None
    if not answer:
        return FieldValue(spec, None, "", FieldStatus.BLANK, 0.998, page, area, decided_by="policy@3")
    asked = spec.name in DOUBTFUL and not sure
    return FieldValue(
        spec,
        _value(spec, answer),
        answer,
        FieldStatus.REVIEW if asked else FieldStatus.ACCEPTED,
        0.871 if asked else 0.9991,
        page,
        area,
        readings=() if spec.options else _readings(answer),
        marks=tuple(_ticked(zone) for zone in zones if zone.option and zone.option == answer),
        checks=(CheckResult("required", True, ""),),
        reasons=("The two readers differ: I or l.",) if asked else (),
        decided_by="policy@3",
    )


def _value(spec: FieldSpec, answer: str) -> str | bool | tuple[str, ...]:
    if spec.options:
        return (answer,)
    if spec.kind == "signature":
        return True
    if spec.kind == "date":
        day, month, year = answer.split(".")
        return f"{year}-{month}-{day}"
    return answer


def _readings(answer: str) -> tuple[Reading, ...]:
    return _reading("rec-small/1", answer), _reading("tesseract/5", answer.replace("I", "l"))


def _reading(reader: str, text: str) -> Reading:
    return Reading(text, tuple(0.97 for _ in text), reader)


def _ticked(zone: Zone) -> Mark:
    area = fraction_of_page(zone.box, *_size())
    return Mark(zone.option, MarkState.TICKED, 0.31, "It holds a cross.", area, 0.9)


@cache
def _size() -> tuple[int, int]:
    with Image.open(form().editions[0].pages[0].image) as image:
        return image.size
