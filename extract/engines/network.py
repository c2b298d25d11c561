"""A loaded network, whichever library multiplies its matrices."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Network(Protocol):
    """A loaded network with one input."""

    name: str  # library and version, kept beside what the network answered

    def run(self, batch: Floats) -> list[Floats]:
        """The network's outputs in its own order. Raises Unavailable if the library failed."""
        ...
