"""Changes the tables, by Alembic: see `intake.database.versions`, which loads this only when it must."""

from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from intake.database.engine import Database
from intake.database.versions import MIGRATIONS, newest_version, require_known

# Any number will do, as long as every process takes the same one and nothing else does.
_UPGRADE_LOCK: Final = 0x706F7374  # "post"
_UPGRADE_WAIT: Final = "10min"  # migrating a full database may take this long; others wait for it


def migrate(database: Database) -> None:
    """Bring the tables to the newest version, in one transaction, unless another process did meanwhile."""
    with database.write() as session:
        connection = session.connection()
        if database.is_postgresql:
            connection.execute(text(f"SET LOCAL lock_timeout = '{_UPGRADE_WAIT}'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
        if require_known(connection, database.where) == newest_version():
            return
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> Config:
    """Where Alembic finds the migrations."""
    config = Config()
    # A per cent sign in a path would be taken for the beginning of a name.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
