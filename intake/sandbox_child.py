"""The far side of the sandbox: a small template process that forks one limited child per file.

Run as a program with two open sockets; `intake.sandbox` starts it. The template parses nothing itself. It imports the
parsers once (that is most of a process's cost), gives up network and root, and then forks. A child reads the file's
bytes from memory, is limited, and sends pages back as frames: four bytes of length, a JSON header, raw pixels.
"""

import gc
import json
import mmap
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import PIL.Image

from extract.limits import Limits, UnreadablePage
from extract.unpack import open_paper, page_of
from intake import protection
from intake.sandbox_frames import ENDED, IN_BUBBLEWRAP, LENGTH, OUT_OF_MEMORY
from schemas.errors import Unreadable

_REQUEST_BYTES = 4096
_MOST_DESCRIPTORS = 2**31 - 1
_DESCRIPTORS_PER_REQUEST = 3  # the file's bytes, the way for frames, the way for the end


@dataclass
class _Child:
    pid: int
    ended: socket.socket  # the worker's wish to kill comes in here, the child's end goes out


def main() -> None:
    """Serve until the worker closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the run's own process ends us.
    control = socket.socket(fileno=int(sys.argv[1]))
    has_bubblewrap = IN_BUBBLEWRAP in sys.argv[2:]
    has_own_network = has_bubblewrap or protection.leave_network()
    protection.offer_to_go_first()
    PIL.Image.init()  # loads the plug-ins, which a child could not do any more
    held = protection.Protection(
        bubblewrap=has_bubblewrap,
        own_network=has_own_network,
        other_user=protection.become_nobody(),
        landlock=protection.landlock_version(),
    )
    protection.gain_nothing()
    # Objects made so far are never looked at again by the collector, so that children share their memory.
    gc.collect()
    gc.freeze()
    with suppress(BrokenPipeError):  # The worker may have been stopped meanwhile.
        control.sendall(json.dumps(asdict(held)).encode())
        _serve(control, held)


def _serve(control: socket.socket, held: protection.Protection) -> None:
    children: dict[int, _Child] = {}
    wake, waker = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(waker)
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ, None)
        selector.register(wake, selectors.EVENT_READ, None)
        while True:
            for key, _ in selector.select():
                if key.fileobj == wake:
                    _drain(wake)
                    _report_ended(children, selector)
                elif key.fileobj is control:
                    child = _receive(control, held)
                    if child is None:
                        return _kill_all(children)
                    children[child.pid] = child
                    selector.register(child.ended, selectors.EVENT_READ, child.pid)
                elif key.data in children:  # KILL, or the worker went away: the same to us
                    _kill(key.data)
                    selector.unregister(key.fileobj)


def _drain(wake: int) -> None:
    try:
        while os.read(wake, 512):
            pass
    except BlockingIOError:
        pass


def _receive(control: socket.socket, held: protection.Protection) -> _Child | None:
    """Fork a child for the next request. None if the worker has closed its end."""
    message, descriptors, _, _ = socket.recv_fds(control, _REQUEST_BYTES, _DESCRIPTORS_PER_REQUEST)
    if not message:
        return None
    content, frames, ended = descriptors
    pid = os.fork()
    if pid == 0:
        _be_child(json.loads(message), content, frames, held)
    os.close(content)
    os.close(frames)
    return _Child(pid, socket.socket(fileno=ended))


def _report_ended(children: dict[int, _Child], selector: selectors.BaseSelector) -> None:
    while children:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        child = children.pop(pid)
        with suppress(KeyError):  # If it was killed on request it is not watched any more.
            selector.unregister(child.ended)
        with suppress(OSError):  # The worker may have lost interest.
            child.ended.sendall(ENDED.pack(status, usage.ru_maxrss * 1024))
        child.ended.close()


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)


def _kill_all(children: dict[int, _Child]) -> None:
    for pid in children:
        _kill(pid)


def _be_child(request: dict[str, Any], content: int, frames: int, held: protection.Protection) -> None:
    """Parse one file and leave; never returns."""
    try:
        protection.die_with_parent()
        signal.set_wakeup_fd(-1)
        for name in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        os.setsid()
        os.dup2(1, 2)  # to nowhere, as the output: what a parser prints, the file's sender may have written
        _keep_only({0, 1, 2, content, frames})
        _read_and_send(request, content, frames, held)
    except BrokenPipeError:
        os._exit(0)  # The worker wants no more pages.
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BaseException:  # noqa: BLE001  # Nothing may escape into the template's own loop.
        os._exit(1)
    os._exit(0)


def _keep_only(descriptors: set[int]) -> None:
    """Close all others. A child that held the template's own socket could take the next file out of it."""
    for before, after in pairwise([*sorted(descriptors), _MOST_DESCRIPTORS]):
        os.closerange(before + 1, after)


def _read_and_send(request: dict[str, Any], content: int, frames: int, held: protection.Protection) -> None:
    limits = Limits(**request["limits"])
    size = os.fstat(content).st_size
    data = b""
    if size:
        with mmap.mmap(content, size, prot=mmap.PROT_READ) as shared:
            data = shared[:]
    os.close(content)
    protection.deny_files(held.landlock)
    protection.limit(limits.memory_bytes, int(limits.seconds_per_file) + 1)
    try:
        paper = open_paper(data, limits)
    except Unreadable as error:
        return _send(frames, {"refused": _refusal(error)})
    _send(frames, {"count": paper.count})
    for number in range(request["first"], paper.count + 1):
        page = page_of(paper, number)
        if isinstance(page, UnreadablePage):
            _send(frames, {"number": number, "refused": _refusal(page.error)})
            continue
        words = [[word.text, word.left, word.top, word.right, word.bottom] for word in page.words]
        header = {"number": number, "dpi": page.dpi, "width": page.width, "height": page.height, "words": words}
        # A page of pure black and white travels as one bit per pixel: it fits into the pipe in one go.
        is_packed = bool((page.pixels + np.uint8(1) <= 1).all())
        pixels = np.packbits(page.pixels) if is_packed else page.pixels
        _send(frames, header | {"packed": is_packed}, pixels.data.cast("B"))


def _refusal(error: Any) -> dict[str, Any]:
    return {"problem": error.problem, "cause": error.cause.value, "remedy": error.remedy, "page": error.page}


def _send(frames: int, header: dict[str, Any], pixels: memoryview | None = None) -> None:
    text = json.dumps(header).encode()
    _write(frames, memoryview(LENGTH.pack(len(text)) + text))
    if pixels is not None:
        _write(frames, pixels)


def _write(frames: int, left: memoryview) -> None:
    while left:
        left = left[os.write(frames, left) :]


if __name__ == "__main__":
    main()
