"""An Idempotency-Key: the first request that carries it takes effect, and every further one gets the same answer.

For requests that are one transaction; a batch, which is several, has its own way (`intake.receive`).
"""

import hashlib
from datetime import datetime
from typing import Final

from sqlalchemy import Insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from intake.database.tables import Base, IdempotencyRow
from intake.receive import KeyReused

_TABLE: Final = Base.metadata.tables["idempotency_keys"]


def digest_of(*parts: str) -> str:
    """Of what was asked for: two requests of one digest want the same."""
    return hashlib.sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()


def begin(session: Session, scope: str, key: str, request_sha256: str, now: datetime) -> str | None:
    """Take the key for this transaction; the answer of the earlier request if it was taken before.

    scope: who asks, and for what.  Another transaction that has just taken the key is waited for. Raises KeyReused if
    it came with another request.
    """
    row = {"scope": scope, "key": key, "request_sha256": request_sha256, "created_at": now}
    if session.execute(_taking(session.get_bind().dialect.name), row).one_or_none() is not None:
        return None
    earlier = session.scalars(
        select(IdempotencyRow).where(IdempotencyRow.scope == scope, IdempotencyRow.key == key)
    ).one()
    if earlier.request_sha256 != request_sha256 or earlier.answer is None:
        raise KeyReused("This Idempotency-Key was used before, with another request.")
    return earlier.answer


def end(session: Session, scope: str, key: str, status: int, answer: str) -> None:
    """Keep the answer, in the transaction that took the key and does what was asked."""
    session.execute(
        update(IdempotencyRow)
        .where(IdempotencyRow.scope == scope, IdempotencyRow.key == key)
        .values(answer_status=status, answer=answer)
    )


def _taking(dialect: str) -> Insert:
    adding: Insert
    if dialect == "postgresql":
        adding = postgresql.insert(_TABLE).on_conflict_do_nothing().returning(_TABLE.c.id)
    else:
        adding = sqlite.insert(_TABLE).on_conflict_do_nothing().returning(_TABLE.c.id)
    return adding
