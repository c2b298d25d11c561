"""What one worker process works with: the service, the tools that were loaded once, and a runner for its steps."""

import importlib
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from extract.limits import DEFAULT_LIMITS, Limits
from intake import model_files
from intake.database.engine import Clock
from intake.journey import Journey
from intake.patience import Patience
from intake.presence import Presence
from intake.review.rules import open_rules
from intake.sandbox import Sandbox
from intake.service import open_service, worker_name
from intake.settings import Settings
from intake.step_runner import StepRunner, Watcher, nobody
from intake.worker import Desk, OpenWorkshop, Stopwatch, WorkshopSettings
from schemas.states import StepName

WORKSHOP: Final = "intake.wiring:open_workshop"


@dataclass(frozen=True)
class Hands:
    """The runner of one process. Close it at the end: a process and connections hang on it."""

    runner: StepRunner
    _closing: ExitStack

    def close(self) -> None:
        self._closing.close()


def open_hands(
    settings: Settings,
    *,
    limits: Limits = DEFAULT_LIMITS,
    lease: timedelta | None = None,
    workshop: str = WORKSHOP,
    watcher: Watcher = nobody,
    clock: Clock | None = None,
    sandbox: Sandbox | None = None,
) -> Hands:
    """Open everything a worker needs. Raises Unavailable if something is missing on this machine.

    workshop: "module:function" of an OpenWorkshop: who reads the pages.
    clock:    asked instead of the database's own; for tests.
    sandbox:  where files are unpacked, closed with the hands; None for the usual one.
    """
    with ExitStack() as opening:
        service = open_service(settings, clock)
        opening.callback(service.close)
        sandbox = opening.enter_context(sandbox or Sandbox())
        watch = Stopwatch()
        module, function = workshop.split(":")
        open_workshop: OpenWorkshop = getattr(importlib.import_module(module), function)
        shop = open_workshop(WorkshopSettings(() if settings.forms is None else (settings.forms,)), watch)
        _ = sandbox.protection  # wait until it is there, or say what is missing
        patience = Patience(service.database, limits)
        desk = Desk(shop, sandbox, limits, watch, patience.note)
        journey = Journey(service.database, service.store, sandbox, desk, limits, open_rules(settings))
        presence = Presence(service.database, worker_name(), settings.beat_seconds)
        bodies = {**journey.bodies, StepName.READ: patience.limiting(journey.read)}
        runner = StepRunner(
            service.database,
            {name: presence.watched(body) for name, body in bodies.items()},
            presence.worker,
            lease or timedelta(seconds=settings.lease_seconds),
            watcher=presence.counting(watcher),
        )
        opening.callback(runner.close)
        model_files.note_installed(service.database)
        presence.appear()
        opening.callback(presence.leave)
        return Hands(runner, opening.pop_all())
