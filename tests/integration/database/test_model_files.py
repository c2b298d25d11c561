"""Model files are noted when a worker starts, so that old readings can still name theirs."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from extract.engines.models import model_folder, read_manifest
from intake import model_files
from intake.database.engine import Database, open_database
from intake.database.tables import ModelFileRow
from intake.hands import open_hands
from intake.settings import Settings
from schemas.errors import Unavailable


def test_what_is_installed_is_noted_once_and_found_by_what_a_reader_is_called(database: Database) -> None:
    installed = read_manifest(model_folder())
    assert model_files.note_installed(database) == len(installed)
    assert model_files.note_installed(database) == 0
    quick, careful = installed["rec-tiny"].sha256, installed["rec-small"].sha256
    reader = f"pp-ocrv6-tiny-latin/{quick[:8]}/openvino-1>pp-ocrv6-small-latin/{careful[:8]}/onnxruntime-1"
    with database.read() as session:
        assert {row.name for row in session.scalars(select(ModelFileRow))} == set(installed)
        found = model_files.of_reader(session, reader)
        assert [(digits, file and file.sha256) for digits, file in found] == [
            (quick[:8], quick), (careful[:8], careful)
        ]  # fmt: skip
        assert model_files.of_reader(session, "tesseract-5.5.0/eng") == []
        assert model_files.of_reader(session, "layout/00000000") == [("00000000", None)]


def test_another_workers_notes_are_left_as_they_are(database: Database) -> None:
    model_files.note_installed(database)
    with database.write() as session:
        session.delete(session.scalars(select(ModelFileRow).limit(1)).one())
    assert model_files.note_installed(database) == 1


def test_a_worker_notes_what_it_reads_with(migrated_sqlite: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "postroom.db")
    settings = Settings(home=tmp_path, low_water_bytes=0)
    hands = open_hands(settings, workshop="tests.integration.scripted_workshop:open_workshop")
    hands.close()
    with closing(open_database(settings.database)) as database, database.read() as session:
        assert set(session.scalars(select(ModelFileRow.name))) == set(read_manifest(model_folder()))


def test_where_no_models_are_there_is_nothing_to_note(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_MODELS", str(tmp_path))
    with pytest.raises(Unavailable):
        read_manifest(model_folder())
    assert model_files.note_installed(database) == 0
