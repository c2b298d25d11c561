"""The service runs without a single setting; what is set wrongly is named; what is secret is never shown."""

from pathlib import Path

import pytest

from intake.settings import Settings, load_settings, without_password
from schemas.errors import Unavailable


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"POSTROOM_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)  # where no .env lies


def test_without_any_setting_all_lies_below_one_folder(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.database == f"sqlite:///{tmp_path}/postroom-data/postroom.db"
    assert settings.store == f"{tmp_path}/postroom-data/store"
    assert settings.broker == ""


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTROOM_PORT=8100\nPOSTROOM_WORKERS=3\n")
    monkeypatch.setenv("POSTROOM_PORT", "8200")
    settings = load_settings()
    assert (settings.port, settings.workers) == (8200, 3)


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_PORT", "hunter2")
    with pytest.raises(Unavailable, match="POSTROOM_PORT") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)


def test_no_secret_is_shown_or_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", "postgresql+psycopg://mail:hunter2@db/postroom?password=hunter2")
    monkeypatch.setenv("POSTROOM_BROKER_URL", "redis://:hunter2@redis:6379/0")
    monkeypatch.setenv("POSTROOM_KEY", "k1:hunter2")
    settings = load_settings()
    assert "hunter2" in settings.database
    assert "hunter2" not in f"{settings.shown()} {settings!r}"
    assert settings.shown()["POSTROOM_DATABASE_URL"] == "postgresql+psycopg://mail:****@db/postroom?****"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////var/lib/postroom.db", "sqlite:////var/lib/postroom.db"),
        ("/var/lib/store", "/var/lib/store"),
        ("amqp://guest@host:5672//", "amqp://guest@host:5672//"),
        ("redis://:secret@host/0", "redis://:****@host/0"),
        ("", ""),
    ],
)
def test_only_what_is_secret_in_a_url_is_hidden(url: str, shown: str) -> None:
    assert without_password(url) == shown
