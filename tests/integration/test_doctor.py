"""The doctor shows every setting and looks at all that they name, in good order or not."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from intake import kept_keys
from intake.broker_finding import broker_finding
from intake.cli import app
from intake.database.engine import open_database
from intake.database.versions import newest_version, upgrade
from intake.events.address import parse_allowed
from intake.events.signing import SecretBox
from intake.events.webhooks import Office, Wanted
from intake.finding import Finding
from intake.service import open_service
from intake.service_check import _clock, service_findings
from intake.setting_origins import shown_settings, unknown_names
from intake.settings import Settings, load_settings
from schemas.events import EventType
from schemas.scopes import Scope
from tests.postgresql_server import PostgresqlServer, own_server
from tests.redis_server import RedisServer

RUN = CliRunner()
SECRET = "hunter2-and-then-some-more-of-it-to-be-long"  # noqa: S105  # to be looked for
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # what must be warned of


pytestmark = pytest.mark.usefixtures("no_settings")


def looked(settings: Settings) -> dict[str, Finding]:
    found = {finding.name: finding for finding in service_findings(settings)}
    for finding in found.values():
        assert finding.is_good != bool(finding.remedy), finding
        assert SECRET not in finding.detail + finding.remedy
    return found


def wrong(settings: Settings) -> dict[str, str]:
    """The remedies of what is not good."""
    return {name: finding.remedy for name, finding in looked(settings).items() if not finding.is_good}


def test_before_the_first_start_all_is_well_and_nothing_is_made(tmp_path: Path) -> None:
    found = looked(Settings())
    assert all(finding.is_good for finding in found.values())
    assert {"callers", "database", "store", "broker"} <= set(found)
    assert list(tmp_path.iterdir()) == []


def test_after_it_database_and_store_are_looked_at(tmp_path: Path) -> None:
    open_service(Settings()).close()
    (tmp_path / "postroom-data" / "store").mkdir()
    before = sorted(tmp_path.rglob("*"))
    found = looked(Settings())
    assert {"database", "database on disk", "clock", "store", "store on disk", "data folder"} <= set(found)
    assert all(finding.is_good for finding in found.values()), found
    assert newest_version() in found["database"].detail
    assert "MiB" in found["store"].detail
    assert "fsync" in found["store on disk"].detail
    assert sorted(tmp_path.rglob("*")) == before


def test_every_setting_is_shown_with_where_it_comes_from_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(f"POSTROOM_WORKERS=3\nPOSTROOM_PORT=8100\nPOSTROOM_API_KEYS=scanner:{SECRET}\n")
    monkeypatch.setenv("POSTROOM_PORT", "8200")
    monkeypatch.setenv("POSTROOM_HOLIDAYS", "2026-12-25")
    monkeypatch.setenv("postroom_lease_seconds", "30")
    monkeypatch.setenv("POSTROOM_BROKER_URL", f"redis://:{SECRET}@127.0.0.1:1/0")
    shown = {setting.name: (setting.value, setting.origin.value) for setting in shown_settings(load_settings())}
    assert len(shown) == len(Settings.model_fields)
    assert shown["POSTROOM_PORT"] == ("8200", "environment")
    assert shown["POSTROOM_WORKERS"] == ("3", ".env")
    assert shown["POSTROOM_LEASE_SECONDS"] == ("30.0", "environment")
    assert shown["POSTROOM_HOLIDAYS"] == ("2026-12-25", "environment")
    assert shown["POSTROOM_SWEEP_SECONDS"] == ("10.0", "default")
    assert shown["POSTROOM_API_KEYS"] == ("scanner:****", ".env")
    for arguments in (["doctor"], ["doctor", "--json"]):
        answer = RUN.invoke(app, arguments)
        assert answer.exit_code == 1  # nothing answers at that broker
        assert SECRET not in answer.output
        assert "scanner:****" in answer.output
    told = json.loads(answer.stdout)
    assert set(told) == {"settings", "findings"}
    assert {"name": "POSTROOM_WORKERS", "value": "3", "origin": ".env"} in told["settings"]
    [broker] = [finding for finding in told["findings"] if finding["name"] == "broker"]
    assert broker["remedy"] == "redis-cli -h 127.0.0.1 -p 1 ping"


def test_settings_that_cannot_be_read_are_one_finding_among_those_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POSTROOM_PORT", SECRET)
    answer = RUN.invoke(app, ["doctor", "--json"])
    told = json.loads(answer.stdout)
    assert answer.exit_code == 1
    assert told["settings"] == []
    assert "POSTROOM_PORT" in told["findings"][0]["detail"]
    assert SECRET not in answer.output
    assert "opencv" in {finding["name"] for finding in told["findings"]}


def test_a_misspelt_setting_is_found_in_the_environment_and_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("POSTROOM_STORE=/srv\n")
    (tmp_path / ".env").chmod(0o600)
    monkeypatch.setenv("POSTROOM_DATABSE_URL", SECRET)
    monkeypatch.setenv("POSTROOM_MODELS", "/somewhere")  # of the readers, not of the service
    assert set(unknown_names()) == {"POSTROOM_STORE", "POSTROOM_DATABSE_URL"}
    assert wrong(Settings()) == {
        "setting POSTROOM_DATABSE_URL": "unset POSTROOM_DATABSE_URL",
        "setting POSTROOM_STORE": "sed -i '/^POSTROOM_STORE=/d' .env",
    }


def test_places_that_others_may_read_are_named(tmp_path: Path) -> None:
    (tmp_path / ".env").touch(0o644)
    (tmp_path / "postroom-data").mkdir(0o755)
    assert wrong(Settings()) == {"settings file": "chmod 600 .env", "data folder": "chmod 700 postroom-data"}


def test_an_open_door_without_keys_is_named() -> None:
    assert "openssl rand -hex 32" in wrong(Settings(host=EVERY_ADDRESS))["callers"]
    assert wrong(Settings(host=EVERY_ADDRESS, api_keys=SecretStr(f"scanner:{SECRET}"))) == {}


def test_a_key_that_the_database_keeps_closes_the_door(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", host=EVERY_ADDRESS)
    service = open_service(settings)
    with service.database.write() as session:
        kept_keys.add(session, "archive", {Scope.RECORDS_READ}, "olga", service.database.now(session))
    service.close()
    assert wrong(settings) == {}
    service = open_service(settings)
    with service.database.write() as session:
        kept_keys.revoke(session, "archive", "olga", service.database.now(session))
    service.close()
    assert "openssl rand -hex 32" in wrong(settings)["callers"]


def test_secrets_of_webhooks_that_lie_open_are_named(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    service = open_service(settings)
    office = Office(parse_allowed("192.0.2.1"), SecretBox(None), timedelta(days=1))
    wanted = Wanted("https://192.0.2.1/", "", (EventType.RECORD_PUBLISHED,), False)
    with service.database.write() as session:
        office.add(session, wanted, "olga", service.database.now(session))
    service.close()
    assert "postroom webhooks rotate" in wrong(settings)["secrets of webhooks"]


def test_too_little_room_and_a_store_that_is_no_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    assert wrong(Settings(store_url=str(tmp_path / "store"), low_water_bytes=2**60))["store"].startswith("make room")
    (tmp_path / "file").touch()
    assert "store" in wrong(Settings(store_url=str(tmp_path / "file")))
    assert "store" in wrong(Settings(store_url="ftp://somewhere"))
    assert "store" in wrong(Settings(store_url="s3://bucket?endpoint=http://127.0.0.1:1"))


def test_a_key_that_does_not_fit_the_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    settings = Settings(store_url=str(tmp_path / "store"), key=SecretStr(f"k1:{SECRET}"))
    assert "POSTROOM_KEY" in wrong(settings)["store"]


def test_a_database_of_another_version_is_named(tmp_path: Path) -> None:
    open_service(Settings()).close()
    for version in ("9999", "0001"):
        with sqlite3.connect(tmp_path / "postroom-data" / "postroom.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        assert "database" in wrong(Settings())


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    yield from own_server()


def test_a_postgresql_is_looked_at_and_not_changed(server: PostgresqlServer) -> None:
    settings = Settings(database_url=SecretStr(server.create_database("looked_at")))
    for _ in range(2):
        assert "no tables yet" in looked(settings)["database"].detail
    database = open_database(settings.database)
    upgrade(database)
    found = looked(settings)
    assert all(finding.is_good for finding in found.values())
    assert "differ by 0.0 s" in found["clock"].detail
    assert "database on disk" not in found  # that is the server's business
    late = database.with_clock(lambda: database.now() - timedelta(hours=1))
    early = database.with_clock(lambda: database.now() + timedelta(minutes=1))
    for skewed, seconds in ((late, 3600), (early, 60)):
        finding = _clock(skewed)
        assert not finding.is_good
        assert float(finding.detail.split()[-2]) == pytest.approx(seconds, abs=2)
        assert "set-ntp" in finding.remedy
    database.close()


def test_a_postgresql_that_does_not_answer_is_named_without_its_password() -> None:
    settings = Settings(database_url=SecretStr(f"postgresql://mail:{SECRET}@127.0.0.1:1/post"))
    assert wrong(settings) == {"database": "pg_isready -h 127.0.0.1 -p 1"}


def test_a_redis_must_answer_and_must_keep_what_it_is_given() -> None:
    with RedisServer("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru") as server:
        finding = broker_finding(server.url)
        assert not finding.is_good
        assert "allkeys-lru" in finding.detail
        assert finding.remedy == f"redis-cli -h 127.0.0.1 -p {server.port} CONFIG SET maxmemory-policy noeviction"
        with server.client() as client:
            client.config_set("maxmemory-policy", "noeviction")  # what the remedy says
        assert broker_finding(server.url).is_good
    gone = broker_finding(server.url)
    assert (gone.is_good, gone.remedy) == (False, f"redis-cli -h 127.0.0.1 -p {server.port} ping")


def test_another_broker_that_does_not_answer_is_named() -> None:
    finding = broker_finding(f"amqp://guest:{SECRET}@127.0.0.1:1//")
    assert (finding.is_good, finding.remedy) == (False, "rabbitmqctl status")
    assert SECRET not in finding.detail
