"""A batch that was acknowledged is there whatever happens next, and the same key never makes a second one."""

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from intake import ledger, receive
from intake.database.engine import Database
from intake.database.tables import BatchRow, FileRow, StepRow
from intake.receive import Arrival, KeyReused, Sender
from intake.store import Store
from intake.store.errors import StoreFull
from intake.store.opening import open_store
from schemas.errors import MailError
from schemas.states import StepName

ANNA = Sender("anna", "test", date(2026, 3, 2), name="Monday")
FILES = {"one.tif": b"first", "two.tif": b"second", "three.tif": b"first"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def arrivals(files: dict[str, bytes]) -> Iterator[Arrival]:
    for name, content in files.items():
        yield Arrival(name, io.BytesIO(content))


def take_in(database: Database, store: Store, files: dict[str, bytes] = FILES, key: str = "") -> receive.Receipt:
    return receive.receive(database, store, arrivals(files), Sender("anna", "test", date(2026, 3, 2), key=key))


def count(database: Database, row: type) -> int:
    with database.read() as session:
        return session.scalars(select(func.count()).select_from(row)).one()


def test_every_file_is_in_the_store_and_has_a_row_and_a_first_step(database: Database, store: Store) -> None:
    receipt = take_in(database, store)
    assert [(file.name, file.bytes, file.duplicates) for file in receipt.files] == [
        ("one.tif", 5, 0),
        ("two.tif", 6, 0),
        ("three.tif", 5, 1),  # the same bytes as the first
    ]
    for file in receipt.files:
        with store.open(file.sha256) as stream:
            assert hashlib.sha256(stream.read()).hexdigest() == file.sha256
    with database.read() as session:
        assert session.scalars(select(StepRow.name)).all() == [StepName.UNPACK] * 3
        assert ledger.take(session).difference == 0
        assert session.scalars(select(BatchRow.closed_at)).one() == receipt.received_at


def test_the_same_key_with_the_same_files_gives_the_batch_that_is_there(database: Database, store: Store) -> None:
    first = take_in(database, store, key="k1")
    again = take_in(database, store, key="k1")
    assert (first.is_new, again.is_new, again.batch_id) == (True, False, first.batch_id)
    assert count(database, FileRow) == 3


def test_a_key_is_good_beyond_midnight_if_no_day_was_given(database: Database, store: Store) -> None:
    sender = Sender("anna", "test", key="k1")
    evening, morning = datetime(2026, 3, 2, 23, 59, tzinfo=UTC), datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
    first = receive.receive(database.with_clock(lambda: evening), store, arrivals(FILES), sender)
    again = receive.receive(database.with_clock(lambda: morning), store, arrivals(FILES), sender)
    assert again.batch_id == first.batch_id


def test_the_same_key_with_other_files_is_refused(database: Database, store: Store) -> None:
    take_in(database, store, key="k1")
    with pytest.raises(KeyReused):
        take_in(database, store, {"one.tif": b"other"}, key="k1")
    assert count(database, BatchRow) == 1


def test_a_batch_cut_off_between_two_transactions_is_completed_by_its_key(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{number}.tif": bytes([number]) for number in range(7)}
    monkeypatch.setattr(receive, "_FILES_AT_ONCE", 3)
    with monkeypatch.context() as broken:
        whole = receive._add_file

        def fails_at_the_fifth(session: object, batch: int, position: int, *rest: object) -> None:
            if position == 5:
                raise MailError("the power went")
            whole(session, batch, position, *rest)  # type: ignore[arg-type]

        broken.setattr(receive, "_add_file", fails_at_the_fifth)
        with pytest.raises(MailError):
            take_in(database, store, files, key="k1")
    assert count(database, FileRow) == 3
    receipt = take_in(database, store, files, key="k1")
    assert [file.name for file in receipt.files] == list(files)
    assert (count(database, BatchRow), count(database, FileRow), count(database, StepRow)) == (1, 7, 7)


def test_a_stream_that_breaks_off_leaves_nothing_received(database: Database, store: Store) -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            raise ConnectionError("the sender went away")

    def half() -> Iterator[Arrival]:
        yield Arrival("one.tif", io.BytesIO(b"first"))
        yield Arrival("two.tif", io.BufferedReader(Broken()))

    with pytest.raises(ConnectionError):
        receive.receive(database, store, half(), ANNA)
    assert count(database, BatchRow) == 0


def test_nothing_is_taken_in_when_the_disk_is_nearly_full(database: Database, store: Store) -> None:
    with pytest.raises(StoreFull):
        receive.receive(database, store, arrivals(FILES), ANNA, low_water_bytes=2**62)
    assert list(store.digests()) == []


def test_a_batch_without_files_is_none(database: Database, store: Store) -> None:
    with pytest.raises(ValueError, match="at least one file"):
        take_in(database, store, {})


def test_a_name_is_kept_without_what_a_terminal_should_not_be_sent(database: Database, store: Store) -> None:
    receipt = take_in(database, store, {"a\x1b[2Jb.tif": b"x", "../" * 600 + "c.tif": b"y"})
    first, second = (file.name for file in receipt.files)
    assert first == "a\ufffd[2Jb.tif"
    assert (len(second), second[-5:]) == (1024, "c.tif")
