"""What the kernel is asked to forbid a process that parses hostile bytes."""

import ctypes
import os
import resource
import signal
from dataclasses import dataclass
from typing import Final

_libc = ctypes.CDLL(None, use_errno=True)

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_NOBODY = 65534
# The kernel's out-of-memory killer takes this process before any worker (0 is usual, 1000 the first to go).
_FIRST_TO_GO = 700

# Landlock system calls and constants, from linux/landlock.h; the numbers are the same on x86-64 and arm64.
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_LANDLOCK_VERSION_FLAG: Final = 1
_FILE_RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP_RIGHTS: Final = 0b11  # bind, connect: since version 4
_SCOPES: Final = 0b11  # abstract sockets and signals to the outside: since version 6


@dataclass(frozen=True, slots=True)
class Protection:
    """Which layers hold around the process that parses hostile bytes; rlimits and the process group always do."""

    bubblewrap: bool  # a read-only file system with its own program only, its own process ids
    own_network: bool  # an empty network namespace: nothing to connect to
    other_user: bool  # runs as nobody
    landlock: int  # version of the kernel's Landlock that denies all files, 0 if there is none

    def sentences(self) -> list[str]:
        """What holds and what is missing, one sentence each."""
        return [
            "memory, processor time, file size and open files are limited",
            "bubblewrap shows it a read-only file system of its own and no other process"
            if self.bubblewrap
            else "without bubblewrap: other processes can be seen",
            "no network" if self.own_network else "the network is closed only by the limit on open files",
            "runs as nobody" if self.other_user else "runs as the same user as the worker",
            f"files are denied by Landlock (version {self.landlock})"
            if self.landlock
            else "files are denied only by the limit on open files",
        ]


def leave_network() -> bool:
    """Move this process into an empty network namespace. False if the kernel does not allow it."""
    if _libc.unshare(_CLONE_NEWNET) == 0:
        return True
    # Without root a network namespace needs a user namespace around it; many containers forbid that too.
    return os.geteuid() != 0 and _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0


def become_nobody() -> bool:
    """Give up root for good. False if this process is not root."""
    if os.geteuid() != 0:
        return False
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError:
        return False
    return True


def gain_nothing() -> None:
    """No new rights by running programs, no look into this process's memory, first to go when memory runs out."""
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def offer_to_go_first() -> None:
    """Tell the out-of-memory killer to take this process and its children before a worker."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
            score.write(str(_FIRST_TO_GO))
    except OSError:
        pass  # A wish only: where /proc is closed the limits below still hold.


def die_with_parent() -> None:
    """Be killed when the process that forked this one ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def end_with(parent: int) -> None:
    """Be killed when `parent`, the process that started this one, ends; end at once if it has ended already."""
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)


def stop_with(parent: int) -> None:
    """Be told to stop, by SIGTERM, when `parent`, the process that started this one, ends; end at once if it has."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Limit memory, processor time; no file may grow, no file, socket or pipe may be opened, no process be made."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def landlock_version() -> int:
    """The kernel's Landlock version, 0 if it has none."""
    return max(int(_libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), _LANDLOCK_VERSION_FLAG)), 0)


def deny_files(version: int) -> bool:
    """Deny every file (and TCP, and signals to the outside, where the kernel can). False if it cannot."""
    if version < 1:
        return False
    rules = _Ruleset(
        files=_FILE_RIGHTS_BY_VERSION[min(version, 5)],
        network=_TCP_RIGHTS if version >= 4 else 0,
        scoped=_SCOPES if version >= 6 else 0,
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = int(_libc.syscall(_LANDLOCK_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    if ruleset < 0:
        return False
    held = int(_libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0)) == 0
    os.close(ruleset)
    return held
