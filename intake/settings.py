"""Settings of the service, from the environment or a `.env` file; every one of them has a default that works."""

import ipaddress
import os
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from intake.api_keys import ApiKeys, parse_api_keys
from intake.events.address import Allowed, parse_allowed
from intake.working_days import Calendar, Deadline
from schemas.errors import Unavailable

PREFIX: Final = "POSTROOM_"
_HIDDEN: Final = "****"
_DATABASE_FILE: Final = "postroom.db"
_STORE_FOLDER: Final = "store"
_SLACK_SECONDS: Final = 60.0
_HOST_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


class Settings(BaseSettings):
    """What an operator may set; the names in the environment are these in capitals behind `POSTROOM_`.

    home:         the data folder: database file, file store and logs, if they are not elsewhere.
    database_url: "" for an SQLite file below `home`; else a URL as SQLAlchemy takes it.
    broker_url:   "" for none: the workers then take their steps from the database; else Redis or RabbitMQ.
    store_url:    "" for a folder below `home`; else a folder, or "s3://bucket/prefix".
    key:          keys for encryption at rest, "id:base64" parted by commas, the newest first; empty for none.
    forms:        a folder of further form types.
    port:         of the site and the API.
    host:         the address they listen on; others than this machine's own need `api_keys`.
    hosts:        further host names the service answers to, parted by commas.
    api_keys:     who may call from other machines, "name:key" or "name[scope+scope]:key" parted by commas; empty for
                  nobody.
    workers:      processes that read side by side.
    worker_nice:  by how much they give way to the site, as `nice` counts; 0 for not at all.
    lease_seconds: how long a step belongs to a worker that gives no sign of life.
    sweep_seconds: how often steps of dead workers are looked for.
    beat_seconds: how often a worker says that it is there.
    reconcile_seconds: how often `serve` balances the books; it does so at its start as well.
    session_idle_seconds: how long somebody may do nothing before they are signed out.
    session_seconds: how long somebody stays signed in at all.
    https:        whether people reach the site by https only, through a proxy in front of it.
    proxies:      addresses of such proxies, parted by commas: what they say of whom they ask for is believed.
    review_lease_seconds: how long a task belongs to a keyer whose screen gives no sign of life.
    settle_seconds: how long a piece waits to be published once people are done, so that they can take something back.
    low_water_bytes: uploads are refused while the store has less room than this.
    requests_per_minute: how often each key of the API may be used, in each process that serves; 0 for any number.
    target_days:  within how many working days of its receipt a batch is to be done.
    holidays:     days on which nobody works, like 2026-12-25, parted by commas: they count for no target.
    webhook_allow: host names and networks events may be sent to although they are not public, parted by commas.
    webhook_ports: the ports they may be sent to elsewhere.
    webhook_timeout_seconds: how long a receiver may take to answer.
    webhook_longest_wait_seconds: between two attempts to deliver one event.
    webhook_give_up_seconds: after so long an event that cannot be delivered is set aside as a dead letter.
    webhook_rotation_seconds: how long the secret before the last still signs.
    webhook_keep_days: how long deliveries are kept once they are made.
    event_source: what events name as their source: a URI of the installation.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    home: Path = Path("postroom-data")
    database_url: SecretStr = SecretStr("")
    broker_url: SecretStr = SecretStr("")
    store_url: str = ""
    key: SecretStr = SecretStr("")
    forms: Path | None = None
    port: int = Field(default=8000, ge=0, le=65535)
    host: str = "127.0.0.1"
    hosts: str = ""
    api_keys: SecretStr = SecretStr("")
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    worker_nice: int = Field(default=5, ge=0, le=19)
    lease_seconds: float = Field(default=60.0, gt=0)
    sweep_seconds: float = Field(default=10.0, gt=0)
    beat_seconds: float = Field(default=10.0, gt=0)
    reconcile_seconds: float = Field(default=86_400.0, gt=0)
    session_idle_seconds: float = Field(default=1_800.0, gt=0)
    session_seconds: float = Field(default=43_200.0, gt=0)
    https: bool = False
    proxies: str = ""
    review_lease_seconds: float = Field(default=600.0, gt=0)
    # No longer than a step may wait: the sweep takes anything beyond for a clock that was put back.
    settle_seconds: float = Field(default=60.0, ge=0, le=90)
    low_water_bytes: int = Field(default=256 * 1024**2, ge=0)
    requests_per_minute: int = Field(default=6_000, ge=0)
    target_days: int = Field(default=5, ge=0, le=260)
    holidays: str = ""
    webhook_allow: str = ""
    webhook_ports: str = "443,8443"
    webhook_timeout_seconds: float = Field(default=15.0, gt=0, le=60)
    webhook_longest_wait_seconds: float = Field(default=3_600.0, gt=0)
    webhook_give_up_seconds: float = Field(default=86_400.0, gt=0)
    webhook_rotation_seconds: float = Field(default=86_400.0, ge=0)
    webhook_keep_days: int = Field(default=30, ge=1)
    event_source: str = Field(default="urn:postroom", pattern=r"^[\x21-\x7e]{1,200}$")

    @field_validator("api_keys")
    @classmethod
    def _are_keys(cls, given: SecretStr) -> SecretStr:
        parse_api_keys(given.get_secret_value())
        return given

    @field_validator("hosts")
    @classmethod
    def _are_host_names(cls, given: str) -> str:
        for place, name in enumerate(_listed(given), 1):
            if not _HOST_NAME.fullmatch(name):
                raise ValueError(f"entry {place} is no host name: give names like mail.example.org, without a port")
        return given

    @field_validator("proxies")
    @classmethod
    def _are_addresses(cls, given: str) -> str:
        for place, address in enumerate(_listed(given), 1):
            try:
                ipaddress.ip_address(address)
            except ValueError:
                raise ValueError(f"entry {place} is no address: give addresses like 192.0.2.7") from None
        return given

    @field_validator("holidays")
    @classmethod
    def _are_days(cls, given: str) -> str:
        _days(given)
        return given

    @field_validator("webhook_allow")
    @classmethod
    def _are_hosts_or_networks(cls, given: str) -> str:
        parse_allowed(given)
        return given

    @field_validator("webhook_ports")
    @classmethod
    def _are_ports(cls, given: str) -> str:
        parse_allowed("", given)
        return given

    @property
    def webhooks_allowed(self) -> Allowed:
        """Where events may be sent."""
        return parse_allowed(self.webhook_allow, self.webhook_ports)

    @property
    def deadline(self) -> Deadline:
        """Within how many working days of its receipt post is to be done, by the calendar of the office."""
        return Deadline(self.target_days, Calendar(_days(self.holidays)))

    @property
    def stalled_seconds(self) -> float:
        """How long a step may be ready with nobody at work: what a dead worker held is ready again by then."""
        return self.lease_seconds + self.sweep_seconds + _SLACK_SECONDS

    @property
    def host_names(self) -> frozenset[str]:
        """The further host names, in small letters."""
        return frozenset(_listed(self.hosts))

    @property
    def proxy_addresses(self) -> frozenset[str]:
        """The addresses of the proxies in front of the site."""
        return frozenset(_listed(self.proxies))

    @property
    def callers(self) -> ApiKeys:
        """The keys of callers on other machines; none if nobody else may call."""
        return parse_api_keys(self.api_keys.get_secret_value())

    @property
    def database(self) -> str:
        """The URL of the database; of an SQLite file below `home` if none is set."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.home.absolute() / _DATABASE_FILE}"

    @property
    def is_new(self) -> bool:
        """Whether there is no database of ours yet; one that is elsewhere is taken for there."""
        return not self.database_url.get_secret_value() and not (self.home / _DATABASE_FILE).exists()

    @property
    def store(self) -> str:
        """Where the originals lie; a folder below `home` if nothing else is set."""
        return self.store_url or str(self.home.absolute() / _STORE_FOLDER)

    @property
    def broker(self) -> str:
        """The URL of the broker; "" if the workers do without."""
        return self.broker_url.get_secret_value()

    def shown(self) -> dict[str, str]:
        """Every setting in words, by its name in the environment, for people to look at: secrets are hidden."""
        names = {
            "home": str(self.home),
            "database_url": without_password(self.database),
            "broker_url": without_password(self.broker) or "none: steps are taken from the database",
            "store_url": without_password(self.store),
            "key": _HIDDEN if self.key.get_secret_value() else "none: files are kept as they are",
            "forms": str(self.forms or "none"),
            "proxies": ", ".join(sorted(self.proxy_addresses)) or "none",
            "hosts": ", ".join(sorted(self.host_names)) or "none",
            "holidays": ", ".join(map(str, sorted(self.deadline.calendar.holidays))) or "none: Monday to Friday",
            "webhook_allow": self.webhook_allow or "none: public addresses only",
            "api_keys": ", ".join(f"{key.shown}:{_HIDDEN}" for key in self.callers.keys) or "none: this machine only",
        }
        plain = [name for name in type(self).model_fields if name not in names]
        names |= {name: str(getattr(self, name)) for name in plain}
        return {PREFIX + name.upper(): value for name, value in names.items()}


def _listed(text: str) -> list[str]:
    return [entry.strip().lower() for entry in text.split(",")] if text.strip() else []


def _days(text: str) -> frozenset[date]:
    """The days of a list. Raises ValueError naming the place of what is none."""
    found = set()
    for place, entry in enumerate(_listed(text), 1):
        try:
            # fromisoformat takes further ways to write a day, which nobody would tell from a slip.
            found.add(datetime.strptime(entry, "%Y-%m-%d").replace(tzinfo=UTC).date())
        except ValueError:
            raise ValueError(f"entry {place} is no day: give days like 2026-12-25, parted by commas") from None
    return frozenset(found)


def load_settings() -> Settings:
    """The settings of this process. Raises Unavailable naming the variable that is wrong, never its value."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"{PREFIX}{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
            for fault in error.errors(include_input=False)
        )
        raise Unavailable(f"the settings are wrong: {wrong}") from None


def without_password(url: str) -> str:
    """The URL with its password hidden, and with what stands behind a question mark, which may hold another."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    place = parts.netloc
    if parts.password is not None:
        user = parts.username or ""
        place = f"{user}:{_HIDDEN}@{place.rpartition('@')[2]}"
    return urlunsplit((parts.scheme, place, parts.path, _HIDDEN if parts.query else "", ""))
