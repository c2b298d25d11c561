"""Keying: people take tasks, look at what stands on the paper, and say what it is.

One page, and what its script asks for. Nothing the machine read is in any answer where it is to be hidden: what a task
may show is decided in `intake.review.showing`, and nothing else here speaks of values.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from intake import audit
from intake.api.numbers import LARGEST_NUMBER
from intake.api.problem import ProblemCode, Refused
from intake.pictures import PictureMissing
from intake.review import claims, entering, queues, showing, undoing
from intake.review.answers import Answer
from intake.review.claims import Held, Keyer, Wish
from intake.review.entering import Doubtful, NotForThisTask, Referral, Stale
from intake.review.identifying import NoSuchForm
from intake.review.previewing import preview
from intake.review.undoing import CannotUndo
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.policy import AsPerson, SiteRoute, allows
from review_ui.site.queue_words import QUEUE_WORDS, QueueWords
from review_ui.site.shell import render
from schemas.errors import MailError
from schemas.people import Right
from schemas.review import REASON_WORDS, Act, Queue, ReferReason

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_SENIORS: Final = frozenset({Queue.REFERRED, Queue.ADJUDICATION})
_NO_STORE: Final = {"Cache-Control": "no-store"}
_TASK_KEY: Final = Field(ge=1, le=2**53)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Screen = Annotated[str, Field(min_length=8, max_length=64)]
TaskKey = Annotated[int, _TASK_KEY]
Text = Annotated[str, Field(max_length=entering.LONGEST_TEXT)]
EntryKey = Annotated[str, Field(min_length=8, max_length=entering.LONGEST_KEY)]
Number = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
Fences = Annotated[dict[TaskKey, Number], Field(max_length=2 * claims.AT_MOST)]


class _Claim(_Body):
    screen: Screen
    queue: Queue
    field: str | None = Field(default=None, max_length=100)
    form: str | None = Field(default=None, max_length=100)
    document: Number | None = None
    have: list[TaskKey] = Field(default=[], max_length=claims.AT_MOST)
    sent: list[TaskKey] = Field(default=[], max_length=100)  # answered on the screen, the answers being on their way
    count: int = Field(default=1, ge=1, le=claims.AT_MOST)


class _Task(_Body):
    task: TaskKey
    fence: Number
    version: Number


class _Entry(_Task):
    screen: Screen
    key: EntryKey
    act: Act
    text: Text = ""
    options: list[Annotated[str, Field(max_length=300)]] = Field(default=[], max_length=100)
    sure: bool = False
    over: Number | None = None


class _PassOn(_Task):
    screen: Screen
    key: EntryKey
    reason: ReferReason | None = None
    note: str = Field(default="", max_length=entering.LONGEST_NOTE)


class _Undo(_Body):
    screen: Screen
    key: EntryKey
    which: EntryKey | None = None


class _Draft(_Body):
    text: Text = ""
    options: list[Annotated[str, Field(max_length=300)]] = Field(default=[], max_length=100)


class _SaveDraft(_Body):
    task: TaskKey
    fence: Number
    draft: _Draft


class _Keep(_Body):
    tasks: Fences


class _Release(_Body):
    tasks: Fences
    draft: _SaveDraft | None = None


class _Preview(_Body):
    task: TaskKey
    text: Text = ""
    options: list[Annotated[str, Field(max_length=300)]] = Field(default=[], max_length=100)


# --- pages -----------------------------------------------------------------------------------------------------------


@router.get("/key")
@allows(Right.KEY)
def key_home(request: Request, desk: AtSite, person: AsPerson) -> Response:
    """What waits, and where to begin."""
    database = desk.service.database
    with database.read() as session:
        now = database.now(session)
        found = queues.standings(session, now)
        by_field = queues.by_field(session, Queue.READING, now)
    mine = [queue for queue in Queue if queue not in _SENIORS or person.may(Right.ADJUDICATE)]
    rows = [(queue, QUEUE_WORDS[queue], found[queue]) for queue in mine]
    fields = [(each, *_named(desk, each.form_type, each.field)) for each in by_field]
    return render(request, "site/key_home.html", rows=rows, fields=fields, now=now)


@router.get("/key/work")
@allows(Right.KEY)
def key_work(
    request: Request, desk: AtSite, person: AsPerson, queue: Queue = Queue.READING, field: str = "", form: str = ""
) -> Response:
    """The keying screen; its script takes the tasks."""
    _require_queue(person, queue)
    words: QueueWords = QUEUE_WORDS[queue]
    across = " · ".join(_named(desk, form, field)) if field else ""
    reasons = [(reason.value, text) for reason, text in REASON_WORDS.items()]
    return render(
        request,
        "site/key_work.html",
        queue=queue,
        words=words,
        field=field,
        form=form,
        across=across,
        reasons=reasons,
        heartbeat=max(desk.rules.lease.total_seconds() / 10, 1),
    )


# --- what the script asks for ----------------------------------------------------------------------------------------


@router.post("/key/claim")
@allows(Right.KEY, gives_page=False)
def claim(desk: AtSite, person: AsPerson, asked: _Claim) -> Response:
    """The next tasks, and how many wait behind them."""
    _require_queue(person, asked.queue)
    wish = Wish(asked.queue, asked.field, asked.form, asked.document)
    database = desk.service.database
    with database.write() as session:
        now = database.now(session)
        keyer = _keyer(person, asked.screen)
        there = claims.OnScreen(asked.have, asked.sent)
        taken = claims.claim(session, keyer, wish, asked.count, now, desk.rules.lease, there)
        shown = showing.show(session, desk.rules, taken)
    waiting = desk.board.standings()[asked.queue].waiting
    return _answer({"tasks": [task.as_json() for task in shown], "waiting": waiting})


@router.post("/key/enter")
@allows(Right.KEY, gives_page=False)
def enter(desk: AtSite, person: AsPerson, sent: _Entry) -> Response:
    """An answer to a task: 200 with what came of it, 409 with what is there instead, 422 with what is wrong with it."""
    answer = Answer(sent.act, sent.text, tuple(sent.options), sent.sure)
    held = Held(sent.task, sent.fence, sent.version, sent.over)
    database = desk.service.database
    try:
        with database.write() as session:
            keyer, now = _keyer(person, sent.screen), database.now(session)
            entered = entering.enter(session, desk.rules, keyer, held, answer, sent.key, now)
    except Stale as stale:
        return _answer({"there": asdict(stale.there)}, 409)
    except Doubtful as doubtful:
        return _answer({"doubts": doubtful.doubts, "may_be_meant": doubtful.may_be_meant}, 422)
    except (NotForThisTask, NoSuchForm) as error:
        raise _refused(error) from error
    return _answer(asdict(entered))


@router.post("/key/pass-on")
@allows(Right.KEY, gives_page=False)
def pass_on(desk: AtSite, person: AsPerson, sent: _PassOn) -> Response:
    """Skip a task, or with a reason hand it on to seniors."""
    referral = None if sent.reason is None else Referral(sent.reason, sent.note.strip())
    database = desk.service.database
    try:
        with database.write() as session:
            keyer, now = _keyer(person, sent.screen), database.now(session)
            held = Held(sent.task, sent.fence, sent.version)
            entered = entering.pass_on(session, keyer, held, sent.key, now, referral)
    except Stale as stale:
        return _answer({"there": asdict(stale.there)}, 409)
    except NotForThisTask as error:
        raise _refused(error) from error
    return _answer(asdict(entered))


@router.post("/key/undo")
@allows(Right.KEY, gives_page=False)
def undo(desk: AtSite, person: AsPerson, sent: _Undo) -> Response:
    """Take back what this person did last: the task is theirs again, as it was before."""
    database = desk.service.database
    try:
        with database.write() as session:
            keyer, now = _keyer(person, sent.screen), database.now(session)
            task = undoing.undo(session, desk.rules, keyer, sent.key, now, sent.which)
            shown = showing.show(session, desk.rules, [task])
    except CannotUndo as error:
        raise Refused(409, ProblemCode.NOT_ALLOWED, str(error)) from error
    return _answer({"task": shown[0].as_json()})


@router.post("/key/draft")
@allows(Right.KEY, gives_page=False)
def save_draft(desk: AtSite, person: AsPerson, sent: _SaveDraft) -> Response:
    """Keep what was keyed so far; whether the task is still theirs."""
    database = desk.service.database
    with database.write() as session:
        until = database.now(session) + desk.rules.lease
        draft = sent.draft.model_dump()
        is_saved = claims.save_draft(session, _keyer(person), sent.task, sent.fence, draft, until)
    return _answer({"saved": is_saved})


@router.post("/key/heartbeat")
@allows(Right.KEY, quiet=True, gives_page=False)
def heartbeat(desk: AtSite, person: AsPerson, sent: _Keep) -> Response:
    """The screen is still there; which of its tasks are theirs no more."""
    database = desk.service.database
    with database.write() as session:
        now = database.now(session)
        lost = claims.renew(session, _keyer(person), sent.tasks, now, desk.rules.lease)
    return _answer({"lost": lost})


@router.post("/key/release")
@allows(Right.KEY, quiet=True, gives_page=False)
def release(desk: AtSite, person: AsPerson, sent: _Release) -> Response:
    """The screen is being left: what it holds goes back, with what was keyed so far kept for this person."""
    database, keyer = desk.service.database, _keyer(person)
    with database.write() as session:
        now = database.now(session)
        if sent.draft is not None:
            until = now + desk.rules.lease
            claims.save_draft(session, keyer, sent.draft.task, sent.draft.fence, sent.draft.draft.model_dump(), until)
        count = claims.release(session, keyer, sent.tasks, now)
    return _answer({"released": count})


@router.post("/key/preview")
@allows(Right.KEY, gives_page=False)
def look_ahead(desk: AtSite, person: AsPerson, sent: _Preview) -> Response:
    """What is understood by what is being keyed, in words, and what would be wrong with it."""
    database = desk.service.database
    answer = Answer(Act.VALUE, sent.text, tuple(sent.options))
    with database.read() as session:
        if not showing.is_held(session, sent.task, person.id):
            raise _not_theirs()
        found = preview(session, desk.rules, sent.task, answer)
    return _answer({"words": found.words, "doubts": found.doubts})


# --- pictures --------------------------------------------------------------------------------------------------------


@router.get("/tasks/{task}/snippet.png")
@allows(Right.KEY, own=True, gives_page=False)
def snippet(desk: AtSite, person: AsPerson, task: int) -> Response:
    """The place on the paper that a task is about, for whoever holds the task."""
    with desk.service.database.read() as session:
        if not showing.is_held(session, task, person.id):
            raise _not_theirs()
        place = showing.place_of(session, task)
    if place is None or place[1] is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "Nobody knows where on the page this field stands.")
    try:
        cut = desk.pictures.snippet(place[0], place[1])
    except PictureMissing as error:
        raise Refused(404, ProblemCode.NOT_FOUND, str(error)) from error
    headers = _NO_STORE | {
        "X-Target": ",".join(map(str, cut.target.as_list())),
        "X-Paper": f"{cut.width_on_paper_mm:.2f},{cut.height_on_paper_mm:.2f}",
    }
    return Response(cut.png, media_type="image/png", headers=headers)


@router.get("/tasks/{task}/pages/{number}.jpg")
@allows(Right.KEY, own=True, gives_page=False)
def whole_page(desk: AtSite, person: AsPerson, task: int, number: int) -> Response:
    """A whole page of the document a task is about, for whoever holds the task; the look is in the audit."""
    database = desk.service.database
    with database.read() as session:
        if not showing.is_held(session, task, person.id):
            raise _not_theirs()
        page = showing.page_of(session, task, number)
    if page is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "The document has no such page.")
    try:
        picture = desk.pictures.page(page)
    except PictureMissing as error:
        raise Refused(404, ProblemCode.NOT_FOUND, str(error)) from error
    with database.write() as session:
        audit.append(session, database.now(session), person.actor, "page seen", f"page:{page}", {"task": task})
    return Response(picture.jpeg, media_type="image/jpeg", headers=_NO_STORE)


def _named(desk: SiteDesk, form_type: str | None, field: str) -> tuple[str, str]:
    """(title of the form type, label of the field), as far as they are known here."""
    form = desk.rules.forms.get(form_type or "")
    spec = None if form is None else form.by_name.get(field)
    return ("" if form is None else form.title, field if spec is None else spec.label or field)


def _keyer(person: AsPerson, screen: str = "") -> Keyer:
    return Keyer(person.id, person.name, person.role.value, screen)


def _require_queue(person: AsPerson, queue: Queue) -> None:
    if queue in _SENIORS and not person.may(Right.ADJUDICATE):
        raise Refused(403, ProblemCode.NOT_ALLOWED, "This queue is for senior caseworkers.")


def _not_theirs() -> Refused:
    return Refused(404, ProblemCode.NOT_FOUND, "You do not hold this task, or not any more.")


def _refused(error: MailError) -> Refused:
    return Refused(422, ProblemCode.INVALID_REQUEST, str(error))


def _answer(content: Mapping[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(dict(content), status, headers=_NO_STORE)
