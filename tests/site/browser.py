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
from playwright.sync_api import Browser, Page, sync_playwright

# What a desk has at least: a small laptop.
VIEWPORT = {"width": 1280, "height": 720}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
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


class Watched:
    """What a page complained about: refused by the content security policy, or failed in a script."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))

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
