"""Puts a program into a world of its own (bubblewrap): a read-only file system with the program and little else, no
network, its own process ids."""

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

_PROBE_SECONDS: Final = 20.0
# What the system's loader and Python need. Some are links into /usr on one system and folders on another.
_SYSTEM: Final = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
_OUR_PACKAGES: Final = ("extract", "intake", "schemas")
_THEIR_PACKAGES: Final = ("numpy", "PIL", "pdfplumber", "pypdfium2")
# Root keeps what it needs to become somebody else, and nothing more; others have nothing to give up.
_ROOT_KEEPS: Final = ("CAP_SETUID", "CAP_SETGID")


def wrapped(command: Sequence[str], readable: Iterable[Path] = ()) -> list[str]:
    """The command inside bubblewrap. It sees its own program and libraries, `readable`, and no other file.

    Nothing it sees can be written. Open descriptors are handed on.
    """
    program = shutil.which("bwrap") or "bwrap"
    unshared = ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    kept = [word for name in _ROOT_KEEPS for word in ("--cap-add", name)] if os.geteuid() == 0 else []
    seen = [word for path in _uncovered([*_program_places(), *readable]) for word in _shown(path)]
    # A session of its own: it must not type into the terminal of whoever started us.
    rest = ["--new-session", "--proc", "/proc", "--remount-ro", "/", "--chdir", "/", "--"]
    return [program, *unshared, *kept, *seen, *rest, *command]


@cache
def why_not() -> str:
    """Why bubblewrap cannot be used here, in words; "" if it can. Tried once per process."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    try:
        subprocess.run(  # noqa: S603  # our own program, nothing from outside in it
            wrapped([sys.executable, "-S", "-c", ""]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        return f"bubblewrap does not work here ({said[-1] if said else f'exit code {error.returncode}'})"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here ({type(error).__name__})"
    return ""


def _program_places() -> Iterator[Path]:
    """Where Python, our packages and the parsers lie; of a folder of ours the packages only, never what is beside."""
    yield from map(Path, _SYSTEM)
    yield Path(sys.prefix)
    yield Path(sys.base_prefix)
    yield from (_folder_of(name) for name in _OUR_PACKAGES)
    yield from (_folder_of(name).parent for name in _THEIR_PACKAGES)


def _folder_of(package: str) -> Path:
    file = importlib.import_module(package).__file__
    assert file is not None  # noqa: S101  # each of them has an __init__.py
    return Path(file).parent


def _uncovered(paths: Iterable[Path]) -> list[Path]:
    """Those that exist and lie in none of the others, the outer ones first."""
    found: list[Path] = []
    for path in sorted({path.absolute() for path in paths}):
        if os.path.lexists(path) and not any(path.is_relative_to(outer) for outer in found):
            found.append(path)
    return found


def _shown(path: Path) -> tuple[str, ...]:
    if path.is_symlink() and path.parent == Path("/"):
        return ("--symlink", str(path.readlink()), str(path))
    return ("--ro-bind", str(path), str(path))
