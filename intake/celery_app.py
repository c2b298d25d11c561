"""Celery for workers on many machines: `celery -A intake.celery_app worker`. A message is a nudge with one step's id.

The database stays the truth: a message that is lost, doubled, forged or late changes nothing but the time at which a
step is done. Settings after the evidence on what Celery loses with its defaults: JSON only, no results, late
acknowledgement, one message ahead, redelivery when a worker is lost.
"""

import logging
import os
from typing import Any, Final
from urllib.parse import urlsplit

from celery import Celery
from celery.signals import (
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)
from kombu.transport import TRANSPORT_ALIASES

from intake import event_log
from intake.one_thread import ONE_THREAD
from intake.settings import load_settings

os.environ.update(ONE_THREAD)  # before what follows loads the libraries that read it

from intake import broker_check
from intake.celery_broker import QUEUE, TASK, CeleryBroker
from intake.celery_process import StepProcess, WorkerMain

# Longer than a worker has patience with the longest piece (`intake.patience`, which ends what is stuck far sooner), and
# shorter than RabbitMQ waits for an acknowledgement (30 minutes). What has not ended by then is killed, and the lease
# brings the step back.
HARD_LIMIT_SECONDS: Final = 25 * 60
_STEPS_PER_PROCESS: Final = 5_000
_KIBIBYTES_PER_PROCESS: Final = 3 * 1024**2  # looked at after each step; what a page may take is limited elsewhere
_ANSWER_SECONDS: Final = 5  # of a broker; long enough for a busy one, short enough not to hold anybody up
_START_SECONDS: Final = 120  # until a process has loaded its models, on a busy machine
_SOFT_SHUTDOWN_SECONDS: Final = 30
_NO_BROKER: Final = (
    "postroom: POSTROOM_BROKER_URL is not set. Celery needs a broker, such as redis://host:6379/0; on one machine "
    "`postroom serve` and `postroom worker` do without."
)

# The same transport, but for messages that are none: see there.
TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "intake.redis_transport:Transport"

settings: Final = load_settings()


class _App(Celery):  # type: ignore[misc]  # Celery has no types
    """Says what is missing instead of looking for a RabbitMQ nobody spoke of."""

    def _connection(self, url: str, **options: Any) -> Any:
        if not url:
            raise SystemExit(_NO_BROKER)
        return super()._connection(url, **options)


def transport_options(url: str) -> dict[str, Any]:
    """What the broker of that URL is asked for on top."""
    if urlsplit(url).scheme in broker_check.REDIS_SCHEMES:
        return {
            # Redis gives an unacknowledged message to another worker after this; the lease decides anyway.
            "visibility_timeout": HARD_LIMIT_SECONDS * 2,
            "socket_timeout": _ANSWER_SECONDS,
            "socket_connect_timeout": _ANSWER_SECONDS,
            "socket_keepalive": True,
            "health_check_interval": 10,
        }
    # A nudge has been sent when the queue has it, on most of the nodes.
    return {"confirm_publish": True, "read_timeout": _ANSWER_SECONDS, "write_timeout": _ANSWER_SECONDS}


app = _App("postroom", broker=settings.broker or None)
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    event_serializer="json",
    result_backend=None,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_default_queue=QUEUE,
    task_default_queue_type="quorum" if urlsplit(settings.broker).scheme.startswith("amqp") else "classic",
    task_acks_late=True,
    task_acks_on_failure_or_timeout=True,
    task_reject_on_worker_lost=True,
    task_time_limit=HARD_LIMIT_SECONDS,
    worker_prefetch_multiplier=1,
    worker_concurrency=settings.workers,
    worker_max_tasks_per_child=_STEPS_PER_PROCESS,
    worker_max_memory_per_child=_KIBIBYTES_PER_PROCESS,
    worker_proc_alive_timeout=_START_SECONDS,
    worker_hijack_root_logger=False,
    worker_soft_shutdown_timeout=_SOFT_SHUTDOWN_SECONDS,
    worker_enable_soft_shutdown_on_idle=False,
    # The step in hand is finished whatever becomes of the connection: its message matters to nobody any more.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_send_task_events=True,  # so that Flower shows them; they carry ids only
    task_send_sent_event=True,
    broker_connection_timeout=_ANSWER_SECONDS,
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # a worker that gave up would have to be started by a person
    broker_heartbeat=20,
    broker_transport_options=transport_options(settings.broker),
)

process: Final = StepProcess(settings, HARD_LIMIT_SECONDS)
main: Final = WorkerMain()


@worker_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _start(sender: Any, **_: Any) -> None:
    """In the main process, before there are others. A broker that does not answer yet is asked again when it does."""
    if (problem := broker_check.unfit_pool(sender.pool_cls)) or (problem := broker_check.unfit(settings.broker)):
        raise SystemExit(f"postroom: {problem}")
    main.worker = sender


@worker_ready.connect(weak=False)  # type: ignore[untyped-decorator]
def _connected(**_: Any) -> None:
    if problem := broker_check.unfit(settings.broker):
        raise SystemExit(f"postroom: {problem}")


@worker_shutting_down.connect(weak=False)  # type: ignore[untyped-decorator]
def _stop(**_: Any) -> None:
    main.stop_soon()


@setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
def _log_as_everywhere(loglevel: int = logging.WARNING, **_: Any) -> None:
    """Celery's own lines may hold what an exception says; with this it leaves the log to us."""
    event_log.start(libraries=max(loglevel, logging.INFO))


@worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _take_up_tools(**_: Any) -> None:
    # Not the main process: it passes messages on, and a page in hand must not keep it from that.
    os.nice(settings.worker_nice)
    process.begin(CeleryBroker(app))


@worker_process_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
def _lay_down_tools(**_: Any) -> None:
    process.end()


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def step(step_id: int) -> None:
    """Do the step of this id, if it is still to be done."""
    process.do(step_id)
