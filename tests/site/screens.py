"""Every screen of the site: who sees it, and how to make what it shows.

Tests walk over all of them (axe, zoom, keys), and `scripts/screenshots` takes their pictures. A part of the site lists
its screens in a module of its own, which is added to `all_screens` below.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from intake.people import accounts, links
from schemas.people import LinkPurpose, Role
from tests.site.served import SignedIn, Site


def _nothing(page: Page) -> None:
    """What is done on most screens before they are looked at."""


@dataclass(frozen=True)
class Screen:
    """One screen.

    name: of its picture, in small letters and dashes.
    role: of the person who looks at it; None for nobody signed in.
    make: makes what is to be seen, for a person of that role; returns the path.
    act:  what the person does on it first: opens a dialog, makes a mistake.
    """

    name: str
    role: Role | None
    make: Callable[[Site, SignedIn | None], str]
    act: Callable[[Page], None] = _nothing


def at(path: str) -> Callable[[Site, SignedIn | None], str]:
    """For a screen that needs nothing to be made."""
    return lambda site, person: path


def _office(site: Site) -> None:
    """People of every role, one invited and one gone; made once."""
    for role in Role:
        site.someone(role)
    database = site.service.database
    with database.write() as session:
        now, anna = database.now(session), accounts.named(session, "anna").person.actor
        if "nia" not in {account.person.name for account in accounts.listed(session)}:
            accounts.invite(session, "nia", "Nia Thomas", Role.CASEWORKER, anna, now)
            gone = accounts.make(session, "gareth", "Gareth Lloyd", Role.CASEWORKER, anna, now)
            accounts.disable(session, gone.id, anna, now)


def _people(site: Site, _: SignedIn | None) -> str:
    _office(site)
    return "/people"


def _one_of(name: str) -> Callable[[Site, SignedIn | None], str]:
    def make(site: Site, _: SignedIn | None) -> str:
        _office(site)
        with site.service.database.read() as session:
            return f"/people/{accounts.named(session, name).person.id}"

    return make


def _audit(site: Site, _: SignedIn | None) -> str:
    _office(site)
    return "/audit"


def _audit_of_one(site: Site, _: SignedIn | None) -> str:
    _office(site)
    with site.service.database.read() as session:
        return f"/audit?about=person:{accounts.named(session, 'gareth').person.id}"


def _invitation(site: Site, _: SignedIn | None) -> str:
    _office(site)
    database = site.service.database
    with database.write() as session:
        now, nia = database.now(session), accounts.named(session, "nia").person
        return f"/link/{accounts.new_link(session, nia.id, 'test', now)}"


def _first_link(site: Site, _: SignedIn | None) -> str:
    database = site.service.database
    with database.write() as session:
        now = database.now(session)
        token = links.issue(session, LinkPurpose.FIRST_PERSON, None, now, accounts.FIRST_LINK_LASTS)
        return f"/link/{token}"


def _sign_in_wrongly(page: Page) -> None:
    page.locator("#name").fill("anna")
    page.locator("#password").fill("not the password")
    page.locator("main button[type=submit]").click()
    page.locator(".govuk-error-summary").wait_for()


def _choose_too_short(page: Page) -> None:
    for field in ("#password", "#again"):
        page.locator(field).fill("short")
    page.locator("main button[type=submit]").click()
    page.locator(".govuk-error-summary").wait_for()


def _invite_nobody(page: Page) -> None:
    page.get_by_role("button", name="Invite").click()
    page.locator(".govuk-error-summary").wait_for()


def _invite(page: Page) -> None:
    page.locator("#shown_as").fill("Rhys Morgan")
    page.locator("#name").fill("rhys.morgan")
    page.get_by_label("Caseworker", exact=True).check()
    page.get_by_role("button", name="Invite").click()
    page.locator("#address").wait_for()


_OF_PEOPLE = (
    Screen("sign-in", None, at("/sign-in")),
    Screen("sign-in-wrong", None, at("/sign-in"), _sign_in_wrongly),
    Screen("first-person", None, _first_link),
    Screen("invitation", None, _invitation),
    Screen("invitation-wrong", None, _invitation, _choose_too_short),
    Screen("link-used", None, at("/link/used")),
    Screen("people", Role.ADMIN, _people),
    Screen("people-wrong", Role.ADMIN, _people, _invite_nobody),
    Screen("people-invited", Role.ADMIN, at("/people"), _invite),
    Screen("person", Role.ADMIN, _one_of("carys")),
    Screen("person-disabled", Role.ADMIN, _one_of("gareth")),
    Screen("audit", Role.AUDITOR, _audit),
    Screen("audit-of-one", Role.AUDITOR, _audit_of_one),
    Screen("account", Role.SENIOR, at("/account")),
    Screen("not-found", Role.SUPERVISOR, at("/nowhere")),
    Screen("not-allowed", Role.OPERATOR, at("/people")),
)


def all_screens() -> list[Screen]:
    """Every screen there is."""
    from tests.site import mail_screens  # noqa: PLC0415  # it stands on this module
    from tests.site.key_screens import KEY_SCREENS  # noqa: PLC0415  # which stands on this module
    from tests.site.webhook_screens import OF_WEBHOOKS  # noqa: PLC0415  # and so does this

    return [*_OF_PEOPLE, *KEY_SCREENS, *mail_screens.OF_MAIL, *OF_WEBHOOKS]
