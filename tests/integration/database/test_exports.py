"""Exports: every revision once, from where the last one ended; and a batch as an archive that proves itself."""

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from intake.database.engine import Database
from intake.database.tables import BatchRow, FileRow, RevisionRow
from intake.exports import archive, reading, table
from intake.exports.cells import text_of
from intake.published import CursorAhead, Wanted
from intake.store import Store
from intake.store.errors import BlobDamaged, BlobMissing
from intake.store.opening import open_store
from tests.integration.database.review_world import FORM, World
from tests.integration.database.small_world import NOW
from tests.integration.database.test_corrections import BORN, COLOUR, NHS, SIGNED, SURE, correct, sure

SETTLED = {"status": "accepted", "reasons": []}
EVIL = "=cmd|' /C calc'!A0"


@pytest.fixture
def world(database: Database) -> World:
    """Three documents that are out, one of them of no known form, and a correction of the first."""
    world = World(database)
    world.read(
        sure(
            name=SURE, born=BORN, nhs=NHS, colour=COLOUR | SETTLED | {"value": ["Red", "Blue"]}, signed=SIGNED | SETTLED
        ),
        sure(name=SURE | {"value": EVIL, "text": EVIL}, added=SURE),
        sure().model_copy(update={"form_type": None}),
    )
    world.publish()
    correct(world, {"name": "Jane Doyle"})
    return world


def lines(world: World, **given: Any) -> tuple[list[dict[str, Any]], int]:
    """What is exported as JSON lines, and the cursor at its end."""
    wanted = given.pop("wanted", Wanted())
    parts = list(reading.as_lines(reading.pages(world.database, wanted, **given)))
    content = b"".join(part.content for part in parts).decode()
    assert sum(part.records for part in parts) == content.count("\n")
    return [json.loads(line) for line in content.splitlines()], parts[-1].cursor


def rows(world: World, **given: Any) -> list[dict[str, str]]:
    parts = reading.as_table(reading.pages(world.database, Wanted(form_type=FORM.id), **given), FORM)
    text = b"".join(part.content for part in parts).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_lines_are_the_revisions_byte_for_byte_in_their_order(world: World) -> None:
    with world.database.read() as session:
        bodies = list(session.scalars(select(RevisionRow.body).order_by(RevisionRow.sequence)))
    parts = list(reading.as_lines(reading.pages(world.database, Wanted())))
    assert b"".join(part.content for part in parts).decode() == "".join(body + "\n" for body in bodies)
    assert parts[-1].cursor == 4


def test_an_export_goes_on_where_the_last_one_ended(world: World) -> None:
    cursor, seen = 0, []
    for _ in range(6):
        found, cursor = lines(world, after=cursor, limit=1)
        seen += [(record["record_id"], record["revision"]) for record in found]
    assert (cursor, len(seen), len(set(seen))) == (4, 4, 4)
    correct(world, {"name": "Jane Doe"}, expected=2)
    found, cursor = lines(world, after=cursor)
    assert ([record["revision"] for record in found], cursor) == ([3], 5)
    with pytest.raises(CursorAhead):
        lines(world, after=99)


def test_only_what_is_wanted_is_exported(world: World) -> None:
    assert len(lines(world, wanted=Wanted(form_type=FORM.id))[0]) == 3
    assert len(lines(world, wanted=Wanted(form_type=""))[0]) == 1
    with world.database.read() as session:
        batch = session.scalars(select(BatchRow.public_id)).one()
    assert len(lines(world, wanted=Wanted(batch=batch))[0]) == 4
    assert lines(world, wanted=Wanted(batch=batch), until=2)[0] == lines(world)[0][:2]


def test_a_table_has_a_row_for_each_revision_and_the_same_columns_for_all(world: World) -> None:
    first, evil, corrected = rows(world)
    assert list(first) == table.columns_of(FORM)
    assert (first["cursor"], first["revision"], first["form_type"], first["pages"]) == ("1", "1", FORM.id, "1")
    assert (first["name"], first["name.status"], first["name.confidence"]) == ("Jane Doe", "accepted", "0.999")
    assert (first["colour"], first["signed"], first["born"]) == ("Red; Blue", "true", "1984-03-27")
    assert (first["account"], first["account.status"], first["other_fields"]) == ("", "", "")
    assert evil["name"] == "'" + EVIL
    assert text_of(evil["name"]) == EVIL
    assert json.loads(evil["other_fields"]) == {"added": "Jane Doe"}
    assert (corrected["record_id"], corrected["revision"]) == (first["record_id"], "2")
    assert (corrected["name"], corrected["name.status"], corrected["name.confidence"]) == (
        "Jane Doyle",
        "corrected",
        "",
    )


def test_a_table_begins_with_a_byte_order_mark_if_that_is_wanted(world: World) -> None:
    parts = list(reading.as_table(reading.pages(world.database, Wanted(form_type=FORM.id)), FORM, has_mark=True))
    content = b"".join(part.content for part in parts)
    assert content.startswith(b'\xef\xbb\xbf"cursor",')
    assert content.count(b"\xef\xbb\xbf") == 1
    assert content.count(b"\r\n") == 4


# --- a batch as an archive -------------------------------------------------------------------------------------------

ORIGINALS = (
    ("scan.tif", b"II*\0 one"),
    ("scan.tif", b"II*\0 two"),
    ("../../etc/passwd", b"three"),
    ("C:\\temp\\..\\evil.pdf", b"%PDF four"),
    ("\u202efdp.exe", b"five"),
    ("..", b"six"),
    ("x" * 400 + ".tif", b"seven" * 100_000),
    ("Beleg Grün.pdf", b"eight"),
    ("CON", b""),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "store").mkdir()
    return open_store(str(tmp_path / "store"), "")


@pytest.fixture
def batch(world: World, store: Store) -> BatchRow:
    """The batch of the documents, with further files of names nobody should unpack."""
    with world.database.write() as session:
        batch = session.scalars(select(BatchRow)).one()
        for place, (name, content) in enumerate(ORIGINALS, 1):
            kept = store.put(io.BytesIO(content))
            if place == 1:
                session.execute(update(FileRow).values(name=name, sha256=kept.sha256, size_bytes=kept.bytes))
            else:
                row = {"batch_id": batch.id, "position": place, "name": name, "sha256": kept.sha256}
                session.add(FileRow(**row, size_bytes=kept.bytes, state_since=NOW))
        return batch


def made(world: World, store: Store, batch: BatchRow) -> bytes:
    with world.database.read() as session:
        contents = archive.contents_of(session, batch.public_id)
    assert contents is not None
    archive.check(store, contents)
    return b"".join(archive.stream(world.database, store, contents, NOW))


def test_an_archive_holds_every_original_and_revision_and_its_manifest_proves_it(
    world: World, store: Store, batch: BatchRow
) -> None:
    with zipfile.ZipFile(io.BytesIO(made(world, store, batch))) as packed:
        assert packed.testzip() is None
        content = {name: packed.read(name) for name in packed.namelist()}
    sums = dict(reversed(line.split("  ", 1)) for line in content.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(held).hexdigest() for name, held in content.items()}
    manifest = json.loads(content.pop("manifest.json"))
    listed = {each["path"]: each for each in [*manifest["originals"], manifest["records"]]}
    assert set(listed) == set(content)
    for path, held in content.items():
        assert (listed[path]["sha256"], listed[path]["bytes"]) == (hashlib.sha256(held).hexdigest(), len(held))
    assert [(each["name"], content[each["path"]]) for each in manifest["originals"]] == list(ORIGINALS)
    assert (manifest["batch"]["id"], manifest["format"]) == (str(batch.public_id), archive.FORMAT)
    exported = [json.loads(line) for line in content["records.jsonl"].decode().splitlines()]
    assert exported == lines(world)[0]
    assert manifest["records"]["revisions"] == len(exported) == 4


def test_no_name_leads_out_of_the_archive_and_none_stands_for_another(
    world: World, store: Store, batch: BatchRow, tmp_path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(made(world, store, batch))) as packed:
        names = packed.namelist()
        packed.extractall(tmp_path / "out")
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        folder, _, file = name.rpartition("/")
        assert folder in ("", "originals")
        assert file.isprintable()
        assert not set(file) & set('<>:"/\\|?*')
        assert file.strip(". ") == file
        assert len(file) <= 130
        assert (tmp_path / "out" / name).resolve().is_relative_to(tmp_path / "out")
    assert "originals/0001-scan.tif" in names
    assert "originals/0002-scan.tif" in names


def test_an_archive_is_streamed_in_small_parts(world: World, store: Store, batch: BatchRow) -> None:
    with world.database.write() as session:
        large = store.put(io.BytesIO(b"large" * 2_000_000))
        row = {"batch_id": batch.id, "position": 50, "name": "large.tif", "sha256": large.sha256}
        session.add(FileRow(**row, size_bytes=large.bytes, state_since=NOW))
    with world.database.read() as session:
        contents = archive.contents_of(session, batch.public_id)
    assert contents is not None
    parts = list(map(len, archive.stream(world.database, store, contents, NOW)))
    assert sum(parts) > large.bytes
    assert max(parts) < 600_000


def test_an_original_that_is_missing_or_damaged_makes_no_whole_archive(
    world: World, store: Store, batch: BatchRow, tmp_path: Path
) -> None:
    digest = hashlib.sha256(b"II*\0 two").hexdigest()
    [kept] = [file for file in (tmp_path / "store").rglob("*") if file.is_file() and file.read_bytes() == b"II*\0 two"]
    kept.chmod(0o600)
    kept.write_bytes(b"II*\0 TWO")
    with pytest.raises(BlobDamaged):
        made(world, store, batch)
    kept.unlink()
    with pytest.raises(BlobMissing, match=digest[:8]):
        made(world, store, batch)


def test_a_batch_that_is_not_there_has_no_archive(world: World) -> None:
    with world.database.read() as session:
        assert archive.contents_of(session, session.scalars(select(FileRow.public_id)).one()) is None
