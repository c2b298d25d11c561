"""The service runs without a single setting; what is set wrongly is named; what is secret is never shown."""

from datetime import date
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


def test_holidays_are_days_parted_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().shown()["POSTROOM_HOLIDAYS"] == "none: Monday to Friday"
    monkeypatch.setenv("POSTROOM_HOLIDAYS", "2026-12-28, 2026-12-25,2026-12-25")
    monkeypatch.setenv("POSTROOM_TARGET_DAYS", "1")
    settings = load_settings()
    assert settings.shown()["POSTROOM_HOLIDAYS"] == "2026-12-25, 2026-12-28"
    assert settings.deadline.due_on(date(2026, 12, 24)) == date(2026, 12, 29)


@pytest.mark.parametrize("wrong", ["25.12.2026", "2026-12-32", "2026-02-29", "20261225", "2026-W52-5", "Christmas", ""])
def test_a_holiday_that_is_no_day_is_told_by_its_place(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("POSTROOM_HOLIDAYS", f"2026-04-03,{wrong},2026-04-06")
    with pytest.raises(Unavailable, match=r"POSTROOM_HOLIDAYS: .*entry 2 is no day: give days like 2026-12-25"):
        load_settings()


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
