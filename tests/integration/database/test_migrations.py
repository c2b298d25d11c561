"""Tables come from migrations alone, agree with the models, and are made once however many start together."""

import multiprocessing
import sys
import zipfile
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from intake import ledger, presence
from intake.database import versions
from intake.database.engine import open_database
from intake.database.migrate import alembic_config
from intake.database.tables import Base
from intake.database.versions import newest_version, require_newest, upgrade
from schemas.errors import Unavailable
from tests.integration.database.small_world import receive_files


def test_models_and_migrations_agree(empty_url: str) -> None:
    database = open_database(empty_url)
    upgrade(database)
    with database.read() as session:
        context = MigrationContext.configure(
            session.connection(), opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
    database.close()


def test_the_names_of_the_migrations_tell_their_order() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    assert versions.known_versions() == [script.revision for script in scripts.walk_revisions()][::-1]
    assert newest_version() == scripts.get_current_head()


def shape(connection: Connection) -> dict[str, Any]:
    """Everything about the tables that the database can tell: more than the comparison above looks at."""
    found = inspect(connection)
    tables = {}
    for table in sorted(set(found.get_table_names()) - {"alembic_version"}):
        columns = {
            column["name"]: (str(column["type"]), column["nullable"], column.get("autoincrement"))
            for column in found.get_columns(table)
        }
        tables[table] = {
            "columns": columns,
            "key": found.get_pk_constraint(table),
            "checks": sorted((check["name"], check["sqltext"]) for check in found.get_check_constraints(table)),
            "unique": sorted(
                (unique["name"], unique["column_names"]) for unique in found.get_unique_constraints(table)
            ),
            "indexes": sorted(
                (
                    index["name"],
                    index["column_names"],
                    [str(each) for each in index.get("dialect_options", {}).values()],
                )
                for index in found.get_indexes(table)
            ),
            "references": sorted((key["name"], key["referred_table"]) for key in found.get_foreign_keys(table)),
        }
    return tables


def test_models_and_migrations_make_the_same_checks_keys_and_indexes(empty_url: str) -> None:
    database = open_database(empty_url)
    with database.write() as session:
        Base.metadata.create_all(session.connection())
        by_models = shape(session.connection())
        Base.metadata.drop_all(session.connection())
    upgrade(database)
    with database.read() as session:
        by_migrations = shape(session.connection())
    database.close()
    assert by_migrations == by_models
    assert len(by_models) == len(Base.metadata.tables)


def test_the_way_back_leaves_nothing(empty_url: str) -> None:
    database = open_database(empty_url)
    upgrade(database)
    with database.write() as session:
        config = alembic_config()
        config.attributes["connection"] = session.connection()
        command.downgrade(config, "base")
        assert inspect(session.connection()).get_table_names() == ["alembic_version"]
    upgrade(database)
    require_newest(database)
    database.close()


def _start(url: str, answers: "multiprocessing.Queue[str]") -> None:
    try:
        database = open_database(url)
        upgrade(database)
        require_newest(database)
        database.close()
    except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
        answers.put(f"{type(error).__name__}: {error}")
    else:
        answers.put("ready")


def test_four_processes_that_start_together_on_nothing_all_find_their_tables(empty_url: str) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [context.Process(target=_start, args=(empty_url, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == ["ready"] * 4
    for process in processes:
        process.join()
    database = open_database(empty_url)
    with database.read() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).all() == [(newest_version(),)]
        assert ledger.take(session).difference == 0
    database.close()


def test_an_upgrade_that_fails_half_way_leaves_nothing_behind(empty_url: str) -> None:
    database = open_database(empty_url)
    with database.write() as session:
        session.execute(text("CREATE TABLE steps (id INTEGER)"))  # in the way of the migration
    with pytest.raises(Exception, match="steps"):
        upgrade(database)
    with database.read() as session:
        assert set(inspect(session.connection()).get_table_names()) - {"alembic_version"} == {"steps"}
    database.close()


def test_a_database_of_the_first_version_keeps_its_mail_on_the_way_to_ours(empty_url: str) -> None:
    database = open_database(empty_url)
    with database.write() as session:
        config = alembic_config()
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "0001")
    with database.write() as session:
        receive_files(session, 3)
    upgrade(database)
    require_newest(database)
    with database.read() as session:
        found = ledger.take(session)
        assert (found.received["files"], found.difference) == (3, 0)
        assert presence.workers(session) == []
    database.close()


def test_an_empty_database_says_how_to_get_its_tables(empty_url: str) -> None:
    database = open_database(empty_url)
    with pytest.raises(
        Unavailable, match=f"version none, this program needs {newest_version()}: start `postroom serve`"
    ):
        require_newest(database)
    database.close()


def test_the_database_of_a_newer_program_is_left_alone(url: str) -> None:
    database = open_database(url)
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for look in (upgrade, require_newest):
        with pytest.raises(Unavailable, match="version 9999, which is newer than this program"):
            look(database)
    database.close()


def test_tables_that_no_migration_made_are_left_alone(empty_url: str) -> None:
    database = open_database(empty_url)
    with database.write() as session:
        session.execute(text("CREATE TABLE batches (id INTEGER)"))
    with pytest.raises(Unavailable, match="has tables but no version"):
        upgrade(database)
    database.close()


@pytest.mark.slow
def test_the_wheel_holds_every_migration(repository: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = run(build, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("intake/database/migrations/")}
    ours = {str(file.relative_to(repository)) for file in versions.MIGRATIONS.rglob("*.py")}
    assert packed == ours
    assert "intake/database/migrations/versions/0001_first_tables.py" in packed
