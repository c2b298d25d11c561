"""Counts requests, for the metrics."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram

_LABELS = ("method", "route", "status")
_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 60.0)


@dataclass(frozen=True)
class Traffic:
    """Requests of one app. Routes are counted as they were declared, so that no sender can make new series."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Counter = field(init=False)
    seconds: Histogram = field(init=False)

    def __post_init__(self) -> None:
        requests = Counter("postroom_requests", "Requests answered.", _LABELS, registry=self.registry)
        seconds = Histogram(
            "postroom_request_seconds", "How long they took.", _LABELS[:2], registry=self.registry, buckets=_SECONDS
        )
        object.__setattr__(self, "requests", requests)
        object.__setattr__(self, "seconds", seconds)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)
