"""A site of its own for a test: served on a free port of this machine, over a data folder of its own."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from intake.people import accounts, passwords, sessions
from intake.people.person import Person
from intake.people.tokens import csrf_token
from intake.service import Service
from review_ui.site.app import create_site
from review_ui.site.cookies import SESSION_COOKIE
from review_ui.site.desk import SiteDesk
from schemas.people import Role

PASSWORD = "correct horse battery"  # noqa: S105  # of people who are only there for a test
# Hashed once: it is meant to take long.
KEPT = passwords.hashed(PASSWORD)
NAMES = {
    Role.OPERATOR: ("owen", "Owen Price"),
    Role.CASEWORKER: ("carys", "Carys Bevan"),
    Role.SENIOR: ("samira", "Samira Khan"),
    Role.SUPERVISOR: ("sian", "Siân Rees"),
    Role.INTEGRATOR: ("ivan", "Ivan Petrov"),
    Role.AUDITOR: ("ada", "Ada Okafor"),
    Role.ADMIN: ("anna", "Anna Jones"),
}
BROWSER = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Site": "same-origin"}


@dataclass
class SignedIn:
    """A person with a session, and a client that asks as their browser would."""

    person: Person
    token: str
    client: httpx.Client

    @property
    def csrf(self) -> str:
        return csrf_token(self.token)

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.client.get(path, **given)

    def post(self, path: str, data: dict[str, Any] | None = None, **given: Any) -> httpx.Response:
        """Send a form of ours."""
        return self.client.post(path, data={"csrf_token": self.csrf} | (data or {}), **given)

    def send(self, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        """What a script of ours sends."""
        ours = {"Accept": "application/json", "X-CSRF-Token": self.csrf}
        return self.client.request(method, path, json=json, headers=ours | headers)


@dataclass
class Site:
    """What is served. Everything it is made of can be reached, to look at it or to change it behind its back."""

    url: str
    app: FastAPI
    service: Service
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def desk(self) -> SiteDesk:
        desk: SiteDesk = self.app.state.site
        return desk

    def client(self, **headers: str) -> httpx.Client:
        """A browser nobody is signed in with. It follows no redirect by itself."""
        client = httpx.Client(base_url=self.url, headers=BROWSER | headers, trust_env=False, timeout=30)
        self.clients.append(client)
        return client

    def make_person(self, role: Role, name: str = "", shown_as: str = "") -> Person:
        """Somebody of that role, with the password PASSWORD."""
        database = self.service.database
        with database.write() as session:
            now = database.now(session)
            count = len(accounts.listed(session))
            name = name or f"{role}-{count}"
            shown_as = shown_as or f"Some {role.value.title()}"
            return accounts.make(session, name, shown_as, role, "test", now, KEPT)

    def someone(self, role: Role) -> Person:
        """The person of that role who looks at screens; made once, under a name one could have."""
        name, shown_as = NAMES[role]
        with self.service.database.read() as session:
            known = {account.person.name: account.person for account in accounts.listed(session)}
        return known.get(name) or self.make_person(role, name, shown_as)

    def sign_in(self, person: Person) -> SignedIn:
        """A session for them, without asking for the password: that takes its time."""
        database = self.service.database
        with database.write() as session:
            token = sessions.begin(session, person.id, database.now(session), self.desk.lifetimes)
        client = self.client()
        client.cookies.set(SESSION_COOKIE, token)
        return SignedIn(person, token, client)


@contextmanager
def served(service: Service, **given: Any) -> Iterator[Site]:
    """The site over that service, until the end of the block."""
    app = create_site(service, **{"fresh_seconds": 0, **given})
    config = uvicorn.Config(
        app, loop="asyncio", http="h11", ws="none", lifespan="off", log_config=None, proxy_headers=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    # With its protocol named, as the real server's: asyncio sends small answers at once on such sockets only. On others
    # every answer waits 40 ms for the client to acknowledge its first half.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    site = Site(f"http://127.0.0.1:{listener.getsockname()[1]}", app, service)
    try:
        yield site
    finally:
        for client in site.clients:
            client.close()
        server.should_exit = True
        thread.join()
        listener.close()


def form_token(html: str) -> str:
    """The token in the form of a page."""
    found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', html)
    assert found is not None, html
    return found[1]


def copy_of(home: Path, place: Path) -> Path:
    """A data folder like another, to be changed."""
    import shutil  # noqa: PLC0415

    return Path(shutil.copytree(home, place / "home"))
