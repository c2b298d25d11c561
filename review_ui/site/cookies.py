"""The cookies of the site: which browser is signed in, which is known from earlier, and which one got a form."""

from datetime import timedelta
from typing import Final, Literal

from starlette.responses import Response

SESSION_COOKIE: Final = "postroom_session"
DEVICE_COOKIE: Final = "postroom_device"  # that people have signed in there before: see intake/people/devices.py
FORM_COOKIE: Final = "postroom_form"  # before anybody is signed in: the secret behind the token of the sign-in form

_SAME_SITE: Final[Literal["strict"]] = "strict"


def give(response: Response, name: str, secret: str, *, is_https: bool, lasts: timedelta | None = None) -> None:
    """Let the browser keep it so long, or until it is closed; no script can read it, no other site can send it."""
    seconds = None if lasts is None else int(lasts.total_seconds())
    response.set_cookie(name, secret, seconds, path="/", secure=is_https, httponly=True, samesite=_SAME_SITE)


def take(response: Response, name: str, *, is_https: bool) -> None:
    """Let the browser forget it."""
    response.delete_cookie(name, path="/", secure=is_https, httponly=True, samesite=_SAME_SITE)
