"""What a worker tells the log about its steps."""

import logging

from intake.event_log import tell
from intake.steps import Claim

_NOTABLE = frozenset({"quarantined", "failed", "fenced"})


def tell_step(what: str, claim: Claim, seconds: float) -> None:
    """One line for a step that has ended, or was given back: a `Watcher`."""
    tell(
        "step",
        logging.WARNING if what in _NOTABLE else logging.INFO,
        outcome=what,
        step_id=claim.step_id,
        step=claim.name.value,
        subject=str(claim.subject),
        attempt=claim.attempt,
        seconds=seconds,
        worker=claim.worker,
    )
