"""What `postroom doctor` finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. remedy: the command that mends it, "" if nothing is to be done."""

    name: str
    is_good: bool
    detail: str
    remedy: str = ""
