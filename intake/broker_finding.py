"""Whether the broker answers, and keeps what it is given."""

from typing import Any, Final
from urllib.parse import urlsplit

import redis

from intake.finding import Finding
from intake.settings import without_password

_SECONDS: Final = 3.0
_KEEPS_EVERYTHING: Final = "noeviction"


def broker_finding(url: str) -> Finding:
    """One finding about the broker of that URL; "" for none."""
    if not url:
        return Finding("broker", True, "none is set: workers take their steps from the database")
    where, parts = without_password(url), urlsplit(url)
    if parts.scheme in ("redis", "rediss"):
        return _redis(url, where, f"redis-cli -h {parts.hostname} -p {parts.port or 6379}")
    return _other(url, where)


def _redis(url: str, where: str, client: str) -> Finding:
    try:
        with redis.Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS) as connection:
            # Not CONFIG GET, which many a Redis on the way forbids.
            told: dict[str, Any] = connection.info("memory")
    except (redis.RedisError, OSError, ValueError) as error:
        return Finding("broker", False, f"{where} does not answer: {type(error).__name__}", f"{client} ping")
    chosen = str(told.get("maxmemory_policy", "unknown"))
    if chosen != _KEEPS_EVERYTHING:
        detail = f"{where} throws keys away when its memory is full (maxmemory-policy {chosen}), and a queue is a key"
        return Finding("broker", False, detail, f"{client} CONFIG SET maxmemory-policy {_KEEPS_EVERYTHING}")
    return Finding("broker", True, f"{where} answers, maxmemory-policy {chosen}")


def _other(url: str, where: str) -> Finding:
    from kombu.connection import Connection  # noqa: PLC0415  # takes a while to load, and most have a Redis or none

    mend = "rabbitmqctl status"
    try:
        with Connection(url, connect_timeout=_SECONDS) as connection:  # type: ignore[no-untyped-call]
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_SECONDS)
    except Exception as error:  # noqa: BLE001  # each transport has errors of its own
        return Finding("broker", False, f"{where} does not answer: {type(error).__name__}", mend)
    return Finding("broker", True, f"{where} answers")
