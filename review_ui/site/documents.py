"""Documents: the search for them, and the page of one. Every look at a document is written into the audit."""

import json
import unicodedata
from datetime import date, timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from anyio import to_thread
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from intake import audit, corrections
from intake.api.numbers import LARGEST_NUMBER
from intake.api.problem import ProblemCode, Refused
from intake.office import documents as office
from intake.office import pieces
from intake.office.documents import Whole
from intake.office.pieces import Asked
from intake.people.person import Person
from intake.pictures import PictureMissing
from intake.store.errors import BlobDamaged, BlobMissing
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.document_page import document_page
from review_ui.site.policy import AsPerson, SiteRoute, allows
from review_ui.site.shell import render
from review_ui.site.state_words import DOCUMENT_STATES, STATES
from review_ui.site.who import names_of
from schemas.people import Right
from schemas.states import MailState

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_AT_ONCE: Final = 50
_LONGEST: Final = 255  # of what is looked for
LOOKED: Final = "looked at"
_A_LOOK: Final = timedelta(minutes=10)  # pictures of a document that are loaded meanwhile belong to the same look
_PIECE_BYTES: Final = 256 * 1024
_NO_STORE: Final = {"Cache-Control": "no-store"}
DocumentId = Annotated[int, Path(ge=1, le=LARGEST_NUMBER)]
PageNumber = Annotated[int, Path(ge=1, le=LARGEST_NUMBER)]
_DONE: Final = {"corrected": "The record is corrected: its next revision is published."}


class Typed(BaseModel):
    """The fields of the form, as they were filled in."""

    model_config = ConfigDict(frozen=True, str_max_length=_LONGEST)
    batch: str = ""
    name: str = ""
    control: str = ""
    form_type: str = ""
    state: str = ""
    received_from: str = ""
    received_to: str = ""
    after: Annotated[int | None, Field(ge=0, le=LARGEST_NUMBER)] = None  # the piece to go on behind


@router.get("/documents")
@allows(Right.SEE_DOCUMENTS)
def search(
    request: Request,
    desk: AtSite,
    typed: Annotated[Typed, Query()],
) -> Response:
    """The form to search with, and what was found."""
    asked, problem, place = asked_for(typed)
    with desk.service.database.read() as session:
        listed, more = ([], None) if problem else pieces.found(session, asked, after=typed.after, limit=_AT_ONCE)
        count = 0 if problem else pieces.counted(session, asked)
        known = pieces.form_types(session)
    given: dict[str, Any] = {name: value for name, value in typed if value and name != "after"}
    titles = {id: desk.forms[id].title if id in desk.forms else id for id in known}
    return render(
        request,
        "site/documents.html",
        422 if problem else 200,
        pieces=listed,
        count=count,
        typed=typed,
        problem=problem,
        place=place,
        is_filtered=bool(given),
        titles=titles,
        no_form=pieces.NO_FORM,
        states=STATES,
        document_states=DOCUMENT_STATES,
        more=f"/documents?{urlencode(given | {'after': more})}" if more else "",
        back=f"/documents?{urlencode(given)}" if typed.after is not None else "",
        download=urlencode(given),
        can_table=typed.form_type in desk.forms,
    )


@router.get("/documents/{document_id}")
@allows(Right.SEE_DOCUMENTS)
def document(request: Request, desk: AtSite, person: AsPerson, document_id: DocumentId, done: str = "") -> Response:
    """One document: every field on its page, what was read, who decided, what happened."""
    database = desk.service.database
    with database.read() as session:
        _require_there(session, document_id)
    note(desk, person, document_id, LOOKED)
    with database.read() as session:
        whole = found(session, document_id)
        made = corrections.corrections_of(session, document_id)
        actors = {each.actor for each in whole.history} | {each.actor for each in whole.entered}
        names = names_of(session, actors | {each.by.actor for each in made})
    page = document_page(whole, made, desk.forms, names, hides_blind=person.may(Right.KEY))
    return render(
        request,
        "site/document.html",
        document=whole,
        page=page,
        state_words=STATES[whole.state],
        can_draft=not page.hidden,
        can_correct=person.may(Right.CORRECT) and is_out(whole),
        done=_DONE.get(done, ""),
    )


@router.get("/documents/{document_id}/pages/{number}/picture.jpg")
@allows(Right.SEE_DOCUMENTS, quiet=True, gives_page=False)
def picture(desk: AtSite, person: AsPerson, document_id: DocumentId, number: PageNumber) -> Response:
    """A page of it as it stands upright."""
    database = desk.service.database
    with database.read() as session:
        page_id = office.page_of(session, document_id, number)
    if page_id is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "There is no such page.")
    note_look(desk, person, document_id)
    try:
        shown = desk.pictures.page(page_id)
    except PictureMissing as error:
        raise Refused(404, ProblemCode.NOT_FOUND, str(error)) from error
    return Response(shown.jpeg, headers=_NO_STORE, media_type="image/jpeg")


@router.get("/documents/{document_id}/original")
@allows(Right.SEE_DOCUMENTS, gives_page=False)
def original(desk: AtSite, person: AsPerson, document_id: DocumentId) -> Response:
    """The file it came in, byte for byte as it was received. No browser is to open it: whoever sent it made it."""
    with desk.service.database.read() as session:
        whole = found(session, document_id)
    store = desk.service.store
    try:
        size, stream = store.size(whole.sha256), store.open(whole.sha256)
    except (BlobMissing, BlobDamaged) as error:
        detail = "The original is missing from the file store, or damaged: tell whoever runs the service."
        raise Refused(404, ProblemCode.NOT_FOUND, detail) from error
    note(desk, person, document_id, "original downloaded")

    async def content() -> Any:
        try:
            while piece := await to_thread.run_sync(stream.read, _PIECE_BYTES):
                yield piece
        finally:
            stream.close()

    headers = _NO_STORE | download(whole.file_name) | {"Content-Length": str(size)}
    return StreamingResponse(content(), headers=headers, media_type="application/octet-stream")


@router.get("/documents/{document_id}/record.json")
@allows(Right.SEE_DOCUMENTS, gives_page=False)
def record(
    desk: AtSite,
    person: AsPerson,
    document_id: DocumentId,
    revision: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """Its record, as the receiving systems got it; or as it stands now, where it is not published yet."""
    with desk.service.database.read() as session:
        whole = found(session, document_id)
        published = office.body_of(session, document_id, revision)
    if whole.blind and person.may(Right.KEY):  # what was published before it was opened again tells as much
        detail = "Fields of it are still to be keyed without seeing what the machine read: its record comes later."
        raise Refused(403, ProblemCode.NOT_ALLOWED, detail)
    if published is None:
        if revision is not None:
            raise Refused(404, ProblemCode.NOT_FOUND, "There is no such revision.")
        name, body = "draft", json.dumps(whole.record.model_dump(mode="json"), ensure_ascii=False, indent=1)
    else:
        name, body = f"revision-{published[0]}", published[1]
    note(desk, person, document_id, "record downloaded")
    headers = _NO_STORE | download(f"{whole.record.record_id}-{name}.json")
    return Response(body, headers=headers, media_type="application/json")


def asked_for(typed: Typed) -> tuple[Asked, str, str]:
    """What is looked for; and what is wrong with it, and in which field, "" if nothing is."""
    try:
        state = MailState(typed.state) if typed.state else None
    except ValueError:
        return Asked(), "Choose one of the states.", "state"
    days: list[date | None] = []
    for name in ("received_from", "received_to"):
        given: str = getattr(typed, name)
        try:
            days.append(date.fromisoformat(given) if given else None)
        except ValueError:
            return Asked(), "Enter a day, for example 2026-03-02.", name
    received_from, received_to = days
    asked = Asked(
        batch=typed.batch.strip(),
        name=typed.name.strip(),
        control=typed.control.strip(),
        form_type=typed.form_type,
        state=state,
        received_from=received_from,
        received_to=received_to,
    )
    return asked, "", ""


def note_look(desk: SiteDesk, person: Person, document_id: int) -> None:
    """Write into the audit that they look at it, unless they did so just before: pictures belong to a page."""
    database = desk.service.database
    with database.read() as session:
        since = database.now(session) - _A_LOOK
        was_looked_at = office.was_looked_at(session, document_id, person.actor, LOOKED, since)
    if not was_looked_at:
        note(desk, person, document_id, LOOKED)


def is_out(whole: Whole) -> bool:
    """Whether its record is published and nobody works on it: it can be corrected."""
    return bool(whole.revisions) and whole.state is MailState.PUBLISHED


def _require_there(session: Session, document_id: int) -> None:
    if not office.is_there(session, document_id):
        raise _nothing()


def found(session: Session, document_id: int) -> Whole:
    whole = office.find(session, document_id)
    if whole is None:
        raise _nothing()
    return whole


def _nothing() -> Refused:
    return Refused(404, ProblemCode.NOT_FOUND, "There is no such document.")


def note(desk: SiteDesk, person: Person, document_id: int, action: str) -> None:
    """Write it into the audit, before anything is shown."""
    database = desk.service.database
    with database.write() as session:
        audit.append(session, database.now(session), person.actor, action, f"document:{document_id}")


def download(name: str) -> dict[str, str]:
    """Headers by which a browser saves it under that name and never shows it."""
    plain = unicodedata.normalize("NFKD", name.replace("/", "_").replace("\\", "_"))
    safe = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._- ") else "_" for sign in plain)[-150:]
    whole = quote(name.replace("/", "_").replace("\\", "_")[-150:], safe="")
    return {
        "Content-Disposition": f"attachment; filename=\"{safe or 'file'}\"; filename*=UTF-8''{whole}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
