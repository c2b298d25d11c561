"""Post that waits to be keyed: filled forms with their pictures, read as it were, for screens and tests.

The paper is drawn here on the blank form, so that what a test keys is what stands there. Nothing is read by an engine:
what the machine is said to have seen is given.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from intake import record_rows, steps, whereabouts
from intake.database.tables import BatchRow, FileRow, PagePictureRow, PageRow, PieceRow, StepRow
from intake.review import asking
from intake.review.rules import Rules
from intake.service import Service
from schemas.field import FieldKind
from schemas.form_type import SHIPPED_FORMS, FormType, load_form_types
from schemas.geometry import hull
from schemas.record import Record
from schemas.states import MailState, StepName

FORM: Final = "change-of-keeper"
REFUND: Final = "fee-refund"
_DPI: Final = 200
_INK: Final = (24, 32, 96)


@dataclass(frozen=True)
class Seen:
    """One field: what stands on the paper, and what the machine made of it.

    read:   None for what is written. scores: of the characters read; empty for sure ones.
    more:   further columns of the record's field.
    """

    written: Any
    read: Any = None
    status: str = "review"
    reasons: Sequence[str] = ("The reading is not sure enough.",)
    scores: Sequence[float] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


@cache
def forms() -> dict[str, FormType]:
    return {form.id: form for form in load_form_types([SHIPPED_FORMS])}


@dataclass
class Mailbag:
    """Puts filled forms into a service, ready to be keyed."""

    service: Service
    rules: Rules
    count: int = 0

    def add(self, *documents: Mapping[str, Seen], form: str = FORM, draws: bool = True) -> list[int]:
        """Each a document of its own, in one batch; their keys."""
        return self._put([(form, fields) for fields in documents], draws=draws)

    def add_letters(self, count: int = 1) -> list[int]:
        """Documents of no form we know."""
        return self._put([(None, {})] * count, draws=True)

    def _put(self, documents: Sequence[tuple[str | None, Mapping[str, Seen]]], *, draws: bool) -> list[int]:
        pictures = [
            self._picture(form, fields) if draws or not n else None for n, (form, fields) in enumerate(documents)
        ]
        stored = [None if picture is None else self.service.store.put(io.BytesIO(picture)) for picture in pictures]
        database = self.service.database
        with database.write() as session:
            now = database.now(session)
            batch = BatchRow(
                channel="site", operator="owen", name="Monday’s post", received_on=now.date(), received_at=now,
                file_count=len(documents), closed_at=now,
            )  # fmt: skip
            session.add(batch)
            session.flush()
            keys = []
            for place, (form, fields) in enumerate(documents):
                self.count += 1
                kept = stored[place] or stored[0]
                assert kept is not None
                keys.append(self._document(session, batch, place + 1, form, fields, kept.sha256, now))
            return keys

    def _document(
        self, session: Session, batch: BatchRow, place: int, form: str | None, fields: Mapping[str, Seen],
        sha256: str, now: datetime,
    ) -> int:  # fmt: skip
        name = f"scan-{self.count:04}.tif"
        digest = hashlib.sha256(f"{name}{now}".encode()).hexdigest()
        file = FileRow(
            batch_id=batch.id, position=place, name=name, sha256=digest, size_bytes=9, state_since=now, page_count=1,
            piece_count=1,
        )  # fmt: skip
        session.add(file)
        session.flush()
        piece = PieceRow(file_id=file.id, ordinal=1, state_since=now)
        session.add(piece)
        session.flush()
        page = PageRow(file_id=file.id, number=1, piece_id=piece.id, state_since=now)
        session.add(page)
        session.flush()
        record = _record(form, fields)
        [document] = record_rows.save(session, piece.id, file.id, [record], now)
        for step in (StepName.UNPACK, StepName.READ):
            subject = steps.Subject(file_id=file.id) if step is StepName.UNPACK else steps.Subject(piece_id=piece.id)
            steps.add(session, step, subject, now)
        session.execute(
            update(StepRow).where((StepRow.file_id == file.id) | (StepRow.piece_id == piece.id)).values(state="done")
        )
        width, height = _size(form)
        session.add(PagePictureRow(page_id=page.id, sha256=sha256, width=width, height=height, dpi=_DPI, made_at=now))
        asking.ask(session, [(document, record)], self.rules, now.date(), now)
        whereabouts.move_piece(session, piece.id, MailState.IN_REVIEW, now)
        return document

    def _picture(self, form: str | None, fields: Mapping[str, Seen]) -> bytes:
        image = _blank(form).copy()
        pen = ImageDraw.Draw(image)
        if form is None:
            for line in range(14):
                pen.text(
                    (160, 300 + 60 * line), "Dear Sir or Madam, this is a letter of no form.", fill=_INK, font=_hand(34)
                )
        for name, seen in fields.items():
            _write(pen, form or "", name, seen.written)
        out = io.BytesIO()
        image.convert("L").save(out, "JPEG", quality=80)
        return out.getvalue()


@cache
def _blank(form: str | None) -> Image.Image:
    if form is None:
        return Image.new("RGB", (1654, 2339), "white")
    edition = forms()[form].editions[-1]
    with Image.open(edition.pages[0].image) as image:
        factor = _DPI / edition.dpi
        return image.convert("RGB").resize((round(image.width * factor), round(image.height * factor)))


def _size(form: str | None) -> tuple[int, int]:
    return _blank(form).size


@cache
def _hand(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype("DejaVuSans-Oblique.ttf", size)


def _write(pen: ImageDraw.ImageDraw, form: str, name: str, written: Any) -> None:
    edition = forms()[form].editions[-1]
    factor = _DPI / edition.dpi
    for zone in edition.zones_of(name):
        box = zone.box.scaled(factor)
        if zone.option:
            if zone.option in (written or ()):
                pen.line((box.left, box.top, box.right, box.bottom), fill=_INK, width=4)
                pen.line((box.right, box.top, box.left, box.bottom), fill=_INK, width=4)
        elif written and zone.cells:
            cells = [cell.scaled(factor) for cell in zone.cells]
            for sign, cell in zip(str(written), cells, strict=False):
                pen.text((cell.left + 6, cell.top + 1), sign, fill=_INK, font=_hand(max(cell.height - 12, 16)))
        elif written:
            pen.text(
                (box.left + 6, box.top + 4), str(written), fill=_INK, font=_hand(min(max(box.height - 14, 18), 40))
            )
        if not zone.option:
            break


def _box(form: str, name: str) -> list[float]:
    edition = forms()[form].editions[-1]
    place = hull(zone.box for zone in edition.zones_of(name)).scaled(_DPI / edition.dpi)
    width, height = _size(form)
    return [place.left / width, place.top / height, place.right / width, place.bottom / height]


def _record(form: str | None, fields: Mapping[str, Seen]) -> Record:
    page = {"number": 1, "label": "content", "width": 9, "height": 9}
    return Record.model_validate(
        {
            "record_id": "r",
            "status": "review",
            "form_type": form,
            "edition": None if form is None else forms()[form].editions[-1].id,
            "source": {"name": "x", "sha256": "0" * 64, "pages": [1]},
            "pages": [page],
            "fields": {name: _field(form or "", name, seen) for name, seen in fields.items()},
        }
    )


def _field(form: str, name: str, seen: Seen) -> dict[str, Any]:
    spec = forms()[form].by_name[name]
    read = seen.written if seen.read is None else seen.read
    is_drawn = spec.kind in (FieldKind.CHOICE, FieldKind.SIGNATURE)
    text = ", ".join(read) if isinstance(read, list) else "" if isinstance(read, bool) else str(read)
    scores = list(seen.scores) or [0.99] * len(text)
    return {
        "value": read, "text": text, "kind": spec.kind.value, "status": seen.status, "confidence": 0.8, "page": 1,
        "box": _box(form, name), "field_class": spec.field_class, "reasons": list(seen.reasons),
        "readings": [] if is_drawn else [{"text": text, "reader": "r/1", "score": 0.8, "characters": scores}],
        "decided_by": "policy@1/7", **seen.more,
    }  # fmt: skip


def surnames(count: int) -> list[dict[str, Seen]]:
    """Documents with one field each, to be confirmed."""
    names = ("Morgan", "Jones", "Griffiths", "Edwards", "Pritchard", "Hughes", "Bevan", "Rees", "Powell", "Llewellyn")
    return [{"surname": Seen(names[number % len(names)])} for number in range(count)]


def waiting(service: Service) -> int:
    """How many pieces wait for people."""
    with service.database.read() as session:
        where = PieceRow.state == MailState.IN_REVIEW
        return session.scalars(select(func.count()).select_from(PieceRow).where(where)).one()


def with_read(seen: Seen, read: Any) -> Seen:
    return replace(seen, read=read)
