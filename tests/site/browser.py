"""Debian's Chromium, driven by Playwright."""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from review_ui.site.cookies import SESSION_COOKIE
from tests.site.served import SignedIn, Site

# What a desk has at least: a small laptop.
VIEWPORT: ViewportSize = {"width": 1280, "height": 720}
# 1280 pixels at 400 % zoom (WCAG 2.2, 1.4.10).
ZOOMED: ViewportSize = {"width": 320, "height": 256}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", event =>
  console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
_ARGUMENTS = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--font-render-hinting=none",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser nobody is signed in with; it speaks to this machine only."""
    place = os.environ.get("POSTROOM_TEST_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    assert Path(place).exists(), "Chromium is missing: run scripts/setup --dev"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Lent:
    """Playwright leaves its event loop running in this thread, where no other test could run one of its own.

    So it is put away between the tests that use it.
    """

    def __init__(self) -> None:
        self._loop = asyncio._get_running_loop()
        self.put_away()

    def take(self) -> None:
        asyncio._set_running_loop(self._loop)

    def put_away(self) -> None:
        asyncio._set_running_loop(None)


def open_page(browser: Browser, site: Site, signed_in: SignedIn | None = None) -> tuple[Page, "Watched"]:
    """A page in a browser of its own, signed in as somebody or as nobody."""
    context = browser.new_context(
        base_url=site.url, viewport=VIEWPORT, locale="en-GB", timezone_id="Europe/London", reduced_motion="reduce"
    )
    context.set_default_timeout(60_000)  # a machine that runs tests may be many times slower for a while
    if signed_in is not None:
        context.add_cookies([{"name": SESSION_COOKIE, "value": signed_in.token, "url": site.url, "sameSite": "Strict"}])
    page = context.new_page()
    return page, Watched(page, site.url)


class Watched:
    """What a page complained about: refused by the content security policy, or failed in a script."""

    def __init__(self, page: Page, url: str) -> None:
        self.complaints: list[str] = []
        page.add_init_script(_TELL_VIOLATIONS)
        page.on("request", lambda request: self._note_request(request.url, url))
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))

    def _note_request(self, asked: str, url: str) -> None:
        if not asked.startswith((url, "data:", "blob:", "about:")):
            self.complaints.append(f"asked elsewhere: {asked}")

    def _note(self, kind: str, text: str) -> None:
        # What the server answers is the business of the test that asked for it.
        if kind == "error" and "Failed to load resource" not in text:
            self.complaints.append(text)


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is now, each with the places; by the rules of WCAG 2.2 AA."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(_AXE.read_text(encoding="utf-8"))  # not as a script element: the page allows none of others
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", WCAG
    )
    return [
        f"{each['id']}: {each['help']}: {json.dumps([node['target'] for node in each['nodes']])}"
        for each in found["violations"]
    ]


def sideways_scroll(page: Page) -> int:
    """By how many pixels the page can be scrolled sideways."""
    return int(page.evaluate("document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"))
