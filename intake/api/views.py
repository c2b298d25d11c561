"""What the API tells, as the receiving program gets it. Changing a class here changes a public contract."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from intake.quarantine import LONGEST_REASON
from schemas.errors import Cause
from schemas.states import MailState, StepName

_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class PublicView(BaseModel):
    """Something the API tells: never changed, and nothing in it that is not named."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class ReceivedFileView(PublicView):
    """One file that is kept."""

    id: UUID
    name: str = Field(description="As it was sent, signs that cannot be shown replaced.", examples=["scan-0001.tif"])
    sha256: str = Field(description="Of its bytes as received.", examples=[_SHA256], pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0, examples=[48213])
    duplicates: int = Field(ge=0, description="How many files received earlier have the very same bytes.", examples=[0])


class ReceiptView(PublicView):
    """The acknowledgement: every file is on disk, and every row in the database."""

    batch_id: UUID
    received_at: datetime
    files: tuple[ReceivedFileView, ...]


class FileView(PublicView):
    """A file and where it stands: where the piece of it stands that is furthest from being done."""

    id: UUID
    name: str = Field(examples=["scan-0001.tif"])
    sha256: str = Field(examples=[_SHA256], pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0, examples=[48213])
    state: MailState
    state_since: datetime
    pages: int | None = Field(description="null until it was unpacked.", examples=[2])
    pieces: int | None = Field(description="null until it was unpacked.", examples=[1])
    cause: Cause | None = Field(description="Why it is in quarantine or rejected; null otherwise.", examples=[None])
    problem: str | None = Field(description="The same as a sentence.", examples=[None])
    remedy: str | None = Field(description="What a person can do about it.", examples=[None])


class StateCounts(PublicView):
    """How many stand where; together they are all there are."""

    in_work: int = Field(default=0, ge=0)
    in_review: int = Field(default=0, ge=0)
    published: int = Field(default=0, ge=0)
    quarantined: int = Field(default=0, ge=0)
    rejected: int = Field(default=0, ge=0)


class BatchSummary(PublicView):
    """A batch in a list."""

    id: UUID
    name: str = Field(description="What people call it; empty if they did not say.", examples=["Monday, second bag"])
    channel: str = Field(description="How it came in.", examples=["api"])
    received_on: date = Field(description="The day the mail arrived.")
    received_at: datetime = Field(description="When it was handed over.")
    is_received: bool = Field(description="false while its files are still being written down.")
    files: StateCounts


class BatchList(PublicView):
    """Batches, the newest first."""

    batches: tuple[BatchSummary, ...]
    next: UUID | None = Field(description="To be sent as `after` for the next page; null on the last.")


class MailCounts(PublicView):
    """Files, and the pages and pieces found in them so far, by state."""

    files: StateCounts
    pages: StateCounts
    pieces: StateCounts


class BatchView(PublicView):
    """A batch, and where everything in it stands."""

    id: UUID
    name: str = Field(examples=["Monday, second bag"])
    channel: str = Field(examples=["api"])
    received_on: date
    received_at: datetime
    is_received: bool = Field(description="false while its files are still being written down.")
    counts: MailCounts
    files: tuple[FileView, ...] = Field(description="In the order they were handed over, `limit` of them at most.")
    next: UUID | None = Field(description="To be sent as `after` for the next files; null if there are no more.")


class SetAsideView(PublicView):
    """A file or piece that the machine gave up on, and why."""

    id: UUID = Field(description="Of the piece, or of the file where it could not even be unpacked.")
    file_id: UUID
    batch_id: UUID
    step_id: int = Field(examples=[4711])
    step: StepName
    name: str = Field(description="Of the file, as it was sent.", examples=["scan-0001.tif"])
    piece: int | None = Field(description="Its number in the file; null for a file that was not unpacked.")
    cause: Cause
    problem: str = Field(description="The cause as a sentence.", examples=["The file is cut off."])
    remedy: str = Field(description="What a person can do about it.", examples=["Scan the paper again."])
    page: int | None = Field(description="Where it went wrong; null for the whole.", examples=[2])
    attempts: int = Field(ge=0, description="How often it was tried.")
    since: datetime


class QuarantineList(PublicView):
    """What is in quarantine, in the order of the steps."""

    set_aside: tuple[SetAsideView, ...]
    next: int | None = Field(description="To be sent as `after` for the next page; null on the last.")


class QuarantineChange(PublicView):
    """What was in quarantine and is not any more, and where it stands now."""

    state: MailState
    changed: tuple[SetAsideView, ...] = Field(description="As it stood in quarantine.")


class Rejection(PublicView):
    """Why it is refused."""

    reason: str = Field(
        min_length=1,
        max_length=LONGEST_REASON,
        description="For whoever asks later.",
        examples=["Addressed to another."],
    )


class Health(PublicView):
    """The service can do its work."""

    status: str = Field(examples=["ready"])
