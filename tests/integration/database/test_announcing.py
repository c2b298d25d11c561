"""What is told of batches and pieces is written with what makes it true, once each time that it comes to be true."""

import io
import json
import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from intake import quarantine, steps, whereabouts
from intake.database.engine import Database
from intake.database.tables import BatchRow, OutboxRow
from intake.receive import Arrival, Sender, receive
from intake.store.opening import open_store
from schemas.events import EventType
from schemas.json_schema import event_schema
from schemas.states import MailState
from tests.integration.database.small_world import BROKEN, NOW, claimed, receive_files, unpack
from tests.schema_check import faults_of


def news(database: Database) -> list[tuple[str, Any]]:
    """All events and what they carry; each as its schema says."""
    with database.read() as session:
        found = [(row.event, row.data) for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]
    for event, data in found:
        assert faults_of(json.dumps(data), event_schema(EventType(event))) == []
    return found


def completions(database: Database) -> list[tuple[int, Any]]:
    return [(data["completion"], data["pieces"]) for event, data in news(database) if event == "batch.completed"]


def received(database: Database, files: int) -> list[int]:
    """The pieces of a batch, one in each file."""
    with database.write() as session:
        ids = receive_files(session, files)
        session.scalars(select(BatchRow)).one().closed_at = NOW
        return [unpack(session, file)[0] for file in ids]


def move(database: Database, piece: int, *states: MailState) -> None:
    with database.write() as session:
        for state in states:
            whereabouts.move_piece(session, piece, state, NOW, BROKEN if state is MailState.QUARANTINED else None)


def test_a_batch_is_told_of_once_all_of_it_is_received(database: Database, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    receipt = receive(database, store, [Arrival("a.tif", io.BytesIO(b"a"))], Sender("anna", "test", date(2026, 3, 2)))
    told = {"batch_id": str(receipt.batch_id), "channel": "test", "received_on": "2026-03-02", "files": 1}
    assert news(database) == [("batch.received", told | {"link": f"/v1/batches/{receipt.batch_id}"})]


def test_a_batch_is_complete_when_its_last_piece_has_left_work_and_review(database: Database) -> None:
    first, second, third = received(database, 3)
    move(database, first, MailState.PUBLISHED)
    move(database, second, MailState.QUARANTINED)
    move(database, third, MailState.IN_REVIEW)
    assert completions(database) == []
    move(database, third, MailState.IN_WORK, MailState.PUBLISHED)
    assert completions(database) == [(1, {"published": 2, "quarantined": 1})]


def test_a_batch_that_is_opened_again_is_completed_again(database: Database) -> None:
    first, second = received(database, 2)
    move(database, first, MailState.PUBLISHED)
    move(database, second, MailState.QUARANTINED, MailState.REJECTED)
    move(database, first, MailState.IN_REVIEW)
    move(database, first, MailState.IN_WORK, MailState.PUBLISHED)
    told = {"published": 1, "rejected": 1}
    assert completions(database) == [(1, {"published": 1, "quarantined": 1}), (2, told)]


def test_of_the_last_files_that_end_together_one_completes_the_batch(database: Database) -> None:
    pieces: Sequence[int] = received(database, 6)
    start = threading.Barrier(len(pieces))

    def end(piece: int) -> None:
        start.wait()
        move(database, piece, MailState.PUBLISHED)

    threads = [threading.Thread(target=end, args=(piece,)) for piece in pieces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert completions(database) == [(1, {"published": 6})]


def test_what_the_machine_gave_up_is_told_with_its_cause_and_no_name(database: Database) -> None:
    with database.write() as session:
        _, parted = receive_files(session, 2)
        unpack(session, parted)
        for name in (steps.StepName.UNPACK, steps.StepName.READ):
            claim = claimed(steps.claim(session, [name], "worker-1", NOW))
            steps.quarantine(session, claim, BROKEN, NOW)
    [(_, of_file), (_, of_piece)] = news(database)
    with database.read() as session:
        set_aside = {each.step: each for each in quarantine.listed(session)}
    for told, step in ((of_file, "unpack"), (of_piece, "read")):
        found = set_aside[steps.StepName(step)]
        assert (told["cause"], told["page"]) == ("damaged", 2)
        assert (told["batch_id"], told["file_id"]) == (str(found.batch_id), str(found.file_id))
    assert (of_file["piece_id"], of_piece["piece_id"]) == (None, str(set_aside[steps.StepName.READ].id))
    assert ".tif" not in str((of_file, of_piece))


def test_news_are_not_there_if_what_they_tell_of_is_not(database: Database) -> None:
    [piece] = received(database, 1)
    try:
        with database.write() as session:
            whereabouts.move_piece(session, piece, MailState.PUBLISHED, NOW)
            raise ValueError("it came to nothing")
    except ValueError:
        pass
    assert news(database) == []
