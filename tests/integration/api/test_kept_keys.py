"""Keys that the database keeps: made once, known by their digest, revoked at once; and how often one may be used."""

import json
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from typer.testing import CliRunner

from intake import audit, kept_keys
from intake.api.app import create_app
from intake.api.rate import Turnstile
from intake.api_keys import parse_api_keys
from intake.cli import app as command
from intake.database.engine import Database
from intake.database.tables import ApiKeyRow, AuditRow
from intake.kept_keys import KeyRing, NoSuchKey
from intake.service import Service
from schemas.errors import Unavailable
from schemas.scopes import Scope
from tests.integration.api.caller import Caller, problem_of
from tests.integration.api.test_keys import ELSEWHERE, bearer
from tests.integration.database.small_world import NOW


def make(database: Database, name: str = "archive", *scopes: Scope) -> str:
    with database.write() as session:
        return kept_keys.add(session, name, scopes or (Scope.BATCHES_READ,), "olga", NOW)[1]


def revoke(database: Database, which: str) -> None:
    with database.write() as session:
        kept_keys.revoke(session, which, "olga", NOW)


def audited(database: Database) -> list[tuple[str, str, str]]:
    with database.read() as session:
        assert audit.verify(session) is None
        rows = session.scalars(select(AuditRow).order_by(AuditRow.sequence))
        return [(row.actor, row.action, row.subject) for row in rows]


def test_a_key_opens_what_it_was_made_for_and_nothing_once_revoked(both: Service) -> None:
    key = make(both.database, "archive", Scope.BATCHES_READ, Scope.METRICS_READ)
    caller = Caller(create_app(both), ELSEWHERE)
    assert caller.get("/v1/batches", headers=bearer(key)).status_code == 200
    problem_of(caller.get("/v1/records", headers=bearer(key)), 403, "missing_scope")
    problem_of(caller.get("/v1/batches", headers=bearer(key[:-1])), 401, "unknown_caller")
    problem_of(caller.get("/v1/batches"), 401, "unknown_caller")
    revoke(both.database, "archive")
    problem_of(caller.get("/v1/batches", headers=bearer(key)), 401, "unknown_caller")


def test_only_a_digest_of_a_key_is_kept(both: Service) -> None:
    key = make(both.database)
    with both.database.read() as session:
        [row] = session.scalars(select(ApiKeyRow))
        kept = f"{row.__dict__} {[audited.details for audited in session.scalars(select(AuditRow))]}"
    assert len(key) > 40
    assert key[3:12] not in kept


def test_from_the_first_key_on_callers_on_this_machine_need_one_too_even_when_it_is_revoked(both: Service) -> None:
    caller = Caller(create_app(both))
    assert caller.get("/v1/batches").status_code == 200
    key = make(both.database)
    problem_of(caller.get("/v1/batches"), 401, "unknown_caller")
    assert caller.get("/v1/batches", headers=bearer(key)).status_code == 200
    revoke(both.database, "1")
    problem_of(caller.get("/v1/batches"), 401, "unknown_caller")
    problem_of(Caller(create_app(both)).get("/v1/batches"), 401, "unknown_caller")


def test_keys_of_the_environment_stand_beside_those_that_are_kept(both: Service) -> None:
    settings = both.settings.model_copy(update={"api_keys": SecretStr("scanner:" + "s" * 40)})
    caller = Caller(create_app(Service(settings, both.database, both.store)), ELSEWHERE)
    key = make(both.database)
    for known in ("s" * 40, key):
        assert caller.get("/v1/batches", headers=bearer(known)).status_code == 200


def test_one_key_or_all_of_a_caller_are_revoked_each_with_its_line_in_the_audit(both: Service) -> None:
    database = both.database
    ring = KeyRing(database, parse_api_keys(""))
    keys = [make(database), make(database), make(database, "other")]
    revoke(database, "1")
    assert [ring.find(key) is not None for key in keys] == [False, True, True]
    revoke(database, "archive")
    assert [ring.find(key) is not None for key in keys] == [False, False, True]
    assert audited(database) == [
        ("olga", "key made", "key:1"), ("olga", "key made", "key:2"), ("olga", "key made", "key:3"),
        ("olga", "key revoked", "key:1"), ("olga", "key revoked", "key:2"),
    ]  # fmt: skip
    for gone in ("1", "archive", "nobody", "99"):
        with pytest.raises(NoSuchKey), database.write() as session:
            kept_keys.revoke(session, gone, "olga", NOW)


@pytest.mark.parametrize("name", ["", "api", "sweep", "a b", "x" * 65, "a:b", "a[b]"])
def test_a_name_that_means_something_else_is_no_callers(both: Service, name: str) -> None:
    with pytest.raises(ValueError, match="name"), both.database.write() as session:
        kept_keys.add(session, name, {Scope.BATCHES_READ}, "olga", NOW)


def test_a_word_nobody_knows_any_more_opens_nothing(both: Service) -> None:
    key = make(both.database)
    with both.database.write() as session:
        session.get_one(ApiKeyRow, 1).scopes = ["everything", "batches:read"]
    found = KeyRing(both.database, parse_api_keys("")).find(key)
    assert found is not None
    assert found.scopes == {Scope.BATCHES_READ}


def test_the_commands_make_show_and_revoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_HOME", str(tmp_path / "home"))
    run = CliRunner().invoke
    made = run(command, ["keys", "add", "archive", "--scope", "records:read", "--scope", "batches:read"])
    assert (made.exit_code, made.stdout.startswith("pr_")) == (0, True)
    key = made.stdout.strip()
    shown = run(command, ["keys", "list", "--json"])
    [found] = json.loads(shown.stdout)
    assert (found["name"], found["scopes"], found["revoked_at"]) == ("archive", ["batches:read", "records:read"], None)
    assert key not in shown.stdout + run(command, ["keys", "list"]).stdout
    assert run(command, ["keys", "revoke", "archive"]).exit_code == 0
    again = run(command, ["keys", "revoke", "archive"])
    assert (again.exit_code, "No key in use" in again.stderr) == (1, True)
    assert run(command, ["keys", "add", "api", "--scope", "records:read"]).exit_code == 1
    assert run(command, ["keys", "add", "archive"]).exit_code == 2  # a key that opens nothing is none
    assert run(command, ["keys", "add", "archive", "--scope", "everything"]).exit_code == 2


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_that_is_used_too_often_is_told_when_to_come_again(both: Service) -> None:
    settings = both.settings.model_copy(update={"requests_per_minute": 3})
    app = create_app(Service(settings, both.database, both.store))
    key, other = make(both.database), make(both.database, "other")
    caller = Caller(app, ELSEWHERE)
    told = [caller.get("/v1/batches", headers=bearer(key)).headers for _ in range(3)]
    assert [headers["ratelimit"].partition(";t=")[0] for headers in told] == [
        '"key";r=2', '"key";r=1', '"key";r=0'
    ]  # fmt: skip
    assert {headers["ratelimit-policy"] for headers in told} == {'"key";q=3;w=60'}
    refused = caller.get("/v1/batches", headers=bearer(key))
    problem_of(refused, 429, "too_many_requests")
    assert 0 < int(refused.headers["retry-after"]) <= 20
    assert refused.headers["ratelimit"].startswith('"key";r=0;t=')
    assert caller.get("/v1/batches", headers=bearer(other)).status_code == 200
    assert caller.get("/health/live").status_code == 200


def test_a_bucket_fills_steadily_and_holds_no_more_than_a_minute_gives() -> None:
    clock = Clock()
    turnstile = Turnstile(6, clock)
    assert [turnstile.pass_through("a")["RateLimit"] for _ in range(6)][-1] == '"key";r=0;t=60'
    for _ in range(2):
        with pytest.raises(Exception, match="more than 6 times a minute") as refused:
            turnstile.pass_through("a")
        assert refused.value.headers["Retry-After"] == "10"  # type: ignore[attr-defined]
    clock.now += 10
    assert turnstile.pass_through("a")["RateLimit"] == '"key";r=0;t=60'
    clock.now += 3600
    assert turnstile.pass_through("a")["RateLimit"] == '"key";r=5;t=10'


def test_without_a_limit_nothing_is_counted_or_told() -> None:
    turnstile = Turnstile(0)
    assert [turnstile.pass_through("a") for _ in range(100)] == [{}] * 100


def test_whoever_needs_no_key_is_not_counted(both: Service) -> None:
    settings = both.settings.model_copy(update={"requests_per_minute": 1})
    caller = Caller(create_app(Service(settings, both.database, both.store)))
    assert [caller.get("/v1/batches").status_code for _ in range(3)] == [200] * 3


def test_while_the_database_is_away_who_was_known_is_known(both: Service) -> None:
    key = make(both.database, "watcher", Scope.METRICS_READ)
    other = make(both.database)
    caller = Caller(create_app(both), ELSEWHERE)
    assert "postroom_database_up 1.0" in caller.get("/metrics", headers=bearer(key)).text
    caller.app.state.front_desk.keys.database = _Away()
    assert caller.get("/metrics", headers=bearer(key)).status_code == 200
    problem_of(caller.get("/metrics", headers=bearer(other)), 503, "unavailable")


class _Away:
    """A database that does not answer."""

    def read(self) -> NoReturn:
        raise Unavailable("The database is away.")
