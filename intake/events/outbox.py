"""The outbox: an event is written in the transaction that makes it true, so neither can be there without the other.

The news of a revision are written by `intake.publication`, with the revision; what they carry is looked up in it when
they are sent.
"""

from datetime import datetime
from typing import Final
from uuid import uuid4

from pydantic import BaseModel
from sqlalchemy import insert
from sqlalchemy.orm import Session

from intake.database.tables import Base
from schemas.events import EventType

_TABLE: Final = Base.metadata.tables["outbox"]


def add(session: Session, event: EventType, subject: str, data: BaseModel, now: datetime) -> int:
    """Write an event in the caller's transaction; the key of its row.

    subject: what it happened to, as the API calls it: "batches/ID". Events of one subject are delivered in order.
    """
    row = {"public_id": uuid4(), "event": event.value, "subject": subject, "data": data.model_dump(mode="json")}
    key: int = session.execute(_ADDING, row | {"created_at": now}).scalar_one()
    return key


_ADDING: Final = insert(_TABLE).returning(_TABLE.c.id)
