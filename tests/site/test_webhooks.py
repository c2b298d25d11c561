"""The pages about webhooks: what they show, who may use them, and that what is sent again is on its way again."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from intake import audit_search
from intake.database.tables import DeliveryRow, OutboxRow, WebhookRow
from intake.events import deliveries, webhooks
from intake.events.sending import Answer
from intake.service import Service
from review_ui.site.webhook_words import DELIVERIES, EVENTS, ended
from schemas.delivery import DeliveryOutcome, DeliveryState, WebhookState
from schemas.events import EventType
from schemas.people import Role
from tests.site import webhook_screens
from tests.site.served import SignedIn, Site
from tests.site.webhook_screens import FAILING, GONE, TAKING, add, send

MakePerson = Callable[[Role], SignedIn]
PUBLIC = "https://93.184.216.34/postroom"  # a number: nothing is looked up
REFUSED = Answer(DeliveryOutcome.REJECTED, 400)
LONG_AGO = timedelta(hours=30)


@pytest.fixture
def supervisor(person: MakePerson) -> SignedIn:
    return person(Role.SUPERVISOR)


def dead_letter(service: Service, webhook: UUID, ago: timedelta = LONG_AGO) -> UUID:
    """Something the receiver did not take for a day."""
    return send(service, webhook, REFUSED, REFUSED, since=ago)


def rows(site: Site) -> dict[UUID, DeliveryRow]:
    with site.service.database.read() as session:
        return {row.public_id: row for row in session.scalars(select(DeliveryRow).order_by(DeliveryRow.id))}


def state_of(site: Site, webhook: UUID) -> WebhookState:
    with site.service.database.read() as session:
        return webhooks.one(session, webhook).state


def done_by(site: Site, person: SignedIn) -> list[tuple[str, dict[str, object]]]:
    """What stands in the audit by that person: what, and its details."""
    with site.service.database.read() as session:
        found = audit_search.search(session, about="", by=person.person.actor, before=None)
    return [(entry.action, dict(entry.details)) for entry in found.entries]


def line_of(page: str, address: str) -> str:
    """The words of the row of the list that is about this address."""
    [row] = [row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if address in row]
    return " ".join(re.sub(r"<[^>]+>", " ", row).split())


def test_the_list_says_of_each_receiver_how_it_stands_and_why(site: Site, supervisor: SignedIn) -> None:
    assert "there is no receiver yet" in supervisor.get("/webhooks").text
    webhook_screens.furnish(site)
    page = supervisor.get("/webhooks").text
    assert re.fullmatch(r".* Register of licences On All \d+ \w+ \d{4}, \d\d:\d\d 0 0", line_of(page, TAKING))
    assert "Off It answered 410: it wants nothing more. Batch completed Nothing yet 0 1" in line_of(page, GONE)
    failing = line_of(page, FAILING[:40])
    assert "Failing Every attempt since " in failing
    assert "Batch received, Record published, Record corrected" in failing
    assert failing.endswith(" 2 2")
    assert "postroom webhooks add" in page


def test_the_page_of_one_tells_what_could_not_be_delivered_and_why_but_nothing_of_what_is_in_it(
    site: Site, supervisor: SignedIn
) -> None:
    service = site.service
    office = webhooks.office_of(service.settings)
    with service.database.write() as session:
        made, secret = office.add(session, webhooks.Wanted(PUBLIC), "operations", service.database.now(session))
    delivery = dead_letter(service, made.id)
    waiting = send(service, made.id)
    page = supervisor.get(f"/webhooks/{made.id}").text
    with service.database.read() as session:
        query = select(OutboxRow).join(DeliveryRow).order_by(OutboxRow.id)
        dead, open_one = session.scalars(query).all()
    for event in (dead, open_one):
        assert str(event.public_id) in page
        assert event.subject in page
    assert "It did not take it (answer 400)." in page
    assert "None yet" in page
    assert f"/deliveries/{delivery}/replay" in page
    assert f"/deliveries/{waiting}/replay" not in page
    for kept in (dead.data["received_on"], dead.data["link"], secret.removeprefix("whsec_")):
        assert kept not in page


def test_a_dead_letter_that_is_sent_again_is_the_next_to_be_sent(site: Site, supervisor: SignedIn) -> None:
    database = site.service.database
    webhook = add(site.service, PUBLIC)
    first, second = dead_letter(site.service, webhook), dead_letter(site.service, webhook, timedelta(hours=28))
    answer = supervisor.post(f"/webhooks/{webhook}/deliveries/{first}/replay")
    assert answer.headers["location"] == f"/webhooks/{webhook}?done=again"
    assert "It is on its way again." in supervisor.get(answer.headers["location"]).text
    found = rows(site)
    assert (found[first].state, found[first].attempts) == (DeliveryState.WAITING, 0)
    assert found[second].state is DeliveryState.DEAD
    assert done_by(site, supervisor) == [("deliveries replayed", {"count": 1})]
    with database.write() as session:
        now = database.now(session)
        [key] = deliveries.due(session, now)
        claim = deliveries.claim(session, key, now, timedelta(minutes=1))
    assert claim is not None
    assert claim.delivery_id == found[first].id


def test_all_dead_letters_are_sent_again_at_once_and_none_of_another_receiver(site: Site, supervisor: SignedIn) -> None:
    webhook, other = add(site.service, PUBLIC), add(site.service, TAKING)
    mine = [dead_letter(site.service, webhook, timedelta(hours=hours)) for hours in (40, 30, 26)]
    theirs = dead_letter(site.service, other)
    answer = supervisor.post(f"/webhooks/{webhook}/replay")
    assert answer.headers["location"] == f"/webhooks/{webhook}?done=all"
    found = rows(site)
    assert [found[each].state for each in mine] == [DeliveryState.WAITING] * 3
    assert found[theirs].state is DeliveryState.DEAD
    assert done_by(site, supervisor) == [("deliveries replayed", {"count": 3})]
    again = supervisor.post(f"/webhooks/{webhook}/replay")
    assert again.headers["location"] == f"/webhooks/{webhook}?done=none"


def test_nothing_is_sent_again_to_a_receiver_that_is_off(site: Site, supervisor: SignedIn) -> None:
    webhook = add(site.service, PUBLIC)
    delivery = dead_letter(site.service, webhook)
    supervisor.post(f"/webhooks/{webhook}/disable", {"version": "1"})
    page = supervisor.get(f"/webhooks/{webhook}").text
    assert "Turn the receiver on to send them again." in page
    assert "/replay" not in page
    for path in (f"/webhooks/{webhook}/replay", f"/webhooks/{webhook}/deliveries/{delivery}/replay"):
        answer = supervisor.post(path)
        assert answer.status_code == 409
        assert "Turn it on first." in answer.text
    assert rows(site)[delivery].state is DeliveryState.DEAD
    assert [action for action, _ in done_by(site, supervisor)] == ["webhook changed"]


def test_a_receiver_is_turned_off_and_on_against_what_was_looked_at(site: Site, supervisor: SignedIn) -> None:
    webhook = add(site.service, PUBLIC, "Case files", EventType.BATCH_COMPLETED)
    off = supervisor.post(f"/webhooks/{webhook}/disable", {"version": "1"})
    assert off.headers["location"] == f"/webhooks/{webhook}?done=disabled"
    assert state_of(site, webhook) is WebhookState.DISABLED
    assert "Somebody switched it off." in supervisor.get("/webhooks").text
    stale = supervisor.post(f"/webhooks/{webhook}/enable", {"version": "1"})
    assert stale.status_code == 409
    assert "It was changed since you looked at it." in stale.text
    assert state_of(site, webhook) is WebhookState.DISABLED
    supervisor.post(f"/webhooks/{webhook}/enable", {"version": "2"})
    with site.service.database.read() as session:
        found = webhooks.one(session, webhook)
    assert (found.state, found.reason, found.version) == (WebhookState.ACTIVE, "", 3)
    assert (found.url, found.description, found.types) == (PUBLIC, "Case files", (EventType.BATCH_COMPLETED,))
    assert done_by(site, supervisor) == [
        ("webhook changed", {"active": active, "new_address": False}) for active in (True, False)
    ]


def test_a_receiver_where_events_may_not_go_any_more_stays_off(site: Site, supervisor: SignedIn) -> None:
    webhook = add(site.service, "https://10.0.0.1/")
    supervisor.post(f"/webhooks/{webhook}/disable", {"version": "1"})
    refused = supervisor.post(f"/webhooks/{webhook}/enable", {"version": "2"})
    assert refused.status_code == 422
    assert "It was not turned on. Its host is not a public address." in refused.text
    assert state_of(site, webhook) is WebhookState.DISABLED


ACTIONS = ("/webhooks/{webhook}/replay", "/webhooks/{webhook}/deliveries/{delivery}/replay",
           "/webhooks/{webhook}/disable", "/webhooks/{webhook}/enable")  # fmt: skip


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.SUPERVISOR, Role.ADMIN}))
def test_nobody_but_supervisors_and_admins_sees_or_changes_anything(site: Site, person: MakePerson, role: Role) -> None:
    webhook = add(site.service, PUBLIC)
    delivery, somebody = dead_letter(site.service, webhook), person(role)
    for path in ("/webhooks", f"/webhooks/{webhook}"):
        refused = somebody.get(path)
        assert refused.status_code == 403
        assert PUBLIC not in refused.text
        assert 'href="/webhooks"' not in refused.text
    for path in ACTIONS:
        address = path.format(webhook=webhook, delivery=delivery)
        assert somebody.post(address, {"version": "1"}).status_code == 403
    assert_unchanged(site, webhook, delivery)


def test_an_admin_finds_them_beside_people_and_audit(person: MakePerson) -> None:
    page = person(Role.ADMIN).get("/people").text
    assert re.findall(r'site-nav__link" href="(/\w+)"', page)[-4:-1] == ["/webhooks", "/people", "/audit"]


def test_nothing_happens_without_the_token_of_the_session(site: Site, person: MakePerson) -> None:
    webhook = add(site.service, PUBLIC)
    delivery, admin = dead_letter(site.service, webhook), person(Role.ADMIN)
    for path in ACTIONS:
        for token in ({}, {"csrf_token": "0" * 64}, {"csrf_token": person(Role.ADMIN).csrf}):
            address = path.format(webhook=webhook, delivery=delivery)
            refused = admin.client.post(address, data={"version": "1"} | token)
            assert refused.status_code == 403
            assert "Load the page again" in refused.text
    assert_unchanged(site, webhook, delivery)


def assert_unchanged(site: Site, webhook: UUID, delivery: UUID) -> None:
    assert rows(site)[delivery].state is DeliveryState.DEAD
    with site.service.database.read() as session:
        assert session.scalars(select(WebhookRow.version).where(WebhookRow.public_id == webhook)).one() == 1


def test_what_is_not_there_is_not_found(site: Site, supervisor: SignedIn) -> None:
    webhook, other = add(site.service, PUBLIC), add(site.service, TAKING)
    theirs = dead_letter(site.service, other)
    for path in ACTIONS:
        assert_none(supervisor.post(path.format(webhook=uuid4(), delivery=theirs), {"version": "1"}))
    for delivery in (uuid4(), theirs):
        assert_none(supervisor.post(f"/webhooks/{webhook}/deliveries/{delivery}/replay"))
    assert rows(site)[theirs].state is DeliveryState.DEAD
    with site.service.database.write() as session:
        webhooks.remove(session, webhook, "operations", site.service.database.now(session))
    assert_none(supervisor.get(f"/webhooks/{webhook}"))
    assert PUBLIC not in supervisor.get("/webhooks").text


def assert_none(answer: httpx.Response) -> None:
    assert answer.status_code == 404
    assert "Page not found" in answer.text


def test_every_delivery_is_on_one_page_of_many(site: Site, supervisor: SignedIn) -> None:
    webhook = add(site.service, PUBLIC)
    made = {dead_letter(site.service, webhook, timedelta(hours=26, minutes=minute)) for minute in range(30)}
    for name in ("dead_before", "before"):
        pages = list(pages_of(supervisor, f"/webhooks/{webhook}", name))
        assert len(pages) == 2
    shown = [
        re.findall(r"/deliveries/([\w-]{36})/replay", page)
        for page in pages_of(supervisor, f"/webhooks/{webhook}", "dead_before")
    ]
    assert [len(each) for each in shown] == [25, 5]
    assert {UUID(each) for page in shown for each in page} == made


def pages_of(person: SignedIn, path: str, name: str) -> Iterator[str]:
    """The page, and the older ones it leads to by that name."""
    page = person.get(path).text
    yield page
    while (older := re.search(rf'href="{path}\?({name}=\d+)"', page)) is not None:
        page = person.get(f"{path}?{older[1]}").text
        yield page


def test_a_success_that_is_long_ago_is_not_taken_for_none_at_all(site: Site, supervisor: SignedIn) -> None:
    webhook = add(site.service, PUBLIC)
    assert "Nothing yet" in supervisor.get("/webhooks").text
    with site.service.database.write() as session:
        row = session.scalars(select(WebhookRow).where(WebhookRow.public_id == webhook)).one()
        row.created_at -= timedelta(days=31)
    assert "Not in the last 30 days" in supervisor.get("/webhooks").text


def test_every_state_event_and_error_has_words() -> None:
    assert set(EVENTS) == set(EventType)
    assert set(DELIVERIES) == set(DeliveryState)
    for outcome in DeliveryOutcome:
        for status in (None, 503):
            assert re.fullmatch(r"[A-Z].+[^.]\.", ended(outcome, status))
    assert ended(DeliveryOutcome.REDIRECTED, 302) == "It named another address, which is not followed (answer 302)."
    assert ended(None, None) == ""


def test_a_supervisor_sends_a_dead_letter_again_with_the_button(
    site: Site, supervisor: SignedIn, open_page: Callable[[SignedIn | None], Page]
) -> None:
    webhook = add(site.service, PUBLIC, "Case files")
    delivery = dead_letter(site.service, webhook)
    page = open_page(supervisor)
    page.goto("/webhooks")
    page.get_by_role("link", name=PUBLIC).click()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("It is on its way again.")).to_be_visible()
    expect(page.get_by_text("There are no dead letters.")).to_be_visible()
    assert rows(site)[delivery].state is DeliveryState.WAITING
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_text("It was turned off.")).to_be_visible()
    assert state_of(site, webhook) is WebhookState.DISABLED
