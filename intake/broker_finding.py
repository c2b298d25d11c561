"""Whether the broker answers, and keeps what it is given."""

from urllib.parse import urlsplit

import redis

from intake.broker_check import ANSWER_SECONDS, KEEPS_EVERYTHING, REDIS_SCHEMES, eviction_policy, throws_away
from intake.finding import Finding
from intake.settings import without_password


def broker_finding(url: str) -> Finding:
    """One finding about the broker of that URL; "" for none."""
    if not url:
        return Finding("broker", True, "none is set: workers take their steps from the database")
    where, parts = without_password(url), urlsplit(url)
    if parts.scheme in REDIS_SCHEMES:
        return _redis(url, where, f"redis-cli -h {parts.hostname} -p {parts.port or 6379}")
    return _other(url, where)


def _redis(url: str, where: str, client: str) -> Finding:
    try:
        policy = eviction_policy(url) or "unknown"
    except (redis.RedisError, OSError, ValueError) as error:
        return Finding("broker", False, f"{where} does not answer: {type(error).__name__}", f"{client} ping")
    if policy != KEEPS_EVERYTHING:
        remedy = f"{client} CONFIG SET maxmemory-policy {KEEPS_EVERYTHING}"
        return Finding("broker", False, f"{where} {throws_away(policy)}", remedy)
    return Finding("broker", True, f"{where} answers, maxmemory-policy {policy}")


def _other(url: str, where: str) -> Finding:
    from kombu.connection import Connection  # noqa: PLC0415  # takes a while to load, and most have a Redis or none

    mend = "rabbitmqctl status"
    try:
        with Connection(url, connect_timeout=ANSWER_SECONDS) as connection:  # type: ignore[no-untyped-call]
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=ANSWER_SECONDS)
    except Exception as error:  # noqa: BLE001  # each transport has errors of its own
        return Finding("broker", False, f"{where} does not answer: {type(error).__name__}", mend)
    return Finding("broker", True, f"{where} answers")
