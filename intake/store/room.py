"""Refusing an upload while there is still room for what has been taken in."""

from intake.store import Store
from intake.store.errors import StoreFull

# Enough for the database to write its log, for drafts under way and for a person to act.
LOW_WATER_BYTES = 512 * 1024 * 1024


def refuse_when_low(store: Store, incoming_bytes: int, *, low_water_bytes: int = LOW_WATER_BYTES) -> None:
    """Raise StoreFull if less than `low_water_bytes` would be free after `incoming_bytes` more were put."""
    free = store.free_bytes()
    if free - incoming_bytes < low_water_bytes:
        raise StoreFull(
            f"the file store has {free // 2**20} MiB free and takes nothing more below {low_water_bytes // 2**20} MiB"
        )
