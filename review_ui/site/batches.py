"""Batches: the list against its target, and one batch, live: its stages, its pages, what failed and what to do."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from intake import quarantine
from intake.api.numbers import LARGEST_NUMBER
from intake.api.problem import ProblemCode, Refused
from intake.database.tables import BatchRow
from intake.office import batches as office
from intake.office.batches import BatchLine, Which
from intake.pictures import PictureMissing
from intake.quarantine import SetAside
from intake.steps import NotInQuarantine
from review_ui.site.batch_view import batch_view, file_view, live_values
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.events import stream_of
from review_ui.site.policy import AsPerson, SiteRoute, allows
from review_ui.site.shell import render, see_other
from review_ui.site.state_words import CAUSES, LABELS, STATES
from review_ui.site.who import names_of
from schemas.people import Right
from schemas.states import MailState

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_BATCHES_AT_ONCE: Final = 40
_FILES_AT_ONCE: Final = 20
_FAILURES_AT_ONCE: Final = 50
_THUMBNAIL_WIDTH: Final = 150
_DONE: Final = {
    "retried": "It is being tried again.",
    "rejected": "It was rejected. Its bytes are kept.",
    "gone": "Somebody else has dealt with it already.",
    "reason": "It was not rejected: give a reason of at most 500 characters.",
    "received": "The batch was received: every file is safe on disk. Reading has begun.",
    "again": "This batch had been received already: nothing was received twice.",
}
_BAD: Final = frozenset({"reason"})
_WORDS: Final[Mapping[str, Any]] = {"states": STATES, "labels": LABELS, "causes": CAUSES}

Before = Annotated[int | None, Query(ge=0, le=LARGEST_NUMBER)]


@router.get("/batches")
@allows(Right.SEE_BATCHES)
def batches(request: Request, desk: AtSite, which: Which = Which.OPEN, before: Before = None) -> Response:
    """The list: what is open from the oldest on, or what is late, or all."""
    database, deadline = desk.service.database, desk.service.settings.deadline
    with database.read() as session:
        today = _today(session, desk)
        lines, more = office.listed(session, today, deadline, which, before=before, limit=_BATCHES_AT_ONCE)
        counts = office.counted(session, today, deadline)
        names = names_of(session, {line.operator for line in lines})
    views = [batch_view(line, today, names) for line in lines]
    return render(
        request, "site/batches.html", batches=views, which=which, counts=counts, more=more, is_later=before is not None,
        target_days=deadline.days, **_WORDS,
    )  # fmt: skip


@router.get("/batches/{batch_id}")
@allows(Right.SEE_BATCHES)
def batch(
    request: Request,
    desk: AtSite,
    batch_id: UUID,
    after: Annotated[int, Query(ge=0, le=LARGEST_NUMBER)] = 0,
    done: str = "",
) -> Response:
    """One batch."""
    with desk.service.database.read() as session:
        values = _one(session, desk, batch_id, after)
    note = "" if done in _BAD else _DONE.get(done, "")
    return render(request, "site/batch.html", done=note, problem=_DONE[done] if done in _BAD else "", **values)


@router.get("/batches/{batch_id}/parts")
@allows(Right.SEE_BATCHES, quiet=True, gives_page=False)
def parts(
    request: Request, desk: AtSite, batch_id: UUID, after: Annotated[int, Query(ge=0, le=LARGEST_NUMBER)] = 0
) -> Response:
    """The parts of the page that change while mail moves: failures and files. The open page asks for them."""
    with desk.service.database.read() as session:
        values = _one(session, desk, batch_id, after)
    return render(request, "site/batch_parts.html", **values)


@router.get("/batches/{batch_id}/events")
@allows(Right.SEE_BATCHES, quiet=True, gives_page=False)
def events(request: Request, desk: AtSite, batch_id: UUID) -> Response:
    """The counts of the batch, whenever they change."""
    database = desk.service.database
    with database.read() as session:
        row = _found(session, batch_id)

    def news() -> dict[str, Any]:
        with database.read() as session:
            today = _today(session, desk)
            line = office.line_of(session, row, today, desk.service.settings.deadline)
            return live_values(line, office.stages(session, row))

    return stream_of(request, news)


@router.get("/pages/{page_id}/thumbnail.jpg")
@allows(Right.SEE_BATCHES, quiet=True, gives_page=False)
def thumbnail(desk: AtSite, page_id: int) -> Response:
    """A page so small that nobody can read it: to see whether it is there, blank or a separator."""
    try:
        picture = desk.pictures.thumbnail(page_id, _THUMBNAIL_WIDTH)
    except PictureMissing as error:
        raise Refused(404, ProblemCode.NOT_FOUND, str(error)) from error
    return Response(picture, headers={"Cache-Control": "no-store"}, media_type="image/jpeg")


@router.post("/batches/{batch_id}/retry")
@allows(Right.MEND_BATCHES)
def retry(desk: AtSite, person: AsPerson, batch_id: UUID, subject: Annotated[UUID, Form()]) -> Response:
    """Try a file or piece again that was set aside."""
    database = desk.service.database
    try:
        with database.write() as session:
            _require_within(batch_id, quarantine.found(session, subject))
            quarantine.retry(session, subject, person.actor, database.now(session))
    except NotInQuarantine:
        return _back(batch_id, "gone")
    return _back(batch_id, "retried")


@router.post("/batches/{batch_id}/reject")
@allows(Right.MEND_BATCHES)
def reject(
    desk: AtSite,
    person: AsPerson,
    batch_id: UUID,
    subject: Annotated[UUID, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Refuse for good what was set aside, with the reason."""
    database = desk.service.database
    try:
        with database.write() as session:
            _require_within(batch_id, quarantine.found(session, subject))
            quarantine.reject(session, subject, person.actor, reason, database.now(session))
    except NotInQuarantine:
        return _back(batch_id, "gone")
    except ValueError:
        return _back(batch_id, "reason")
    return _back(batch_id, "rejected")


@router.get("/set-aside")
@allows(Right.SEE_BATCHES)
def set_aside(request: Request, desk: AtSite, after: Annotated[int, Query(ge=0, le=LARGEST_NUMBER)] = 0) -> Response:
    """Everything the machine gave up on, of all batches."""
    with desk.service.database.read() as session:
        found = quarantine.listed(session, limit=_FAILURES_AT_ONCE + 1, after=after)
        counts = quarantine.by_cause(session)
    shown = found[:_FAILURES_AT_ONCE]
    more = shown[-1].step_id if len(found) > _FAILURES_AT_ONCE else None
    return render(
        request, "site/set_aside.html", failures=shown, counts=counts, total=sum(counts.values()), more=more, **_WORDS
    )


def _one(session: Session, desk: SiteDesk, batch_id: UUID, after: int) -> dict[str, Any]:
    """What the page of a batch shows."""
    row = _found(session, batch_id)
    today = _today(session, desk)
    line: BatchLine = office.line_of(session, row, today, desk.service.settings.deadline)
    stages = office.stages(session, row)
    files, more = office.files_of(session, row, after=after, limit=_FILES_AT_ONCE)
    failures = quarantine.of_batch(session, row.id, limit=_FAILURES_AT_ONCE)
    names = names_of(session, {line.operator})
    return {
        "batch": batch_view(line, today, names),
        "stages": stages,
        "live": live_values(line, stages),
        "files": [file_view(file) for file in files],
        "failures": failures,
        "failure_count": line.files.get(MailState.QUARANTINED, 0),
        "more": more,
        "after": after,
        "tables": {id: desk.forms[id].title for id in office.form_types_of(session, row) if id in desk.forms},
        **_WORDS,
    }


def _found(session: Session, batch_id: UUID) -> BatchRow:
    row = office.find(session, batch_id)
    if row is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "There is no such batch.")
    return row


def _require_within(batch_id: UUID, found: Sequence[SetAside]) -> None:
    """Raise NotInQuarantine unless it belongs to the batch whose page was used."""
    if any(each.batch_id != batch_id for each in found):
        raise NotInQuarantine("It is in another batch.")


def _back(batch_id: UUID, done: str) -> Response:
    return see_other(f"/batches/{batch_id}?done={done}")


def _today(session: Session, desk: SiteDesk) -> date:
    return desk.service.database.now(session).astimezone().date()
