"""`postroom webhooks`, as somebody at the machine of the service has it."""

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from intake import audit_search
from intake.database.tables import DeliveryRow, WebhookRow
from intake.events import webhooks
from intake.events.webhooks import AT_MOST, Wanted
from intake.service import Service, open_service
from intake.settings import load_settings
from review_ui.cli import app
from schemas.delivery import DeliveryState, WebhookState
from schemas.events import EventType

URL = "https://93.184.216.34/postroom"  # a number: nothing is looked up
NONE = "postroom: There is no such webhook.\n"


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and what was complained of."""
    done = CliRunner().invoke(app, ["webhooks", *arguments])
    return done.exit_code, done.stdout, done.stderr


pytestmark = pytest.mark.usefixtures("own_home")


@contextmanager
def opened() -> Iterator[Service]:
    """The service over the same data folder, to look at it behind the command's back."""
    service = open_service(load_settings())
    yield service
    service.close()


def added(*options: str) -> str:
    """The id of a new webhook."""
    code, printed, _ = run("add", URL, *options)
    assert code == 0
    return printed.split()[0]


def give_up(webhook: str, *days: int) -> None:
    """A dead letter for each of these days of March."""
    for day in days:
        assert run("test", webhook)[0] == 0
        with opened() as service, service.database.write() as session:
            row = session.scalars(select(DeliveryRow).order_by(DeliveryRow.id.desc()).limit(1)).one()
            row.state, row.state_since, row.attempts = DeliveryState.DEAD, datetime(2026, 3, day, 12, tzinfo=UTC), 9


def states() -> list[tuple[DeliveryState, int]]:
    """Where each delivery stands, and how often it was tried."""
    with opened() as service, service.database.read() as session:
        return [(row.state, row.attempts) for row in session.scalars(select(DeliveryRow).order_by(DeliveryRow.id))]


def audited() -> list[str]:
    """What stands in the audit, the newest first, all by whoever has run the command."""
    with opened() as service, service.database.read() as session:
        found = audit_search.search(session, about="", by=getpass.getuser(), before=None).entries
    return [entry.action for entry in found]


def test_a_webhook_is_added_with_a_secret_that_is_printed_once_and_listed_without_it() -> None:
    assert run("list") == (0, "", "")
    code, printed, said = run("add", URL, "--type", "record.published", "--type", "batch.completed", "--with-record")
    webhook, secret = printed.split()
    assert code == 0
    assert secret.startswith("whsec_")
    assert "shown this once" in said
    assert run("list") == (0, f"{webhook} active {URL}\n", "")
    with opened() as service, service.database.read() as session:
        [made] = webhooks.all_of(session)
    assert (made.types, made.with_record) == ((EventType.BATCH_COMPLETED, EventType.RECORD_PUBLISHED), True)
    assert audited() == ["webhook added"]


def test_the_list_says_since_when_one_fails_and_why_one_is_off() -> None:
    failing, off = added(), added()
    with opened() as service, service.database.write() as session:
        by_id = {str(row.public_id): row for row in session.scalars(select(WebhookRow))}
        by_id[failing].failing_since = datetime(2026, 3, 2, 14, 5, tzinfo=UTC)
        by_id[off].state, by_id[off].reason = WebhookState.DISABLED, "It answered 410: it wants nothing more."
    assert run("list")[1].splitlines() == [
        f"{failing} active {URL} failing since 2026-03-02T14:05:00+00:00",
        f"{off} disabled {URL} It answered 410: it wants nothing more.",
    ]


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "http://93.184.216.34/", "https://localhost/", "postroom"])
def test_an_address_events_may_not_go_to_makes_no_webhook(url: str) -> None:
    code, printed, said = run("add", url)
    assert (code, printed) == (1, "")
    assert said.startswith("postroom: It")
    assert run("list")[1] == ""


def test_there_are_so_many_and_no_more() -> None:
    with opened() as service, service.database.write() as session:
        office, now = webhooks.office_of(service.settings), service.database.now(session)
        for _ in range(AT_MOST):
            office.add(session, Wanted(URL), "anna", now)
    assert run("add", URL) == (1, "", "postroom: There are 100 webhooks; remove one first.\n")


def test_an_event_of_an_unknown_kind_is_refused() -> None:
    code, _, said = run("add", URL, "--type", "batch.lost")
    assert code == 2
    assert "batch.lost" in said


def test_a_secret_is_changed_and_the_new_one_printed() -> None:
    _, before, _ = run("add", URL)
    webhook, old = before.split()
    code, new, _ = run("rotate", webhook)
    assert code == 0
    assert new.startswith("whsec_")
    assert new.strip() != old
    with opened() as service, service.database.read() as session:
        [row] = session.scalars(select(WebhookRow))
        assert row.previous_until is not None
    assert audited() == ["webhook secret rotated", "webhook added"]


def test_a_test_waits_to_be_delivered() -> None:
    webhook = added()
    assert run("test", webhook) == (0, "", "It is on its way.\n")
    assert states() == [(DeliveryState.WAITING, 0)]
    assert audited() == ["webhook tested", "webhook added"]


def test_what_was_given_up_since_a_day_is_sent_again() -> None:
    webhook, other = added(), added()
    give_up(webhook, 2, 4)
    give_up(other, 5)
    assert run("replay", webhook, "--since", "2026-03-03") == (0, "1\n", "")
    dead, again = (DeliveryState.DEAD, 9), (DeliveryState.WAITING, 0)
    assert states() == [dead, again, dead]
    assert run("replay", webhook, "--since", "2026-03-01")[1] == "1\n"
    assert states() == [again, again, dead]
    assert run("replay", webhook, "--since", "2026-03-01")[1] == "0\n"
    assert audited()[:1] == ["deliveries replayed"]


def test_one_is_turned_off_and_on_again() -> None:
    webhook = added()
    assert run("off", webhook) == (0, "", "Turned off.\n")
    assert run("list")[1].split()[:2] == [webhook, "disabled"]
    assert run("on", webhook) == (0, "", "Turned on.\n")
    assert run("list")[1].split()[:2] == [webhook, "active"]
    assert audited()[:2] == ["webhook changed", "webhook changed"]


def test_one_whose_address_is_not_allowed_any_more_stays_off() -> None:
    webhook = added()
    run("off", webhook)
    with opened() as service, service.database.write() as session:
        session.scalars(select(WebhookRow)).one().url = "https://10.0.0.1/"
    assert run("on", webhook)[0] == 1
    assert run("list")[1].split()[:2] == [webhook, "disabled"]


def test_dead_letters_are_listed_the_newest_first() -> None:
    webhook, other = added(), added()
    give_up(webhook, 2, 4)
    give_up(other, 5)
    run("test", webhook)  # on its way, not dead
    code, listed, _ = run("dead", webhook)
    assert code == 0
    assert [line.split()[1] for line in listed.splitlines()] == [f"2026-03-0{day}T12:00:00+00:00" for day in (4, 2)]
    assert all(f"9 attempts webhook.test webhooks/{webhook}" in line for line in listed.splitlines())
    assert len(run("dead", webhook, "--limit", "1")[1].splitlines()) == 1


def test_the_moment_it_is_sent_again_from_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = added()
    give_up(webhook, 2)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        assert run("replay", webhook, "--since", "2026-03-02T12:00:01")[1] == "0\n"
        assert run("replay", webhook, "--since", "2026-03-02T12:00:00")[1] == "1\n"
    time.tzset()


def test_a_webhook_that_is_removed_is_listed_no_more() -> None:
    webhook = added()
    assert run("remove", webhook) == (0, "", "Removed.\n")
    assert run("list") == (0, "", "")
    assert run("remove", webhook) == (1, "", NONE)
    assert audited() == ["webhook removed", "webhook added"]


@pytest.mark.parametrize("command", ["remove", "rotate", "test", "replay", "on", "off", "dead"])
def test_an_id_that_nothing_has_is_told(command: str) -> None:
    since = ["--since", "2026-03-02"] if command == "replay" else []
    assert run(command, str(uuid4()), *since) == (1, "", NONE)
    code, _, said = run(command, "first", *since)
    assert code == 2
    assert "valid UUID" in said


def test_a_database_that_is_away_is_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", "postgresql://postroom@127.0.0.1:1/nothing")
    assert run("list")[0] == 5
