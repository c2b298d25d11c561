"""Signing in and out, as a browser does it."""

from collections.abc import Callable

import httpx
from playwright.sync_api import Page

from schemas.people import Role
from tests.site.served import PASSWORD, SignedIn, Site, form_token

Open = Callable[[SignedIn | None], Page]


def test_somebody_signs_in_with_keys_alone_sees_today_and_signs_out(
    site: Site, open_page: Open, axe: Callable[[Page], None]
) -> None:
    site.make_person(Role.SUPERVISOR, "anna", "Anna Jones")
    page = open_page(None)
    page.goto("/today")
    axe(page)
    page.locator("#name").focus()
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(site.url + "/today")
    axe(page)
    assert page.locator("h1").inner_text() == "Today"
    assert "Anna Jones" in page.locator(".site-person").inner_text()
    page.get_by_role("button", name="Sign out").press("Enter")
    page.wait_for_url(site.url + "/sign-in")
    page.goto("/today")
    assert page.locator("h1").inner_text() == "Sign in"


def test_a_wrong_password_is_refused_and_says_nothing_about_the_name(site: Site) -> None:
    site.make_person(Role.OPERATOR, "anna")
    answers = []
    for name in ("anna", "nobody-of-that-name"):
        client = site.client()
        token = form_token(client.get("/sign-in").text)
        answer = client.post("/sign-in", data={"csrf_token": token, "name": name, "password": "wrong password"})
        assert answer.status_code == 401
        assert "postroom_session" not in answer.cookies
        answers.append(answer.text.replace(name, "NAME").replace(token, ""))
    assert answers[0] == answers[1]


def test_a_browser_that_was_signed_in_before_is_known_and_gets_in_while_strangers_guess(site: Site) -> None:
    site.make_person(Role.OPERATOR, "anna")
    known, other = site.client(), site.client()
    given = attempt(known, "anna", PASSWORD)
    assert given.status_code == 303
    [cookie] = [each for each in given.headers.get_list("set-cookie") if each.startswith("postroom_device=")]
    for word in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={180 * 24 * 3600}"):
        assert word in cookie
    assert "Secure" not in cookie  # as the session's: people come by http here
    signed_in = SignedIn(site.make_person(Role.OPERATOR), known.cookies["postroom_session"], known)
    assert signed_in.post("/sign-out").status_code == 303
    for _ in range(6):
        assert attempt(other, "anna", "wrong password").status_code == 401
    assert attempt(other, "anna", PASSWORD).status_code == 429
    other.cookies.set("postroom_device", known.cookies["postroom_device"][:-1] + "x")
    assert attempt(other, "anna", PASSWORD).status_code == 429
    assert attempt(known, "anna", PASSWORD).status_code == 303


def attempt(client: httpx.Client, name: str, password: str) -> httpx.Response:
    token = form_token(client.get("/sign-in").text)
    return client.post("/sign-in", data={"csrf_token": token, "name": name, "password": password})


def test_another_password_is_chosen_and_the_browser_stays_known(site: Site) -> None:
    site.make_person(Role.OPERATOR, "anna")
    client, new = site.client(), "three words or four"
    attempt(client, "anna", PASSWORD)
    before = client.cookies["postroom_device"]
    anna = SignedIn(site.make_person(Role.OPERATOR), client.cookies["postroom_session"], client)
    assert anna.post("/account/password", {"current": PASSWORD, "password": new, "again": new}).status_code == 303
    assert client.cookies["postroom_device"] != before
    anna.post("/sign-out")
    for _ in range(6):
        attempt(site.client(), "anna", "wrong password")
    assert attempt(client, "anna", new).status_code == 303


def test_the_api_is_there_for_programs_and_not_for_people(site: Site) -> None:
    program = site.client(Accept="*/*")
    assert program.get("/v1/batches").status_code == 200  # this machine, as ever
    assert program.get("/health/live").json() == {"status": "live"}
    assert program.get("/v1/nowhere").headers["content-type"] == "application/problem+json"
    assert "/sign-in" not in program.get("/v1/openapi.json").text
