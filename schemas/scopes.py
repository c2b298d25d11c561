"""What a program may do with its key: one word for each kind of thing, stated on every route."""

from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """One thing a key opens. The words are a public contract: new ones may come, none goes."""

    RECORDS_READ = "records:read"  # published records, their history, provenance and pictures
    RECORDS_CORRECT = "records:correct"  # a further revision of a record, with a reason
    BATCHES_READ = "batches:read"  # batches, pieces and what was set aside: where everything stands
    BATCHES_WRITE = "batches:write"  # hand over a batch
    QUARANTINE_WRITE = "quarantine:write"  # try again, or refuse, what was set aside
    WEBHOOKS_MANAGE = "webhooks:manage"  # where news go, their secrets and deliveries
    METRICS_READ = "metrics:read"


EVERYTHING: Final = frozenset(Scope)
