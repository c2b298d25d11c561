"""A record becomes what the page shows of it: labels, words, places on the picture."""

from collections.abc import Mapping, Sequence

from intake.pictures.upright import height_per_width
from review_ui.pictures import Picture
from review_ui.view_models import DocumentView, FailureView, FieldView, PageView, Place, RegionView, State
from schemas.field import FieldStatus
from schemas.form_type import FormType
from schemas.page import PageLabel
from schemas.reading import MarkState
from schemas.record import Record, RecordField, RecordPage, RecordRegion

UNITS = 1000  # the width of a picture in the units of its outlines

FIELD_STATES: Mapping[FieldStatus, State] = {
    FieldStatus.ACCEPTED: State("accepted", "✓", "Accepted"),
    FieldStatus.CONFIRMED: State("accepted", "✓", "Confirmed by a person"),
    FieldStatus.CORRECTED: State("accepted", "✓", "Corrected by a person"),
    FieldStatus.REVIEW: State("review", "?", "To review"),
    FieldStatus.BLANK: State("blank", "–", "Blank"),
    FieldStatus.UNREADABLE: State("unreadable", "✗", "Unreadable"),
    FieldStatus.NOT_FOUND: State("unreadable", "✗", "Not found"),
}
ACCEPTED = (FieldStatus.ACCEPTED, FieldStatus.CONFIRMED, FieldStatus.CORRECTED)
TO_REVIEW = (FieldStatus.REVIEW, FieldStatus.UNREADABLE, FieldStatus.NOT_FOUND)

_RECORD_STATES: Mapping[str, State] = {
    "complete": State("accepted", "✓", "Complete"),
    "review": State("review", "?", "To review"),
    "failed": State("unreadable", "✗", "Failed"),
}
_LABELS: Mapping[PageLabel, str] = {
    PageLabel.CONTENT: "content",
    PageLabel.BLANK: "blank page",
    PageLabel.SEPARATOR: "separator sheet",
    PageLabel.FAILED: "failed",
}
_SKEW_WORTH_TELLING_DEGREES = 0.1
_AIR = 5  # units between ink and outline


def is_leftover(record: Record) -> bool:
    """Whether the record only accounts for blank pages and separator sheets, and is no document."""
    return record.form_type is None and not record.failures and not any(_has_content(page) for page in record.pages)


def _has_content(page: RecordPage) -> bool:
    return page.label in (PageLabel.CONTENT, PageLabel.FAILED)


def document_view(
    record: Record,
    number: int,
    forms: Mapping[str, FormType],
    pictures: Mapping[tuple[str, int], Picture],
    picture_folder: str,
) -> DocumentView:
    """What is shown of the record that is the `number`th on the page."""
    form = forms.get(record.form_type or "")
    anchor = f"document-{number}"
    placed = [
        (field.page, _field(field, name, place, anchor, form, _page_of(record, field.page)))
        for place, (name, field) in enumerate(record.fields.items(), start=1)
    ]
    shown = {page.number for page in record.pages}
    statuses = [field.status for field in record.fields.values()]
    return DocumentView(
        anchor=anchor,
        title=form_title(record, forms),
        edition=edition_title(record, forms),
        file=record.source.name,
        pages_in_words=_pages_in_words(record.source.pages),
        record_id=record.record_id,
        state=_RECORD_STATES[record.status],
        pages=tuple(
            _page(
                page,
                pictures.get((record.source.sha256 or "", page.number)),
                picture_folder,
                tuple(view for where, view in placed if where == page.number),
                _regions(record.regions, page, anchor),
            )
            for page in record.pages
        ),
        elsewhere=tuple(view for where, view in placed if where not in shown),
        failures=tuple(FailureView(failure.problem, failure.remedy, failure.cause) for failure in record.failures),
        accepted=sum(status in ACCEPTED for status in statuses),
        to_review=sum(status in TO_REVIEW for status in statuses),
        blank=statuses.count(FieldStatus.BLANK),
    )


def form_title(record: Record, forms: Mapping[str, FormType]) -> str:
    """What kind of document it is, in words."""
    if record.form_type is not None:
        form = forms.get(record.form_type)
        return record.form_type if form is None else form.title
    if record.status == "failed":
        return "Could not be read"
    return "Blank pages and separator sheets" if is_leftover(record) else "No known form"


def edition_title(record: Record, forms: Mapping[str, FormType]) -> str:
    """How the form names its own version; the edition's id if the form type is not known here, "" if there is none."""
    form = forms.get(record.form_type or "")
    for edition in () if form is None else form.editions:
        if edition.id == record.edition:
            return edition.title
    return record.edition or ""


def _pages_in_words(numbers: Sequence[int]) -> str:
    if not numbers:
        return "no page"
    return f"page{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _page_of(record: Record, number: int | None) -> RecordPage | None:
    return next((page for page in record.pages if page.number == number), None)


def _page(
    page: RecordPage,
    picture: Picture | None,
    picture_folder: str,
    fields: tuple[FieldView, ...],
    regions: tuple[RegionView, ...],
) -> PageView:
    return PageView(
        number=page.number,
        label=_LABELS[page.label],
        is_content=page.label is PageLabel.CONTENT,
        picture="" if picture is None else f"{picture_folder}/{picture.name}",
        height=_height(page),
        facts=_facts(page),
        note=page.note,
        fields=fields,
        regions=regions,
    )


def _height(page: RecordPage) -> int:
    return UNITS if page.transform is None else round(UNITS * height_per_width(tuple(page.transform)))


def _facts(page: RecordPage) -> tuple[str, ...]:
    facts = []
    if page.turned:
        facts.append(f"turned by {page.turned}°")
    if abs(page.skew) >= _SKEW_WORTH_TELLING_DEGREES:
        facts.append(f"straightened by {abs(page.skew):.1f}°")
    if page.residual is not None:
        facts.append(f"fits the blank form to {page.residual:.1f} pixels")
    return tuple(facts)


def _place(box: Sequence[float], page: RecordPage) -> Place:
    height = _height(page)
    left, top, right, bottom = box
    return Place(
        x=round(left * UNITS, 1),
        y=round(top * height, 1),
        width=round((right - left) * UNITS, 1),
        height=round((bottom - top) * height, 1),
    )


def _field(
    field: RecordField, name: str, number: int, anchor: str, form: FormType | None, page: RecordPage | None
) -> FieldView:
    spec = None if form is None else form.by_name.get(name)
    value = _value(field)
    inked = [mark for mark in field.marks if mark.state is not MarkState.EMPTY]
    return FieldView(
        anchor=f"{anchor}-field-{number}",
        number=number,
        label=spec.label if spec is not None and spec.label else name,
        value=value,
        text="" if field.text == value else field.text,
        state=FIELD_STATES[field.status],
        confidence="" if field.confidence is None else f"{field.confidence:.1%}".replace("%", " %"),
        faults=_faults(field),
        passed=tuple(check.name.replace("_", " ") for check in field.checks if check.passed),
        place=None if field.box is None or page is None else _around(_place(field.box, page)),
        marks=() if page is None else tuple(_place(mark.box, page) for mark in inked),
    )


def _faults(field: RecordField) -> tuple[str, ...]:
    """Why a person must look, each reason once: what a check says is often among the reasons already."""
    odd = [mark for mark in field.marks if mark.state in (MarkState.CANCELLED, MarkState.DOUBTFUL, MarkState.STRAY)]
    failed = [check.message or f"Check {check.name!r} not passed." for check in field.checks if not check.passed]
    marks = [f"{mark.option}: {mark.reason}" for mark in odd]
    return tuple(dict.fromkeys([*field.reasons, *failed, *marks]))


def _around(place: Place) -> Place:
    """A little more than the place itself, so that an outline does not run through the ink."""
    return Place(place.x - _AIR, place.y - _AIR, place.width + 2 * _AIR, place.height + 2 * _AIR)


def _value(field: RecordField) -> str:
    """The value in words; "" if nothing is known."""
    match field.value:
        case None:
            return ""
        case bool(is_signed):
            return "Signed" if is_signed else "Not signed"
        case list(options):
            return ", ".join(options)
        case value:
            return str(value)


def _regions(regions: Sequence[RecordRegion], page: RecordPage, anchor: str) -> tuple[RegionView, ...]:
    return tuple(
        RegionView(
            anchor=f"{anchor}-region-{number}",
            number=number,
            kind=region.kind.value,
            lines=tuple(line.text for line in region.lines),
            place=_around(_place(region.box, page)),
        )
        for number, region in enumerate(regions, start=1)
        if region.page == page.number
    )
