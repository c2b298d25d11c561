"""The cookies of the site: which browser is signed in, and which one a form was given to."""

from typing import Final, Literal

from starlette.responses import Response

SESSION_COOKIE: Final = "postroom_session"
FORM_COOKIE: Final = "postroom_form"  # before anybody is signed in: the secret behind the token of the sign-in form

_SAME_SITE: Final[Literal["strict"]] = "strict"


def give(response: Response, name: str, secret: str, *, is_https: bool) -> None:
    """Let the browser keep it until it is closed; no script can read it, no other site can send it."""
    response.set_cookie(name, secret, path="/", secure=is_https, httponly=True, samesite=_SAME_SITE)


def take(response: Response, name: str, *, is_https: bool) -> None:
    """Let the browser forget it."""
    response.delete_cookie(name, path="/", secure=is_https, httponly=True, samesite=_SAME_SITE)
