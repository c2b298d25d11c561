"""`postroom demo` as a site: synthetic post is handed over, read by this machine's workers, and shown to who looks."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console

from intake import event_log
from intake.background import beside
from intake.commands.demo import DemoPlan, NotOurs, clear, make_post
from intake.commands.read import ExitCode
from intake.people import accounts
from intake.people.person import Person
from intake.receive import Arrival, Sender, receive
from intake.service import Service, open_service
from intake.settings import PREFIX, Settings
from schemas.errors import MailError
from schemas.people import Role

_OFFICE, _LOG = "office", "office.log"  # below the folder of the demo
_PEOPLE: Final = (
    ("sian.rees", "Siân Rees", Role.SUPERVISOR),
    ("carys.evans", "Carys Evans", Role.CASEWORKER),
    ("rhiannon.hughes", "Rhiannon Hughes", Role.SENIOR),
    ("owen.price", "Owen Price", Role.OPERATOR),
)
_BAGS: Final = 3  # batches the post comes in
_ANY_PORT: Final = 0


def serve_demo(plan: DemoPlan, console: Console, port: int) -> ExitCode:
    """Make post, hand it over, and serve the site over it until Ctrl-C.

    It has a data folder of its own below the demo's: whatever is set in the environment, no other database is touched.
    """
    try:
        clear(plan.folder)
        office = plan.folder / _OFFICE
        shutil.rmtree(office, ignore_errors=True)
        make_post(plan, console)
    except NotOurs as error:
        return _give_up(console, str(error), ExitCode.WRONG_USE)
    except MailError as error:
        return _give_up(console, str(error), ExitCode.NOT_READY)
    except OSError as error:
        problem = f"{plan.folder}: cannot be written to: {error.strerror or error}"
        return _give_up(console, f"{problem}. Name another data folder in POSTROOM_HOME.", ExitCode.CANNOT_WRITE)
    with _environment(office, plan.workers), _logging_to(plan.folder / _LOG) as terminal:
        try:
            _serve(plan, Console(file=terminal), port)
        except MailError as error:
            return _give_up(Console(file=terminal), str(error), ExitCode.NOT_READY)
    return ExitCode.ALL_READ


def _serve(plan: DemoPlan, console: Console, port: int) -> None:
    # The web framework takes a second to load, which no other command should wait for.
    from intake.api.serving import serve as serve_app  # noqa: PLC0415
    from review_ui.site.app import create_site  # noqa: PLC0415
    from review_ui.site.demo_door import DemoDoor  # noqa: PLC0415

    event_log.start()
    service = open_service(Settings())
    try:
        people = _make_people(service)
        _hand_over(service, plan.post, people[-1])
        door = DemoDoor()
        app = create_site(service)
        app.router.routes[:0] = door.router().routes
        with ExitStack() as until_stopped:

            def begin(port: int) -> None:
                address = f"http://localhost:{port}"
                _tell(console, address, {person: address + door.link_for(person) for person in people}, plan)
                until_stopped.enter_context(beside(service, None))

            try:
                serve_app(app, service.settings.host, port, begin)
            except OSError:
                serve_app(app, service.settings.host, _ANY_PORT, begin)  # somebody else is at the usual port
    finally:
        service.close()
    _say(console, "Stopped. The post and what was read of it are still there.")


def _make_people(service: Service) -> list[Person]:
    database = service.database
    with database.write() as session:
        now = database.now(session)
        return [accounts.make(session, name, shown, role, "demo", now) for name, shown, role in _PEOPLE]


def _hand_over(service: Service, post: Path, operator: Person) -> None:
    """The post in a few batches, as it would come in over a day."""
    files = sorted(path for path in post.iterdir() if path.suffix != ".jsonl")
    for bag in range(_BAGS):
        part = files[bag::_BAGS]
        if part:
            sender = Sender(operator.actor, "demo", name=f"Synthetic post, bag {bag + 1}")
            receive(service.database, service.store, _arrivals(part), sender)


def _arrivals(files: list[Path]) -> Iterator[Arrival]:
    for path in files:
        with path.open("rb") as stream:
            yield Arrival(path.name, stream)


def _tell(console: Console, address: str, links: Mapping[Person, str], plan: DemoPlan) -> None:
    _say(console, f"Postroom is at {address} and begins to read. Each of these links lets you in once:")
    for person, link in links.items():
        _say(console, f"  {person.shown_as}, {person.role.value}: {link}")
    _say(console, f"What it does is told in {plan.folder / _LOG}. Stop it with Ctrl+C.")


@contextmanager
def _environment(office: Path, workers: int) -> Iterator[None]:
    """Settings for this process and its workers: those of the demo, and no others."""
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(PREFIX):
            del os.environ[name]
    ours = {
        "HOME": str(office.absolute()), "WORKERS": str(workers), "DATABASE_URL": "", "BROKER_URL": "", "STORE_URL": "",
        "KEY": "", "API_KEYS": "", "HOST": "127.0.0.1", "SETTLE_SECONDS": "15",
    }  # fmt: skip
    os.environ.update({PREFIX + name: value for name, value in ours.items()})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _logging_to(path: Path) -> Iterator[TextIO]:
    """Send what this process and its workers log into a file; gives what stands for the terminal meanwhile."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with path.open("ab") as log, os.fdopen(os.dup(terminal), "w", encoding="utf-8") as shown:
        os.dup2(log.fileno(), 2)
        try:
            yield shown
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)


def _give_up(console: Console, problem: str, code: ExitCode) -> ExitCode:
    console.print(f"postroom: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
    return code


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
