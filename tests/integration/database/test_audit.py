"""The audit: nothing in it can be changed, removed, inserted or moved without it being found."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from intake import audit
from intake.audit import BEGINNING, Break, Head
from intake.database.engine import Database
from tests.integration.database.small_world import NOW, add_document, publish, receive_pieces

ENTRIES = 12


@pytest.fixture
def chain(database: Database) -> Database:
    with database.write() as session:
        for number in range(1, ENTRIES + 1):
            at = NOW + timedelta(microseconds=number)
            audit.append(session, at, "anna", "looked", f"piece:{number}", {"page": 1, "found": True, "of": None})
    return database


def unlock(database: Database) -> None:
    """Remove what keeps the table from being changed: whoever owns the database can."""
    with database.write() as session:
        if database.is_postgresql:
            session.execute(text("DROP TRIGGER audit_refuse_change ON audit"))
        else:
            session.execute(text("DROP TRIGGER audit_refuse_update"))
            session.execute(text("DROP TRIGGER audit_refuse_delete"))


def run(*statements: str) -> Callable[[Session], None]:
    def deed(session: Session) -> None:
        for statement in statements:
            session.execute(text(statement))

    return deed


def forge_the_end(session: Session) -> None:
    """Cut off the last three entries, and put the head where the chain then ends."""
    session.execute(text("DELETE FROM audit WHERE sequence > 9"))
    session.execute(text("UPDATE audit_head SET length = 9, hash = (SELECT hash FROM audit WHERE sequence = 9)"))


def forge_all(session: Session) -> None:
    """Write the whole chain anew, with another actor in entry 5: every hash fits."""
    rows = session.execute(text("SELECT sequence, action, subject FROM audit ORDER BY sequence")).all()
    session.execute(text("DELETE FROM audit"))
    session.execute(text("UPDATE audit_head SET length = 0, hash = :hash"), {"hash": BEGINNING})
    for number, action, subject in rows:
        audit.append(session, NOW, "mallory" if number == 5 else "anna", action, subject)


COPY = (
    "INSERT INTO audit SELECT 13, at, actor, action, subject, details, prev_hash, hash FROM audit WHERE sequence = 12"
)
FORGERIES: dict[str, tuple[Callable[[Session], None], int]] = {
    "an actor changed": (run("UPDATE audit SET actor = 'bert' WHERE sequence = 5"), 5),
    "a detail changed": (run("UPDATE audit SET details = '{}' WHERE sequence = 7"), 7),
    "a hash changed": (run("UPDATE audit SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE sequence = 3"), 3),
    "an entry deleted": (run("DELETE FROM audit WHERE sequence = 6"), 6),
    "the first entry deleted": (run("DELETE FROM audit WHERE sequence = 1"), 1),
    "the last entry deleted": (run("DELETE FROM audit WHERE sequence = 12"), 12),
    "an entry inserted": (run(COPY), 13),
    "two entries swapped": (
        run(
            "UPDATE audit SET sequence = 99 WHERE sequence = 4",
            "UPDATE audit SET sequence = 4 WHERE sequence = 8",
            "UPDATE audit SET sequence = 8 WHERE sequence = 99",
        ),
        4,
    ),
    "the moment of an entry changed": (
        run("UPDATE audit SET at = (SELECT at FROM audit WHERE sequence = 1) WHERE sequence = 2"),
        2,
    ),
}


def test_an_untouched_chain_holds(chain: Database) -> None:
    with chain.read() as session:
        assert audit.head(session).length == ENTRIES
        assert audit.verify(session) is None
        assert audit.verify(session, [audit.head(session)]) is None


def test_an_empty_chain_holds(database: Database) -> None:
    with database.read() as session:
        assert audit.head(session) == Head(0, BEGINNING)
        assert audit.verify(session) is None


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forgery_is_found_at_its_place(chain: Database, what: str) -> None:
    deed, place = FORGERIES[what]
    unlock(chain)
    with chain.write() as session:
        deed(session)
    with chain.read() as session:
        found = audit.verify(session)
    assert isinstance(found, Break)
    assert found.sequence == place


@pytest.mark.parametrize("deed", [forge_the_end, forge_all])
def test_a_chain_forged_as_a_whole_is_found_by_a_head_kept_outside(
    chain: Database, deed: Callable[[Session], None]
) -> None:
    with chain.read() as session:
        kept = audit.head(session)
    unlock(chain)
    with chain.write() as session:
        deed(session)
    with chain.read() as session:
        assert audit.verify(session) is None
        found = audit.verify(session, [kept])
    assert isinstance(found, Break)


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'bert'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_the_audit(chain: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="audit is never changed"), chain.write() as session:
        session.execute(text(statement))


@pytest.mark.parametrize("statement", ["UPDATE revisions SET body = '[]'", "DELETE FROM revisions"])
def test_the_database_itself_refuses_to_change_a_published_revision(database: Database, statement: str) -> None:
    with database.write() as session:
        [piece] = receive_pieces(session, 1)
        publish(session, add_document(session, piece))
    with pytest.raises(DBAPIError, match="revisions is never changed"), database.write() as session:
        session.execute(text(statement))


def test_writers_side_by_side_make_one_chain(database: Database) -> None:
    def write(number: int) -> None:
        with database.write() as session:
            audit.append(session, NOW, f"worker-{number}", "read", f"piece:{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(64)))
    with database.read() as session:
        assert audit.head(session).length == 64
        assert audit.verify(session) is None


def test_what_is_rolled_back_is_not_in_the_audit(database: Database) -> None:
    with database.write() as session:
        audit.append(session, NOW, "anna", "looked", "piece:1")
        session.rollback()
    with database.read() as session:
        assert audit.head(session).length == 0
