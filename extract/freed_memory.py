"""Memory that was freed goes back to the system: the C library by itself keeps what lies between things still in use.

A worker that has read fifty pages holds a hundred megabytes of such gaps, and its peak is what a machine is sized by.
"""

import ctypes
from typing import Final

_C_LIBRARY: Final = ctypes.CDLL(None)
# Only the GNU C library has them; others give back by themselves.
_TRIM: Final = getattr(_C_LIBRARY, "malloc_trim", None)
_SET: Final = getattr(_C_LIBRARY, "mallopt", None)

# Numbers of options, as malloc.h has them.
_LEAST_FREE_AT_THE_END, _LEAST_BY_ITSELF = -1, -3
# Pictures of pages and the larger ones of their parts are above this. Left alone, the library raises the size to that
# of the largest picture freed, and all that are smaller leave gaps: 170 MB of them. From a lower one on the time goes
# up, as every such piece is new memory.
_LARGE_BYTES = 4_000_000


def give_back_large_pieces() -> None:
    """From now on hand back every large piece of memory of this process the moment it is freed."""
    if _SET is not None:
        _SET(_LEAST_BY_ITSELF, _LARGE_BYTES)
        _SET(_LEAST_FREE_AT_THE_END, 2 * _LARGE_BYTES)


def give_back() -> None:
    """Hand back what is free inside this process. It takes a few milliseconds; the next page touches it anew."""
    if _TRIM is not None:
        _TRIM(0)
