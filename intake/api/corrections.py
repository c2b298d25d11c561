"""The routes about corrections: publish the next revision of a record with something in it put right, and see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Header, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import corrections, idempotency
from intake.api.batches import Key
from intake.api.callers import Caller
from intake.api.front_desk import AsCaller, AtDesk, FrontDesk
from intake.api.policy import PolicedRoute, policy
from intake.api.problem import Fault, ProblemCode, Refused
from intake.corrections import (
    CannotCorrect,
    Corrector,
    DoubtfulValue,
    InReview,
    NoSuchRecord,
    NotAsAsked,
    Superseded,
    Wanted,
)
from intake.database.tables import RecordRow, RevisionRow
from intake.review.answers import NOT_SIGNED, SIGNED, Answer
from intake.review.settling import BY_A_CALLER
from schemas.review import Act
from schemas.scopes import Scope

router: Final = APIRouter(route_class=PolicedRoute, prefix="/v1/records", tags=["records"])

_FIELDS_AT_MOST: Final = 200
_REVISION: Final = {
    "headers": {"ETag": {"description": "Of the revision that it made.", "schema": {"type": "string"}}},
}

RecordId = Annotated[
    str, Path(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$", description="`record_id` of the record.")
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="The ETag of the revision that was looked at: of two corrections of one the second is refused.",
        examples=['"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"'],
    ),
]


class _Border(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class NewValue(_Border):
    """What stands in a field instead."""

    value: StrictStr | StrictInt | StrictBool | list[StrictStr] | None = Field(
        default=None,
        description="As a person would key it: text for most, a list of its options for a choice, true or false for a"
        " signature. Null where `status` says that there is none.",
        examples=["27 March 1984"],
    )
    status: Literal["value", "blank", "unreadable", "not_found"] = Field(
        default="value", description="That there is no value, and why not."
    )
    sure: bool = Field(default=False, description="It is meant although a check fails.")

    @model_validator(mode="after")
    def _has_one_meaning(self) -> "NewValue":
        if (self.value is None) == (self.status == "value"):
            raise ValueError("a value, or else a status that says why there is none")
        return self

    def as_answer(self) -> Answer:
        """As a person's answer."""
        act = Act(self.status)
        match self.value:
            case bool(is_signed):
                return Answer(act, options=(SIGNED if is_signed else NOT_SIGNED,), sure=self.sure)
            case list(options):
                return Answer(act, options=tuple(options), sure=self.sure)
        return Answer(act, "" if self.value is None else str(self.value), sure=self.sure)


class CorrectionRequest(_Border):
    """What is put right, and why."""

    fields: dict[str, NewValue] = Field(min_length=1, max_length=_FIELDS_AT_MOST, description="By name of the field.")
    reason: str = Field(
        min_length=1,
        max_length=corrections.LONGEST_REASON,
        description="Goes out with the event to whoever received the record.",
        examples=["The applicant rang: the day and the month were swapped."],
    )


class StoodView(_Border):
    """What a field said."""

    status: str
    value: str | int | bool | list[str] | None
    text: str


class ChangeView(_Border):
    """A field before and after."""

    field: str
    old: StoodView
    new: StoodView


class CorrectionView(_Border):
    """A correction that was made."""

    record_id: str
    revision: int = Field(description="The number of the revision that it made.", ge=2)
    etag: str = Field(description="Of that revision, as the header ETag has it.")
    corrected_at: datetime
    by: str = Field(description="The person's role; `caller` for a correction over the API.", examples=["senior"])
    reason: str
    changes: tuple[ChangeView, ...]


class CorrectionList(_Border):
    """All corrections of a record, the first first."""

    corrections: tuple[CorrectionView, ...]


@router.post("/{record_id}/corrections", status_code=201, responses={201: _REVISION})
@policy(Scope.RECORDS_CORRECT)
def correct(
    response: Response,
    desk: AtDesk,
    caller: AsCaller,
    record_id: RecordId,
    wanted: CorrectionRequest,
    if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> CorrectionView:
    """Publish the next revision of a record with these fields put right. What was published before stays as it is.

    Values are understood and checked as if a person had keyed them. If-Match is required. Sent again with the same
    Idempotency-Key, the same answer comes back and nothing is corrected twice.
    """
    try:
        made = _corrected(desk, caller, record_id, wanted, if_match or "", idempotency_key or "")
    except CannotCorrect as error:
        raise _refusal_of(error) from error
    response.headers["ETag"] = made.etag
    response.headers["Location"] = f"{router.prefix}/{record_id}"
    return made


@router.get("/{record_id}/corrections")
@policy(Scope.RECORDS_READ)
def list_corrections(desk: AtDesk, record_id: RecordId) -> CorrectionList:
    """What was corrected in a record, when and why, with every value before and after."""
    with desk.service.database.read() as session:
        query = select(RecordRow.document_id).where(RecordRow.public_id == record_id)
        document = session.scalars(query).one_or_none()
        if document is None:
            raise _refusal_of(NoSuchRecord("There is no such record."))
        found = corrections.corrections_of(session, document)
    return CorrectionList(corrections=tuple(_view(record_id, each) for each in found))


def etag_of(body_sha256: str) -> str:
    """The ETag of a revision: a strong one, as its bytes never change."""
    return f'"{body_sha256}"'


def _corrected(
    desk: FrontDesk, caller: Caller, record_id: str, wanted: CorrectionRequest, if_match: str, key: str
) -> CorrectionView:
    database, scope = desk.service.database, f"{caller.name} corrects"
    with database.write() as session:
        now = database.now(session)
        if key:
            request = idempotency.digest_of(record_id, if_match, wanted.model_dump_json())
            if (earlier := idempotency.begin(session, scope, key, request, now)) is not None:
                return CorrectionView.model_validate_json(earlier)
        made = corrections.correct(
            session,
            desk.rules,
            record_id,
            Wanted(
                {name: value.as_answer() for name, value in wanted.fields.items()},
                wanted.reason,
                Corrector(caller.name, BY_A_CALLER),
                _expected(session, record_id, if_match),
            ),
            now,
        )
        view = _view(record_id, made)
        if key:
            idempotency.end(session, scope, key, 201, view.model_dump_json())
        return view


def _expected(session: Session, record_id: str, if_match: str) -> int:
    """The number of the revision that If-Match names. Raises Refused if it names none, Superseded if there is none."""
    tags = [tag.strip() for tag in if_match.split(",")]
    if if_match.strip() in ("", "*"):
        detail = "Send the header If-Match with the ETag of the revision that you looked at."
        raise Refused(428, ProblemCode.NEEDS_IF_MATCH, detail)
    query = (
        select(RevisionRow.number, RevisionRow.body_sha256)
        .join(RecordRow, RevisionRow.record_id == RecordRow.id)
        .where(RecordRow.public_id == record_id)
        .order_by(RevisionRow.number.desc())
    )
    revisions = session.execute(query).all()
    if not revisions:
        raise NoSuchRecord("There is no such record.")
    for number, body_sha256 in revisions:
        if etag_of(body_sha256) in tags:
            return number
    raise Superseded("No revision of this record has the ETag in If-Match.")


def _view(record_id: str, made: corrections.Correction) -> CorrectionView:
    return CorrectionView(
        record_id=record_id,
        revision=made.revision,
        etag=etag_of(made.body_sha256),
        corrected_at=made.at,
        by=made.by.role,
        reason=made.reason,
        changes=tuple(map(ChangeView.model_validate, made.changes)),
    )


def _refusal_of(error: CannotCorrect) -> Refused:
    match error:
        case NoSuchRecord():
            return Refused(404, ProblemCode.NOT_FOUND, str(error))
        case Superseded():
            return Refused(412, ProblemCode.SUPERSEDED, str(error))
        case InReview():
            return Refused(409, ProblemCode.IN_REVIEW, str(error))
        case DoubtfulValue():
            detail = "A value fails a check. If it is meant all the same, send it again with `sure`."
            return Refused(422, ProblemCode.DOUBTFUL_VALUE, detail, faults=_faults(error.faults))
        case NotAsAsked():
            return Refused(422, ProblemCode.INVALID_REQUEST, str(error), faults=_faults(error.faults))
    return Refused(409, ProblemCode.IN_REVIEW, str(error))


def _faults(found: Mapping[str, Sequence[str]]) -> list[Fault]:
    return [
        Fault(place="body.reason" if name == "reason" else f"body.fields.{name}", problem=problem)
        for name, problems in found.items()
        for problem in problems
    ]
