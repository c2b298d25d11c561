"""A real RabbitMQ of the tests' own: on free ports, in a temporary folder, gone at the end."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PROGRAMS = Path("/usr/lib/rabbitmq/bin")  # where Debian puts what does not look for a user of its own first


def find_rabbitmq() -> Path | None:
    """The program that starts one; None if RabbitMQ is not installed here."""
    program = _PROGRAMS / "rabbitmq-server"
    return program if program.is_file() and shutil.which("epmd") else None


@contextlib.contextmanager
def rabbitmq_server(program: Path) -> Iterator[str]:
    """The URL of an empty one."""
    port, distribution, mapper = _free_ports(3)
    folder = Path(tempfile.mkdtemp(prefix="postroom-rabbitmq-"))
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{port}\nlog.console = true\n")
    (folder / "plugins").write_text("[].")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "RABBITMQ_NODENAME": f"postroom{port}@localhost",
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_AFLAGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
    log = folder / "said"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [program], env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while "Server startup complete" not in log.read_text(errors="replace"):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.1)
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _end_mapper(environment)
        shutil.rmtree(folder, ignore_errors=True)


def _end_mapper(environment: dict[str, str]) -> None:
    """It outlives the server it was started by, and ends only when it has noticed that nobody is left."""
    deadline = time.monotonic() + 20
    while subprocess.run(["epmd", "-kill"], env=environment, capture_output=True, check=False).stdout != b"Killed\n":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in listeners]
