"""A parser that an attacker has taken over: the file's bytes say what it tries from inside the sandbox's child.

`SCRIPT` begins such a file, then JSON follows: [name of the attempt, arguments...]. All other files are read as ever.
"""

import ctypes
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from extract.limits import Limits
from extract.unpack import Paper
from extract.unpack import open_paper as read_paper
from intake import sandbox_child
from schemas.errors import Cause, Unreadable

SCRIPT: Final = b"SCRIPT "
ESCAPED: Final = "got through"
_PTRACE_ATTACH, _PTRACE_DETACH, _CLONE_NEWUSER = 16, 17, 0x10000000
_SECRETS: Final = ("POSTROOM_KEY", "POSTROOM_DATABASE_URL", "AWS_SECRET_ACCESS_KEY")
_libc: Final = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """The template process, with the parser taken over."""
    vars(sandbox_child)["open_paper"] = open_paper
    sandbox_child.main()


def script(attempt: str, *arguments: Any) -> bytes:
    """A file that makes the child try it."""
    return SCRIPT + json.dumps([attempt, *arguments]).encode()


def open_paper(content: bytes, limits: Limits) -> Paper:
    """Raises Unreadable saying whether the attempt got through, for the far side to look at."""
    if not content.startswith(SCRIPT):
        return read_paper(content, limits)
    attempt, *arguments = json.loads(content.removeprefix(SCRIPT))
    raise Unreadable(outcome_of(attempt, *arguments), cause=Cause.DAMAGED, remedy="None.")


def outcome_of(attempt: str, *arguments: Any) -> str:
    """ESCAPED, or what forbade it."""
    try:
        ATTEMPTS[attempt](*arguments)
    except (OSError, KeyError, ValueError) as error:  # ValueError: a limit may not be raised
        return f"denied: {type(error).__name__}"
    return ESCAPED


def _connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=5).close()


def _datagram(port: int) -> None:
    """It has got out once it is answered: into an empty network anything can be sent."""
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.settimeout(5)
        sender.sendto(b"everything I know", ("127.0.0.1", port))
        sender.recv(512)


def _ask_for_a_name(port: int) -> None:
    """A DNS query (RFC 1035) for a.example, to a name server of the test."""
    query = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01"
    with socket.socket(type=socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        asker.connect(("127.0.0.1", port))
        asker.send(query)
        asker.recv(512)


def _connect_to_path(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)


def _connect_to_abstract_name(name: str) -> None:
    _connect_to_path("\0" + name)


def _read(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def _write(path: str) -> None:
    with open(path, "xb") as file:
        file.write(b"planted")


def _link(target: str, path: str) -> None:
    os.symlink(target, path)


def _attach(pid: int) -> None:
    _succeeds(_libc.ptrace(_PTRACE_ATTACH, pid, None, None))
    os.waitpid(pid, 0)
    _libc.ptrace(_PTRACE_DETACH, pid, None, None)


def _attach_to_parent() -> None:
    _attach(os.getppid())


def _signal(pid: int) -> None:
    os.kill(pid, signal.SIGURG)  # ignored by whoever gets it


def _signal_parent() -> None:
    _signal(os.getppid())


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _run_a_program() -> None:
    subprocess.run(["/bin/true"], check=True)


def _read_secrets_of_environment() -> None:
    for name in _SECRETS:
        os.environ[name]


def _read_memory_of_parent() -> None:
    _read(f"/proc/{os.getppid()}/mem")


def _become_root() -> None:
    os.setuid(0)


def _allow_itself_more_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _use_sockets_of_the_template() -> None:
    """Whether there is an open socket beyond the pipe that pages go out through."""
    for descriptor in range(3, 1024):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                return
    raise OSError("there is none")


def _bomb_of_forks() -> None:
    while True:
        os.fork()


def _hang() -> None:
    while True:
        time.sleep(1)


def _compute() -> None:
    while True:
        pass


def _eat_memory() -> None:
    eaten = []
    while True:
        eaten.append(bytearray(16 * 1024 * 1024))


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _exit() -> None:
    os._exit(0)


def _lie(announced: int) -> None:
    """Say something through the pipe that pages go out through, whatever its number is."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, announced.to_bytes(4, "little") + b"{" * min(announced, 4096))
        except OSError:
            continue
    os._exit(0)


def _succeeds(answer: int) -> None:
    if answer == -1:
        raise OSError(ctypes.get_errno(), "refused")


ATTEMPTS: Final[Mapping[str, Callable[..., None]]] = {
    "connect": _connect,
    "datagram": _datagram,
    "ask for a name": _ask_for_a_name,
    "connect to a path": _connect_to_path,
    "connect to an abstract name": _connect_to_abstract_name,
    "read": _read,
    "write": _write,
    "link": _link,
    "attach": _attach,
    "attach to the parent": _attach_to_parent,
    "signal": _signal,
    "signal the parent": _signal_parent,
    "fork": _fork,
    "run a program": _run_a_program,
    "read secrets of the environment": _read_secrets_of_environment,
    "read the parent's memory": _read_memory_of_parent,
    "become root": _become_root,
    "allow itself more memory": _allow_itself_more_memory,
    "use sockets of the template": _use_sockets_of_the_template,
    "bomb of forks": _bomb_of_forks,
    "hang": _hang,
    "compute": _compute,
    "eat memory": _eat_memory,
    "crash": _crash,
    "exit": _exit,
    "lie": _lie,
}

if __name__ == "__main__":  # the attempts of the command line, without the sandbox's own layers
    sys.stdout.write(json.dumps([outcome_of(*attempt) for attempt in json.loads(sys.argv[1])]))
