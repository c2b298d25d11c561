"""What makes a broker, or a way to run a Celery worker, unfit for us: asked at every start, told in words."""

from typing import Any, Final
from urllib.parse import urlsplit

import redis

REDIS_SCHEMES: Final = frozenset({"redis", "rediss"})
_AMQP_SCHEMES: Final = frozenset({"amqp", "amqps", "pyamqp"})
_KEEPS_EVERYTHING: Final = "noeviction"
_ANSWER_SECONDS: Final = 3.0
_POOLS: Final = ("prefork",)


def unfit(url: str) -> str:
    """Why the broker at this URL cannot be used, and what mends it; "" if it can, or does not answer just now."""
    scheme = urlsplit(url).scheme
    if scheme in _AMQP_SCHEMES:
        return ""
    if scheme not in REDIS_SCHEMES:
        return "POSTROOM_BROKER_URL must begin with redis://, rediss://, amqp:// or amqps://."
    policy = _eviction_policy(url)
    if policy in (None, _KEEPS_EVERYTHING):
        return ""
    return (
        f"the Redis of POSTROOM_BROKER_URL throws keys away when its memory is full (maxmemory-policy {policy}), and "
        f"a queue is a key. Give it `maxmemory-policy {_KEEPS_EVERYTHING}`, or take a Redis of your own."
    )


def _eviction_policy(url: str) -> str | None:
    """What this Redis does when its memory is full; None if it does not answer, or does not say."""
    try:
        with redis.Redis.from_url(
            url, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS
        ) as client:
            # Not CONFIG GET, which many a Redis on the way forbids.
            told: dict[str, Any] = client.info("memory")
    except (redis.RedisError, OSError):
        return None
    except ValueError:
        return "unknown: its address is none"
    policy = told.get("maxmemory_policy")
    return None if policy is None else str(policy)


def unfit_pool(pool: object) -> str:
    """Why steps cannot be done in this pool of Celery's; "" if they can."""
    name = pool if isinstance(pool, str) else str(getattr(pool, "__module__", ""))
    if name.rpartition(".")[2].partition(":")[0] in _POOLS:
        return ""
    return "steps need processes of their own, not threads: leave --pool out."
