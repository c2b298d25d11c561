"""Taking records and originals out, many at once: of a batch, or of what a search finds. Each is in the audit."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from intake import audit
from intake.api import archives
from intake.api.problem import ProblemCode, Refused
from intake.exports import reading
from intake.exports.reading import Format, Part
from intake.office import batches as office
from intake.office.pieces import Asked
from intake.people.person import Person
from intake.published import Published, Wanted
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.documents import Typed, asked_for
from review_ui.site.policy import AsPerson, SiteRoute, allows
from schemas.people import Right

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_MEDIA_TYPES: Final = {Format.JSONL: "application/jsonl", Format.CSV: "text/csv; charset=utf-8"}
FormTypeId = Annotated[str, Query(max_length=100)]
Read = Iterator[tuple[Sequence[Published], int]]


@router.get("/batches/{batch_id}/archive.zip")
@allows(Right.EXPORT, gives_page=False)
def whole_batch(desk: AtSite, person: AsPerson, batch_id: UUID) -> Response:
    """The whole batch: originals, records and a manifest of hashes."""
    return archives.streamed(desk.service, archives.taken_out(desk.service, batch_id, person.actor))


@router.get("/batches/{batch_id}/records.jsonl")
@allows(Right.EXPORT, gives_page=False)
def lines_of_batch(desk: AtSite, person: AsPerson, batch_id: UUID) -> Response:
    """What was published of a batch, as JSON lines."""
    _note(desk, person, _subject_of(desk, batch_id), Format.JSONL)
    return _streamed(desk, reading.pages(desk.service.database, Wanted(batch=batch_id)), f"batch-{batch_id}")


@router.get("/batches/{batch_id}/records.csv")
@allows(Right.EXPORT, gives_page=False)
def table_of_batch(desk: AtSite, person: AsPerson, batch_id: UUID, form_type: FormTypeId = "") -> Response:
    """What was published of one form type of a batch, as a table."""
    subject = _subject_of(desk, batch_id)
    _require_form(desk, form_type)
    _note(desk, person, subject, Format.CSV)
    read = reading.pages(desk.service.database, Wanted(form_type=form_type, batch=batch_id))
    return _streamed(desk, read, f"batch-{batch_id}-{form_type}", form_type)


@router.get("/documents/records.jsonl")
@allows(Right.EXPORT, gives_page=False)
def lines_of_found(desk: AtSite, person: AsPerson, typed: Annotated[Typed, Query()]) -> Response:
    """What was published of what the search finds, as JSON lines."""
    asked = _asked(typed)
    _note(desk, person, "documents:found", Format.JSONL)
    return _streamed(desk, reading.pages_of_found(desk.service.database, asked), "records")


@router.get("/documents/records.csv")
@allows(Right.EXPORT, gives_page=False)
def table_of_found(desk: AtSite, person: AsPerson, typed: Annotated[Typed, Query()]) -> Response:
    """What was published of what the search finds, as a table of the form type that is looked for."""
    asked = _asked(typed)
    _require_form(desk, asked.form_type)
    _note(desk, person, "documents:found", Format.CSV)
    read = reading.pages_of_found(desk.service.database, asked)
    return _streamed(desk, read, f"records-{asked.form_type}", asked.form_type)


def _asked(typed: Typed) -> Asked:
    asked, problem, _ = asked_for(typed)
    if problem:
        raise Refused(422, ProblemCode.INVALID_REQUEST, problem)
    return asked


def _require_form(desk: SiteDesk, form_type: str) -> None:
    if form_type not in desk.forms:
        detail = "A table has the columns of one form type: choose one that is read here."
        raise Refused(422, ProblemCode.INVALID_REQUEST, detail)


def _subject_of(desk: SiteDesk, batch_id: UUID) -> str:
    with desk.service.database.read() as session:
        row = office.find(session, batch_id)
    if row is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "There is no such batch.")
    return f"batch:{row.id}"


def _note(desk: SiteDesk, person: Person, subject: str, format: Format) -> None:
    """Write it into the audit, before anything is given out."""
    database = desk.service.database
    with database.write() as session:
        now, details = database.now(session), {"format": format.value}
        audit.append(session, now, person.actor, "records downloaded", subject, details)


def _streamed(desk: SiteDesk, read: Read, name: str, form_type: str = "") -> Response:
    """The records, some at a time; as a table if a form type is given."""
    format = Format.CSV if form_type else Format.JSONL
    # With a byte order mark: what people download they open in a spreadsheet.
    parts = reading.as_table(read, desk.forms[form_type], has_mark=True) if form_type else reading.as_lines(read)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{format.value}"',
        "Cache-Control": "no-store",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return StreamingResponse(_contents(parts), headers=headers, media_type=_MEDIA_TYPES[format])


def _contents(parts: Iterator[Part]) -> Iterator[bytes]:
    for part in parts:
        yield part.content
