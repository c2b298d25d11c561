"""The routes about single items of mail: "where is my letter?"."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from intake.api.front_desk import AtDesk, FrontDesk
from intake.api.policy import PolicedRoute, policy
from intake.api.problem import Fault, ProblemCode, Refused
from intake.api.views import PublicView
from intake.api.words import Day, Word
from intake.office import pieces
from intake.office.pieces import Asked, DocumentLine, PieceLine
from schemas.page import PageLabel
from schemas.scopes import Scope
from schemas.states import DocumentState, MailState

router: Final = APIRouter(route_class=PolicedRoute, prefix="/v1/pieces", tags=["pieces"])

# All names of those days are gone through: words may stand anywhere in them.
_DAYS_FOR_A_NAME: Final = 7


class PiecesAsked(BaseModel):
    """What is looked for; all of it must hold."""

    control_number: Word | None = Field(
        default=None,
        description="The id of a record, piece, file or batch, the number of a document as the site shows it (#17), or"
        " the first 8 digits or more of a file's SHA-256.",
    )
    name: Word | None = Field(default=None, description="A part of the file's name.")
    sender: Word | None = Field(
        default=None,
        description="Words of a name that stands on one of its forms. Only together with both days, at most"
        f" {_DAYS_FOR_A_NAME} apart; letters of no known form have no names.",
    )
    received_from: Day | None = Field(default=None, description="The day the mail arrived, or later.")
    received_to: Day | None = Field(default=None, description="The day the mail arrived, or earlier.")
    state: MailState | None = None
    batch: UUID | None = Field(default=None, description="Only of that batch.")
    limit: int = Field(default=50, ge=1, le=200, description="How many at most.")
    after: int | None = Field(default=None, ge=1, le=2**62, description="`next` of the page before.")


class PieceDocumentView(PublicView):
    """One form or letter in a piece."""

    number: str = Field(description="As the site shows it.", examples=["#17"])
    form_type: str | None = Field(description="null for a document of no known form.")
    state: DocumentState
    record_id: str | None = Field(description="null before it is published.")
    revision: int | None = Field(description="The latest that is published.")


class PieceView(PublicView):
    """One item of mail, and where it stands."""

    id: UUID
    state: MailState
    state_since: datetime
    due_at: datetime = Field(description="By when it is to be done, whatever became of it.")
    received_on: date
    batch_id: UUID
    batch_name: str
    file_id: UUID
    file_name: str
    ordinal: int = Field(description="1 for the first piece in its file.")
    problem: str = Field(description="Why it is in quarantine or rejected; empty otherwise.")
    documents: tuple[PieceDocumentView, ...] = Field(description="Empty before it was read.")


class PieceList(PublicView):
    """Pieces: those of one state from the one that has waited longest, else from the newest."""

    pieces: tuple[PieceView, ...]
    next: int | None = Field(description="To be sent as `after` for the next page; null on the last.")


class PiecePageView(PublicView):
    """One side of paper."""

    number: int = Field(description="In the file.")
    label: PageLabel | None = Field(description="null before it was read.")


class WholePieceView(PieceView):
    """One item of mail with its pages."""

    pages: tuple[PiecePageView, ...]


@router.get("")
@policy(Scope.BATCHES_READ)
def list_pieces(desk: AtDesk, wanted: Annotated[PiecesAsked, Query()]) -> PieceList:
    """Find items of mail, and see where they stand."""
    if wanted.sender is not None:
        _require_few_days(wanted.received_from, wanted.received_to)
    asked = Asked(
        batch="" if wanted.batch is None else str(wanted.batch),
        name=wanted.name or "",
        control=wanted.control_number or "",
        state=wanted.state,
        received_from=wanted.received_from,
        received_to=wanted.received_to,
        sender=wanted.sender or "",
    )
    with desk.service.database.read() as session:
        found, reached = pieces.found(session, asked, after=wanted.after, limit=wanted.limit)
    return PieceList(pieces=tuple(_view(desk, line) for line in found), next=reached)


@router.get("/{piece_id}")
@policy(Scope.BATCHES_READ)
def show_piece(desk: AtDesk, piece_id: UUID) -> WholePieceView:
    """One item of mail with its pages and documents."""
    with desk.service.database.read() as session:
        line = pieces.find(session, piece_id)
        labels = {} if line is None else pieces.pages_of(session, line.number)
    if line is None:
        raise Refused(404, ProblemCode.NOT_FOUND, "There is no such piece.")
    pages = tuple(PiecePageView(number=number, label=label) for number, label in labels.items())
    return WholePieceView(pages=pages, **dict(_view(desk, line)))


def _require_few_days(received_from: date | None, received_to: date | None) -> None:
    """Raise Refused unless both days are given and are not too far apart."""
    if received_from is not None and received_to is not None:
        if received_to - received_from <= timedelta(days=_DAYS_FOR_A_NAME):
            return
        place, problem = "query.received_to", f"It may be at most {_DAYS_FOR_A_NAME} days after received_from."
    else:
        missing = "received_from" if received_from is None else "received_to"
        place, problem = f"query.{missing}", "Say between which days to look for a sender."
    fault = Fault(place=place, problem=problem)
    raise Refused(422, ProblemCode.INVALID_REQUEST, "The request is not as it should be.", faults=[fault])


def _view(desk: FrontDesk, line: PieceLine) -> PieceView:
    return PieceView(
        id=line.id,
        state=line.state,
        state_since=line.since,
        due_at=desk.rules.due_at(line.received_on),
        received_on=line.received_on,
        batch_id=line.batch,
        batch_name=line.batch_name,
        file_id=line.file_id,
        file_name=line.file,
        ordinal=line.ordinal,
        problem=line.problem,
        documents=tuple(map(_document, line.documents)),
    )


def _document(line: DocumentLine) -> PieceDocumentView:
    return PieceDocumentView(
        number=f"#{line.id}",
        form_type=line.form_type,
        state=line.state,
        record_id=line.record,
        revision=line.revision,
    )
