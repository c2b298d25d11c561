"""Memory that was freed goes back to the system: the C library by itself keeps what lies between things still in use.

A worker that has read fifty pages holds a hundred megabytes of such gaps, and its peak is what a machine is sized by.
"""

import ctypes
from typing import Final

# Only the GNU C library has it; others give back by themselves.
_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back() -> None:
    """Hand back what is free inside this process. It takes a few milliseconds; the next page touches it anew."""
    if _TRIM is not None:
        _TRIM(0)
