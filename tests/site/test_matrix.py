"""Every route, asked by people of every role and by nobody, for what is theirs and for what is not."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from intake.api.policy import PolicedRoute, Policy, policy_of
from intake.service import open_service
from intake.settings import Settings
from review_ui.site.app import SCREENS
from review_ui.site.policy import Rule, SiteRoute, rule_of
from schemas.people import RIGHTS, Right, Role
from tests.site.owned import OWNED
from tests.site.served import SignedIn, Site, copy_of, form_token, served

# What stands where a route has an id: nothing has it, so that nothing is changed by asking.
NOTHING = "987654321"
ROUTES: list[tuple[str, str, Rule]] = [
    (method, route.path, rule_of(route.endpoint))
    for screen in SCREENS
    for route in screen.router.routes
    for method in sorted(route.methods)
]
CHANGING = [(method, path, rule) for method, path, rule in ROUTES if method not in ("GET", "HEAD", "OPTIONS")]


def name_of(value: object) -> str:
    return "" if isinstance(value, Rule) else str(value)


@pytest.fixture(scope="module")
def office(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that programs need a key for."""
    home = copy_of(empty_home, tmp_path_factory.mktemp("matrix"))
    service = open_service(Settings(home=home, low_water_bytes=0, api_keys=SecretStr("scanner:" + "k" * 40)))
    with served(service) as site:
        yield site
    service.close()


@pytest.fixture(scope="module")
def people(office: Site) -> dict[Role, SignedIn]:
    """Nobody is signed out by the tests below: whoever asks to sign out does it in a session of its own."""
    return {role: office.sign_in(office.make_person(role)) for role in Role}


def ask(person: SignedIn, method: str, path: str, rule: Rule) -> httpx.Response:
    """As a page of ours would. What streams takes its token from the header."""
    address = re.sub(r"\{\w+(:\w+)?\}", NOTHING, path)
    if method == "GET":
        return person.client.get(address)
    headers = {"X-CSRF-Token": person.csrf}
    return person.client.request(method, address, headers=headers, data=None if rule.streams else {"x": "y"})


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("method", "path", "rule"), ROUTES, ids=name_of)
def test_a_person_of_each_role_may_what_the_role_may_and_nothing_else(
    office: Site, people: dict[Role, SignedIn], role: Role, method: str, path: str, rule: Rule
) -> None:
    person = office.sign_in(people[role].person) if path == "/sign-out" else people[role]
    answer = ask(person, method, path, rule)
    told = f"{method} {path} as {role}: {answer.status_code} {answer.text[-400:]}"
    assert answer.status_code < 500, told
    if rule.right is None or rule.right in RIGHTS[role]:
        assert answer.status_code != 401, told
        # What is somebody else's, or not there at all, may be refused as well; never for the role.
        assert "Your role does not allow this" not in answer.text, told
        assert "Load the page again" not in answer.text, told
    else:
        assert answer.status_code == 403, told
        assert method == "HEAD" or "Your role does not allow this" in answer.text, told
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("method", "path", "rule"), ROUTES, ids=name_of)
def test_nobody_gets_further_than_the_door(office: Site, method: str, path: str, rule: Rule) -> None:
    address = re.sub(r"\{\w+(:\w+)?\}", NOTHING, path)
    for stranger in (office.client(), office.client(Cookie="postroom_session=" + "A" * 43)):
        page = stranger.request(method, address)
        program = stranger.request(method, address, headers={"Accept": "application/json"})
        if rule.right is None:
            assert page.status_code != 401
            continue
        assert program.status_code == 401
        assert program.headers["content-type"] == "application/problem+json"
        assert method == "HEAD" or program.json()["code"] == "not_signed_in"
        if method in ("GET", "HEAD") or path == "/sign-out":
            assert page.status_code == 303
            assert page.headers["location"].startswith("/sign-in")
        else:
            assert page.status_code == 401
            assert "You were signed out" in page.text


@pytest.mark.parametrize(("method", "path", "rule"), CHANGING, ids=name_of)
def test_nothing_is_changed_without_the_token_of_the_session(
    office: Site, people: dict[Role, SignedIn], method: str, path: str, rule: Rule
) -> None:
    address = re.sub(r"\{\w+(:\w+)?\}", NOTHING, path)
    person = next(person for role, person in people.items() if rule.right is None or rule.right in RIGHTS[role])
    other = office.sign_in(person.person)
    attempts: list[dict[str, str | bytes]] = [
        {}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": other.csrf}, {"X-CSRF-Token": b"\xe9"}
    ]  # fmt: skip
    for headers in attempts:
        answer = person.client.request(method, address, headers=headers, data={"csrf_token": other.csrf})  # type: ignore[arg-type]
        assert answer.status_code == 403, (headers, answer.text)
        assert "Load the page again" in answer.text
    foreign = person.client.request(
        method, address, headers={"X-CSRF-Token": person.csrf, "Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    assert "another site" in foreign.text


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, rule in ROUTES if rule.own])
def test_what_belongs_to_somebody_is_there_for_nobody_else(
    office: Site, people: dict[Role, SignedIn], method: str, path: str
) -> None:
    rule = next(rule for found, place, rule in ROUTES if (found, place) == (method, path))
    assert (method, path) in OWNED, "say in tests/site/owned.py how to make one"
    for role in Role:
        if rule.right is not None and rule.right not in RIGHTS[role]:
            continue
        holder, other = (office.sign_in(office.make_person(role)) for _ in range(2))
        address = OWNED[method, path](office, holder)
        refused = other.client.request(method, address, headers={"X-CSRF-Token": other.csrf})
        assert refused.status_code in (403, 404, 409), (role, refused.status_code)
        allowed = holder.client.request(method, address, headers={"X-CSRF-Token": holder.csrf})
        assert allowed.status_code not in (401, 403, 404), (role, allowed.status_code, allowed.text[-300:])


def test_a_session_opens_no_door_of_programs(office: Site, people: dict[Role, SignedIn]) -> None:
    for route in office.app.routes:
        if isinstance(route, PolicedRoute) and policy_of(route.endpoint) is not Policy.ANYBODY:
            address = re.sub(r"\{\w+\}", "6c1f3f4e-0000-4000-8000-000000000000", route.path)
            for method in route.methods:
                answer = people[Role.ADMIN].client.request(method, address)
                assert answer.status_code == 401, address
                assert answer.json()["code"] == "unknown_caller"


def test_a_key_opens_no_door_of_people(office: Site) -> None:
    program = office.client(Authorization="Bearer " + "k" * 40)
    for method, path, rule in ROUTES:
        if rule.right is not None and method == "GET":
            address = re.sub(r"\{\w+(:\w+)?\}", NOTHING, path)
            assert program.get(address).status_code == 303


def test_every_right_is_somebodys_and_every_role_has_some() -> None:
    assert set(RIGHTS) == set(Role)
    assert set().union(*RIGHTS.values()) == set(Right)
    for role in Role:
        assert Right.OWN_ACCOUNT in RIGHTS[role]
    # Who looks after people does not key, who keys does not look after people, and who audits changes nothing.
    changing = {Right.ADD_BATCHES, Right.MEND_BATCHES, Right.KEY, Right.ADJUDICATE, Right.CORRECT, Right.MANAGE_QUEUES}
    assert RIGHTS[Role.AUDITOR] & (changing | {Right.MANAGE_PEOPLE, Right.MANAGE_WEBHOOKS}) == set()
    assert {role for role in Role if Right.MANAGE_PEOPLE in RIGHTS[role]} == {Role.ADMIN}
    assert not RIGHTS[Role.ADMIN] & {Right.KEY, Right.ADJUDICATE, Right.CORRECT}


def test_the_form_before_signing_in_has_a_token_of_its_own(office: Site) -> None:
    one, other = office.client(), office.client()
    token = form_token(one.get("/sign-in").text)
    other.get("/sign-in")
    data = {"name": "nobody", "password": "not the password", "csrf_token": token}
    assert other.post("/sign-in", data=data).status_code == 403
    assert office.client().post("/sign-in", data=data).status_code == 403
    assert one.post("/sign-in", data=data).status_code == 401


def test_every_route_that_is_served_was_asked(office: Site) -> None:
    ours = {route.path for route in office.app.routes if isinstance(route, SiteRoute)}
    assert ours - {path for _, path, _ in ROUTES} == {"/{path:path}"}


def test_a_number_that_no_database_takes_is_no_failure(office: Site, people: dict[Role, SignedIn]) -> None:
    huge = "9" * 30
    for method, path, rule in ROUTES:
        if method != "GET":
            continue
        person = next(person for role, person in people.items() if rule.right is None or rule.right in RIGHTS[role])
        address = re.sub(r"\{\w+(:\w+)?\}", huge, path)
        for asked in ("", f"?after={huge}&before={huge}&revision={huge}"):
            assert person.client.get(address + asked).status_code < 500, address + asked
