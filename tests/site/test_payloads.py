"""Sixty texts that try to run as a script: on every screen that shows texts of others, in addresses and in forms."""

from urllib.parse import quote

import pytest
from playwright.sync_api import Browser
from sqlalchemy import update

from intake.database.tables import SessionRow
from schemas.people import Role
from tests.site.browser import Watched, open_page
from tests.site.hostile import HostileScreen, hostile_screens
from tests.site.payloads import PAYLOADS, assert_inert, missing
from tests.site.served import Site, form_token


def test_there_are_sixty_of_them() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) == 60
    assert all(len(payload) <= 100 for payload in PAYLOADS)


@pytest.mark.parametrize("screen", hostile_screens(), ids=lambda screen: screen.name)
def test_nothing_runs_on_a_screen_that_shows_texts_of_others(
    screen: HostileScreen, site: Site, browser: Browser
) -> None:
    person = site.sign_in(site.make_person(screen.role))
    page, watched = open_page(browser, site, person)
    unseen = set(PAYLOADS)
    for path in screen.make(site, person):
        page.goto(path)
        assert_inert(page, watched)
        unseen &= set(missing(page))
    assert not screen.shows_all or unseen == set()


def test_nothing_runs_from_the_name_of_whoever_is_signed_in(site: Site, browser: Browser) -> None:
    for payload in PAYLOADS[::15]:  # each is a session of its own: some of every kind
        person = site.sign_in(site.make_person(Role.OPERATOR, shown_as=payload))
        page, watched = open_page(browser, site, person)
        page.goto("/account")
        assert_inert(page, watched)
        assert missing(page, (payload,)) == []
        page.context.close()


def test_nothing_runs_from_what_was_typed_into_a_form_and_comes_back(site: Site, browser: Browser) -> None:
    page, watched = open_page(browser, site)
    for payload in PAYLOADS[::12]:
        page.goto("/sign-in")
        page.locator("#name").fill(payload)
        page.locator("main button[type=submit]").click()
        page.locator(".govuk-error-summary").wait_for()
        assert_inert(page, watched)
        assert page.locator("#name").input_value() == payload


def test_nothing_runs_from_what_is_kept_of_a_form_that_came_too_late(site: Site, browser: Browser) -> None:
    person = site.sign_in(site.make_person(Role.ADMIN))
    page, watched = open_page(browser, site, person)
    page.goto("/people")
    with site.service.database.write() as session:
        session.execute(update(SessionRow).values(expires_at=site.service.database.now(session)))
    page.evaluate(
        """payloads => {
          const form = document.createElement("form");
          form.method = "post"; form.action = "/people?x=" + encodeURIComponent(payloads.join(""));
          for (const payload of payloads) {
            for (const name of [payload, "value"]) {
              const input = document.createElement("input");
              input.type = "hidden"; input.name = name; input.value = payload; form.append(input);
            }
          }
          document.body.append(form); form.submit();
        }""",
        list(PAYLOADS),
    )
    page.get_by_role("heading", name="You were signed out").wait_for()
    assert_inert(page, watched)
    assert missing(page) == []


@pytest.mark.parametrize(
    "place", ["/{}", "/people/{}", "/link/{}", "/people?done={}", "/sign-in?next={}", "/static/{}"]
)
def test_nothing_of_an_address_comes_back_in_a_page(site: Site, place: str) -> None:
    person = site.sign_in(site.make_person(Role.ADMIN))
    for client in (person.client, site.client()):
        for payload in PAYLOADS:
            answer = client.get(place.format(quote(payload, safe="")))
            assert payload not in answer.text or "<" not in payload
            assert "evil.example" not in answer.text
            assert "ran=1" not in answer.text


SURE = (
    "<img src=x onerror=ran=1>",
    "<svg onload=ran=1>",
    "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    "<a href=javascript:ran=1>click</a>",
    "<input autofocus onfocus=ran=1>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<p style=background:url(//evil.example/x)>x</p>",
    "<div hx-get=/session hx-trigger=load hx-on:load=ran=1>x</div>",
)


def test_the_proof_finds_what_was_put_into_a_page_as_it_is(site: Site, browser: Browser) -> None:
    assert set(SURE) <= set(PAYLOADS)
    page, _ = open_page(browser, site)
    for payload in SURE:
        page.goto("/sign-in")
        page.evaluate("payload => document.querySelector('main').insertAdjacentHTML('beforeend', payload)", payload)
        with pytest.raises(AssertionError):
            assert_inert(page, Watched(page, site.url))


def test_what_was_sent_is_escaped_in_attributes_too(site: Site) -> None:
    client = site.client()
    token = form_token(client.get("/sign-in").text)
    answer = client.post("/sign-in", data={"csrf_token": token, "name": "\"'><&", "password": "x", "next": "/\"'><&"})
    assert 'value="&#34;&#39;&gt;&lt;&amp;"' in answer.text
