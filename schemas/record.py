"""The record: what a receiving system gets for one document. Changing these classes changes a public contract."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from schemas.field import FieldKind, FieldStatus
from schemas.page import PageLabel
from schemas.reading import MarkState, RegionKind

SCHEMA_VERSION = "1.1"

_A_BOX = "[x0, y0, x1, y1], each 0 to 1 of the upright page"
_AN_OUTLINE = (
    "the box on the page as scanned: its corners [x, y] in pixels, from the upright box's top left clockwise; null"
    " where there is no box, or nobody knows how the page lay"
)
_A_MOMENT: dict[str, JsonValue] = {"format": "date-time"}  # ISO 8601 with its zone
_Share = Annotated[float, Field(ge=0, le=1)]
_Corner = Annotated[list[float], Field(min_length=2, max_length=2)]

Fractions = Annotated[list[_Share], Field(min_length=4, max_length=4, description=_A_BOX)]
Outline = Annotated[list[_Corner], Field(min_length=4, max_length=4)]


class _Border(BaseModel):
    # Whatever has a default is written all the same: the published schemas say so.
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class RecordReading(_Border):
    """What one reader saw; `score` is its own raw score, not a probability."""

    text: str
    reader: str = Field(description="engine, model and version")
    score: float = Field(ge=0, le=1)
    characters: list[float] = Field(default=[], description="the raw score of each character of `text`, in its order")


class RecordMark(_Border):
    """One tick box and why it was judged so."""

    option: str
    state: MarkState
    ink_share: float = Field(ge=0, le=1)
    score: float = Field(default=0.0, ge=0, le=1, description="how far from where the state would change, raw")
    reason: str
    box: Fractions


class RecordCheck(_Border):
    """One rule or look-up, and what it said."""

    name: str
    passed: bool
    message: str = ""


class RecordEntry(_Border):
    """What a person did with a field: nothing of it is ever overwritten by the next."""

    by: str = Field(description="the person's role; `caller` for a correction over the API")
    at: str = Field(json_schema_extra=_A_MOMENT)
    action: FieldStatus = Field(description="what the field was from then on")


class RecordField(_Border):
    """One value as the receiving system gets it."""

    value: str | int | bool | list[str] | None = Field(
        description="normalised: ISO 8601 dates, lists for choices; null if nothing is known"
    )
    text: str = Field(description="as written on the paper")
    kind: FieldKind
    status: FieldStatus
    confidence: float | None = Field(
        ge=0, le=1, description="calibrated probability that `value` is right, null where unknown"
    )
    score: float | None = Field(
        default=None, ge=0, le=1, description="raw score the decision compared with its threshold, null if with none"
    )
    page: int | None = Field(description="page number in the file, null if the field's page is missing")
    box: Fractions | None = Field(description="[x0, y0, x1, y1] in 0-1 of the upright page")
    scan_outline: Outline | None = Field(default=None, description=_AN_OUTLINE)
    field_class: str = Field(default="", description="class of field the decision went by, as the form type names it")
    problem: str = Field(default="", description="why what stands here could not be understood; empty if it could")
    features: dict[str, float] = Field(
        default={}, description="the measures the decision rests on, names sorted: see schemas.reading.Feature"
    )
    readings: list[RecordReading] = []
    marks: list[RecordMark] = []
    checks: list[RecordCheck] = []
    reasons: list[str] = Field(default=[], description="why a person must look, in words; empty if nobody must")
    entries: list[RecordEntry] = Field(default=[], description="what people did with it, the first first")
    decided_by: str = Field(description="policy and calibration with their versions, or the person's role")
    policy: str | None = Field(
        default=None,
        description="policy and calibration with their versions by which the machine decided, whoever decided after it;"
        " null if no machine did",
    )


class RecordLine(_Border):
    text: str
    score: float = Field(ge=0, le=1)
    box: Fractions


class RecordRegion(_Border):
    """A part of a page of no known form type, in reading order."""

    kind: RegionKind
    score: float = Field(ge=0, le=1)
    page: int
    box: Fractions
    lines: list[RecordLine] = []


class RecordPage(_Border):
    """What became of one page. `transform` takes a point of the upright page (0-1) to pixels of the page as scanned:
    x = a*u + b*v + c, y = d*u + e*v + f, given as [a, b, c, d, e, f]."""

    number: int
    label: PageLabel
    turned: int = Field(default=0, description="degrees clockwise the scan was turned to stand upright")
    skew: float = Field(default=0.0, description="degrees it lay off level")
    residual: float | None = Field(default=None, description="median misfit to the reference, pixels at 300 dpi")
    width: int | None = Field(default=None, description="pixels as scanned")
    height: int | None = None
    transform: list[float] | None = None
    note: str = ""
    quality: dict[str, float] = Field(default={}, description="how well the page can be read, by measure")
    problems: list[str] = Field(default=[], description="why the page is too poor to be read; empty if it is not")


class RecordSource(_Border):
    """Where the document came from."""

    name: str = Field(description="name of the file as received")
    sha256: str | None = Field(description="of the file as received; null if it could not be opened")
    batch_id: str | None = None
    piece_id: str | None = Field(default=None, description="the item of mail it came in")
    channel: str | None = Field(default=None, description="how the batch came in")
    received_on: date | None = Field(default=None, description="the day the mail arrived, as it was stated")
    pages: list[int] = Field(description="page numbers in the file, in order")


class RecordFailure(_Border):
    """Why a document has no values: the cause of the closed list, and what to do."""

    cause: str
    problem: str
    remedy: str
    page: int | None = None


class Record(_Border):
    """The structured result of one document."""

    schema_version: str = SCHEMA_VERSION
    record_id: str
    revision: int = 1
    status: Literal["complete", "review", "failed"]
    source: RecordSource
    received_at: str | None = Field(default=None, description="when it was handed over", json_schema_extra=_A_MOMENT)
    form_type: str | None = Field(description="null for a page of no known form type: never a guess")
    edition: str | None = None
    fields: dict[str, RecordField] = {}
    pages: list[RecordPage] = []
    regions: list[RecordRegion] = []
    failures: list[RecordFailure] = []
