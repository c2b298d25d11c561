"""What a key opens: every route states it, and a key that lacks it gets a word a program can act on."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from intake.api.app import create_app
from intake.api.policy import Policy
from intake.api_keys import parse_api_keys
from intake.service import Service
from intake.settings import Settings, load_settings
from schemas.errors import Unavailable
from schemas.scopes import EVERYTHING, Scope
from tests.integration.api.caller import Caller, problem_of
from tests.integration.api.test_keys import ELSEWHERE, OURS, bearer, routes

READER, ALL = "r" * 40, "a" * 40


def key_of(scope: Scope) -> str:
    return scope.ljust(40, "x")


def every_key() -> str:
    return ",".join([f"all:{ALL}", *(f"only-{place}[{scope}]:{key_of(scope)}" for place, scope in enumerate(Scope))])


@pytest.fixture
def caller(service: Service) -> Caller:
    settings = service.settings.model_copy(update={"api_keys": SecretStr(every_key()), "hosts": "post.example"})
    return Caller(create_app(Service(settings, service.database, service.store)), ELSEWHERE, OURS)


def test_a_route_that_takes_two_scopes_opens_to_a_key_that_has_both_only(service: Service) -> None:
    opens = {"b": "batches:read+records:read", "1": "batches:read", "2": "records:read"}
    keys = ",".join(f"of-{sign}[{scopes}]:{sign * 40}" for sign, scopes in opens.items())
    settings = service.settings.model_copy(update={"api_keys": SecretStr(keys)})
    caller = Caller(create_app(Service(settings, service.database, service.store)))
    path = "/v1/batches/00000000-0000-4000-8000-000000000000/archive"
    problem_of(caller.get(path, headers=bearer("b" * 40)), 404, "not_found")
    for key in ("1" * 40, "2" * 40):
        problem_of(caller.get(path, headers=bearer(key)), 403, "missing_scope")
    described = caller.get("/v1/openapi.json", headers=bearer("1" * 40)).json()["paths"]
    security = described["/v1/batches/{batch_id}/archive"]["get"]["security"]
    assert security == [{"key": ["batches:read", "records:read"]}, {}]


def test_every_route_opens_to_its_scope_and_to_no_other(caller: Caller) -> None:
    for method, path, chosen in routes(caller):
        if path.endswith("/archive"):  # takes two scopes: see above
            continue
        for scope in Scope:
            answer = caller(method, path, headers=bearer(key_of(scope)))
            if isinstance(chosen, Policy) or chosen is scope:
                assert answer.status_code not in (401, 403), (method, path, scope, answer.text)
                continue
            assert chosen in problem_of(answer, 403, "missing_scope")["detail"]
            assert answer.headers["www-authenticate"].endswith(f'error="insufficient_scope", scope="{chosen}"')
        assert caller(method, path, headers=bearer(ALL)).status_code not in (401, 403)


def test_every_scope_opens_something(caller: Caller) -> None:
    assert {chosen for _, _, chosen in routes(caller)} >= set(Scope)


def test_nothing_is_received_from_whoever_may_only_read(caller: Caller) -> None:
    files = [("files", ("a.tif", b"II*\0"))]
    problem_of(
        caller("POST", "/v1/batches", files=files, headers=bearer(key_of(Scope.BATCHES_READ))), 403, "missing_scope"
    )
    assert caller.get("/v1/batches", headers=bearer(ALL)).json()["batches"] == []


def test_the_description_names_the_scope_of_each_route(caller: Caller) -> None:
    paths = caller.get("/v1/openapi.json", headers=bearer(ALL)).json()["paths"]
    assert paths["/v1/batches"]["post"]["security"] == [{"key": ["batches:write"]}, {}]
    assert paths["/v1/openapi.json"]["get"]["security"] == [{"key": []}, {}]
    assert "security" not in paths["/health/live"]["get"]
    assert {"429", "503"} <= paths["/v1/openapi.json"]["get"]["responses"].keys()
    assert "429" not in paths["/health/live"]["get"]["responses"]
    assert "ETag" in paths["/v1/records/{record_id}"]["get"]["responses"]["304"]["headers"]


def test_a_key_opens_what_is_named_and_everything_where_nothing_is() -> None:
    keys = parse_api_keys(f"reader[records:read+batches:read]:{READER},all:{ALL}")
    assert [key.scopes for key in keys.keys] == [{Scope.RECORDS_READ, Scope.BATCHES_READ}, EVERYTHING]
    assert [key.shown for key in keys.keys] == ["reader[batches:read+records:read]", "all"]


@pytest.mark.parametrize("listed", ["", "records:write", "records:read+", "Records:Read"])
def test_a_scope_there_is_not_is_refused_at_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listed: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSTROOM_API_KEYS", f"reader[{listed}]:{READER}")
    with pytest.raises(Unavailable, match=r"POSTROOM_API_KEYS: .* entry 1 ") as refused:
        load_settings()
    assert READER not in str(refused.value)


def test_what_a_key_opens_is_shown_and_the_key_is_not() -> None:
    settings = Settings(api_keys=SecretStr(f"reader[records:read]:{READER}"))
    assert settings.shown()["POSTROOM_API_KEYS"] == "reader[records:read]:****"
