"""A record that is kept as rows comes out as it went in."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from intake import record_rows
from intake.database.engine import Database
from intake.database.tables import BatchRow, PieceRow
from schemas.record import Record
from tests.integration.database.small_world import NOW, receive_pieces

FIELD: dict[str, Any] = {
    "value": "2025-03-05", "text": "05032025", "kind": "date", "status": "review", "confidence": 0.9312,
    "score": 0.912345, "page": 1, "box": [0.1, 0.2, 0.3, 0.4], "field_class": "date", "problem": "",
    "features": {"mean": 0.99, "weakest": 0.5}, "readings": [{"text": "05032025", "reader": "r/1/x", "score": 0.9}],
    "marks": [], "checks": [{"name": "date_order", "passed": True, "message": ""}],
    "reasons": ["The reading is not sure enough."], "decided_by": "policy@1/7", "policy": "policy@1/7",
    "scan_outline": [[1.0, 2.0], [3.0, 2.0], [3.0, 4.0], [1.0, 4.0]],
}  # fmt: skip
MARK = {"option": "yes", "state": "ticked", "ink_share": 0.2, "score": 0.5, "reason": "A cross.", "box": [0, 0, 1, 1]}
TICKS = FIELD | {"value": ["yes"], "text": "", "kind": "choice", "readings": [], "marks": [MARK], "confidence": None}
NOTHING = FIELD | {"value": None, "text": "", "kind": "text", "status": "blank", "readings": [], "score": None}


def record(status: str, fields: dict[str, Any], **more: Any) -> Record:
    page = {"number": 1, "label": "content", "residual": 0.2, "transform": [1, 0, 0, 0, 1, 0], "width": 9, "height": 9}
    whole = {
        "record_id": "r-1", "status": status, "form_type": "a-form", "edition": "one", "fields": fields,
        "source": {"name": "1.tif", "sha256": f"{1:064x}", "batch_id": "b-1", "pages": [1]}, "pages": [page],
    }  # fmt: skip
    return Record.model_validate(whole | more)


REGION = {"kind": "text", "score": 0.5, "page": 1, "box": [0, 0, 1, 1],
          "lines": [{"text": "Dear Sir", "score": 0.9, "box": [0, 0, 1, 1]}]}  # fmt: skip
FAILURE = {"cause": "damaged", "problem": "It is cut off.", "remedy": "Scan it again.", "page": 1}


@pytest.mark.parametrize(
    "kept",
    [
        record("review", {"day": FIELD, "ticks": TICKS, "note": NOTHING}),
        record("complete", {"note": NOTHING, "amount": FIELD | {"value": 12, "status": "accepted"}}),
        record("complete", {"signed": TICKS | {"value": True, "kind": "signature", "status": "accepted"}}),
        record("review", {}, form_type=None, edition=None, regions=[REGION]),
        record("failed", {}, form_type=None, edition=None, failures=[FAILURE]),
    ],
)
def test_a_record_comes_out_of_its_rows_as_it_went_in(database: Database, kept: Record) -> None:
    with database.write() as session:
        [piece] = receive_pieces(session, 1)
        record_rows.save(session, piece, 1, [kept], NOW)
    with database.read() as session:
        [document] = record_rows.documents_of(session, piece)
        source = record_rows.source_of(session, piece)
        batch, piece_id = session.scalars(select(BatchRow.public_id)).one(), session.get_one(PieceRow, piece).public_id
        again = record_rows.load(session, document, source, "r-1", revision=1)
    receipt = {"batch_id": str(batch), "piece_id": str(piece_id), "channel": "test", "received_on": date(2026, 3, 2)}
    source_of_kept = kept.source.model_copy(update=receipt)
    kept = kept.model_copy(update={"source": source_of_kept, "received_at": "2026-03-02T09:00:00+00:00"})
    assert again == kept
    assert again.model_dump_json() == kept.model_dump_json()  # the order of the fields too
