"""Correcting a published record: one field, beside its place on the paper, with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Path
from starlette.requests import Request
from starlette.responses import Response

from intake import corrections
from intake.api.problem import ProblemCode, Refused
from intake.corrections import CannotCorrect, Corrector, DoubtfulValue, NotAsAsked, Wanted
from intake.office.documents import Whole
from intake.people.person import Person
from intake.pictures import PictureMissing
from intake.review.answers import NOT_SIGNED, SIGNED, Answer
from review_ui.site.desk import AtSite, SiteDesk
from review_ui.site.document_page import in_words
from review_ui.site.documents import LOOKED, DocumentId, found, is_out, note, note_look
from review_ui.site.policy import AsPerson, SiteRoute, allows
from review_ui.site.shell import render, see_other
from schemas.field import FieldKind
from schemas.people import Right
from schemas.review import Act

router: Final = APIRouter(route_class=SiteRoute, include_in_schema=False)

_FIELDS_AT_MOST: Final = 10_000
_REVISIONS_AT_MOST: Final = 2**31 - 1
_WHAT: Final[Mapping[str, str]] = {
    "value": "Something else stands there",
    "blank": "Nothing stands there",
    "unreadable": "Something stands there that nobody can read",
    "not_found": "The place itself is not on the pages",
}
_AGAIN: Final = "Look at the document again: what it says now may be right."

Number = Annotated[int, Path(ge=1, le=_FIELDS_AT_MOST)]
Revision = Annotated[int, Form(ge=1, le=_REVISIONS_AT_MOST)]


@dataclass(frozen=True, slots=True)
class Typed:
    """What was filled in."""

    what: str = "value"
    text: str = ""
    options: tuple[str, ...] = ()
    reason: str = ""
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with it, at which place of the form ("" for the whole), and whether it may be meant so."""

    problem: str = ""
    place: str = ""
    may_be_meant: bool = False


_NOTHING: Final = Wrong()


@dataclass(frozen=True, slots=True)
class FieldForm:
    """A field of a document that is out, as the form shows it. says: in words what the record says."""

    number: int
    name: str
    label: str
    says: str
    written: str
    input: FieldKind
    options: tuple[str, ...]
    several: bool
    has_place: bool
    revision: int


@router.get("/documents/{document_id}/fields/{number}/correct")
@allows(Right.CORRECT)
def form(request: Request, desk: AtSite, person: AsPerson, document_id: DocumentId, number: Number) -> Response:
    """The form; that its field is looked at is in the audit."""
    whole, field = _field(desk, document_id, number)
    note(desk, person, document_id, LOOKED)
    return _shown(request, whole, field, Typed())


@router.get("/documents/{document_id}/fields/{number}/snippet.png")
@allows(Right.CORRECT, quiet=True, gives_page=False)
def snippet(desk: AtSite, person: AsPerson, document_id: DocumentId, number: Number) -> Response:
    """The place on the paper where the field stands."""
    whole, field = _field(desk, document_id, number)
    place = whole.record.fields[field.name]
    page = whole.pages.get(place.page or 0)
    if page is None or place.box is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "Nobody knows where on the page this field stands.")
    note_look(desk, person, document_id)
    try:
        cut = desk.pictures.snippet(page, place.box)
    except PictureMissing as error:
        raise Refused(404, ProblemCode.NOT_FOUND, str(error)) from error
    return Response(cut.png, media_type="image/png", headers={"Cache-Control": "no-store"})


@router.post("/documents/{document_id}/fields/{number}/correct")
@allows(Right.CORRECT)
def correct(  # noqa: PLR0913, PLR0917  # one parameter per field of the form
    request: Request,
    desk: AtSite,
    person: AsPerson,
    document_id: DocumentId,
    number: Number,
    revision: Revision,
    what: Annotated[str, Form()] = "value",
    text: Annotated[str, Form()] = "",
    option: Annotated[list[str] | None, Form()] = None,
    reason: Annotated[str, Form()] = "",
    sure: Annotated[str, Form()] = "",
) -> Response:
    """Publish the next revision, if what was filled in can be one; else the form again, with what is wrong."""
    whole, field = _field(desk, document_id, number)
    typed = Typed(what, text, tuple(option or ()), reason, sure == "yes")
    try:
        _correct(desk, person, whole, field, typed, revision)
    except NotAsAsked as error:
        at_reason = error.faults.get("reason")
        problem = " ".join(at_reason or next(iter(error.faults.values())))
        place = "reason" if at_reason else "value"
        may_be_meant = isinstance(error, DoubtfulValue) and error.may_be_meant
        return _shown(request, whole, field, typed, Wrong(problem, place, may_be_meant), 422)
    except CannotCorrect as error:
        return _shown(request, whole, field, typed, Wrong(f"{error} {_AGAIN}"), 409)
    return see_other(f"/documents/{document_id}?done=corrected")


def _correct(desk: SiteDesk, person: Person, whole: Whole, field: FieldForm, typed: Typed, revision: int) -> None:
    act = Act(typed.what) if typed.what in _WHAT else Act.VALUE
    takes_options = field.input in (FieldKind.CHOICE, FieldKind.SIGNATURE)
    answer = Answer(act, sure=typed.sure)
    if act is Act.VALUE:
        text, options = ("", typed.options) if takes_options else (typed.text, ())
        answer = Answer(act, text, options, typed.sure)
    wanted = Wanted({field.name: answer}, typed.reason, Corrector(person.actor, person.role.value), revision)
    database = desk.service.database
    with database.write() as session:
        corrections.correct(session, desk.rules, whole.record.record_id, wanted, database.now(session))


def _field(desk: SiteDesk, document_id: int, number: int) -> tuple[Whole, FieldForm]:
    """The document and its field of that number. Raises Refused if there is none, or its record cannot be corrected."""
    with desk.service.database.read() as session:
        whole = found(session, document_id)
    names = list(whole.record.fields)
    if number > len(names):
        raise Refused(404, ProblemCode.NOT_FOUND, "The document has no such field.")
    if not is_out(whole):
        detail = "Only a published record is corrected, and only while nobody works on its document."
        raise Refused(409, ProblemCode.IN_REVIEW, detail)
    name = names[number - 1]
    field = whole.record.fields[name]
    spec = desk.rules.spec_of(whole.record.form_type, name, field.kind)
    says = in_words(corrections.Stood(field.status.value, field.value, field.text))
    return whole, FieldForm(
        number=number,
        name=name,
        label=spec.label or name.replace("_", " ").capitalize(),
        says=says,
        written="" if field.text == says else field.text,
        input=field.kind,
        options=(SIGNED, NOT_SIGNED) if field.kind is FieldKind.SIGNATURE else spec.options,
        several=spec.several,
        has_place=field.box is not None and whole.pages.get(field.page or 0) is not None,
        revision=whole.revisions[-1].number,
    )


def _shown(
    request: Request, whole: Whole, field: FieldForm, typed: Typed, wrong: Wrong = _NOTHING, status: int = 200
) -> Response:
    return render(
        request,
        "site/correct.html",
        status,
        document=whole,
        field=field,
        typed=typed,
        what=_WHAT,
        problem=wrong.problem,
        place=wrong.place,
        may_be_meant=wrong.may_be_meant,
        longest_reason=corrections.LONGEST_REASON,
    )
