"""What each step of the service does: unpack a file, read a piece, publish its documents.

Each function does the slow work and returns what is to be written; `intake.step_runner` writes that together with the
end of the step, so that a step takes effect once however often it runs.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from extract.limits import Limits, too_many_bytes
from intake import audit, publication, record_rows, steps, whereabouts
from intake.database.engine import Database
from intake.database.tables import Base
from intake.review.asking import ask
from intake.review.rules import Rules
from intake.sandbox import Sandbox
from intake.step_runner import Body, Effects
from intake.steps import Claim, Subject
from intake.store import Store
from intake.summary import FileResult
from intake.worker import Desk
from schemas.errors import Interrupted, MailError, Unreadable
from schemas.record import Record
from schemas.states import MailState, StepName

_FILES: Final = Base.metadata.tables["files"]
_PIECES: Final = Base.metadata.tables["pieces"]
_BATCHES: Final = Base.metadata.tables["batches"]
_NO_RULES: Final = Rules()


class Miscounted(MailError):
    """The reading does not speak of the pages that were unpacked. Nothing of it may be kept."""


@dataclass(frozen=True)
class Journey:
    """The three steps, with what they need from outside. `rules`: how people are asked."""

    database: Database
    store: Store
    sandbox: Sandbox
    desk: Desk
    limits: Limits
    rules: Rules = _NO_RULES

    @property
    def bodies(self) -> Mapping[StepName, Body]:
        return {StepName.UNPACK: self.unpack, StepName.READ: self.read, StepName.PUBLISH: self.publish}

    def unpack(self, claim: Claim) -> Effects:
        """One file becomes its pages and, until separators part it, one piece. Raises Unreadable if it is no mail."""
        assert claim.subject.file_id is not None  # noqa: S101  # the table has a constraint
        file_id = claim.subject.file_id
        with self.database.read() as session:
            sha256 = session.scalars(_SHA256, {"of_file": file_id}).one()
        count = self.sandbox.count_pages(self._content(sha256), self.limits)

        def effects(session: Session, now: datetime) -> None:
            whole = {"file_id": file_id, "state_since": now}
            piece_id = session.execute(_ADDING_PIECE, whole | {"ordinal": 1}).scalar_one()
            pages = [whole | {"piece_id": piece_id, "number": number} for number in range(1, count + 1)]
            session.execute(_ADDING_PAGE, pages)
            session.execute(_COUNTING, {"of_file": file_id, "pages": count, "pieces": 1})
            steps.add(session, StepName.READ, Subject(piece_id=piece_id), now)
            audit.append(session, now, claim.worker, "unpacked", f"file:{file_id}", {"pages": count})

        return effects

    def read(self, claim: Claim) -> Effects:
        """One piece becomes documents with fields, and tasks for people where the machine is not sure."""
        assert claim.subject.piece_id is not None  # noqa: S101  # the table has a constraint
        piece_id = claim.subject.piece_id
        with self.database.read() as session:
            file = session.execute(_FILE_OF_PIECE, {"of_piece": piece_id}).one()
        result = self.desk.read_content(file.name, self._content(file.sha256))
        if result.is_interrupted and claim.attempt < steps.ATTEMPTS:
            raise _interrupted(result)
        records = [Record.model_validate_json(record) for record in result.records]
        _check(result, records, file.page_count)

        def effects(session: Session, now: datetime) -> None:
            documents = record_rows.save(session, piece_id, file.id, records, now)
            asked = ask(session, zip(documents, records, strict=True), self.rules, file.received_on, now)
            if asked:
                whereabouts.move_piece(session, piece_id, MailState.IN_REVIEW, now)
            else:
                steps.add(session, StepName.PUBLISH, Subject(piece_id=piece_id), now)
            details: audit.Details = {"documents": len(documents), "tasks": asked}
            audit.append(session, now, claim.worker, "read", str(claim.subject), details)

        return effects

    def publish(self, claim: Claim) -> Effects:
        """The documents of one piece become records that never change, each with its news in the outbox."""
        assert claim.subject.piece_id is not None  # noqa: S101  # the table has a constraint
        piece_id = claim.subject.piece_id

        def effects(session: Session, now: datetime) -> None:
            whereabouts.lock(session, piece_id)
            records = publication.publish(session, piece_id, now)
            # After its records: the batch may be complete by this, and whoever hears of that has heard of them.
            whereabouts.move_piece(session, piece_id, MailState.PUBLISHED, now)
            audit.append(session, now, claim.worker, "published", str(claim.subject), {"records": records})

        return effects

    def _content(self, sha256: str) -> bytes:
        """The bytes as received, proven to be them. Raises Unreadable if there are more than one file may have."""
        if (size := self.store.size(sha256)) > self.limits.file_bytes:
            raise too_many_bytes(size, self.limits)
        with closing(self.store.open(sha256)) as stream:
            content = stream.read()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise MailError(f"the file {sha256} is not what was received")
        return content


def _interrupted(result: FileResult) -> Interrupted:
    """For the reading to be thrown away: next time all of it may be read."""
    failure = result.failures[0]
    return Interrupted(failure.problem, cause=failure.cause, remedy=failure.remedy, page=failure.page)


def _check(result: FileResult, records: Sequence[Record], page_count: int) -> None:
    """Whether a reading may be kept. Raises Miscounted, or Unreadable if there is nothing in it but a reason."""
    if not any(record.status != "failed" for record in records):
        failure = result.failures[0]
        raise Unreadable(failure.problem, cause=failure.cause, remedy=failure.remedy, page=failure.page)
    numbers = sorted(page.number for record in records for page in record.pages)
    if result.mismatch or numbers != list(range(1, page_count + 1)):
        raise Miscounted(f"{page_count} pages were unpacked, {len(numbers)} were read")


# The statements that every piece goes through are made once: making one costs more than running it.

_SHA256: Final = select(_FILES.c.sha256).where(_FILES.c.id == bindparam("of_file"))
_FILE_OF_PIECE: Final = (
    select(_FILES.c.id, _FILES.c.name, _FILES.c.sha256, _FILES.c.page_count, _BATCHES.c.received_on)
    .join_from(_PIECES, _FILES, _PIECES.c.file_id == _FILES.c.id)
    .join(_BATCHES, _BATCHES.c.id == _FILES.c.batch_id)
    .where(_PIECES.c.id == bindparam("of_piece"))
)
_ADDING_PIECE: Final = insert(_PIECES).returning(_PIECES.c.id)
_ADDING_PAGE: Final = insert(Base.metadata.tables["pages"])
_COUNTING: Final = (
    update(_FILES)
    .where(_FILES.c.id == bindparam("of_file"))
    .values(page_count=bindparam("pages"), piece_count=bindparam("pieces"))
)
