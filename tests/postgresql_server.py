"""A real PostgreSQL server of the tests' own: on a free port, in a temporary folder, gone at the end."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

_USER = "postroom"


def find_binaries() -> Path | None:
    """The folder that holds initdb and pg_ctl; None if PostgreSQL is not installed here."""
    folders = []
    if found := shutil.which("pg_config"):
        folders.append(subprocess.run([found, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
    # The newest first: they end in the number of the major version.
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(map(str, installed), key=lambda folder: int(Path(folder).parent.name), reverse=True)
    folders += os.environ.get("PATH", "").split(os.pathsep)
    return next((Path(folder) for folder in folders if folder and (Path(folder) / "initdb").is_file()), None)


def own_server() -> "Iterator[PostgresqlServer]":
    """For fixtures: a server that is closed at the end. Fails where PostgreSQL is not installed: half of what the
    database promises would go untested and nobody would see it."""
    binaries = find_binaries()
    if binaries is None:
        pytest.fail("PostgreSQL is not installed here: apt-get install postgresql", pytrace=False)
    server = PostgresqlServer(binaries)
    try:
        yield server
    finally:
        server.close()


class PostgresqlServer:
    """A server that trusts everybody on this machine. It keeps its port over a restart."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._owner = _unprivileged_user()
        # Not pytest's folder: only root may enter that when root runs the tests, and the server never runs as root.
        self._folder = Path(tempfile.mkdtemp(prefix="postroom-postgresql-"))
        if self._owner:
            shutil.chown(self._folder, self._owner)
        self.port = _free_port()
        self._run("initdb", "-D", str(self._data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        self.start()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._folder,
            "max_connections": 60,
            # The tests kill processes, never the power: what was handed to the kernel is safe.
            "fsync": "off",
        }
        settings = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._folder / "log"), "-o", settings, "-w", "start")

    def restart(self, mode: str = "immediate") -> None:
        """`immediate` is as good as a crash: every connection is cut, nothing is written out."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")
        self.start()

    def close(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder)

    def url(self, database: str) -> str:
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make a database, a copy of `template`, and return its URL."""
        self._command(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self._command(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _command(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        command: Sequence[str] = [str(self._binaries / program), *arguments]
        # To a file: the server inherits the output, and a pipe would stay open as long as it runs.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                command,
                cwd=self._folder,
                env=environment,
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                check=False,
                **_as_user(self._owner),
            )
            said.seek(0)
            assert done.returncode == 0, said.read().decode(errors="replace")


def _unprivileged_user() -> str | None:
    """Whom the server runs as: None for ourselves, as long as we are not root, which it refuses to be."""
    if os.geteuid() != 0:
        return None
    return next(user for user in ("postgres", "nobody") if user in {entry.pw_name for entry in pwd.getpwall()})


def _as_user(user: str | None) -> dict:
    return {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
