"""The routes about published records: all in their order, one with its history, one field back to the paper."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query, Response

from intake import published
from intake.api import provenance
from intake.api.front_desk import AtDesk, FrontDesk
from intake.api.policy import PolicedRoute, policy
from intake.api.problem import Fault, ProblemCode, Refused
from intake.api.record_views import ProvenanceView, RecordList, RevisionList, RevisionView, SnippetView, Status
from intake.api.words import Word
from intake.pictures import PictureMissing, Snippet
from intake.published import Published, Wanted
from schemas.record import Record, RecordField
from schemas.scopes import Scope

router: Final = APIRouter(route_class=PolicedRoute, prefix="/v1/records", tags=["records"])

_NO_FORM: Final = "-"
_JSON: Final = "application/json"
_PNG: Final = "image/png"
_ETAG: Final = {"ETag": {"description": "Of the content: its SHA-256 in quotes.", "schema": {"type": "string"}}}
_AS_IT_IS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"headers": _ETAG},
    304: {"description": "You have it: it is what If-None-Match names.", "headers": _ETAG},
}
_PICTURE: Final[dict[int | str, dict[str, Any]]] = _AS_IT_IS | {200: {"headers": _ETAG, "content": {_PNG: {}}}}

After = Annotated[int, Query(ge=0, le=2**62, description="`next` of the page before; 0 for the beginning.")]
Limit = Annotated[int, Query(ge=1, le=500, description="How many revisions at most.")]
RecordId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="`record_id` of the record.")]
FieldName = Annotated[str, Path(max_length=100, description="As the record's `fields` names it.")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Of the revision; 1 is the first.")]
Known = Annotated[str | None, Header(alias="If-None-Match", description="The ETag of what you have.")]


@router.get("", response_model=RecordList)
@policy(Scope.RECORDS_READ)
def list_records(
    desk: AtDesk,
    after: After = 0,
    limit: Limit = 100,
    form_type: Annotated[Word | None, Query(description='Only of that form type; "-" for those of none.')] = None,
    status: Annotated[Status | None, Query(description="Only of that status.")] = None,
    batch: Annotated[UUID | None, Query(description="Only of that batch.")] = None,
) -> Response:
    """Every revision behind a cursor, in the order of publication: none is missing, however late it was committed.

    Asked for some only, a page may be empty and not be the last: go on as long as `next` is not what you sent.
    """
    wanted = Wanted("" if form_type == _NO_FORM else form_type, status, batch)
    try:
        with desk.service.database.read() as session:
            found, reached = published.after(session, after, limit, wanted)
    except published.CursorAhead as error:
        fault = Fault(place="query.after", problem="Nothing was ever published under a number that high.")
        detail = (
            "This cursor is ahead of all that is published: it is of another service, or this one was restored from a"
            " copy. Read again from a cursor that was given out before, or from 0."
        )
        raise Refused(409, ProblemCode.CURSOR_AHEAD, detail, faults=[fault]) from error
    return Response(_page(found, reached), media_type=_JSON)


@router.get("/{record_id}", response_model=Record, responses=_AS_IT_IS)
@policy(Scope.RECORDS_READ)
def show_record(desk: AtDesk, record_id: RecordId, known: Known = None) -> Response:
    """The latest revision of a record, to the byte as it was published."""
    return _body(_found(desk, record_id), known)


@router.get("/{record_id}/revisions")
@policy(Scope.RECORDS_READ)
def list_revisions(desk: AtDesk, record_id: RecordId) -> RevisionList:
    """The history of a record."""
    with desk.service.database.read() as session:
        turns = published.turns_of(session, record_id)
    if not turns:
        raise _nothing()
    return RevisionList(record_id=record_id, revisions=tuple(map(RevisionView.model_validate, turns)))


@router.get("/{record_id}/revisions/{revision}", response_model=Record, responses=_AS_IT_IS)
@policy(Scope.RECORDS_READ)
def show_revision(desk: AtDesk, record_id: RecordId, revision: Number, known: Known = None) -> Response:
    """One revision of a record, to the byte as it was published. It never changes."""
    return _body(_found(desk, record_id, revision), known)


@router.get("/{record_id}/fields/{name}/provenance")
@policy(Scope.RECORDS_READ)
async def show_provenance(desk: AtDesk, record_id: RecordId, name: FieldName) -> ProvenanceView:
    """From a value back to the paper, in one answer: file, page, place, readings, checks, policy, people."""
    return await to_thread.run_sync(_provenance, desk, record_id, name, limiter=desk.looking)


def _provenance(desk: FrontDesk, record_id: str, name: str) -> ProvenanceView:
    found = _found(desk, record_id)
    record, field = _field(found, name)
    with desk.service.database.read() as session:
        made = provenance.provenance(session, found, record, name)
        place = provenance.on_paper(session, found, field)
    if place is None:
        return made
    try:
        sha256, problem = hashlib.sha256(_cut(desk, place).png).hexdigest(), ""
    except PictureMissing as error:
        sha256, problem = None, str(error)
    address = f"/v1/records/{record_id}/fields/{name}/snippet"
    return made.model_copy(update={"snippet": SnippetView(address=address, sha256=sha256, problem=problem)})


@router.get("/{record_id}/fields/{name}/snippet", response_class=Response, responses=_PICTURE)
@policy(Scope.RECORDS_READ)
async def show_snippet(desk: AtDesk, record_id: RecordId, name: FieldName, known: Known = None) -> Response:
    """The picture of the answer with what stands around it, cut from its page."""
    return await to_thread.run_sync(_snippet, desk, record_id, name, known, limiter=desk.looking)


def _snippet(desk: FrontDesk, record_id: str, name: str, known: str | None) -> Response:
    found = _found(desk, record_id)
    _, field = _field(found, name)
    with desk.service.database.read() as session:
        place = provenance.on_paper(session, found, field)
    if place is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "No place on the paper is known for this field.")
    try:
        png = _cut(desk, place).png
    except PictureMissing as error:
        raise Refused(404, ProblemCode.NOT_FOUND, f"There is no picture of it. {error}") from error
    return _tagged(png, hashlib.sha256(png).hexdigest(), _PNG, known)


def _found(desk: FrontDesk, record_id: str, revision: int | None = None) -> Published:
    with desk.service.database.read() as session:
        found = published.find(session, record_id, revision)
    if found is None:
        raise _nothing()
    return found


def _field(found: Published, name: str) -> tuple[Record, RecordField]:
    taken_apart = provenance.field_of(found, name)
    if taken_apart is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "The record has no such field.")
    return taken_apart


def _cut(desk: FrontDesk, place: provenance.OnPaper) -> Snippet:
    return desk.pictures.snippet(place.page_id, place.box)


def _page(found: Sequence[Published], reached: int) -> bytes:
    """A RecordList. The bodies are put in as they are: they are JSON, and taking them apart would take most time."""
    return f'{{"records":[{",".join(map(_line, found))}],"next":{reached}}}'.encode()


def _line(one: Published) -> str:
    head = {
        "sequence": one.sequence,
        "record_id": one.record_id,
        "revision": one.revision,
        "status": one.status,
        "published_at": one.published_at.isoformat(),
        "sha256": one.sha256,
    }
    return f'{json.dumps(head)[:-1]},"body":{one.body}}}'


def _body(found: Published, known: str | None) -> Response:
    return _tagged(found.body.encode(), found.sha256, _JSON, known)


def _tagged(content: bytes, sha256: str, media_type: str, known: str | None) -> Response:
    """The content under its ETag; 304 without it where the caller has that very content."""
    headers = {"ETag": f'"{sha256}"'}
    if known is not None and any(tag in ("*", sha256) for tag in _tags(known)):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


def _tags(listed: str) -> Iterator[str]:
    """The tags of an If-None-Match (RFC 9110, 13.1.2); whether they are weak makes no difference there."""
    for tag in listed.split(","):
        yield tag.strip().removeprefix("W/").strip('"')


def _nothing() -> Refused:
    return Refused(404, ProblemCode.NOT_FOUND, "There is no such record, or no such revision of it.")
