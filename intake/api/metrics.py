"""Prometheus metrics: where the mail stands, how long the oldest has stood there, what waits, what was asked of us."""

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final

from fastapi import APIRouter
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from intake import ledger, queue_length
from intake.api.front_desk import AtDesk
from intake.api.policy import PolicedRoute, policy
from intake.service import Service
from schemas.errors import Unavailable
from schemas.scopes import Scope
from schemas.states import MailState, StepName

router: Final = APIRouter(route_class=PolicedRoute, tags=["metrics"])

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_CACHE_SECONDS: Final = 5.0  # several scrapers must not make the database count twice as often
_REST_PER_COUNT: Final = 20  # times as long as counting took: with millions of pages that is seconds


@router.get("/metrics", response_class=Response, responses={200: {"content": {MEDIA_TYPE: {}}}})
@policy(Scope.METRICS_READ)
def metrics(desk: AtDesk) -> Response:
    """Everything, in the text format of Prometheus."""
    return Response(generate_latest(desk.traffic.registry), media_type=MEDIA_TYPE)


class Standings(Collector):
    """Counts mail and steps when it is asked, and not again for a few seconds."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._kept: Sequence[Metric] = ()
        self._until = 0.0

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if (began := time.monotonic()) >= self._until:
                self._kept = self._counted()
                ended = time.monotonic()
                self._until = ended + max(_CACHE_SECONDS, _REST_PER_COUNT * (ended - began))
            yield from self._kept

    def _counted(self) -> Sequence[Metric]:
        up = GaugeMetricFamily("postroom_database_up", "1 if the database answered.")
        try:
            found = [*self._mail(), *self._room()]
        except Unavailable:
            up.add_metric((), 0)
            return (up,)
        up.add_metric((), 1)
        return (up, *found)

    def _mail(self) -> Iterator[Metric]:
        mail = GaugeMetricFamily("postroom_mail", "Files, pages and pieces by state.", labels=("kind", "state"))
        received = CounterMetricFamily(
            "postroom_received", "Files, pages and pieces that ever came in.", labels=("kind",)
        )
        ages = GaugeMetricFamily(
            "postroom_mail_oldest_seconds",
            "How long the longest has been in that state; 0 if none is.",
            labels=("kind", "state"),
        )
        waiting = GaugeMetricFamily("postroom_steps", "Steps that are not done.", labels=("name", "state"))
        oldest = GaugeMetricFamily("postroom_oldest_ready_step_seconds", "How long the longest ready step has waited.")
        database = self._service.database
        with database.read() as session:
            standings = ledger.standings(session)
            steps = queue_length.step_counts(session)
            ready = queue_length.oldest_ready(session)
        now = database.now()
        for kind, states in standings.items():
            # Received mail is always in exactly one state, and none of it ever leaves.
            received.add_metric((kind,), sum(standing.count for standing in states.values()))
            for state in MailState:
                standing = states[state]
                mail.add_metric((kind, state.value), standing.count)
                age = 0.0 if standing.oldest is None else (now - standing.oldest).total_seconds()
                ages.add_metric((kind, state.value), max(0.0, age))
        for name in StepName:
            for step_state in queue_length.COUNTED:
                waiting.add_metric((name.value, step_state.value), steps.get((name, step_state), 0))
        oldest.add_metric((), 0.0 if ready is None else max(0.0, (now - ready).total_seconds()))
        yield from (received, mail, ages, waiting, oldest)

    def _room(self) -> Iterator[Metric]:
        try:
            free = self._service.store.free_bytes()
        except Unavailable:
            return
        yield GaugeMetricFamily("postroom_store_free_bytes", "What can still be written.", value=free)
