"""Puts the API together."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from anyio import CapacityLimiter
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from intake.api import (
    archives,
    batches,
    corrections,
    description,
    form_types,
    health,
    metrics,
    pieces,
    quarantine,
    records,
    webhooks,
)
from intake.api.examination import Examination
from intake.api.form import UploadLimits
from intake.api.front_desk import FrontDesk
from intake.api.gate import Gate
from intake.api.operation_metrics import Operation
from intake.api.policy import PolicedRoute
from intake.api.problem import Answering
from intake.api.rate import Turnstile
from intake.api.refusals import add_handlers
from intake.api.spool import SPOOL_FOLDER
from intake.api.traffic import Traffic
from intake.api.watch import Watch, as_problem
from intake.dispatch import Dispatcher
from intake.kept_keys import KeyRing
from intake.pictures import Pictures
from intake.review.rules import open_rules
from intake.service import Service
from schemas.errors import Unavailable

_OURS_ALONE: Final = 0o700
_LOOKING_AT_ONCE: Final = 4
_RECEIVING_AT_ONCE: Final = 8  # more would only queue for the one who may write
# Nothing about what is asked of us leaves this process but by /metrics and the log.
_NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def create_app(
    service: Service,
    limits: UploadLimits | None = None,
    *,
    stalled_seconds: float | None = None,
    fresh_seconds: float = 1.0,
    dispatcher: Dispatcher | None = None,
    answering: Answering = as_problem,
) -> FastAPI:
    """The API over an opened service, as an ASGI app; closing the service stays with the caller.

    limits:          of one upload; the defaults if None.
    stalled_seconds: how long a step may be ready with nobody at work, and the service be without a worker, until
                     /health/ready fails; None for what follows from the settings.
    fresh_seconds:   how long an answer of /health/ready is given again.
    dispatcher:      whose window the metrics show, if this process has one.
    answering:       makes the answers to what is refused; problems for programs by itself.
    Raises NotAForm if a form type is not valid, and Unavailable if nothing can be written below the data folder, or the
    database does not answer.
    """
    settings = service.settings
    if stalled_seconds is None:
        stalled_seconds = settings.stalled_seconds
    traffic = Traffic()
    traffic.registry.register(metrics.Standings(service))
    traffic.registry.register(Operation(service, dispatcher))
    spool_folder = _spool_folder(settings.home)
    pictures = Pictures(service)
    service.ends.callback(pictures.close)
    app = FastAPI(
        title="Postroom",
        version="1",
        summary="Scanned post in, checked records out.",
        openapi_url=None,  # a route of our own, with a policy like every other
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.router.route_class = PolicedRoute
    app.state.front_desk = FrontDesk(
        service=service,
        limits=limits or UploadLimits(),
        spool_folder=spool_folder,
        examination=Examination(
            service, spool_folder, timedelta(seconds=stalled_seconds), service.database.now(), fresh_seconds
        ),
        examining=CapacityLimiter(1),
        traffic=traffic,
        receiving=CapacityLimiter(_RECEIVING_AT_ONCE),
        keys=KeyRing(service.database, settings.callers),
        turnstile=Turnstile(settings.requests_per_minute),
        pictures=pictures,
        looking=CapacityLimiter(_LOOKING_AT_ONCE),
        rules=open_rules(settings),
    )
    for module in (
        batches,
        archives,
        pieces,
        records,
        corrections,
        webhooks,
        form_types,
        quarantine,
        health,
        metrics,
        description,
    ):
        app.router.routes.extend(module.router.routes)  # as they are, so that all of them can be listed
    add_handlers(app, answering)
    app.add_middleware(Gate, names=settings.host_names, answering=answering)
    app.add_middleware(Watch, traffic=traffic, answering=answering)  # the last one added is the outermost
    return app


def _spool_folder(home: Path) -> Path:
    folder = home.absolute() / SPOOL_FOLDER
    try:
        folder.mkdir(mode=_OURS_ALONE, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Unavailable(f"{folder}: {reason}. Name another data folder in POSTROOM_HOME.") from error
    return folder
