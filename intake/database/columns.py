"""What every table has in common: portable column types, names of constraints, the declarative base."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Integer, MetaData, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, mapped_column

from schemas.delivery import DeliveryOutcome, DeliveryState, WebhookState
from schemas.errors import Cause
from schemas.page import PageLabel
from schemas.review import Act, Outcome, Queue, ReferReason, ReviewMode
from schemas.states import DocumentState, MailState, StepName, StepState, TaskKind, TaskState

# Every constraint has a name, so that a migration can drop it on either database.
NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
_ENUM_WIDTH: Final = 20


class Instant(TypeDecorator[datetime]):
    """A moment, always with its zone in Python: `timestamptz` on PostgreSQL, UTC text of one width on SQLite.

    Both sort as time does. A datetime without a zone raises ValueError when it is written or compared.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def words(enum: type[StrEnum], column: str) -> Enum:
    """A text column that takes the values of `enum` only; `column` names its CHECK constraint."""
    return Enum(
        enum,
        native_enum=False,
        create_constraint=True,
        values_callable=lambda members: [member.value for member in members],
        length=_ENUM_WIDTH,
        name=column,
    )


# SQLite gives numbers by itself to INTEGER keys only.
BIG: Final = BigInteger().with_variant(Integer, "sqlite")

# A key that numbers rows in the order they were made, for cursors and for messages.
Key = Annotated[int, mapped_column(BIG, primary_key=True, autoincrement=True)]
Digest = Annotated[str, mapped_column(String(64))]  # SHA-256, 64 small hexadecimal digits
Prose = Annotated[str, mapped_column(Text)]
JsonObject = dict[str, Any]
JsonList = list[Any]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - read by the base class, never changed
        datetime: Instant,
        JsonObject: JSON(none_as_null=True),
        JsonList: JSON(none_as_null=True),
        Act: words(Act, "action"),
        Cause: words(Cause, "cause"),
        DeliveryOutcome: words(DeliveryOutcome, "outcome"),
        DeliveryState: words(DeliveryState, "state"),
        DocumentState: words(DocumentState, "state"),
        MailState: words(MailState, "state"),
        Outcome: words(Outcome, "outcome"),
        PageLabel: words(PageLabel, "label"),
        Queue: words(Queue, "queue"),
        ReferReason: words(ReferReason, "reason"),
        ReviewMode: words(ReviewMode, "mode"),
        StepName: words(StepName, "name"),
        StepState: words(StepState, "state"),
        TaskKind: words(TaskKind, "kind"),
        TaskState: words(TaskState, "state"),
        WebhookState: words(WebhookState, "state"),
    }
