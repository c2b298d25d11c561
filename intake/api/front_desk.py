"""What the routes work with, at one place."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends
from starlette.requests import Request

from intake.api.callers import Caller, caller_of
from intake.api.examination import Examination
from intake.api.form import UploadLimits
from intake.api.rate import Turnstile
from intake.api.traffic import Traffic
from intake.kept_keys import KeyRing
from intake.pictures import Pictures
from intake.review.rules import Rules
from intake.service import Service


@dataclass(frozen=True, slots=True)
class FrontDesk:
    """The service and how much of it one may ask for.

    spool_folder:    where uploads lie until all of them has come.
    examination:     whether the service is ready; `examining` lets one request at a time look.
    receiving:       how many uploads are put into the store at once: each holds a connection to the database.
    keys:            of callers; as long as there never was one, only this machine is served.
    turnstile:       how often each key may be used.
    pictures:        of pages; originals are decoded in a process of their own, never in this one.
    looking:         how many pictures are asked for at once: others wait without a thread, for one may take seconds.
    rules:           what a value is understood and checked by, and the form types known here.
    """

    service: Service
    limits: UploadLimits
    spool_folder: Path
    examination: Examination
    examining: CapacityLimiter
    traffic: Traffic
    receiving: CapacityLimiter
    keys: KeyRing
    turnstile: Turnstile
    pictures: Pictures
    looking: CapacityLimiter
    rules: Rules


def _front_desk(request: Request) -> FrontDesk:
    desk: FrontDesk = request.app.state.front_desk
    return desk


AtDesk = Annotated[FrontDesk, Depends(_front_desk)]
AsCaller = Annotated[Caller, Depends(caller_of)]
