"""Where people reach the site, as far as the settings tell."""

from typing import Final

from intake.settings import Settings

_EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  # compared with, never listened on


def public_address(settings: Settings, port: int) -> str:
    """The address people open, without a slash at the end.

    port: the one it listens on, where the settings leave that open.
    """
    if settings.https and settings.host_names:
        return f"https://{min(settings.host_names)}"
    host = "localhost" if settings.host in _EVERY_ADDRESS else settings.host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
