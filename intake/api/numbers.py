"""Numbers as they may be asked for."""

from typing import Final

LARGEST_NUMBER: Final = 2**63 - 1  # of a row: the database takes no larger one, and raises
