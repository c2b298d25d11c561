"""Prometheus metrics of the work itself, which other processes do: they write it into the database as they go."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import presence, quarantine, reconciliation, tallies
from intake.database.tables import SequenceRow
from intake.dispatch import Dispatcher
from intake.events import deliveries
from intake.service import Service
from intake.tallies import Tally
from schemas.delivery import DeliveryOutcome
from schemas.errors import Cause, Unavailable
from schemas.states import StepName

_CACHE_SECONDS: Final = 5.0
_OUTCOMES: Final = ("done", "failed", "quarantined", "released", "fenced")
_WASTED: Final = ("failed", "released", "fenced")  # such an attempt is made again


class Operation(Collector):
    """Attempts, their durations, workers, reconciliation, dispatcher: asked for at most every few seconds."""

    def __init__(self, service: Service, dispatcher: Dispatcher | None) -> None:
        self._service, self._dispatcher = service, dispatcher
        self._lock = threading.Lock()
        self._kept: Sequence[Metric] = ()
        self._until = 0.0

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._kept = self._asked()
                self._until = time.monotonic() + _CACHE_SECONDS
            yield from self._kept

    def _asked(self) -> Sequence[Metric]:
        database, beat = self._service.database, self._service.settings.beat_seconds
        try:
            now = database.now()
            with database.read() as session:
                counted = tallies.read(session)
                alive = [worker for worker in presence.workers(session) if presence.is_alive(worker, now, beat)]
                found = [
                    *_attempts(counted),
                    _durations(counted),
                    *_workers(sum(worker.idle_since is None for worker in alive), len(alive)),
                    *_reconciliation(session),
                    _quarantine(session),
                    _published(session),
                    *_deliveries(session, counted, now.timestamp()),
                ]
        except Unavailable:
            return ()  # what tells where mail stands says so
        return [*found, *self._window()]

    def _window(self) -> Iterator[Metric]:
        if self._dispatcher is None:
            return
        window = GaugeMetricFamily("postroom_dispatcher_window", "Messages the broker should hold.")
        window.add_metric((), self._dispatcher.window)
        yield window
        messages = GaugeMetricFamily("postroom_broker_messages", "Messages no worker has taken; none: no answer.")
        if (waiting := self._dispatcher.waiting) is not None:
            messages.add_metric((), waiting)
        yield messages


def _attempts(counted: Mapping[Tally, float]) -> Iterator[Metric]:
    attempts = CounterMetricFamily("postroom_step_attempts", "Attempts that ended.", labels=("step", "outcome"))
    wasted = CounterMetricFamily("postroom_wasted_attempts", "Attempts that must be made again.", labels=("reason",))
    by_outcome = dict.fromkeys(_OUTCOMES, 0.0)
    for step in StepName:
        for outcome in _OUTCOMES:
            count = counted.get(tallies.attempt(step.value, outcome), 0.0)
            attempts.add_metric((step.value, outcome), count)
            by_outcome[outcome] += count
    for reason in _WASTED:
        wasted.add_metric((reason,), by_outcome[reason])
    wasted.add_metric(("worker_lost",), counted.get(tallies.LEASES_LOST, 0.0))
    yield from (attempts, wasted)


def _durations(counted: Mapping[Tally, float]) -> Metric:
    durations = HistogramMetricFamily("postroom_step_seconds", "How long attempts took.", labels=("step",))
    bounds = [*map(str, tallies.STEP_SECONDS), "+Inf"]
    for step in StepName:
        each = [counted.get(Tally("step_seconds_bucket", f"{step.value}|{bound}"), 0.0) for bound in bounds]
        up_to = list(zip(bounds, accumulate(each), strict=True))
        durations.add_metric((step.value,), up_to, counted.get(tallies.seconds_sum(step.value), 0.0))
    return durations


def _workers(at_work: int, alive: int) -> Iterator[Metric]:
    workers = GaugeMetricFamily("postroom_workers", "Workers that give signs of life.", labels=("state",))
    workers.add_metric(("working",), at_work)
    workers.add_metric(("idle",), alive - at_work)
    yield workers


def _reconciliation(session: Session) -> Iterator[Metric]:
    difference = GaugeMetricFamily("postroom_reconcile_difference", "What did not add up when last counted.")
    moment = GaugeMetricFamily("postroom_reconcile_last_timestamp_seconds", "When the books were last balanced.")
    took = GaugeMetricFamily("postroom_reconcile_last_seconds", "How long that took.")
    if (latest := reconciliation.latest(session)) is not None:
        difference.add_metric((), latest.difference)
        moment.add_metric((), latest.at.timestamp())
        took.add_metric((), latest.seconds)
    yield from (difference, moment, took)


def _quarantine(session: Session) -> Metric:
    causes = GaugeMetricFamily("postroom_quarantine", "Steps in quarantine by cause.", labels=("cause",))
    for cause, count in (dict.fromkeys(Cause, 0) | quarantine.by_cause(session)).items():
        causes.add_metric((cause.value,), count)
    return causes


def _published(session: Session) -> Metric:
    published = session.scalars(select(SequenceRow.value).where(SequenceRow.name == "publication")).one_or_none()
    return CounterMetricFamily("postroom_records_published", "Revisions of records published.", value=published or 0)


def _deliveries(session: Session, counted: Mapping[Tally, float], now: float) -> Iterator[Metric]:
    waiting, oldest, dead = deliveries.standings(session)
    standing = GaugeMetricFamily("postroom_webhook_deliveries", "Events on their way to receivers.", labels=("state",))
    standing.add_metric(("waiting",), waiting)
    standing.add_metric(("dead",), dead)
    age = GaugeMetricFamily("postroom_webhook_oldest_seconds", "For how long the oldest of them has waited; 0: none.")
    age.add_metric((), 0.0 if oldest is None else max(0.0, now - oldest.timestamp()))
    attempts = CounterMetricFamily("postroom_webhook_attempts", "Attempts to deliver that ended.", labels=("outcome",))
    for outcome in DeliveryOutcome:
        attempts.add_metric((outcome.value,), counted.get(deliveries.attempts_tally(outcome), 0.0))
    yield from (standing, age, attempts)
