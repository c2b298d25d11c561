"""Which model files have ever read here: noted when the service starts, so that old readings can still name theirs.

A reader's name holds the first digits of the SHA-256 of each model it reads with, for example
"pp-ocrv6-tiny-latin/0b52e879/openvino-2025.0".
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import Insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from extract.engines.models import model_folder, read_manifest
from intake.database.engine import Database
from intake.database.tables import Base, ModelFileRow
from schemas.errors import Unavailable

_TABLE: Final = Base.metadata.tables["model_files"]
_DIGITS: Final = re.compile(r"/([0-9a-f]{8})(?=/|>|$)")


class ModelFile(NamedTuple):
    """One model file: its name here, the SHA-256 of its bytes, and the distribution its weights came in."""

    name: str
    sha256: str
    source: str
    version: str
    recipe: str


def note_installed(database: Database) -> int:
    """Write down the model files installed here that are not known yet; how many. Raises Unavailable."""
    installed = _installed()
    with database.read() as session:
        if not _unknown(session, installed):
            return 0
    with database.write() as session:
        now = database.now(session)
        new = _unknown(session, installed)
        for file in new:
            # Workers start side by side.
            session.execute(_noting(session.get_bind().dialect.name), file._asdict() | {"noted_at": now})
    return len(new)


def of_reader(session: Session, reader: str) -> Sequence[tuple[str, ModelFile | None]]:
    """Of the models a reader reads with, the first digits of the SHA-256, and the file; None if it was never noted.

    Empty for a reader without models of ours.
    """
    found = []
    for digits in _DIGITS.findall(reader):
        query = select(*(_TABLE.c[name] for name in ModelFile._fields)).where(
            _TABLE.c.sha256 >= digits, _TABLE.c.sha256 < digits + "g"
        )
        row = session.execute(query.limit(1)).one_or_none()
        found.append((digits, None if row is None else ModelFile(*row)))
    return found


@cache
def _noting(dialect: str) -> Insert:
    inserting = postgresql.insert(_TABLE) if dialect == "postgresql" else sqlite.insert(_TABLE)
    return inserting.on_conflict_do_nothing(index_elements=[_TABLE.c.sha256])


def _installed() -> list[ModelFile]:
    try:
        entries = read_manifest(model_folder())
    except Unavailable:
        return []  # whoever wants to read says so
    return [ModelFile(name, entry.sha256, entry.source, entry.version, entry.recipe) for name, entry in entries.items()]


def _unknown(session: Session, files: Sequence[ModelFile]) -> list[ModelFile]:
    known = set(session.scalars(select(ModelFileRow.sha256)))
    return [file for file in files if file.sha256 not in known]
