"""The audit is looked through from its end: all of it, what is about one thing, what one person did."""

from datetime import UTC, datetime

from intake import audit, audit_search
from intake.database.engine import Database

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def fill(database: Database, count: int) -> None:
    with database.write() as session:
        for number in range(1, count + 1):
            subject = f"document:{number % 3}"
            audit.append(session, NOW, f"person:{number % 2}", "looked at", subject, {"page": number})


def test_pages_follow_each_other_without_a_gap(database: Database) -> None:
    fill(database, 120)
    seen, before = [], None
    with database.read() as session:
        while True:
            found = audit_search.search(session, before=before)
            seen += [entry.sequence for entry in found.entries]
            if found.older is None:
                break
            before = found.older
    assert seen == list(range(120, 0, -1))


def test_what_is_about_one_thing_and_what_one_person_did(database: Database) -> None:
    fill(database, 30)
    with database.read() as session:
        about = audit_search.search(session, about="document:1")
        both = audit_search.search(session, about="document:1", by="person:0")
        none = audit_search.search(session, by="person")
    assert [entry.sequence for entry in about.entries] == [28, 25, 22, 19, 16, 13, 10, 7, 4, 1]
    assert [entry.sequence for entry in both.entries] == [28, 22, 16, 10, 4]
    assert both.entries[0].details == {"page": 28}
    assert (none.entries, none.older) == ([], None)


def test_an_empty_audit_is_an_empty_page(database: Database) -> None:
    with database.read() as session:
        assert audit_search.search(session) == audit_search.Found([], None)
