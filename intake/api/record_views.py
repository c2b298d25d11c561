"""What the API tells of published records. Changing a class here changes a public contract."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from intake.api.views import PublicView
from schemas.field import FieldKind, FieldStatus
from schemas.page import PageLabel
from schemas.record import Fractions, Outline, Record, RecordCheck, RecordMark
from schemas.review import Act, Outcome, ReferReason
from schemas.states import TaskKind

_SHA256 = "^[0-9a-f]{64}$"
Status = Literal["complete", "review", "failed"]


class PublishedView(PublicView):
    """One revision of a record, in its place in the order of publication."""

    sequence: int = Field(ge=1, description="Its place in the order: a cursor.", examples=[4711])
    record_id: str
    revision: int = Field(ge=1, description="Of the record: 1 is the first, a correction makes the next.")
    status: Status
    published_at: datetime
    sha256: str = Field(pattern=_SHA256, description="Of the text of `body`, in UTF-8.")
    body: Record = Field(description="The record, to the byte as it was published.")


class RecordList(PublicView):
    """Revisions in the order in which they were published, corrections among them."""

    records: tuple[PublishedView, ...]
    next: int = Field(
        ge=0,
        description="Keep it, with what you made of the records, and send it as `after`. What you sent comes back where"
        " nothing more is published yet.",
        examples=[4810],
    )


class RevisionView(PublicView):
    """One revision in the history of a record."""

    revision: int = Field(ge=1)
    sequence: int = Field(ge=1, description="Its place in the order of publication.")
    status: Status
    published_at: datetime
    sha256: str = Field(pattern=_SHA256, description="Of the revision's body: its ETag too.")


class RevisionList(PublicView):
    """The history of a record: what is published never changes, a correction is a further revision."""

    record_id: str
    revisions: tuple[RevisionView, ...] = Field(description="The first first.")


class OriginalView(PublicView):
    """The file it all rests on."""

    id: UUID
    name: str
    sha256: str = Field(pattern=_SHA256, description="Of its bytes as received.")
    bytes: int
    batch_id: UUID
    channel: str
    received_on: date
    received_at: datetime


class PlaceView(PublicView):
    """Where on the paper it stands."""

    page: int = Field(description="Its number in the file.")
    label: PageLabel | None
    width: int | None = Field(description="Of the page as scanned, in pixels.")
    height: int | None
    transform: list[float] | None = Field(description="From the upright page to the scan, as in the record.")
    box: Fractions | None
    scan_outline: Outline | None


class SnippetView(PublicView):
    """The picture of the answer, cut from its page."""

    address: str = Field(description="Where to get it: an address of this API.")
    sha256: str | None = Field(description="Of the picture (PNG); null if there is none.")
    problem: str = Field(description="Why there is none; empty if there is one.")


class ModelView(PublicView):
    """A model file that a reader reads with."""

    digits: str = Field(description="The first digits of its SHA-256, as the reader's name holds them.")
    sha256: str | None = Field(description="null if it has never been noted here.")
    name: str | None = Field(examples=["rec-tiny"])
    source: str | None = Field(description="The distribution its weights came in.")
    version: str | None


class ReadingView(PublicView):
    """What one reader saw."""

    text: str
    reader: str
    score: float
    models: tuple[ModelView, ...] = Field(description="Empty for a reader without models of ours.")


class DecisionView(PublicView):
    """What was decided, by whom, and on what it rests."""

    status: FieldStatus
    decided_by: str = Field(description="The policy, or the role of a person.")
    policy: str | None = Field(description="Policy and calibration with their versions; null if no machine decided.")
    confidence: float | None
    score: float | None
    features: dict[str, float]
    reasons: tuple[str, ...]


class ActView(PublicView):
    """What one person did with this field, or with the document as a whole. Who they are is not told."""

    at: datetime
    role: str
    task: TaskKind = Field(
        description="What they were asked: `confirm` what the machine read, `key` or `double_key` it blind,"
        " `adjudicate` between two who keyed different things, `identify` the document."
    )
    action: Act
    outcome: Outcome
    status: str | None = Field(description="What the field was by this alone; null for a value.")
    value: str | int | bool | list[str] | None = Field(
        description="What was keyed, as a value; the form type of a document that was identified; null for none."
    )
    text: str = Field(description="As it was keyed; empty where nothing was.")
    reason: ReferReason | None
    stood: bool = Field(
        description="Whether the field came to say this: it was not taken back, nobody decided otherwise. What was"
        " corrected after publication is told under `corrections`."
    )
    is_undone: bool = Field(description="Whether it was taken back.")


class CorrectedView(PublicView):
    """One correction of this field after it was published."""

    revision: int = Field(description="The one it made.")
    at: datetime
    role: str = Field(description="Of the person, or `caller` for a program.")
    reason: str


class StandView(PublicView):
    """The field in one revision of the record."""

    revision: int
    published_at: datetime
    value: str | int | bool | list[str] | None
    status: FieldStatus
    decided_by: str
    record_sha256: str


class ProvenanceView(PublicView):
    """From a value back to the paper: everything one has to know to judge it, in one answer."""

    record_id: str
    revision: int = Field(description="The latest.")
    field: str
    kind: FieldKind
    value: str | int | bool | list[str] | None
    text: str
    original: OriginalView
    place: PlaceView | None = Field(description="null if the field's page is missing.")
    snippet: SnippetView | None = Field(description="null where no place on the paper is known.")
    readings: tuple[ReadingView, ...]
    marks: tuple[RecordMark, ...]
    checks: tuple[RecordCheck, ...]
    decision: DecisionView
    people: tuple[ActView, ...] = Field(
        description="The first first, also what did not stand. What is keyed for a revision that is not published yet"
        " is told once it is."
    )
    corrections: tuple[CorrectedView, ...] = Field(description="The first first.")
    revisions: tuple[StandView, ...] = Field(description="The first first.")
