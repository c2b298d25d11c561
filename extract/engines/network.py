"""A loaded network, whichever library multiplies its matrices."""

from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Pictures(StrEnum):
    """What a network is given to look at; the memory it had best keep between two of them depends on that."""

    LINES = "lines"  # little ones, many a page, of few widths
    ONE_SIZE = "one size"  # pages, or parts of them, scaled to one size
    ANY_SIZE = "any size"


class Network(Protocol):
    """A loaded network with one input."""

    name: str  # library and version, kept beside what the network answered

    def run(self, batch: Floats) -> list[Floats]:
        """The network's outputs in its own order. Raises Unavailable if the library failed."""
        ...
