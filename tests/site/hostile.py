"""Where texts of others come onto a page: for each such screen, how to put every payload there."""

from collections.abc import Callable
from dataclasses import dataclass

from intake.people import accounts
from schemas.people import Role
from tests.site.payloads import PAYLOADS
from tests.site.served import SignedIn, Site


@dataclass(frozen=True)
class HostileScreen:
    """Screens that show texts of others.

    make:      puts all payloads where they can be seen; returns the addresses at which they are.
    shows_all: whether each of the payloads can be read on those pages, taken together.
    """

    name: str
    role: Role
    make: Callable[[Site, SignedIn], list[str]]
    shows_all: bool = True


def _people(site: Site, _: SignedIn) -> list[str]:
    database = site.service.database
    with database.write() as session:
        now = database.now(session)
        for number, payload in enumerate(PAYLOADS):
            person = accounts.make(session, f"hostile{number}", payload, Role.OPERATOR, "test", now)
    return ["/people", f"/people/{person.id}"]


_OF_PEOPLE = (HostileScreen("people", Role.ADMIN, _people),)


def hostile_screens() -> list[HostileScreen]:
    """Every screen that shows texts of others."""
    from tests.site import mail_hostile  # noqa: PLC0415  # it stands on this module
    from tests.site.key_screens import HOSTILE_KEY_SCREENS  # noqa: PLC0415  # which stands on this module
    from tests.site.webhook_screens import HOSTILE_WEBHOOKS  # noqa: PLC0415  # and so does this

    return [*_OF_PEOPLE, *HOSTILE_KEY_SCREENS, *mail_hostile.HOSTILE_MAIL, *HOSTILE_WEBHOOKS]
