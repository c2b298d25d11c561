"""Which version the tables have, and how they get to ours. Looked at by every process that starts: mostly all is well.

What it takes to change them is loaded only if they must be changed: that takes longer than all else at the start.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from intake.database.engine import Database
from schemas.errors import Unavailable

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_VERSION_TABLE: Final = "alembic_version"


def newest_version() -> str:
    """The version this program works with: the number that the name of the last migration begins with."""
    return known_versions()[-1]


def known_versions() -> list[str]:
    """All versions there have been, the oldest first."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def upgrade(database: Database) -> None:
    """Bring the tables to the newest version, in one transaction. Several processes may do so at once: one works.

    Raises Unavailable if the database belongs to a newer program, or has tables but no version.
    """
    with database.read() as session:
        if require_known(session.connection(), database.where) == newest_version():
            return
    from intake.database.migrate import migrate  # noqa: PLC0415  # Alembic takes a third of a second to load

    migrate(database)


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
        return require_known(session.connection(), database.where)


def require_known(connection: Connection, where: str) -> str | None:
    """The version found, None for an empty database. Raises Unavailable for one we know nothing of."""
    tables = inspect(connection).get_table_names()
    found: str | None = None
    if _VERSION_TABLE in tables:
        found = connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608
    if found is None and "batches" in tables:
        raise Unavailable(f"The database at {where} has tables but no version: it was not made by this program.")
    if found is not None and found not in known_versions():
        raise Unavailable(f"The database at {where} has version {found}, which is newer than this program: update it.")
    return found
