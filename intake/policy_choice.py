"""Which policy decides: the one that `POSTROOM_POLICY` names, else the one that comes with the program."""

import os
from pathlib import Path

from extract.policy import SHIPPED_POLICY, Policy, load_policy

VARIABLE = "POSTROOM_POLICY"


def chosen_policy(path: Path | None = None) -> Policy:
    """The policy in `path`, else the one the environment names. Raises Unavailable with file and reason."""
    named = path or os.environ.get(VARIABLE, "")
    return load_policy(Path(named) if named else SHIPPED_POLICY)
