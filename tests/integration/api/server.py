"""The API in a process of its own, on a free port of this machine, to be stopped or killed."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

# Opens the service below the folder it is given, with limits it is given, and says which port it has.
PROGRAM = """
import sys
from pathlib import Path
from intake import event_log
from intake.api.app import create_app
from intake.api.serving import serve
from intake.service import open_service
from intake.settings import Settings
event_log.start()
service = open_service(Settings(home=Path(sys.argv[1]), low_water_bytes=int(sys.argv[2])))
serve(create_app(service), "127.0.0.1", 0, lambda port: print(port, flush=True))
service.close()
print("closed", flush=True)
"""


@dataclass(frozen=True)
class Server:
    """A process that serves, or will in a moment."""

    process: "subprocess.Popen[bytes]"
    spoken: Path
    log: Path

    @property
    def url(self) -> str:
        """Where it answers, once it does."""
        deadline = time.monotonic() + 60
        while not (said := self.spoken.read_text()).endswith("\n"):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return f"http://127.0.0.1:{said.split()[0]}"

    def stop(self) -> float:
        """Send SIGTERM; how many seconds it took to end."""
        asked = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        return time.monotonic() - asked


@contextmanager
def started(home: Path, folder: Path, *, low_water_bytes: int = 0) -> Iterator[Server]:
    """A server over `home`, killed at the end if it still runs; what it says lies in `folder`."""
    command = [sys.executable, "-c", PROGRAM, str(home), str(low_water_bytes)]
    spoken, log = folder / "spoken", folder / "log"
    with spoken.open("wb") as output, log.open("wb") as errors:
        server = Server(subprocess.Popen(command, stdout=output, stderr=errors), spoken, log)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()


# Loads everything once, then makes a server over the folder of each line it is given. They all have what a process
# has of its own, but begin at once, where loading would take a second each.
NURSERY = """
import os, signal, sys
from pathlib import Path
from intake.api.app import create_app
from intake.api.serving import serve
from intake.service import open_service
from intake.settings import Settings
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while folder := sys.stdin.readline().strip():
    if os.fork() == 0:
        service = open_service(Settings(home=Path(folder), low_water_bytes=0))
        serve(create_app(service), "127.0.0.1", 0, lambda port: print(os.getpid(), port, flush=True))
        service.close()
        os._exit(0)
"""


@dataclass(frozen=True)
class Child:
    """A server that a nursery made."""

    pid: int
    url: str

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> float:
        """Send SIGTERM; how many seconds it took to end."""
        asked = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        self.wait()
        return time.monotonic() - asked

    def wait(self) -> None:
        """Until it has ended."""
        asked = time.monotonic()
        while Path(f"/proc/{self.pid}").exists():
            assert time.monotonic() < asked + 30
            time.sleep(0.02)


class Nursery:
    """Makes servers. At the end of the block it is killed, with those that are left."""

    def __enter__(self) -> "Nursery":
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", NURSERY]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def start(self, home: Path) -> Child:
        """A server over `home`, once it answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(home, file=self._process.stdin, flush=True)
        pid, port = self._process.stdout.readline().split()
        return Child(int(pid), f"http://127.0.0.1:{port}")


def client_of(server: Server | Child) -> httpx.Client:
    """Not by way of any proxy the environment may name, and without reading certificates nobody asks for."""
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.Client(base_url=server.url, timeout=30, trust_env=False, verify=no_certificates)
