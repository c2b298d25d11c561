"""Every screen: nothing axe would find, no sideways scrolling at 1280 x 720 and at 400 % zoom, no complaint."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from intake.service import open_service
from intake.settings import Settings
from review_ui.site.policy import SiteRoute, rule_of
from schemas.people import Role
from tests.site.browser import VIEWPORT, ZOOMED, open_page, sideways_scroll, violations
from tests.site.screens import Screen, all_screens
from tests.site.served import Site, copy_of, served


@pytest.fixture(scope="module")
def furnished(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all screens; each makes what it shows."""
    service = open_service(Settings(home=copy_of(empty_home, tmp_path_factory.mktemp("furnished")), low_water_bytes=0))
    with served(service) as site:
        yield site
    service.close()


@pytest.mark.parametrize("screen", all_screens(), ids=lambda screen: screen.name)
def test_a_screen_is_accessible_and_fits(screen: Screen, furnished: Site, browser: Browser) -> None:
    person = None if screen.role is None else furnished.sign_in(furnished.someone(screen.role))
    page, watched = open_page(browser, furnished, person)
    page.goto(screen.make(furnished, person))
    screen.act(page)
    assert violations(page) == []
    assert sideways_scroll(page) == 0
    assert walked_by_keys(page) == []
    page.set_viewport_size(ZOOMED)
    assert sideways_scroll(page) == 0
    assert cut_off(page) == []
    assert watched.complaints == []


def test_no_two_screens_have_one_name_and_every_page_is_a_screen(site: Site, furnished: Site) -> None:
    names = [screen.name for screen in all_screens()]
    assert len(set(names)) == len(names)
    person = {role: furnished.sign_in(furnished.someone(role)) for role in Role}
    paths = [screen.make(furnished, None if screen.role is None else person[screen.role]) for screen in all_screens()]
    seen = {route.path for path in paths for route in routes_of(site) if route.path_regex.match(path.split("?")[0])}
    there = {route.path for route in routes_of(site) if rule_of(route.endpoint).gives_page}
    assert there - seen == set()


def routes_of(site: Site) -> list[SiteRoute]:
    return [route for route in site.app.routes if isinstance(route, SiteRoute) and "GET" in route.methods]


# Of what has the focus: why a person could not see that it has it; "" if they can; null for the page itself.
FOCUS = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  element.dataset.walked = "yes";
  const box = element.getBoundingClientRect(), style = getComputedStyle(element), told = element.outerHTML.slice(0, 90);
  if (element.matches(":is(input, button)[type=radio], input[type=checkbox], input[type=file]")) return "";
  if (style.outlineStyle === "none" && style.boxShadow === "none") return "no ring: " + told;
  const isInside = box.bottom > 1 && box.right > 1 && box.top < innerHeight - 1 && box.left < innerWidth - 1;
  if (!isInside) return "not seen: " + told;
  const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 2);
  const y = Math.min(Math.max(box.top + Math.min(box.height / 2, 12), 1), innerHeight - 2);
  const top = document.elementFromPoint(x, y);
  return !top || element.contains(top) || top.contains(element) ? "" : "hidden behind something: " + told;
}"""
LEFT = """() => [...document.querySelectorAll(
  "a[href], button:not([disabled]), input:not([type=hidden]):not([disabled]), select, textarea, summary")]
  .filter(e => !document.querySelector("dialog:modal") || e.closest("dialog:modal"))
  .filter(e => !e.dataset.walked && e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true }))
  .filter(e => e.type !== "radio" || !document.querySelector(`[name="${e.name}"][data-walked]`))
  .map(e => "not reached: " + e.outerHTML.slice(0, 90))"""
MOST_STOPS = 150


def walked_by_keys(page: Page) -> list[str]:
    """Everything that can be pressed or filled in is reached by Tab, and is seen when it has the focus."""
    # From the beginning, wherever the page has put the focus.
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
    problems: list[str] = []
    # In an open dialog Tab goes round: from where the focus is over the browser's own to the first again.
    rounds = 2 if page.evaluate("document.querySelector('dialog:modal') !== null") else 1
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if (problem := page.evaluate(FOCUS)) is None:
            rounds -= 1
        if not rounds:
            break
        problems += [problem] if problem else []
    return problems + list(page.evaluate(LEFT))


def cut_off(page: Page) -> list[str]:
    """Links, buttons and inputs that stick out of the screen, where nothing around them scrolls."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea")]
        .filter(e => e.checkVisibility() && !e.closest(".govuk-visually-hidden, .govuk-skip-link, [role=region]"))
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1)
        .map(e => e.outerHTML.slice(0, 120))"""
    )
    return found


BROKEN: dict[str, Callable[[Page], None]] = {
    "an input without a label": lambda page: page.evaluate("document.querySelector('label[for=name]').remove()"),
    "a picture without words": lambda page: page.evaluate("document.body.append(new Image())"),
    "letters too pale to read": lambda page: page.evaluate(
        "document.querySelector('h1').style.setProperty('color', '#eee')"
    ),
    "a page without a title": lambda page: page.evaluate("document.title = ''"),
    "an unknown language": lambda page: page.evaluate("document.documentElement.lang = 'xx-nowhere'"),
    "a button without a name": lambda page: page.evaluate(
        "document.querySelector('main button[type=submit]').textContent = ''"
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_page_that_is_broken_on_purpose_fails(broken: str, furnished: Site, browser: Browser) -> None:
    page, _ = open_page(browser, furnished)
    page.goto("/sign-in")
    BROKEN[broken](page)
    assert len(violations(page)) >= 1


UNREACHABLE: dict[str, Callable[[Page], None]] = {
    "a link without a ring": lambda page: page.evaluate(
        """const link = document.querySelector('.site-header__name');
        link.addEventListener('focus', () => link.style.setProperty('outline', 'none', 'important'))"""
    ),
    "a field that lies behind something": lambda page: page.evaluate(
        """const bar = document.createElement('div');
        for (const [name, value] of [['position', 'fixed'], ['inset', '0'], ['background', 'red']])
            bar.style.setProperty(name, value);
        document.body.append(bar)"""
    ),
    "a button that is not reached": lambda page: page.evaluate(
        """const button = document.createElement('button'); button.textContent = 'x';
        document.querySelector('main').prepend(button);
        addEventListener('focusin', event => event.target === button && document.querySelector('#name').focus());
        button.dataset.walked = ''"""
    ),
}


@pytest.mark.parametrize("broken", UNREACHABLE)
def test_a_page_that_cannot_be_used_by_keys_fails(broken: str, furnished: Site, browser: Browser) -> None:
    page, _ = open_page(browser, furnished)
    page.goto("/sign-in")
    assert walked_by_keys(page) == []
    UNREACHABLE[broken](page)
    page.evaluate("document.querySelectorAll('[data-walked]').forEach(e => delete e.dataset.walked)")
    assert walked_by_keys(page) != []


def test_the_skip_link_and_the_summary_of_mistakes_lead_where_they_say(furnished: Site, browser: Browser) -> None:
    page, _ = open_page(browser, furnished)
    page.goto("/sign-in")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().height") > 20
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator("main button[type=submit]").press("Enter")
    page.locator(".govuk-error-summary").wait_for()
    assert "govuk-error-summary" in page.evaluate("document.activeElement.className")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "name"


def test_a_page_that_is_too_wide_on_purpose_fails(furnished: Site, browser: Browser) -> None:
    page, _ = open_page(browser, furnished)
    page.goto("/sign-in")
    page.evaluate("document.querySelector('h1').style.setProperty('width', '1300px')")
    assert sideways_scroll(page) > 0
    page.set_viewport_size(VIEWPORT)
    page.evaluate("document.querySelector('main button').style.setProperty('transform', 'translateX(2000px)')")
    assert cut_off(page) != []


def test_a_script_that_is_put_into_a_page_does_not_run_and_is_told(furnished: Site, browser: Browser) -> None:
    page, watched = open_page(browser, furnished)
    page.goto("/sign-in")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert any("policy" in complaint for complaint in watched.complaints)
