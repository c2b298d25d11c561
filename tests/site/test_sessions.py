"""What becomes of people who are signed out while they work, and where they are sent after signing in."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page
from sqlalchemy import select, update

from intake.database.tables import AuditRow, SessionRow
from intake.people import accounts, passwords, sessions, throttle
from review_ui.serve import tell_first_link
from schemas.errors import Unavailable
from schemas.people import Role
from tests.site.served import PASSWORD, SignedIn, Site, form_token

MakePerson = Callable[[Role], SignedIn]


def age(site: Site, **columns: float) -> None:
    """As if all sessions were so many seconds older."""
    with site.service.database.write() as session:
        now = site.service.database.now(session)
        values = {name: now - timedelta(seconds=seconds) for name, seconds in columns.items()}
        session.execute(update(SessionRow).values(**values))


@pytest.mark.parametrize("how", [{"seen_at": 1801.0}, {"expires_at": 1.0}])
def test_a_session_that_has_ended_leads_to_the_door_and_back(
    site: Site, person: MakePerson, how: dict[str, float]
) -> None:
    anna = person(Role.ADMIN)
    assert anna.get("/people?done=role").status_code == 200
    age(site, **how)
    answer = anna.get("/people?done=role")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/people%3Fdone%3Drole")
    client = site.client()
    door = client.get(answer.headers["location"])
    data = {"csrf_token": form_token(door.text), "name": anna.person.name, "password": PASSWORD}
    back = client.post("/sign-in", data=data | {"next": "/people?done=role"})
    assert (back.status_code, back.headers["location"]) == (303, "/people?done=role")
    assert client.get(back.headers["location"]).status_code == 200


def test_what_the_page_asks_by_itself_does_not_keep_a_session_alive(site: Site, person: MakePerson) -> None:
    anna = person(Role.ADMIN)
    age(site, seen_at=1700.0)
    assert anna.get("/session", headers={"Accept": "application/json"}).status_code == 200
    age_after = _seen(site)
    assert anna.get("/account").status_code == 200
    assert _seen(site) > age_after


def _seen(site: Site) -> float:
    with site.service.database.read() as session:
        return session.scalars(select(SessionRow.seen_at)).one().timestamp()


@pytest.mark.parametrize(
    "where",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "/\t/evil.example", "/%0d%0aSet-Cookie:x=y\r\nX: y", "http:evil.example", "///evil.example", " /people",
     "/people\n", "/sign-in?next=/", "/sign-out", "/v1/batches", "data:text/html,x", "", "people", "/" + "x" * 3000,
     "/people\x00", "/a//../\\evil.example"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere_after_signing_in(site: Site, where: str) -> None:
    site.make_person(Role.ADMIN, "anna")
    client = site.client()
    door = client.get(f"/sign-in?next={quote(where)}")
    assert "evil" not in door.text
    data = {"csrf_token": form_token(door.text), "name": "anna", "password": PASSWORD, "next": where}
    answer = client.post("/sign-in", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    again = client.get(f"/sign-in?next={quote(where)}")
    assert (again.status_code, again.headers["location"]) == (303, "/")


def test_a_form_that_was_sent_too_late_is_kept_and_sent_again_after_signing_in(
    site: Site, person: MakePerson, open_page: Callable[[SignedIn | None], Page], axe: Callable[[Page], None]
) -> None:
    anna = person(Role.ADMIN)
    page = open_page(anna)
    page.goto("/people")
    page.locator("#shown_as").fill('Ben <b>"Bold"</b>')
    page.locator("#name").fill("ben")
    page.get_by_label("Auditor").check()
    with site.service.database.write() as session:
        session.execute(update(SessionRow).values(expires_at=site.service.database.now(session)))
    page.get_by_role("button", name="Invite").click()
    assert page.locator("h1").inner_text() == "You were signed out"
    axe(page)
    page.get_by_role("button", name="Send it again").click()
    page.get_by_text("You are not signed in yet").wait_for()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in").click()
    door = opened.value
    door.locator("#name").fill(anna.person.name)
    door.locator("#password").fill(PASSWORD)
    door.locator("main button[type=submit]").click()
    door.wait_for_url(site.url + "/account")
    page.get_by_role("button", name="Send it again").click()
    page.get_by_role("heading", name='Ben <b>"Bold"</b> is invited').wait_for()
    with site.service.database.read() as session:
        assert accounts.named(session, "ben").person.role is Role.AUDITOR


def test_passwords_are_never_kept_on_a_page(site: Site, person: MakePerson) -> None:
    anna = person(Role.ADMIN)
    site.service.database.now()
    age(site, expires_at=1.0)
    answer = anna.post(
        "/account/password", {"current": PASSWORD, "password": "a new one of mine", "again": "a new one"}
    )
    assert answer.status_code == 401
    assert PASSWORD not in answer.text
    assert "a new one" not in answer.text


def test_signing_out_ends_the_session_on_the_server_and_clears_the_browser(site: Site, person: MakePerson) -> None:
    anna = person(Role.OPERATOR)
    answer = anna.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert any("postroom_session=" in each and "Max-Age=0" in each for each in answer.headers.get_list("set-cookie"))
    assert answer.headers["clear-site-data"] == '"cache"'
    stolen = site.client(Cookie=f"postroom_session={anna.token}")
    assert stolen.get("/account").status_code == 303
    assert anna.post("/sign-out").headers["location"] == "/sign-in"


def test_signing_in_gives_a_new_session_whatever_the_browser_held(site: Site) -> None:
    site.make_person(Role.OPERATOR, "anna")
    client = site.client()
    client.cookies.set("postroom_session", "chosen-by-somebody-else")
    data = {"csrf_token": form_token(client.get("/sign-in").text), "name": "anna", "password": PASSWORD}
    answer = client.post("/sign-in", data=data)
    given = [each for each in answer.headers.get_list("set-cookie") if each.startswith("postroom_session=")]
    assert len(given) == 1
    assert "chosen" not in given[0]


def test_an_admin_invites_changes_and_disables_and_all_of_it_is_audited(site: Site, person: MakePerson) -> None:
    admin = person(Role.ADMIN)
    invited = admin.post("/people", {"name": "Ben", "shown_as": "Ben Hughes", "role": "operator"})
    assert invited.status_code == 200
    address = invited.text.split('value="http://')[1].split('"')[0]
    path = "/" + address.split("/", 1)[1]
    ben = site.client()
    for _ in range(2):
        form = ben.get(path)
        assert "Hello Ben Hughes" in form.text
    wrong = ben.post(path, data={"csrf_token": form_token(form.text), "password": "short", "again": "short"})
    assert wrong.status_code == 422
    fit = {"password": "three words or four", "again": "three words or four"}
    done = ben.post(path, data={"csrf_token": form_token(form.text)} | fit)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert ben.get("/account").status_code == 200
    used = site.client()
    again = used.get(path)
    assert (again.status_code, "does not work any more" in again.text) == (404, True)
    number = _id_of(site, "ben")
    assert admin.post(f"/people/{number}/role", {"role": "caseworker"}).headers["location"] == "/people?done=role"
    assert ben.get("/today").status_code == 403
    assert admin.post(f"/people/{number}/disable").headers["location"] == "/people?done=disabled"
    assert ben.get("/account").status_code == 303
    assert admin.post(f"/people/{number}/enable").headers["location"] == "/people?done=enabled"
    alone = admin.post(f"/people/{admin.person.id}/disable")
    assert (alone.status_code, "only admin" in alone.text) == (409, True)
    with site.service.database.read() as session:
        rows = session.scalars(
            select(AuditRow).where(AuditRow.subject == f"person:{number}").order_by(AuditRow.sequence)
        )
        told = [(row.actor, row.action) for row in rows]
    by, himself = admin.person.actor, f"person:{number}"
    assert told == [
        (by, "person made"), (himself, "password chosen"), (himself, "signed in"), (by, "role changed"),
        (by, "person disabled"), (by, "person enabled"),
    ]  # fmt: skip


def _id_of(site: Site, name: str) -> int:
    with site.service.database.read() as session:
        return accounts.named(session, name).person.id


def test_the_first_start_ends_with_an_admin_who_is_signed_in(
    site: Site, open_page: Callable[[SignedIn | None], Page]
) -> None:
    with site.service.database.write() as session:
        token = accounts.first_link(session, site.service.database.now(session))
    page = open_page(None)
    page.goto(f"/link/{token}")
    page.locator("#shown_as").focus()
    for typed in ("Anna Jones", "anna"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    for _ in range(2):
        page.keyboard.type("three words or four")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")  # past the button that shows it
    page.keyboard.press("Enter")
    page.wait_for_url(site.url + "/today")
    assert "Anna Jones" in page.locator(".site-person").inner_text()
    page.go_back()
    page.reload()
    assert page.locator("h1").inner_text() == "This link does not work any more"


def test_the_log_holds_numbers_of_people_and_never_names_or_secrets(
    site: Site, person: MakePerson, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="postroom"):
        anna = person(Role.ADMIN)
        anna.post("/people", {"name": "jane.doe", "shown_as": "Jane Doe", "role": "operator"})
        client = site.client()
        data = {
            "csrf_token": form_token(client.get("/sign-in?next=/jane").text),
            "name": "jane.doe",
            "password": "jane",
        }
        client.post("/sign-in", data=data)
        client.get("/link/jane")
    told = "".join(record.getMessage() for record in caplog.records if record.name == "postroom")
    assert f"caller=person:{anna.person.id}" in told
    assert "jane" not in told.lower()
    assert anna.token not in told


def test_serve_tells_the_link_of_the_first_start_and_only_while_there_is_nobody(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tell_first_link(site.service, 8123)
    [line] = [record.getMessage() for record in caplog.records if record.getMessage().startswith("first_link")]
    assert "address=http://127.0.0.1:8123/link/" in line
    path = "/link/" + line.split("/link/")[1].split()[0]
    assert "Set up Postroom" in site.client().get(path).text
    site.make_person(Role.ADMIN)
    caplog.clear()
    tell_first_link(site.service, 8123)
    assert "first_link" not in caplog.text


def test_the_way_back_shows_nothing_after_signing_out(
    site: Site, person: MakePerson, open_page: Callable[[SignedIn | None], Page]
) -> None:
    page = open_page(person(Role.ADMIN))
    page.goto("/account")
    page.goto("/people")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(site.url + "/sign-in")
    for _ in range(2):
        page.go_back()
        assert page.locator("h1").inner_text() == "Sign in"


def test_signing_out_in_one_tab_signs_out_the_other_as_well(
    site: Site, person: MakePerson, open_page: Callable[[SignedIn | None], Page]
) -> None:
    one = open_page(person(Role.ADMIN))
    one.goto("/account")
    other = one.context.new_page()
    other.goto("/people")
    one.get_by_role("button", name="Sign out").click()
    one.wait_for_url(site.url + "/sign-in")
    other.locator("#shown_as").fill("Ben Hughes")
    other.get_by_role("button", name="Invite").click()
    assert other.locator("h1").inner_text() == "You were signed out"
    assert other.locator("input[name=shown_as]").input_value() == "Ben Hughes"


def test_whoever_is_signed_in_gets_their_pages_while_strangers_guess(
    site: Site, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, released, looked_at = person(Role.ADMIN), threading.Event(), []

    def look_long(kept: str | None, password: str) -> bool:
        looked_at.append(password)
        released.wait(60)
        return False

    monkeypatch.setattr(passwords, "is_right", look_long)
    monkeypatch.setattr(throttle, "attempt", lambda *_: None)  # as if each came from another address
    client = site.client()
    data = {"csrf_token": form_token(client.get("/sign-in").text), "name": "x", "password": "x"}
    threads = [threading.Thread(target=client.post, args=("/sign-in",), kwargs={"data": data}) for _ in range(45)]
    try:
        for thread in threads:  # more than there are threads for pages
            thread.start()
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline and len(looked_at) < 40:
            time.sleep(0.05)
        assert anna.get("/people", timeout=10).status_code == 200
        assert len(looked_at) == 4
    finally:
        released.set()
        for thread in threads:
            thread.join()


def test_a_database_that_is_away_is_told_as_such_and_nobody_is_signed_out(
    site: Site, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = person(Role.ADMIN)

    def fail(*_: object) -> None:
        raise Unavailable("The database at /srv/post failed.")

    with monkeypatch.context() as patched:
        patched.setattr(sessions, "whose", fail)
        answer = anna.get("/people")
        assert answer.status_code == 503
        assert "busy or restarting" in answer.text
        assert answer.headers["retry-after"]
        assert "set-cookie" not in answer.headers
    assert anna.get("/people").status_code == 200
