"""The events that tell other systems what happened here: their types, and what each of them carries."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import Cause

SPEC_VERSION: Final = "1.0"  # of CloudEvents
MEDIA_TYPE: Final = "application/cloudevents+json"


class EventType(StrEnum):
    """What happened. The words are a public contract: new ones may come, none goes."""

    BATCH_RECEIVED = "batch.received"  # all of it is durable here
    BATCH_COMPLETED = "batch.completed"  # nothing of it is in work or in review any more
    RECORD_PUBLISHED = "record.published"  # a revision is out that the work on the mail has made
    RECORD_CORRECTED = "record.corrected"  # a revision is out that corrects the one before
    PIECE_QUARANTINED = "piece.quarantined"  # the machine gave up on it, and says why
    WEBHOOK_TEST = "webhook.test"  # somebody tries whether a receiver answers; goes to that one alone


# What a receiver may ask for; a test comes unasked.
ANNOUNCED: Final = tuple(kind for kind in EventType if kind is not EventType.WEBHOOK_TEST)
# Events of revisions, in order for each record.
OF_RECORDS: Final = frozenset({EventType.RECORD_PUBLISHED, EventType.RECORD_CORRECTED})


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BatchReceived(_Data):
    """A batch is received: it cannot be lost any more."""

    batch_id: str
    channel: str = Field(description="How it came.", examples=["api"])
    received_on: str = Field(description="The day the mail arrived.", examples=["2026-03-02"])
    files: int
    link: str = Field(description="Where the API tells more, below the address of the service.")


class BatchCompleted(_Data):
    """Nothing of a batch is in work or in review any more. Pieces that are opened again complete it once more."""

    batch_id: str
    completion: int = Field(ge=1, description="1 for the first time; more once something of it was opened again.")
    files: int
    pieces: dict[str, int] = Field(description="Pieces by where they stand: published, quarantined, rejected.")
    link: str


class PieceQuarantined(_Data):
    """The machine gave up on a piece, or on a whole file before it had pieces."""

    batch_id: str
    file_id: str
    piece_id: str | None = Field(description="Null for a file in which no piece was found yet.")
    cause: Cause
    page: int | None
    link: str


class RecordPublished(_Data):
    """A revision of a record is out. `record` is there only for receivers that asked for it."""

    record_id: str
    revision: int = Field(ge=1)
    sequence: int = Field(ge=1, description="The place in the order of publication, without gaps.")
    status: str
    form_type: str | None
    batch_id: str
    body_sha256: str = Field(description="Of the record as the API gives it out, byte for byte.")
    link: str
    record: dict[str, Any] | None = None


class Stood(_Data):
    """What a field said."""

    status: str
    value: str | int | bool | list[str] | None
    text: str


class Changed(_Data):
    """A field before and after."""

    field: str
    old: Stood
    new: Stood


class RecordCorrected(RecordPublished):
    """A revision that corrects the one before: which fields, from what to what, and why."""

    previous_revision: int = Field(ge=1)
    reason: str
    changes: tuple[Changed, ...]


class WebhookTest(_Data):
    """Nothing happened: whoever manages the webhook tries whether it is answered."""

    webhook_id: str


# What each of them carries.
DATA: Final[Mapping[EventType, type[BaseModel]]] = {
    EventType.BATCH_RECEIVED: BatchReceived,
    EventType.BATCH_COMPLETED: BatchCompleted,
    EventType.RECORD_PUBLISHED: RecordPublished,
    EventType.RECORD_CORRECTED: RecordCorrected,
    EventType.PIECE_QUARANTINED: PieceQuarantined,
    EventType.WEBHOOK_TEST: WebhookTest,
}


def data_schema_id(event: EventType) -> str:
    """The `$id` of the schema of what such an event carries; each event names it as its `dataschema`."""
    return f"urn:postroom:event:{event.value}:1"
