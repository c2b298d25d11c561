"""A parser that was taken over tries to get out of the sandbox, with bubblewrap and without; each way is closed.

That each attempt is one is shown beside it: where nothing protects, it gets through.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from extract.limits import DEFAULT_LIMITS, Limits
from intake import bubblewrap, protection
from intake.sandbox import Sandbox
from schemas.errors import Cause, Unreadable

# The sandbox's child is a process of its own and finds the parser by name.
sys.path.insert(0, str(Path(__file__).parent))
from scripted_parser import ESCAPED, script

HERE = Path(__file__).parent
QUICK = Limits(seconds_per_page=1.5, seconds_per_file=2.0, memory_bytes=400 * 1024 * 1024)
CANARY = "canary"


@pytest.fixture(scope="module", params=["bubblewrap", "plain"])
def sandbox(request: pytest.FixtureRequest, world: "World") -> Iterator[Sandbox]:
    is_wrapped = request.param == "bubblewrap"
    if is_wrapped and (reason := bubblewrap.why_not()):
        pytest.skip(reason)
    with Sandbox(with_bubblewrap=is_wrapped, program="scripted_parser:main", readable=[HERE, world.open]) as sandbox:
        assert sandbox.protection.bubblewrap == is_wrapped
        yield sandbox


class World:
    """What there is to reach: listeners, a worker to be attacked, files with secrets."""

    def __init__(self, folder: Path) -> None:
        self.open, self.closed = folder / "open", folder / "closed"
        for inner in (self.open, self.closed):
            inner.mkdir()
            inner.chmod(0o755)  # what a file system forbids by itself proves nothing
        folder.chmod(0o755)
        for name in ("postroom.db", "key", "piece"):
            (self.closed / name).write_text("secret")
            (self.closed / name).chmod(0o644)
        (self.open / "link").symlink_to(self.closed / "piece")
        self._sockets = [
            self._bound(socket.socket(), ("127.0.0.1", 0)),
            self._bound(socket.socket(socket.AF_UNIX), str(folder / "redis.sock")),
            self._bound(socket.socket(socket.AF_UNIX), f"\0postroom-{os.getpid()}"),
        ]
        (folder / "redis.sock").chmod(0o777)
        for listener in self._sockets:
            listener.listen(50)
        self._names = self._bound(socket.socket(type=socket.SOCK_DGRAM), ("127.0.0.1", 0))
        threading.Thread(target=self._answer, daemon=True).start()
        self.victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        port, names = self._sockets[0].getsockname()[1], self._names.getsockname()[1]
        self.attempts: dict[str, tuple[Any, ...]] = {
            "TCP": ("connect", port),
            "UDP": ("datagram", names),
            "DNS": ("ask for a name", names),
            "unix socket of Redis": ("connect to a path", str(folder / "redis.sock")),
            "abstract unix socket": ("connect to an abstract name", f"postroom-{os.getpid()}"),
            "read the database": ("read", str(self.closed / "postroom.db")),
            "read the key": ("read", str(self.closed / "key")),
            "read another piece": ("read", str(self.closed / "piece")),
            "read by a link": ("read", str(self.open / "link")),
            "read who has accounts": ("read", "/etc/passwd"),
            "write": ("write", str(self.open / "planted")),
            "plant a link": ("link", "/etc", str(self.open / "planted-link")),
            "ptrace a worker": ("attach", self.victim.pid),
            "signal a worker": ("signal", self.victim.pid),
            "environment of a worker": ("read", f"/proc/{self.victim.pid}/environ"),
            "fork": ("fork",),
            "run a program": ("run a program",),
            "secrets of the environment": ("read secrets of the environment",),
            "more memory": ("allow itself more memory",),
        }

    def _bound(self, listener: socket.socket, address: Any) -> socket.socket:
        listener.bind(address)
        return listener

    def _answer(self) -> None:
        with suppress(OSError):  # closed at the end
            while True:
                _, asker = self._names.recvfrom(512)
                self._names.sendto(b"\0\x01\x81\x80", asker)

    def close(self) -> None:
        for listener in (*self._sockets, self._names):
            listener.close()
        self.victim.kill()
        self.victim.wait()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("POSTROOM_KEY", "POSTROOM_DATABASE_URL", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, CANARY)
        world = World(tmp_path_factory.mktemp("world"))
        yield world
        world.close()


WAYS = [
    "TCP", "UDP", "DNS", "unix socket of Redis", "abstract unix socket", "read the database", "read the key",
    "read another piece", "read by a link", "read who has accounts", "write", "plant a link", "ptrace a worker",
    "signal a worker", "environment of a worker", "fork", "run a program", "secrets of the environment", "more memory",
]  # fmt: skip
# Out of the child, but not out of what protects it: these have no meaning elsewhere.
WAYS_INSIDE = ["attach to the parent", "signal the parent", "read the parent's memory", "become root"]


def outcome(sandbox: Sandbox, *attempt: Any, limits: Limits = DEFAULT_LIMITS) -> Unreadable:
    with pytest.raises(Unreadable) as refused:
        sandbox.count_pages(script(*attempt), limits)
    return refused.value


def test_every_way_out_is_tried(world: World) -> None:
    assert set(WAYS) == set(world.attempts)


@pytest.mark.parametrize("way", WAYS)
def test_a_way_out_is_closed(sandbox: Sandbox, world: World, way: str) -> None:
    assert outcome(sandbox, *world.attempts[way]).problem.startswith("denied: ")


def outcomes_outside(world: World, *, before: Callable[[list[str]], list[str]] = list) -> dict[str, str]:
    """What becomes of every attempt in a process of its own that gives up nothing by itself."""
    command = before([sys.executable, str(HERE / "scripted_parser.py"), json.dumps(list(world.attempts.values()))])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(zip(world.attempts, json.loads(said.stdout), strict=True))


def test_every_way_is_open_where_nothing_protects(world: World) -> None:
    assert outcomes_outside(world) == dict.fromkeys(WAYS, ESCAPED)
    for planted in ("planted", "planted-link"):
        (world.open / planted).unlink()


def test_bubblewrap_alone_hides_files_network_and_processes(world: World) -> None:
    if reason := bubblewrap.why_not():
        pytest.skip(reason)
    got = outcomes_outside(world, before=lambda command: bubblewrap.wrapped(command, [HERE, world.open]))
    # The child's own layers see to these.
    others = {"fork", "run a program", "secrets of the environment", "more memory"}
    assert {way for way, said in got.items() if said == ESCAPED} <= others


@pytest.mark.parametrize("way", WAYS_INSIDE)
def test_the_template_is_out_of_reach_of_its_child(sandbox: Sandbox, way: str) -> None:
    if way == "signal the parent" and protection.landlock_version() < 6:
        pytest.skip("this kernel's Landlock does not keep signals in: a template that is killed is replaced")
    if way == "become root" and os.geteuid() != 0:
        pytest.skip("whoever is not root has nothing to become again")
    assert outcome(sandbox, way).problem.startswith("denied: ")


def test_a_child_holds_nothing_but_its_own_pipe(sandbox: Sandbox) -> None:
    assert outcome(sandbox, "use sockets of the template").problem.startswith("denied: ")


def descendants(pid: int) -> set[int]:
    """All processes below this one."""
    found: set[int] = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (thread / "children").read_text().split()):
            found |= {child, *descendants(child)}
    return found


@pytest.mark.parametrize(
    ("attempt", "causes"),
    [
        (("crash",), {Cause.CRASHED}),
        (("exit",), {Cause.CRASHED}),
        (("hang",), {Cause.TOO_SLOW}),
        (("compute",), {Cause.TOO_SLOW}),
        (("eat memory",), {Cause.TOO_LARGE}),
        (("bomb of forks",), {Cause.DAMAGED}),  # the first fork is refused, and that is what it reports
        (("lie", 20), {Cause.CRASHED}),
        (("lie", 2**31), {Cause.CRASHED}),
    ],
)
def test_whatever_the_child_does_the_template_lives_and_nothing_is_left_of_it(
    sandbox: Sandbox, attempt: tuple[Any, ...], causes: set[Cause]
) -> None:
    template, before = sandbox._template.pid, descendants(sandbox._template.pid)
    started = time.monotonic()
    assert outcome(sandbox, *attempt, limits=QUICK).cause in causes
    assert time.monotonic() - started < 30
    assert sandbox._template.pid == template
    assert descendants(template) == before


def test_a_child_that_crashes_a_hundred_times_costs_the_worker_nothing(sandbox: Sandbox) -> None:
    template = sandbox._template.pid
    for _ in range(100):
        assert outcome(sandbox, "crash").cause is Cause.CRASHED
    assert sandbox._template.pid == template
