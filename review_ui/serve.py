"""`postroom serve`: the site, the API and the workers of this machine, all that one office needs."""

import logging

from intake.commands import serve as api_alone
from intake.event_log import tell
from intake.people import accounts
from intake.people.public_address import public_address
from intake.service import Service


def serve() -> None:
    """Serve the site and the API and read what comes in, until SIGTERM or Ctrl-C.

    As long as there is no person, each start prints a one-time link with which the first admin makes their account.
    With a broker (POSTROOM_BROKER_URL) no worker is started here: Celery's take the steps, and this process tells them
    of what is ready. Exit codes: 0 stopped; 3 the port is taken; 5 something is missing here, see `postroom doctor`.
    """
    # The web framework takes a second to load, which no other command should wait for.
    from review_ui.site.app import create_site  # noqa: PLC0415

    api_alone.run(lambda service, dispatcher: create_site(service, dispatcher=dispatcher), tell_first_link)


def tell_first_link(service: Service, port: int) -> None:
    """Say with which link the first person makes their account; nothing if there is one."""
    database = service.database
    with database.write() as session:
        token = accounts.first_link(session, database.now(session))
    if token is not None:
        address = f"{public_address(service.settings, port)}/link/{token}"
        tell("first_link", logging.WARNING, address=address)
