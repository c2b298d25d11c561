"""How often a key may be used: a bucket for each, filled steadily, from which every request takes one.

Each process counts by itself: where several serve, a key has so many in each of them.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from intake.api.problem import ProblemCode, Refused

_WINDOW_SECONDS: Final = 60
_POLICY: Final = "key"  # the name of the one rule there is, as the header fields give it


class Turnstile:
    """Lets every key through so many times a minute, all of them at once if need be. Safe to share between threads."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """per_minute: 0 for no limit. clock: seconds from anywhere."""
        self._per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._filled: dict[str, tuple[float, float]] = {}  # by key: what it held, and when; only keys of ours are here

    def pass_through(self, key: str) -> Mapping[str, str]:
        """Count a request with this key; the header fields that tell what is left. Raises Refused (429)."""
        if not self._per_minute:
            return {}
        with self._lock:
            held = self._held(key)
            is_let_in = held >= 1
            self._filled[key] = (held - 1 if is_let_in else held, self._clock())
        if is_let_in:
            return self._told(held - 1)
        wait = max(1, math.ceil((1 - held) * _WINDOW_SECONDS / self._per_minute))
        detail = f"This key was used more than {self._per_minute} times a minute. Try again after Retry-After seconds."
        headers = {"Retry-After": str(wait)} | self._told(held)
        raise Refused(429, ProblemCode.TOO_MANY_REQUESTS, detail, headers=headers)

    def _held(self, key: str) -> float:
        held, at = self._filled.get(key, (float(self._per_minute), self._clock()))
        gained = (self._clock() - at) * self._per_minute / _WINDOW_SECONDS
        return min(float(self._per_minute), held + gained)

    def _told(self, held: float) -> dict[str, str]:
        full_in = math.ceil((self._per_minute - held) * _WINDOW_SECONDS / self._per_minute)
        return {
            "RateLimit-Policy": f'"{_POLICY}";q={self._per_minute};w={_WINDOW_SECONDS}',
            "RateLimit": f'"{_POLICY}";r={int(held)};t={full_in}',
        }
