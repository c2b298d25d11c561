"""Signing in and out, as a browser does it."""

from collections.abc import Callable

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


def test_the_api_is_there_for_programs_and_not_for_people(site: Site) -> None:
    program = site.client(Accept="*/*")
    assert program.get("/v1/batches").status_code == 200  # this machine, as ever
    assert program.get("/health/live").json() == {"status": "live"}
    assert program.get("/v1/nowhere").headers["content-type"] == "application/problem+json"
    assert "/sign-in" not in program.get("/v1/openapi.json").text
