"""Who gets in with which key, for every route there is; and what becomes of the caller's name."""

import logging
import re
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from intake import audit
from intake.api.app import create_app
from intake.api.callers import is_open_to_others, require_keys_for_others
from intake.api.policy import Chosen, PolicedRoute, Policy, policy_of
from intake.api_keys import parse_api_keys
from intake.database.tables import AuditRow, BatchRow
from intake.service import Service
from intake.settings import Settings, load_settings
from schemas.errors import Unavailable
from schemas.states import StepName
from tests.integration.api.caller import FILES, Caller, problem_of, with_key
from tests.integration.api.test_reading import number_of, set_aside

KEY, OLD_KEY = "k" * 31 + "1", "k" * 31 + "0"
OTHER = "o" * 40
KEYS = f"scanner:{KEY},scanner:{OLD_KEY},archive:{OTHER}"
ELSEWHERE = "192.0.2.7"
OURS = "https://post.example"
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # what must be refused


@pytest.fixture
def keyed(service: Service) -> Service:
    settings = service.settings.model_copy(
        update={"api_keys": SecretStr(KEYS), "hosts": "post.example, POST-2.example"}
    )
    return Service(settings, service.database, service.store)


@pytest.fixture
def caller(keyed: Service) -> Caller:
    return Caller(create_app(keyed), ELSEWHERE, OURS)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def routes(caller: Caller) -> list[tuple[str, str, Chosen]]:
    """Method, address and policy of every route, any id put in where one belongs."""
    found = [route for route in caller.app.routes if isinstance(route, PolicedRoute)]
    assert len(found) == len(caller.app.routes) >= 8
    return [
        (method, re.sub(r"\{\w+\}", str(uuid4()), route.path), policy_of(route.endpoint))
        for route in found
        for method in route.methods
    ]


# From where, with which headers, and what a route that does not serve anybody must answer: None for "come in".
ATTEMPTS: dict[str, tuple[str, dict[str, str], int | None]] = {
    "this machine, no key": ("127.0.0.1", {}, 401),
    "this machine, right key": ("127.0.0.1", bearer(KEY), None),
    "this machine, wrong key": ("127.0.0.1", bearer("w" * 32), 401),
    "this machine through a proxy, no key": ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 401),
    "this machine through a proxy, right key": ("127.0.0.1", {"X-Forwarded-For": "::1"} | bearer(KEY), None),
    "elsewhere, no key": (ELSEWHERE, {}, 401),
    "elsewhere, right key": (ELSEWHERE, bearer(KEY), None),
    "elsewhere, the caller's other key": (ELSEWHERE, bearer(OLD_KEY), None),
    "elsewhere, wrong key": (ELSEWHERE, bearer("w" * 32), 401),
    "elsewhere, a name for a key": (ELSEWHERE, bearer("scanner"), 401),
    "elsewhere, an empty key": (ELSEWHERE, bearer(""), 401),
    "elsewhere, a key and a half": (ELSEWHERE, bearer(KEY + "k"), 401),
    "elsewhere, the setting itself": (ELSEWHERE, bearer(f"scanner:{KEY}"), 401),
    "elsewhere, another scheme": (ELSEWHERE, {"Authorization": f"Basic {KEY}"}, 401),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_every_route_lets_in_whom_it_should_and_nobody_else(caller: Caller, attempt: str) -> None:
    peer, headers, refused = ATTEMPTS[attempt]
    asking = Caller(caller.app, peer, OURS)
    for method, path, chosen in routes(caller):
        answer = asking(method, path, headers=headers)
        if refused is None or chosen is Policy.ANYBODY:
            assert answer.status_code not in (401, 403, 421), (method, path, answer.text)
        else:
            assert "POSTROOM" not in problem_of(answer, refused, "unknown_caller")["detail"]
            assert answer.headers["www-authenticate"].startswith('Bearer realm="postroom"')
            assert ("invalid_token" in answer.headers["www-authenticate"]) == ("Authorization" in headers)


def test_only_health_serves_anybody(caller: Caller) -> None:
    assert {path for _, path, chosen in routes(caller) if chosen is Policy.ANYBODY} == {"/health/live", "/health/ready"}


def test_nothing_is_received_from_a_stranger(caller: Caller) -> None:
    problem_of(caller.upload(), 401, "unknown_caller")
    assert caller.get("/v1/batches", headers=bearer(KEY)).json()["batches"] == []


def hand_over(caller: Caller, key: str | None, idempotency: str = "") -> httpx.Response:
    files = [("files", (name, content)) for name, content in FILES.items()]
    return caller("POST", "/v1/batches", files=files, headers=with_key(idempotency) | (bearer(key) if key else {}))


def test_the_callers_name_stands_on_the_batch_and_in_the_audit(caller: Caller, keyed: Service) -> None:
    assert hand_over(caller, KEY).status_code == 201
    assert hand_over(caller, OTHER).status_code == 201
    with keyed.database.read() as session:
        assert session.scalars(select(BatchRow.operator).order_by(BatchRow.id)).all() == ["scanner", "archive"]
        received = select(AuditRow.actor).where(AuditRow.action == "batch received").order_by(AuditRow.sequence)
        assert session.scalars(received).all() == ["scanner", "archive"]
        assert audit.verify(session) is None


def test_a_retry_is_audited_under_the_callers_name(caller: Caller, keyed: Service) -> None:
    receipt = hand_over(caller, OTHER).json()
    set_aside(keyed, StepName.UNPACK, file_id=number_of(keyed, "second.pdf"))
    retry = f"/v1/batches/{receipt['batch_id']}/files/{receipt['files'][1]['id']}/retry"
    assert caller("POST", retry, headers=bearer(KEY)).status_code == 200
    with keyed.database.read() as session:
        assert session.scalars(select(AuditRow.actor).where(AuditRow.action == "step retried")).all() == ["scanner"]


def test_two_callers_may_use_the_same_idempotency_key_and_the_two_keys_of_one_caller_are_one(caller: Caller) -> None:
    first = hand_over(caller, KEY, "bag-1").json()["batch_id"]
    assert hand_over(caller, OTHER, "bag-1").json()["batch_id"] != first
    again = hand_over(caller, OLD_KEY, "bag-1")
    assert (again.status_code, again.json()["batch_id"]) == (200, first)


@pytest.mark.parametrize("host", ["post.example", "POST.example:8443", "post-2.example", "localhost:8000"])
def test_the_names_of_the_setting_are_answered_to(caller: Caller, host: str) -> None:
    assert caller.get("/v1/batches", headers=bearer(KEY) | {"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "x.post.example", "post.example.evil.example", "post.example@evil"])
def test_no_key_opens_under_another_name_of_the_host(caller: Caller, host: str) -> None:
    problem_of(caller.get("/v1/batches", headers=bearer(KEY) | {"Host": host}), 421, "wrong_host")


def test_no_key_and_no_part_of_one_is_ever_logged_or_answered(
    caller: Caller, keyed: Service, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "wrong-key-of-somebody-who-means-well"
    with caplog.at_level(logging.DEBUG):
        answers = [caller.get("/v1/batches", headers=bearer(key)).text for key in (KEY, wrong)]
        shown = f"{keyed.settings.shown()} {keyed.settings!r} {keyed.settings.callers!r}"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("postroom")]
    assert len(ours) == 2
    for secret in (KEY, wrong, OTHER, OLD_KEY):
        assert secret[:12] not in "".join([*ours, *answers, shown])
    assert keyed.settings.shown()["POSTROOM_API_KEYS"] == "scanner:****, scanner:****, archive:****"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("scanner:short-but-secret", "shorter than 32 characters; make one with: openssl rand -hex 32"),
        (KEY, "entry 1 is not name:key"),
        (f"scanner:{KEY},", "entry 2 is not name:key"),
        (f"scan ner:{KEY}", "entry 1 is not name:key"),
        (f"a:{KEY},b:{KEY}", "two entries have the same key"),
        (f"api:{KEY}", "take another"),
        (f"a:{'é' * 40}", "no header can carry"),
    ],
)
def test_a_wrong_list_of_keys_is_refused_at_start_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSTROOM_API_KEYS", given)
    with pytest.raises(Unavailable, match="POSTROOM_API_KEYS: ") as refused:
        load_settings()
    assert said in str(refused.value)
    for secret in (KEY, "secret", "é"):
        assert secret not in str(refused.value)


@pytest.mark.parametrize("hosts", ["https://post.example", "post.example:8000", "a b", "*.example", "a,,b", "."])
def test_what_is_no_host_name_is_refused_at_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hosts: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSTROOM_HOSTS", hosts)
    with pytest.raises(Unavailable, match=r"POSTROOM_HOSTS: .* is no host name"):
        load_settings()


def test_a_key_is_known_by_all_of_it() -> None:
    keys = parse_api_keys(KEYS)
    assert [found and found.name for found in map(keys.find, (KEY, OLD_KEY, OTHER))] == [
        "scanner",
        "scanner",
        "archive",
    ]
    for wrong in ("", KEY[:-1], KEY + " ", KEY.upper(), "\udcff" * 32):
        assert keys.find(wrong) is None
    assert not parse_api_keys(" ")
    assert parse_api_keys("").find("") is None


@pytest.mark.parametrize(
    ("host", "is_open"),
    [("127.0.0.1", False), ("127.1.2.3", False), ("::1", False), ("localhost", False), (EVERY_ADDRESS, True),
     ("::", True), ("", True), ("192.0.2.7", True)],
)  # fmt: skip
def test_listening_to_other_machines_without_keys_is_refused(host: str, is_open: bool, tmp_path: Path) -> None:
    assert is_open_to_others(host) is is_open
    require_keys_for_others(Settings(home=tmp_path, host=host, api_keys=SecretStr(KEYS)))
    bare = Settings(home=tmp_path, host=host)
    if not is_open:
        require_keys_for_others(bare)
        return
    require_keys_for_others(bare, has_kept_keys=True)
    with pytest.raises(Unavailable, match=r"POSTROOM_API_KEYS is empty.*openssl rand -hex 32.*127\.0\.0\.1"):
        require_keys_for_others(bare)


def test_without_keys_a_key_changes_nothing(service: Service) -> None:
    app = create_app(service)
    assert Caller(app).get("/v1/batches", headers=bearer(KEY)).status_code == 200
    problem_of(Caller(app, ELSEWHERE).get("/v1/batches", headers=bearer(KEY)), 403, "not_this_machine")
