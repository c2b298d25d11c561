"""What every page of the site has: header and navigation, the token for its forms, and headers that keep it safe."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from intake.people.tokens import csrf_token
from review_ui.site.cookies import FORM_COOKIE, SESSION_COOKIE
from review_ui.site.desk import desk_of
from review_ui.site.navigation import seen_by
from review_ui.site.policy import person_or_none

# Nothing but our own files runs, styles or is shown, and nobody may put a page of ours into one of theirs.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # With "no-referrer" a browser would not say either that a form came from a page of ours.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_HTTPS_ONLY: Final = "max-age=31536000"


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page, or a part of one, from a template such as "site/today.html"."""
    desk, person = desk_of(request), person_or_none(request)
    secret = request.cookies.get(FORM_COOKIE if person is None else SESSION_COOKIE)
    common = {
        "person": person,
        "csrf_token": csrf_token(secret) if secret else "",
        "navigation": [] if person is None else seen_by(person, desk.navigation),
        "here": request.url.path,
        "static": desk.static.address,
        "may": (lambda right: False) if person is None else person.may,
    }
    headers = dict(PAGE_HEADERS)
    if desk.is_https(request):
        headers["Strict-Transport-Security"] = _HTTPS_ONLY
    return HTMLResponse(desk.pages.fill(template, common | values), status, headers)


def see_other(address: str) -> Response:
    """After something was changed: to a page of ours that shows it. Loading that again changes nothing again."""
    return RedirectResponse(address, 303, headers=PAGE_HEADERS)
