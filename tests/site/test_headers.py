"""Headers and cookies on every route and on every page that says what is wrong; and that those can be read."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from intake.service import Service, open_service
from intake.settings import Settings
from intake.store.errors import StoreFull
from review_ui.site import app as site_app
from review_ui.site.policy import SiteRoute, allows, rule_of
from schemas.errors import Unavailable
from schemas.people import Right, Role
from tests.site.served import PASSWORD, SignedIn, Site, copy_of, form_token, served

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def fail(request_to_fail_with: str) -> None:
    """Does what the test asks of it."""
    raise FAILURES[request_to_fail_with]()


FAILURES: dict[str, Callable[[], Exception]] = {
    "failed": lambda: ValueError("Jane Doe, /srv/post"),
    "unavailable": lambda: Unavailable("The database at /srv/post failed."),
    "full": lambda: StoreFull("full"),
}


@pytest.fixture(scope="module")
def office(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    service = open_service(Settings(home=copy_of(empty_home, tmp_path_factory.mktemp("headers")), low_water_bytes=0))
    with served(service) as site:
        add_failing_route(site.app)
        yield site
    service.close()


def add_failing_route(app: FastAPI) -> None:
    endpoint = allows(Right.OWN_ACCOUNT)(fail)
    app.router.routes.insert(0, SiteRoute("/fail/{request_to_fail_with}", endpoint, methods=["GET", "POST"]))


@pytest.fixture(scope="module")
def admin(office: Site) -> SignedIn:
    return office.sign_in(office.make_person(Role.ADMIN))


def policy_of(answer: httpx.Response) -> dict[str, str]:
    """The content security policy, taken apart."""
    [header] = answer.headers.get_list("content-security-policy")
    return dict(part.strip().split(" ", 1) for part in header.split(";"))


def assert_safe(answer: httpx.Response, *, is_static: bool = False) -> None:
    """What every answer of the site has, whatever it is."""
    told = f"{answer.request.method} {answer.request.url} {answer.status_code}"
    headers = answer.headers
    for name in ("x-content-type-options", "cache-control", "content-security-policy", "referrer-policy"):
        assert len(headers.get_list(name)) == 1, (told, name)
    assert headers["x-content-type-options"] == "nosniff", told
    assert headers["cross-origin-resource-policy"] == "same-origin", told
    assert not [name for name in headers if name.startswith("access-control")], told
    assert "x-request-id" in headers, told
    assert policy_of(answer)["default-src"] == "'none'", told
    assert policy_of(answer)["frame-ancestors"] == "'none'", told
    assert headers["cache-control"] == ("public, max-age=31536000, immutable" if is_static else "no-store"), told
    if headers.get("content-type", "").startswith("text/html"):
        assert policy_of(answer) == POLICY, told
        assert headers["referrer-policy"] == "same-origin", told
        assert headers["x-frame-options"] == "DENY", told
        assert headers["cross-origin-opener-policy"] == "same-origin", told
        assert_nothing_inline(answer.text)
    for cookie in headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie, told
        assert "SameSite=strict" in cookie, told
        assert "Path=/" in cookie, told
        assert "Domain" not in cookie, told


def assert_nothing_inline(html: str) -> None:
    """Neither script nor style stands in a page, as an element, an attribute or an address."""
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html, re.I)


def test_every_route_answers_with_the_headers_whoever_asks(office: Site, admin: SignedIn) -> None:
    asked, nobody = 0, office.client()
    for route in office.app.routes:
        path = re.sub(r"\{\w+(:\w+)?\}", "987654321", getattr(route, "path", ""))
        for method in sorted(getattr(route, "methods", ())):
            if path in ("/sign-out", "/{path:path}"):
                continue
            for client, accept in ((admin.client, "text/html"), (nobody, "text/html"), (nobody, "application/json")):
                headers = {"Accept": accept, "X-CSRF-Token": admin.csrf}
                assert_safe(client.request(method, path, headers=headers))
                asked += 1
    assert asked > 60


def test_what_is_static_may_be_kept_for_ever_and_nothing_else(office: Site) -> None:
    page = office.client().get("/sign-in")
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(addresses) >= 4
    for address in addresses:
        answer = office.client().get(address)
        assert answer.status_code == 200
        assert_safe(answer, is_static=True)
    for wrong in ("/static/0/site.css", f"/static/{office.desk.static.version}/../desk.py",
                  f"/static/{office.desk.static.version}/%2e%2e/site/desk.py"):  # fmt: skip
        assert office.client().get(wrong).status_code == 404


# Path, method, status, what is sent, and a sentence of the page.
ERRORS: list[tuple[str, str, int, dict[str, str], str]] = [
    ("/nowhere", "GET", 404, {}, "Page not found"),
    ("/people/987654321", "GET", 404, {}, "Page not found"),
    ("/people/anna", "GET", 422, {}, "Something is missing or not right"),
    ("/people/1/role", "POST", 422, {"role": "king"}, "Something is missing or not right"),
    ("/today", "DELETE", 405, {}, "cannot be used like that"),
    ("/today", "POST", 405, {}, "cannot be used like that"),
    ("/people", "POST", 413, {"name": "x" * 300_000}, "too large"),
    ("/fail/failed", "GET", 500, {}, "Something went wrong here"),
    ("/fail/failed", "POST", 500, {}, "Something went wrong here"),
    ("/fail/unavailable", "GET", 503, {}, "busy or restarting"),
    ("/fail/full", "POST", 507, {}, "no room left"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "method", "status", "sent", "sentence"), ERRORS)
def test_every_error_is_a_page_for_people_and_a_problem_for_programs(
    office: Site, admin: SignedIn, path: str, method: str, status: int, sent: dict[str, str], sentence: str
) -> None:
    data = {"csrf_token": admin.csrf} | sent if method != "GET" else None
    page = admin.client.request(method, path, data=data)
    assert page.status_code == status
    assert sentence in page.text
    assert "What to do:" in page.text
    assert page.headers["x-request-id"] in page.text
    assert "Jane" not in page.text
    assert "/srv" not in page.text
    assert_safe(page)
    program = admin.client.request(method, path, data=data, headers={"Accept": "application/json"})
    assert program.status_code == status
    assert program.headers["content-type"] == "application/problem+json"
    assert set(program.json()) >= {"title", "status", "code", "detail", "request_id"}
    assert "Jane" not in program.text
    assert_safe(program)
    part = admin.client.request(method, path, data=data, headers={"HX-Request": "true"})
    assert part.status_code == status
    assert part.headers["hx-retarget"] == "#site-notice"
    assert sentence in part.text
    assert "<html" not in part.text
    assert_safe(part)


def test_a_wrong_method_names_the_right_ones(admin: SignedIn) -> None:
    assert admin.client.delete("/people").headers["allow"] == "GET, POST"


def test_a_body_that_does_not_say_how_large_it_is_is_cut_off_all_the_same(admin: SignedIn) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 10_000

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert admin.client.post("/people", content=body(), headers=headers).status_code == 413


def test_a_foreign_name_of_the_host_gets_a_page_that_says_so(office: Site) -> None:
    answer = office.client().get("/sign-in", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert "not the address of this service" in answer.text
    assert_safe(answer)


def test_errors_of_programs_stay_problems_whatever_they_accept(office: Site) -> None:
    for path, status in (("/v1/nowhere", 404), ("/v1/batches/x", 422), ("/metrics/x", 404)):
        answer = office.client(Accept="text/html").get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def cookies_of(site: Site, client: httpx.Client, **headers: str) -> list[str]:
    token = form_token(client.get("/sign-in", headers=headers).text)
    data = {"csrf_token": token, "name": "anna", "password": PASSWORD}
    return client.post("/sign-in", data=data, headers=headers).headers.get_list("set-cookie")


def with_settings(service: Service, **given: object) -> Service:
    return replace(service, settings=service.settings.model_copy(update=given))


def test_cookies_are_for_https_only_when_people_come_by_it(office: Site) -> None:
    office.make_person(Role.OPERATOR, "anna")
    for given, headers, is_https in [
        ({}, {}, False),
        ({}, {"X-Forwarded-Proto": "https"}, False),  # anybody can say so
        ({"https": True}, {}, True),
        ({"proxies": "127.0.0.1"}, {"X-Forwarded-Proto": "https"}, True),
        ({"proxies": "127.0.0.1"}, {"X-Forwarded-Proto": "http"}, False),
        ({"proxies": "192.0.2.1"}, {"X-Forwarded-Proto": "https"}, False),
    ]:
        with served(with_settings(office.service, **given)) as site:
            client = site.client()
            page = client.get("/sign-in", headers=headers)
            assert ("strict-transport-security" in page.headers) is is_https
            client.cookies.clear()
            found = [page.headers["set-cookie"]]
            if not is_https:  # a client that got a cookie for https does not send it by http
                found += cookies_of(site, client, **headers)
                assert len(found) == 4
            assert [("Secure" in cookie) for cookie in found] == [is_https] * len(found)


def test_what_a_proxy_says_of_an_address_is_believed_of_ours_only(office: Site) -> None:
    with served(with_settings(office.service, proxies="127.0.0.1")) as site:
        client = site.client()
        data = {"csrf_token": form_token(client.get("/sign-in").text), "password": "not the password"}
        for number in range(31):
            answer = client.post(
                "/sign-in", data=data | {"name": f"n{number}"}, headers={"X-Forwarded-For": "10.0.0.1, 192.0.2.9"}
            )
            assert answer.status_code == 401
        held_up = client.post("/sign-in", data=data | {"name": "x"}, headers={"X-Forwarded-For": "8.8.8.8, 192.0.2.9"})
        assert held_up.status_code == 429
        assert int(held_up.headers["retry-after"]) >= 1
        assert_safe(held_up)
        elsewhere = client.post("/sign-in", data=data | {"name": "x"}, headers={"X-Forwarded-For": "192.0.2.10"})
        assert elsewhere.status_code == 401


def test_every_screen_module_is_part_of_the_site() -> None:
    for screen in site_app.SCREENS:
        for route in screen.router.routes:
            assert rule_of(route.endpoint)
