"""Whatever is done to the audit log behind our back is found: seeded mutations, one after the other, of one chain.

Who owns the database can remove what keeps the table from being changed, so that is where each mutation begins.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from intake import audit
from intake.audit import BEGINNING, Head
from intake.database.engine import Database
from tests.integration.database.small_world import NOW
from tests.integration.database.test_audit import unlock

ENTRIES: Final = 24
MUTATIONS: Final = {"sqlite": 1_000, "postgresql": 120}
SEED: Final = 20261126
TEXTS: Final = ("actor", "action", "subject", "details")
COLUMNS: Final = ("sequence", "at", *TEXTS, "prev_hash", "hash")

Mutation = Callable[[Session, random.Random], None]


@pytest.fixture
def chain(database: Database) -> Database:
    with database.write() as session:
        for number in range(1, ENTRIES + 1):
            at = NOW + timedelta(seconds=number, microseconds=number % 3)
            audit.append(session, at, f"person:{number % 5}", "looked at", f"piece:{number}", {"page": number})
    unlock(database)
    if database.is_postgresql:
        with database.write() as session:
            session.execute(text("ALTER TABLE audit DROP CONSTRAINT ck_audit_hashes"))
    return database


def test_every_seeded_mutation_is_found(chain: Database) -> None:
    kept, missed, kinds = _mutate(chain, MUTATIONS[chain.engine.dialect.name])
    assert missed == []
    assert set(kinds) == {mutation.__name__ for mutation in (*FOUND_BY_THE_CHAIN, *FOUND_BY_A_KEPT_HEAD)}
    with chain.read() as session:
        assert audit.verify(session, [kept]) is None


def _mutate(database: Database, count: int) -> tuple[Head, list[str], dict[str, int]]:
    """(the head before, mutations that were not found as they should be, how many there were of each kind)."""
    chosen = random.Random(SEED)  # noqa: S311  # the same mutations every time
    missed: list[str] = []
    kinds: dict[str, int] = {}
    with database.read() as session:
        kept, before = audit.head(session), _dump(session)
    while sum(kinds.values()) < count:
        alone = chosen.random() < 0.85
        mutation = chosen.choice(FOUND_BY_THE_CHAIN if alone else FOUND_BY_A_KEPT_HEAD)
        with database.write() as session:
            if not database.is_postgresql:
                session.execute(text("PRAGMA ignore_check_constraints=ON"))
            mutation(session, chosen)
            if _dump(session) != before:
                kinds[mutation.__name__] = kinds.get(mutation.__name__, 0) + 1
                found = audit.verify(session) is not None, audit.verify(session, [kept]) is not None
                if found != (alone, True):
                    missed.append(f"{sum(kinds.values())}: {mutation.__name__} {found}")
            session.rollback()
    return kept, missed, kinds


def _dump(session: Session) -> list[Any]:
    """All there is, as it is stored."""
    rows = session.execute(text("SELECT * FROM audit ORDER BY sequence")).all()
    return [*rows, *session.execute(text("SELECT * FROM audit_head")).all()]


def change_a_text(session: Session, chosen: random.Random) -> None:
    column, number = chosen.choice(TEXTS), chosen.randint(1, ENTRIES)
    old = str(session.execute(text(f"SELECT {column} FROM audit WHERE sequence = {number}")).scalar_one())  # noqa: S608
    place = chosen.randrange(len(old) + 1)
    news = [
        "", f"{old} ", f" {old}", old.upper(), old[:place] + chosen.choice("aZ0-\u00a0\u0430") + old[place:],
        old[:place] + old[place + 1 :], old[::-1],
    ]  # fmt: skip
    _set(session, column, number, chosen.choice(news))


def change_a_text_to_that_of_another_entry(session: Session, chosen: random.Random) -> None:
    one, other = chosen.sample(range(1, ENTRIES + 1), 2)
    column = chosen.choice(COLUMNS[1:])
    of_other = f"SELECT {column} FROM audit WHERE sequence = {other}"  # noqa: S608
    session.execute(text(f"UPDATE audit SET {column} = ({of_other}) WHERE sequence = {one}"))  # noqa: S608


def change_a_hash(session: Session, chosen: random.Random) -> None:
    column, number = chosen.choice(("hash", "prev_hash")), chosen.randint(1, ENTRIES)
    old = str(session.execute(text(f"SELECT {column} FROM audit WHERE sequence = {number}")).scalar_one())  # noqa: S608
    place = chosen.randrange(64)
    flipped = old[:place] + format(int(old[place], 16) ^ (1 << chosen.randrange(4)), "x") + old[place + 1 :]
    _set(session, column, number, chosen.choice([flipped, old.upper(), old[:-1], "0" * 64, old[::-1]]))


def change_a_moment(session: Session, chosen: random.Random) -> None:
    number, by = chosen.randint(1, ENTRIES), chosen.choice([1, -1, 1_000_000, 3_600_000_000])
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    moved = NOW + timedelta(seconds=number, microseconds=number % 3 + by)
    _set(session, "at", number, f"{moved:%Y-%m-%d %H:%M:%S.%f}" if is_sqlite else moved)


def write_what_is_none_of_our_kind(session: Session, chosen: random.Random) -> None:
    """On SQLite a column holds whatever it is given, and a moment can be written in several ways."""
    number = chosen.randint(1, ENTRIES)
    if session.get_bind().dialect.name != "sqlite":
        _set(session, "details", number, "null")
        return
    how = chosen.choice([
        "actor = CAST(actor AS BLOB)", "hash = CAST(hash AS BLOB)", "details = x'ff00'", "at = replace(at, ' ', 'T')",
        "at = at || '0'", "at = at || '+00:00'", "at = 'long ago'", "at = 5", "subject = subject || char(0)",
    ])  # fmt: skip
    session.execute(text(f"UPDATE audit SET {how} WHERE sequence = {number}"))  # noqa: S608


def renumber_an_entry(session: Session, chosen: random.Random) -> None:
    new = chosen.choice([0, -1, -chosen.randint(2, 999), ENTRIES + 1, ENTRIES + 7])
    session.execute(text(f"UPDATE audit SET sequence = {new} WHERE sequence = {chosen.randint(1, ENTRIES)}"))  # noqa: S608


def delete_some(session: Session, chosen: random.Random) -> None:
    first, length = chosen.randint(1, ENTRIES), chosen.choice([1, 1, 1, 2, 5, ENTRIES])
    session.execute(text(f"DELETE FROM audit WHERE sequence BETWEEN {first} AND {first + length - 1}"))  # noqa: S608


def delete_some_and_close_the_gap(session: Session, chosen: random.Random) -> None:
    first, length = chosen.randint(1, ENTRIES - 1), chosen.choice([1, 1, 2, 5])
    delete = f"DELETE FROM audit WHERE sequence BETWEEN {first} AND {first + length - 1}"  # noqa: S608
    session.execute(text(delete))
    for number in range(first + length, ENTRIES + 1):
        session.execute(text(f"UPDATE audit SET sequence = {number - length} WHERE sequence = {number}"))  # noqa: S608


def swap_two(session: Session, chosen: random.Random) -> None:
    one, other = chosen.sample(range(1, ENTRIES + 1), 2)
    for old, new in ((one, 999), (other, one), (999, other)):
        session.execute(text(f"UPDATE audit SET sequence = {new} WHERE sequence = {old}"))  # noqa: S608


def swap_what_two_say(session: Session, chosen: random.Random) -> None:
    one, other = chosen.sample(range(1, ENTRIES + 1), 2)
    column = chosen.choice(("at", "subject", "details", "hash", "prev_hash"))
    query = text(f"SELECT {column} FROM audit WHERE sequence IN ({one}, {other}) ORDER BY sequence")  # noqa: S608
    first, second = session.execute(query).scalars()
    _set(session, column, min(one, other), second)
    _set(session, column, max(one, other), first)


def insert_a_copy(session: Session, chosen: random.Random) -> None:
    place = chosen.choice([ENTRIES + 1, 0, -1, -7])
    names = ", ".join(COLUMNS[1:])
    copied = f"SELECT {place}, {names} FROM audit WHERE sequence = {chosen.randint(1, ENTRIES)}"  # noqa: S608
    session.execute(text(f"INSERT INTO audit (sequence, {names}) {copied}"))


def insert_an_entry_that_fits_the_one_before(session: Session, chosen: random.Random) -> None:
    """With a true hash of its own, all behind it moved by one: only what follows gives it away."""
    place = chosen.randint(1, ENTRIES)
    for number in range(ENTRIES, place - 1, -1):
        session.execute(text(f"UPDATE audit SET sequence = {number + 1} WHERE sequence = {number}"))  # noqa: S608
    _put_head_at(session, place - 1)
    audit.append(session, NOW, "mallory", "looked at", "piece:1")
    _put_head_at(session, ENTRIES + 1)


def rewrite_an_entry_with_a_true_hash(session: Session, chosen: random.Random) -> None:
    _rewrite(session, chosen.randint(1, ENTRIES - 1), until=1)
    _put_head_at(session, ENTRIES)


def cut_off_the_end(session: Session, chosen: random.Random) -> None:
    session.execute(text(f"DELETE FROM audit WHERE sequence > {chosen.randrange(ENTRIES)}"))  # noqa: S608


def change_the_head(session: Session, chosen: random.Random) -> None:
    how = chosen.choice([
        "length = length + 1", "length = length - 1", "length = 0", f"hash = '{BEGINNING}'",
        "hash = (SELECT prev_hash FROM audit WHERE sequence = 9)", "hash = upper(hash)",
    ])  # fmt: skip
    session.execute(text("DELETE FROM audit_head" if chosen.random() < 0.2 else f"UPDATE audit_head SET {how}"))  # noqa: S608


def cut_off_the_end_with_the_head(session: Session, chosen: random.Random) -> None:
    left = chosen.randrange(ENTRIES)
    session.execute(text(f"DELETE FROM audit WHERE sequence > {left}"))  # noqa: S608
    _put_head_at(session, left)


def rewrite_the_end_with_the_head(session: Session, chosen: random.Random) -> None:
    _rewrite(session, chosen.randint(1, ENTRIES), until=ENTRIES)


def cut_off_the_end_and_go_on(session: Session, chosen: random.Random) -> None:
    cut_off_the_end_with_the_head(session, chosen)
    for number in range(chosen.choice([ENTRIES, 2 * ENTRIES])):
        audit.append(session, NOW + timedelta(days=1), "mallory", "looked at", f"piece:{number}")


FOUND_BY_THE_CHAIN: Final[tuple[Mutation, ...]] = (
    change_a_text, change_a_text_to_that_of_another_entry, change_a_hash, change_a_moment,
    write_what_is_none_of_our_kind, renumber_an_entry, delete_some, delete_some_and_close_the_gap, swap_two,
    swap_what_two_say, insert_a_copy, insert_an_entry_that_fits_the_one_before, rewrite_an_entry_with_a_true_hash,
    cut_off_the_end, change_the_head,
)  # fmt: skip
# Nothing in the database can tell these from a true chain.
FOUND_BY_A_KEPT_HEAD: Final[tuple[Mutation, ...]] = (
    cut_off_the_end_with_the_head, rewrite_the_end_with_the_head, cut_off_the_end_and_go_on,
)  # fmt: skip


def _set(session: Session, column: str, number: int, value: object) -> None:
    session.execute(text(f"UPDATE audit SET {column} = :value WHERE sequence = {number}"), {"value": value})  # noqa: S608


def _put_head_at(session: Session, number: int) -> None:
    found = session.execute(text(f"SELECT hash FROM audit WHERE sequence = {number}")).scalar_one_or_none()  # noqa: S608
    session.execute(
        text("UPDATE audit_head SET length = :length, hash = :hash"), {"length": number, "hash": found or BEGINNING}
    )


def _rewrite(session: Session, first: int, until: int) -> None:
    """Write the entries from `first` on anew with another actor, so many at most; each hash fits what is before it."""
    query = text("SELECT action, subject FROM audit WHERE sequence >= :first ORDER BY sequence LIMIT :until")
    rows = session.execute(query, {"first": first, "until": until}).all()
    session.execute(
        text("DELETE FROM audit WHERE sequence BETWEEN :first AND :last"),
        {"first": first, "last": first + len(rows) - 1},
    )
    _put_head_at(session, first - 1)
    for action, subject in rows:
        audit.append(session, NOW, "mallory", action, subject)
