"""From a file on the disk to the published record, through the pages alone and by the keyboard alone."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from intake.service import open_service
from intake.settings import Settings
from schemas.people import Role
from tests.site import post
from tests.site.browser import open_page
from tests.site.served import PASSWORD, Site, copy_of, served

# Every touch of a mouse is noted: there must be none.
NO_MOUSE = "window.touched = 0; addEventListener('pointerdown', () => { window.touched += 1 }, true)"
_FURTHEST = 60


@pytest.fixture
def site(tmp_path: Path, empty_home: Path) -> Iterator[Site]:
    """A site that publishes as soon as people are done."""
    service = open_service(Settings(home=copy_of(empty_home, tmp_path), low_water_bytes=0, settle_seconds=0))
    with served(service) as site:
        yield site
    service.close()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, as whoever has no mouse must."""
    for _ in range(_FURTHEST):
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached: {page.evaluate('document.activeElement?.outerHTML')}")


def follow(page: Page, selector: str, where: str) -> None:
    """Go to a link or button by Tab, press Enter, and be there."""
    tab_to(page, selector)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(where))


def come_in(page: Page, name: str) -> None:
    """Sign in, typing name and password."""
    page.goto("/")
    tab_to(page, "#name")
    page.keyboard.type(name)
    tab_to(page, "#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def choose(page: Page, scan: Path) -> None:
    """Choose a file: the browser's own window opens by the keyboard, too."""
    tab_to(page, "#files")
    # The browser hands its window over only to whoever listens before the key is pressed; being asked something after
    # that, it has surely heard of it. On a busy machine one window in five was lost.
    page.on("filechooser", lambda window: None)
    page.evaluate("document.title")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(scan)


def test_a_letter_is_handed_over_read_keyed_published_and_found_without_a_mouse(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    scan = tmp_path / "tray-4-0001.tif"
    scan.write_bytes(post.scan(0))
    for role in (Role.SUPERVISOR, Role.CASEWORKER):
        site.make_person(role, role.value)
    desk, watched = open_page(browser, site)
    desk.add_init_script(NO_MOUSE)

    come_in(desk, "supervisor")
    follow(desk, "nav a[href='/batches']", "/batches$")
    follow(desk, "a[href='/batches/new']", "/batches/new$")
    choose(desk, scan)
    expect(desk.locator("[data-sum]")).to_have_text("1 of 1 files sent.")
    tab_to(desk, "#name")
    desk.keyboard.type("Tray 4")
    follow(desk, "[data-hand-over]", "/batches/[0-9a-f-]{36}")
    expect(desk.get_by_text("every file is safe on disk")).to_be_visible()

    post.read_all(site.service)
    expect(desk.locator("[data-count=in_review]")).to_have_text("1")

    keyer, watched_too = open_page(browser, site)
    keyer.add_init_script(NO_MOUSE)
    come_in(keyer, "caseworker")
    follow(keyer, "a[href='/key/work?queue=reading']", "/key/work")
    for place in range(len(post.DOUBTFUL)):
        keyer.locator("#answer").wait_for()
        assert keyer.locator("#answer").input_value() == "ANGUS WILSON"
        assert keyer.evaluate("document.activeElement.id") == "answer"
        keyer.keyboard.press("Enter")
        expect(keyer.locator("[data-done-count]")).to_have_text(str(place + 1))
        expect(keyer.locator("[aria-busy=true]")).to_have_count(0)
    expect(keyer.locator("[data-saved]")).to_have_text("")

    post.read_all(site.service)
    expect(desk.locator("[data-count=published]")).to_have_text("1")
    follow(desk, "nav a[href='/documents']", "/documents$")
    tab_to(desk, "input[name=name]")
    desk.keyboard.type("TRAY-4")
    desk.keyboard.press("Enter")
    desk.wait_for_url(re.compile("name=TRAY-4"))
    follow(desk, ".one-document a", r"/documents/\d+$")
    # Who keyed, and what, without a name in the record itself.
    expect(desk.get_by_text("Some Caseworker keyed the value").first).to_be_visible()
    tab_to(desk, "a[href$='record.json']")
    with desk.expect_download() as download:
        desk.keyboard.press("Enter")
    record = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert record["status"] == "complete"
    assert record["source"]["name"] == scan.name
    assert record["fields"]["account_holder"]["value"] == "ANGUS WILSON"
    assert record["fields"]["account_holder"]["status"] == "confirmed"
    for page, seen in ((desk, watched), (keyer, watched_too)):
        assert page.evaluate("window.touched") == 0
        assert seen.complaints == []
