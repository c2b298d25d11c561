"""Files in the store that nothing in the database belongs to: found, shown, and removed only if that is safe."""

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from typer.testing import CliRunner

from intake import orphans
from intake.database.tables import AuditRow, Base, FileRow, PagePictureRow, PageRow, StepRow
from intake.receive import Arrival, Sender, receive
from intake.service import Service, open_service
from intake.settings import load_settings
from review_ui.cli import app
from tests.integration.database.small_world import unpack
from tests.integration.store_places import NEW_KEY

A_MONTH = timedelta(days=30)
SIX_DAYS, EIGHT_DAYS = timedelta(days=6), timedelta(days=8)
ANNA = Sender("anna", "test")


@dataclass
class Office:
    """A service with post in it, whose store can be made older."""

    service: Service
    home: Path

    def take_in(self, *contents: bytes) -> list[str]:
        """Received; the digest of each."""
        arrivals = [Arrival(f"{n}.tif", io.BytesIO(content)) for n, content in enumerate(contents)]
        receipt = receive(self.service.database, self.service.store, arrivals, ANNA)
        return [file.sha256 for file in receipt.files]

    def put(self, content: bytes) -> str:
        """Into the store alone, as by somebody who died before the row was committed."""
        return self.service.store.put(io.BytesIO(content)).sha256

    def age(self, by: timedelta, *but: str) -> None:
        """All that is in the store now was put so long ago."""
        then = (datetime.now(UTC) - by).timestamp()
        for path in (self.home / "store").rglob("*"):
            if len(path.name) == 64 and path.name not in but:
                os.utime(path, (then, then))

    def there(self) -> set[str]:
        return set(self.service.store.digests())

    def lose_rows(self, digests: list[str]) -> None:
        """As if the database was brought back from a backup made before these files came."""
        with self.service.database.write() as session:
            files = select(FileRow.id).where(FileRow.sha256.in_(digests))
            session.execute(delete(StepRow).where(StepRow.file_id.in_(files)))
            session.execute(delete(FileRow).where(FileRow.sha256.in_(digests)))


@pytest.fixture(params=["", NEW_KEY], ids=["plain", "sealed"])
def office(
    request: pytest.FixtureRequest, url: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", url)
    monkeypatch.setenv("POSTROOM_KEY", request.param)
    service = open_service(load_settings())
    yield Office(service, own_home)
    service.close()


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and what was complained of."""
    done = CliRunner().invoke(app, ["store", "orphans", *arguments])
    return done.exit_code, done.stdout, done.stderr


def listed(*arguments: str) -> set[str]:
    code, said, complained = run("--json", *arguments)
    assert (code, complained) == (0, "")
    return {orphan["sha256"] for orphan in json.loads(said)["orphans"]}


def many(count: int, word: str = "letter") -> list[bytes]:
    return [f"{word} {number}".encode() for number in range(count)]


def test_an_old_file_without_a_row_is_shown_and_stays_until_it_is_to_be_removed(office: Office) -> None:
    received = office.take_in(*many(20))
    orphan = office.put(b"nobody's")
    office.age(A_MONTH)
    assert listed() == {orphan}
    assert office.there() == {*received, orphan}
    code, said, _ = run()
    assert code == 0
    assert orphan in said
    assert "1 of 21 files" in said
    assert office.there() == {*received, orphan}
    assert run("--remove")[0] == 0
    assert office.there() == set(received)
    with office.service.database.read() as session:
        details = session.scalars(select(AuditRow.details).where(AuditRow.action == "orphans removed")).one()
    assert json.loads(details) == {"files": 1, "even_so": False}
    assert listed() == set()


def test_a_picture_of_a_page_belongs_to_the_page_and_one_that_was_replaced_to_nobody(office: Office) -> None:
    received = office.take_in(*many(20))
    picture, replaced = office.put(b"upright"), office.put(b"upside down")
    with office.service.database.write() as session:
        file = session.scalars(select(FileRow).order_by(FileRow.id).limit(1)).one()
        unpack(session, file.id, pages=2)
        first, second = session.scalars(select(PageRow.id).where(PageRow.file_id == file.id).order_by(PageRow.number))
        now = office.service.database.now(session)
        session.add(PagePictureRow(page_id=first, sha256=picture, width=9, height=9, dpi=200, made_at=now))
        session.add(PagePictureRow(page_id=second, problem="It cannot be decoded.", made_at=now))
    office.age(A_MONTH)
    assert listed() == {replaced}
    assert run("--remove")[0] == 0
    assert office.there() == {*received, picture}


def test_every_column_that_holds_the_digest_of_a_file_is_asked() -> None:
    """A new table whose rows belong to files in the store calls their digest `sha256`, and is asked by that."""
    holding = {table.name for table in Base.metadata.sorted_tables if "sha256" in table.c}
    assert holding == {"files", "page_pictures", "model_files"}


def test_a_file_whose_row_may_be_on_its_way_is_no_orphan(office: Office) -> None:
    office.take_in(*many(20))
    orphan = office.put(b"just put")
    assert listed() == set()
    office.age(SIX_DAYS)
    assert listed() == set()
    assert listed("--days", "5") == {orphan}
    office.age(EIGHT_DAYS)
    assert listed() == {orphan}
    office.put(b"just put")  # again, and this time the row will follow
    assert listed() == set()
    assert run("--days", "0")[0] == 2  # never what is being put this moment


def test_with_a_database_from_an_old_backup_nothing_is_removed(office: Office) -> None:
    received = office.take_in(*many(40))
    office.age(A_MONTH)
    office.lose_rows(received[5:])
    code, said, complained = run("--remove")
    assert (code, said) == (1, "")
    assert "35 of 40 files" in complained
    assert "--even-so" in complained
    assert office.there() == set(received)
    assert len(listed()) == 35  # to be looked at
    with office.service.database.read() as session:
        assert session.scalars(select(AuditRow.action).where(AuditRow.action == "orphans removed")).all() == []
    assert run("--remove", "--even-so")[0] == 0
    assert office.there() == set(received[:5])


def test_files_newer_than_all_the_database_knows_are_those_a_backup_lacks(office: Office) -> None:
    """However few they are: the post of the last days before an accident, in an office that has kept years of it."""
    office.take_in(*many(40))
    orphan = office.put(b"came after the backup")
    office.age(EIGHT_DAYS)
    with office.service.database.write() as session:
        session.execute(Base.metadata.tables["batches"].update().values(received_at=datetime.now(UTC) - A_MONTH))
    code, _, complained = run("--remove")
    assert code == 1
    assert "newer than anything the database knows" in complained
    assert orphan in office.there()
    office.take_in(b"post of today")
    assert run("--remove")[0] == 0
    assert orphan not in office.there()


def test_nothing_but_what_was_shown_is_removed(office: Office) -> None:
    """What is taken for an orphan only once the removing has begun was not looked at by the limit."""
    received = office.take_in(*many(20))
    orphan = office.put(b"nobody's")
    office.age(A_MONTH)
    found = orphans.look(office.service, timedelta(days=7))
    office.lose_rows(received)
    assert orphans.remove(office.service, found, "anna", even_so=False).orphans == 1
    assert office.there() == set(received)
    assert orphan not in office.there()
