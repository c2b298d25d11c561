"""Which version the tables have, and how they get to ours. Migrations run at every start; most find nothing to do."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from intake.database.engine import Database
from schemas.errors import Unavailable

MIGRATIONS: Final = Path(__file__).parent / "migrations"
# Any number will do, as long as every process takes the same one and nothing else does.
_UPGRADE_LOCK: Final = 0x706F7374  # "post"
_UPGRADE_WAIT: Final = "10min"  # migrating a full database may take this long; others wait for it


def newest_version() -> str:
    """The version this program works with."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None  # noqa: S101 - the migrations are part of the program
    return newest


def upgrade(database: Database) -> None:
    """Bring the tables to the newest version, in one transaction. Several processes may do so at once: one works.

    Raises Unavailable if the database belongs to a newer program, or has tables but no version.
    """
    with database.write() as session:
        connection = session.connection()
        if database.is_postgresql:
            connection.execute(text(f"SET LOCAL lock_timeout = '{_UPGRADE_WAIT}'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
        if _require_known(connection, database.where) == newest_version():
            return
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def require_newest(database: Database) -> None:
    """Raise Unavailable, with what to do, unless the tables have the version this program works with."""
    found = version_of(database)
    if found != newest_version():
        raise Unavailable(
            f"The database at {database.where} has version {found or 'none'}, this program needs {newest_version()}:"
            " start `postroom serve` or `postroom worker` once, which bring it up to date."
        )


def version_of(database: Database) -> str | None:
    """The version the tables have; None where there are none yet. Raises Unavailable for one we know nothing of."""
    with database.read() as session:
        return _require_known(session.connection(), database.where)


def _require_known(connection: Connection, where: str) -> str | None:
    """The version found, None for an empty database. Raises Unavailable for one we know nothing of."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None and "batches" in inspect(connection).get_table_names():
        raise Unavailable(f"The database at {where} has tables but no version: it was not made by this program.")
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise Unavailable(f"The database at {where} has version {found}, which is newer than this program: update it.")
    return found


def _config() -> Config:
    config = Config()
    # A per cent sign in a path would be taken for the beginning of a name.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
