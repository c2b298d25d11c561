"""A site for every test, people who are signed in, and a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from intake.people import passwords
from intake.service import open_service
from intake.settings import Settings
from schemas.people import Role
from tests.site.browser import Lent, Watched, chromium, violations
from tests.site.browser import open_page as open_in
from tests.site.served import KEPT, PASSWORD, SignedIn, Site, copy_of, served

MakePerson = Callable[[Role], SignedIn]
OpenPage = Callable[[Role], Page]


@pytest.fixture(autouse=True)
def _patience() -> None:
    """A machine that runs tests is busy: what comes in the end is waited for."""
    expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with all tables and nothing in them, to be copied: making them takes longer than most tests."""
    home = tmp_path_factory.mktemp("empty") / "home"
    open_service(Settings(home=home)).close()
    return home


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing takes long on purpose. Here it takes long only for passwords that a test itself has chosen."""
    compare = passwords.is_right

    def is_right(kept: str | None, password: str) -> bool:
        return compare(kept, password) if kept not in (None, KEPT) else kept == KEPT and password == PASSWORD

    monkeypatch.setattr(passwords, "is_right", is_right)


@pytest.fixture
def site(tmp_path: Path, empty_home: Path) -> Iterator[Site]:
    """A site nobody has an account on yet."""
    service = open_service(Settings(home=copy_of(empty_home, tmp_path), low_water_bytes=0))
    with served(service) as site:
        yield site
    service.close()


@pytest.fixture
def person(site: Site) -> MakePerson:
    """Makes somebody of a role, signed in; every call another one."""
    return lambda role: site.sign_in(site.make_person(role))


@pytest.fixture(scope="session")
def _browser() -> Iterator[tuple[Browser, Lent]]:
    with chromium() as browser:
        lent = Lent()
        yield browser, lent
        lent.take()


@pytest.fixture
def browser(_browser: tuple[Browser, Lent]) -> Iterator[Browser]:
    """Chromium, for the time of a test; its contexts are closed afterwards."""
    browser, lent = _browser
    lent.take()
    yield browser
    for context in browser.contexts:
        context.close()
    lent.put_away()


@pytest.fixture
def open_page(site: Site, browser: Browser) -> Iterator[Callable[[SignedIn | None], Page]]:
    """Opens a page in a browser of its own, signed in as somebody or as nobody; it must not complain of anything."""
    watched: list[Watched] = []

    def open_one(signed_in: SignedIn | None = None) -> Page:
        page, watching = open_in(browser, site, signed_in)
        watched.append(watching)
        return page

    yield open_one
    assert [complaint for each in watched for complaint in each.complaints] == []


@pytest.fixture
def browser_page(person: MakePerson, open_page: Callable[[SignedIn | None], Page]) -> OpenPage:
    """Opens a page in a browser of its own that is signed in as somebody of a role."""
    return lambda role: open_page(person(role))


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """Asserts that axe finds nothing on a page."""

    def assert_accessible(page: Page) -> None:
        assert violations(page) == []

    return assert_accessible
