"""The order of publication: every revision gets the next number, and numbers become visible in their order."""

from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from intake.database.tables import Base

_TABLE: Final = Base.metadata.tables["sequences"]
_RAISING: Final = (
    update(_TABLE).where(_TABLE.c.name == "publication").values(value=_TABLE.c.value + 1).returning(_TABLE.c.value)
)


def next_in_order(session: Session) -> int:
    """The next place in the order of publication, without gaps; 1 is the first.

    The counter stays locked until the caller's transaction ends. So a receiver that has seen number 7 never finds a 6
    later, as it could with the database's own sequences. Take it late, and before the audit's lock.
    """
    place: int = session.scalars(_RAISING).one()
    return place
