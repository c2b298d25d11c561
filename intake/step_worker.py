"""A worker process of the service: opens its tools once, then does steps until it is told to stop."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import FrameType
from typing import Final

from intake import protection
from intake.database.engine import Clock
from intake.hands import WORKSHOP, open_hands
from intake.settings import Settings
from intake.step_runner import OutOfTime, Watcher
from intake.sweep import keep_sweeping

# Names the process that started a worker and that must not be outlived by it.
SUPERVISOR_VARIABLE: Final = "POSTROOM_SUPERVISOR"
GRACE_SECONDS: Final = 25  # from being told to stop until the step in hand is given back; under what most systems allow


def work(
    settings: Settings,
    watcher: Watcher,
    *,
    workshop: str = WORKSHOP,
    until_idle: bool = False,
    ready: Callable[[], None] = lambda: None,
    clock: Clock | None = None,
) -> None:
    """Do steps until SIGTERM or Ctrl-C, or with `until_idle` until none is ready. `ready` is called before the first.

    The step in hand is finished within a grace, or given back without charging an attempt. Raises Unavailable if
    something is missing on this machine.
    """
    if SUPERVISOR_VARIABLE in os.environ:
        protection.stop_with(int(os.environ[SUPERVISOR_VARIABLE]))
    # Before anything is loaded: only threads that are started later give way as well.
    os.nice(settings.worker_nice)
    hands = open_hands(settings, workshop=workshop, watcher=watcher, clock=clock)
    stop = threading.Event()
    # A worker alone on its machine must see to the steps of those that died before it.
    swept = (hands.runner.database, settings.sweep_seconds, stop, timedelta(seconds=settings.lease_seconds))
    sweeping = threading.Thread(target=keep_sweeping, args=swept, name="sweep", daemon=True)
    sweeping.start()
    try:
        with stopping_at_signals(hands.runner.stop):
            ready()
            if until_idle:
                with suppress(OutOfTime):
                    hands.runner.run_until_idle()
            else:
                hands.runner.run()
    finally:
        stop.set()
        sweeping.join()
        hands.close()


@contextmanager
def stopping_at_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at SIGTERM and Ctrl-C; when the grace is over, OutOfTime is raised wherever the work is."""

    def asked(number: int, frame: FrameType | None) -> None:
        stop()
        signal.alarm(GRACE_SECONDS)

    def over(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)}
    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
    signal.signal(signal.SIGALRM, over)
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
