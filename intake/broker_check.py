"""What makes a broker, or a way to run a Celery worker, unfit for us: asked at every start, told in words."""

from typing import Any, Final
from urllib.parse import urlsplit

import redis

REDIS_SCHEMES: Final = frozenset({"redis", "rediss"})
_AMQP_SCHEMES: Final = frozenset({"amqp", "amqps", "pyamqp"})
KEEPS_EVERYTHING: Final = "noeviction"
ANSWER_SECONDS: Final = 3.0
_POOLS: Final = ("prefork",)


def unfit(url: str) -> str:
    """Why the broker at this URL cannot be used, and what mends it; "" if it can, or does not answer just now."""
    scheme = urlsplit(url).scheme
    if scheme in _AMQP_SCHEMES:
        return ""
    if scheme not in REDIS_SCHEMES:
        return "POSTROOM_BROKER_URL must begin with redis://, rediss://, amqp:// or amqps://."
    policy = _eviction_policy(url)
    if policy is None or policy == KEEPS_EVERYTHING:
        return ""
    return (
        f"the Redis of POSTROOM_BROKER_URL {throws_away(policy)}. Give it `maxmemory-policy {KEEPS_EVERYTHING}`, or "
        "take a Redis of your own."
    )


def _eviction_policy(url: str) -> str | None:
    """What this Redis does when its memory is full; None if it does not answer, or does not say."""
    try:
        return eviction_policy(url)
    except (redis.RedisError, OSError):
        return None
    except ValueError:
        return "unknown: its address is none"


def eviction_policy(url: str) -> str | None:
    """What this Redis does when its memory is full; None if it does not say.

    Raises RedisError or OSError if it does not answer, ValueError if its address is none.
    """
    with redis.Redis.from_url(url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS) as client:
        # Not CONFIG GET, which many a Redis on the way forbids.
        told: dict[str, Any] = client.info("memory")
    policy = told.get("maxmemory_policy")
    return None if policy is None else str(policy)


def throws_away(policy: str) -> str:
    """What is wrong with a Redis of that policy, to be said behind its name."""
    return f"throws keys away when its memory is full (maxmemory-policy {policy}), and a queue is a key"


def unfit_pool(pool: object) -> str:
    """Why steps cannot be done in this pool of Celery's; "" if they can."""
    name = pool if isinstance(pool, str) else str(getattr(pool, "__module__", ""))
    if name.rpartition(".")[2].partition(":")[0] in _POOLS:
        return ""
    return "steps need processes of their own, not threads: leave --pool out."
