"""Where every setting comes from, and what the environment holds that is none."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from intake.settings import PREFIX, Settings

ENV_FILE: Final = Path(".env")
# What the program reads beside the settings of the service, and what `make` and the tests read.
_OTHERS: Final = frozenset(
    {"POLICY", "MODELS", "INFERENCE", "TEST_DATA", "SKIP_SYSTEM", "STORM", "API_KILLS", "VERSION"},
)


class Origin(StrEnum):
    """Where a value was set."""

    ENVIRONMENT = "environment"
    FILE = ".env"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """One setting for people to look at. value: secrets masked."""

    name: str
    value: str
    origin: Origin


def shown_settings(settings: Settings) -> list[ShownSetting]:
    """Every setting there is, by name, with its origin."""
    environment = {name.upper() for name in os.environ}
    shown = settings.shown()
    return [
        ShownSetting(name, shown[name], _origin(name, environment, is_set=field in settings.model_fields_set))
        for field in sorted(Settings.model_fields)
        for name in (PREFIX + field.upper(),)
    ]


def unknown_names() -> dict[str, Origin]:
    """Variables that look like settings of ours and are none, by name: misspelt ones have no effect."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {PREFIX + name for name in _OTHERS}
    in_file = dict.fromkeys(map(str.upper, dotenv_values(ENV_FILE)), Origin.FILE)
    in_environment = dict.fromkeys(map(str.upper, os.environ), Origin.ENVIRONMENT)
    found = in_file | in_environment
    return {name: found[name] for name in sorted(found) if name.startswith(PREFIX) and name not in known}


def _origin(name: str, environment: set[str], *, is_set: bool) -> Origin:
    if name in environment:
        return Origin.ENVIRONMENT
    return Origin.FILE if is_set else Origin.DEFAULT
