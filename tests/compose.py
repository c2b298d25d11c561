"""compose.yaml as tests read it: the services, and their settings with an example of whatever a person sets."""

import base64
import re
from pathlib import Path
from typing import Any

import yaml

REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")
_OPTIONAL = re.compile(r"\$\{\w+:-([^}]*)\}")
API_KEY = "k" * 48
_EXAMPLES = {
    "POSTROOM_KEY": "2026:" + base64.b64encode(bytes(range(32))).decode(),
    "POSTROOM_API_KEYS": f"scanner:{API_KEY}",
}


def read_services(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    return found


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    return {name: _as_given(str(value)) for name, value in service["environment"].items()}


def _as_given(value: str) -> str:
    """With the default where there is one, and an example of what a person sets elsewhere."""
    return _OPTIONAL.sub(r"\1", REQUIRED.sub(lambda found: _EXAMPLES.get(found[1], "s3cr3t"), value))
