"""Celery for workers on many machines: `celery -A intake.celery_app worker`. A message is a nudge with one step's id.

The database stays the truth: a message that is lost, doubled, forged or late changes nothing but the time at which a
step is done. Settings after the evidence on what Celery loses with its defaults: JSON only, no results, late
acknowledgement, one message ahead, redelivery when a worker is lost.
"""

import logging
from datetime import timedelta
from typing import Any, Final

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown

from extract.limits import DEFAULT_LIMITS
from intake import event_log
from intake.hands import Hands, open_hands
from intake.settings import load_settings
from intake.step_events import tell_step

TASK: Final = "postroom.step"
QUEUE: Final = "postroom"
# Longer than a child may take for one file, so that the step ends by its own limits and not by ours.
_HARD_LIMIT_SECONDS: Final = 240.0
_STEPS_PER_PROCESS: Final = 5_000

_settings = load_settings()

app = Celery("postroom", broker=_settings.broker or "memory://")
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    event_serializer="json",
    result_backend=None,
    task_ignore_result=True,
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=_HARD_LIMIT_SECONDS,
    task_store_errors_even_if_ignored=False,
    worker_prefetch_multiplier=1,
    worker_concurrency=_settings.workers,
    worker_max_tasks_per_child=_STEPS_PER_PROCESS,
    worker_hijack_root_logger=False,
    worker_soft_shutdown_timeout=30.0,
    worker_enable_soft_shutdown_on_idle=False,
    worker_send_task_events=True,  # so that Flower shows them; they carry ids only
    task_send_sent_event=True,
    broker_connection_retry_on_startup=True,
    # Redis gives an unacknowledged message to another worker after this; the lease decides anyway.
    broker_transport_options={"visibility_timeout": int(_HARD_LIMIT_SECONDS * 2)},
    task_create_missing_queues=True,
)

_hands: Hands | None = None


@setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
def _log_as_everywhere(loglevel: int = logging.WARNING, **_: Any) -> None:
    """Celery's own lines may hold what an exception says; with this it leaves the log to us."""
    event_log.start(libraries=max(loglevel, logging.INFO))


@worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _take_up_tools(**_: Any) -> None:
    """Each process has its own connections, models and sandbox: none of them survives a fork."""
    global _hands  # noqa: PLW0603  # Celery gives a task no other place that lives as long as its process
    _hands = open_hands(
        _settings, limits=DEFAULT_LIMITS, lease=timedelta(seconds=_settings.lease_seconds), watcher=tell_step
    )


@worker_process_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
def _lay_down_tools(**_: Any) -> None:
    global _hands  # noqa: PLW0603
    if _hands is not None:
        _hands.close()
        _hands = None


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def step(step_id: int) -> None:
    """Do the step of this id, if it is still to be done."""
    if not isinstance(step_id, int):
        raise TypeError("a step's id is a number")
    if _hands is None:
        _take_up_tools()
    assert _hands is not None  # noqa: S101  # taken up just now
    _hands.runner.run_step(step_id)
