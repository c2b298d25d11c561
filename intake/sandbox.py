"""Hostile bytes are parsed in a disposable child with limits; only bounded raw pixels come back.

Each worker keeps one small template process (`intake.sandbox_child`) that forks a child per file. Whatever the child
does (crash, hang, eat memory, lie), the worker gets pages or a named refusal, and lives.
"""

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from extract.limits import DEFAULT_LIMITS, Limits, UnreadablePage, too_many_bytes
from extract.page import ExactWord, Grey, PageImage
from intake import bubblewrap
from intake.protection import Protection
from intake.sandbox_frames import ENDED, IN_BUBBLEWRAP, KILL, LENGTH, OUT_OF_MEMORY
from schemas.errors import Cause, Interrupted, Unavailable, Unreadable

_HEADER_BYTES = 4 * 1024 * 1024  # the words of the densest page are far below
_PIPE_BYTES = 1024 * 1024
_START_SECONDS = 60.0  # importing the parsers on a busy machine
_END_SECONDS = 5.0
# Every child starts with an empty heap, and touching it for the first time costs more than decoding a page: take memory
# in huge pages and keep what was freed. Other C libraries ignore this.
_MALLOC = (
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824"
    ":glibc.malloc.trim_threshold=4294967296:glibc.malloc.top_pad=67108864"
)
PROGRAM: Final = "intake.sandbox_child:main"
_CRASHES_PER_FILE = 3  # pages that kill their child before the rest of the file is given up
_NEW_SCAN = "Scan the paper again; if the file must be kept, print it and scan the print."

Page = PageImage | UnreadablePage


class Sandbox:
    """A template process and the children it forks. Not for several threads; one file at a time.

    peak_memory_bytes: the most any child has used so far.
    """

    def __init__(self, *, with_bubblewrap: bool = True, program: str = PROGRAM, readable: Sequence[Path] = ()) -> None:
        """with_bubblewrap: False for the layers that hold without it, too; where it does not work, it is left out.

        program:  "module:function" of what the template process runs.
        readable: files and folders that it may read beside its own program.
        """
        self.peak_memory_bytes = 0
        self._program, self._readable = program, tuple(readable)
        self._has_bubblewrap = with_bubblewrap and not bubblewrap.why_not()
        self._protection: Protection | None = None
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the template and whatever children it has."""
        self._control.close()
        try:
            self._template.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._template.kill()
            self._template.wait()

    @property
    def protection(self) -> Protection:
        """Which layers hold. Waits until the template is ready; raises Unavailable if it cannot start."""
        if self._protection is None:
            self._control.settimeout(_START_SECONDS)
            try:
                answer = self._control.recv(4096)
            except TimeoutError as error:
                raise Unavailable("the sandbox did not start in time") from error
            self._control.settimeout(None)
            if not answer:
                raise Unavailable("the sandbox could not start: run `postroom doctor`")
            self._protection = Protection(**json.loads(answer))
        return self._protection

    def open_pages(self, source: bytes | Path, limits: Limits = DEFAULT_LIMITS, *, first: int = 1) -> Generator[Page]:
        """The pages of a file from page `first` on, in order, each decoded while the one before is read.

        A page that cannot be read comes as UnreadablePage. Raises Unreadable if the whole file is refused.
        """
        content = source if isinstance(source, bytes) else read_bytes(source, limits)
        count, crashes = 0, 0
        while True:
            try:
                for header in self._frames(content, limits, first):
                    if isinstance(header, int):
                        count = header
                        continue
                    first = header.number + 1
                    yield header
                return
            except _ChildFailed as failed:
                if count <= 1:
                    raise failed.for_file() from failed
                crashes += 1
                yield UnreadablePage(first, failed.for_page(first))
                first += 1
                if crashes >= _CRASHES_PER_FILE:
                    break
                if first > count:
                    return
        for number in range(first, count + 1):
            yield UnreadablePage(number, _given_up(number))

    def count_pages(self, content: bytes, limits: Limits = DEFAULT_LIMITS) -> int:
        """How many pages a file has, without decoding any of them. Raises Unreadable if it is refused."""
        try:
            # From behind the last page that may be there: the child decodes none, and ends by itself.
            frames = self._frames(content, limits, limits.pages_per_file + 1)
            count = next(frames)
            frames.close()
        except _ChildFailed as failed:
            raise failed.for_file() from failed
        assert isinstance(count, int)  # noqa: S101  # it comes before the pages
        return count

    def _start(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # Nothing of the worker's environment (keys, addresses) is handed to the process that meets hostile bytes.
            kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV") if name in os.environ}
            settings = {
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "LANG": "C.UTF-8",
                "GLIBC_TUNABLES": _MALLOC,
            }
            module, function = self._program.split(":")
            code = f"import sys; sys.path[:] = {sys.path!r}; from {module} import {function}; {function}()"
            command = [sys.executable, "-B", "-c", code, str(theirs.fileno())]
            if self._has_bubblewrap:
                command = bubblewrap.wrapped([*command, IN_BUBBLEWRAP], self._readable)
            self._template = subprocess.Popen(  # noqa: S603  # our own program, nothing from outside in it
                command,
                pass_fds=(theirs.fileno(),),
                # Ctrl-C reaches every process of a terminal's group; this one ends when we close its socket.
                process_group=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=kept | settings,
                cwd="/",
            )
        self._protection = None

    def _restart_if_dead(self) -> None:
        # Under bubblewrap the process that we started outlives the template in it for a moment.
        if self._template.poll() is not None or self._is_hung_up():
            self.close()
            self._start()

    def _is_hung_up(self) -> bool:
        """Whether nobody is left at the other end."""
        asked = select.poll()
        asked.register(self._control, 0)  # hanging up is told always
        return bool(asked.poll(0))

    def _frames(self, content: bytes, limits: Limits, first: int) -> Generator[int | Page]:
        """What one child sends: the number of pages, then pages. Raises _ChildFailed, or Unreadable for the file."""
        self._restart_if_dead()
        _ = self.protection
        with self._child(content, limits, first) as child:
            count = child.count(limits)
            yield count
            for number in range(first, count + 1):
                yield child.page(number, limits)

    @contextmanager
    def _child(self, content: bytes, limits: Limits, first: int) -> Generator["_Child"]:
        frames, theirs = os.pipe()
        ended, their_end = socket.socketpair()
        try:
            _widen(frames)
            with _in_memory(content) as memory:
                request = json.dumps({"limits": asdict(limits), "first": first}).encode()
                try:
                    socket.send_fds(self._control, [request], [memory, theirs, their_end.fileno()])
                except OSError as error:
                    raise _went_away() from error
        except BaseException:
            os.close(frames)
            ended.close()
            raise
        finally:
            os.close(theirs)
            their_end.close()
        child = _Child(frames, ended, limits.seconds_per_file)
        try:
            yield child
        finally:
            child.close()
            self.peak_memory_bytes = max(self.peak_memory_bytes, child.peak_memory_bytes)


def read_bytes(path: Path, limits: Limits) -> bytes:
    """The bytes of a regular file. Raises Unreadable if it cannot be opened, is no file or is larger than allowed."""
    try:
        # Without waiting: a named pipe among the scans must not stop the run.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not os.path.isfile(path):
                raise _not_accessible("It is no regular file", "Hand over files or folders of files.")
            size = os.fstat(file.fileno()).st_size
            if size > limits.file_bytes:
                raise too_many_bytes(size, limits)
            return file.read(limits.file_bytes)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _not_accessible(
            f"The file cannot be opened: {reason}", "Check the path and your rights on it."
        ) from error


def _not_accessible(problem: str, remedy: str) -> Unreadable:
    return Unreadable(f"{problem}.", cause=Cause.NOT_ACCESSIBLE, remedy=remedy)


class _ChildFailed(Exception):
    """The child died, hung or broke the rules: the cause and what happened, in words.

    from_outside: it was killed, and not by us: that need not be the file's fault.
    """

    def __init__(self, cause: Cause, what: str, *, from_outside: bool = False) -> None:
        super().__init__(what)
        self.cause = cause
        self.what = what
        self._kind = Interrupted if from_outside else Unreadable

    def for_file(self) -> Unreadable:
        return self._kind(f"The file could not be read: {self.what}.", cause=self.cause, remedy=_NEW_SCAN)

    def for_page(self, number: int) -> Unreadable:
        problem = f"Page {number} could not be read: {self.what}."
        return self._kind(problem, cause=self.cause, remedy=_NEW_SCAN, page=number)


def _given_up(number: int) -> Unreadable:
    problem = f"Page {number} was not tried: {_CRASHES_PER_FILE} pages of this file had failed badly before it."
    return Unreadable(problem, cause=Cause.CRASHED, remedy=_NEW_SCAN, page=number)


@dataclass
class _Child:
    """The near end of one child. Only the time spent waiting for it counts: a slow reader does not make it late."""

    frames: int
    ended: socket.socket
    seconds_left: float
    peak_memory_bytes: int = 0
    is_done: bool = False

    def count(self, limits: Limits) -> int:
        """How many pages it announces. Raises Unreadable if it refuses the whole file."""
        header = self._header(limits.seconds_per_page)
        if "refused" in header:
            raise _refusal(header["refused"])
        count = header.get("count")
        if not isinstance(count, int) or not 1 <= count <= limits.pages_per_file:
            raise self._lied()
        return count

    def page(self, number: int, limits: Limits) -> Page:
        header = self._header(limits.seconds_per_page)
        if header.get("number") != number:
            raise self._lied()
        if "refused" in header:
            return UnreadablePage(number, _refusal(header["refused"]))
        width, height, dpi = header.get("width"), header.get("height"), header.get("dpi")
        if not (isinstance(width, int) and isinstance(height, int) and isinstance(dpi, int)):
            raise self._lied()
        # A fax page made square has more pixels than it had in the file, at most four times as many.
        if not (width > 0 and height > 0 and dpi > 0 and width * height <= 4 * limits.pixels_per_page):
            raise self._lied()
        pixels = self._pixels(width, height, header.get("packed") is True, limits.seconds_per_page)
        return PageImage(pixels, dpi, number, _words(header.get("words", ()), self._lied))

    def _pixels(self, width: int, height: int, is_packed: bool, seconds: float) -> Grey:
        size = width * height
        sent = np.empty((size + 7) // 8 if is_packed else size, dtype=np.uint8)
        self._fill(sent.data, seconds)
        if is_packed:
            sent = np.unpackbits(sent, count=size) * np.uint8(255)
        return sent.reshape(height, width)

    def close(self) -> None:
        """Kill the child if it still runs, and wait for its end."""
        os.close(self.frames)  # A child that still writes notices this, and ends by itself.
        self._end()
        self.ended.close()

    def _header(self, seconds: float) -> dict[str, Any]:
        length = bytearray(LENGTH.size)
        self._fill(memoryview(length), seconds)
        (size,) = LENGTH.unpack(length)
        if size > _HEADER_BYTES:
            raise self._lied()
        text = bytearray(size)
        self._fill(memoryview(text), seconds)
        try:
            header = json.loads(text)
        except ValueError as error:
            raise self._lied() from error
        if not isinstance(header, dict):
            raise self._lied()
        return header

    def _fill(self, view: memoryview, seconds: float) -> None:
        """Read exactly so many bytes. Raises _ChildFailed if the child ends, or lets us wait longer than `seconds`."""
        seconds = min(seconds, self.seconds_left)
        started = time.monotonic()
        while view:
            left = seconds - (time.monotonic() - started)
            if left <= 0 or not select.select([self.frames], [], [], left)[0]:
                raise _ChildFailed(Cause.TOO_SLOW, f"decoding took longer than {seconds:.0f} seconds")
            got = os.readv(self.frames, [view])
            if not got:
                raise self._end()
            view = view[got:]
        self.seconds_left -= time.monotonic() - started

    def _end(self) -> _ChildFailed:
        """Make sure the child has ended, and say how it came to that."""
        if not self.is_done:
            self.is_done = True
            try:
                status = self._wait()
            except OSError:
                return _went_away()
            return _how_it_ended(status)
        return _ChildFailed(Cause.CRASHED, "the program that decodes it stopped")

    def _wait(self) -> int:
        # A child whose pipe has closed is about to end by itself; its own way of ending tells more than our kill.
        self.ended.settimeout(0.2)
        try:
            answer = self.ended.recv(ENDED.size)
        except TimeoutError:
            self.ended.settimeout(_END_SECONDS)
            self.ended.sendall(KILL)
            answer = self.ended.recv(ENDED.size)
        if len(answer) != ENDED.size:
            raise OSError("no answer")
        status, self.peak_memory_bytes = ENDED.unpack(answer)
        return int(status)

    def _lied(self) -> _ChildFailed:
        return _ChildFailed(Cause.CRASHED, "the program that decodes it sent something it should not")


def _went_away() -> _ChildFailed:
    return _ChildFailed(Cause.CRASHED, "the sandbox went away", from_outside=True)


def _how_it_ended(status: int) -> _ChildFailed:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return _ChildFailed(Cause.TOO_SLOW, "decoding used up its processor time")
        name = signal.strsignal(number) or str(number)
        what = f"the program that decodes it was stopped by the kernel ({name})"
        return _ChildFailed(Cause.CRASHED, what, from_outside=number == signal.SIGKILL)
    if os.WEXITSTATUS(status) == OUT_OF_MEMORY:
        return _ChildFailed(Cause.TOO_LARGE, "decoding needs more memory than one file may use")
    return _ChildFailed(Cause.CRASHED, "the program that decodes it stopped")


def _refusal(raw: Any) -> Unreadable:
    """The child's reason. Raises _ChildFailed if it is none of the reasons we know."""
    try:
        page = None if raw["page"] is None else int(raw["page"])
        return Unreadable(
            str(raw["problem"])[:500], cause=Cause(raw["cause"]), remedy=str(raw["remedy"])[:500], page=page
        )
    except (TypeError, KeyError, ValueError) as error:
        raise _ChildFailed(Cause.CRASHED, "the program that decodes it sent something it should not") from error


def _words(raw: Any, lied: Any) -> tuple[ExactWord, ...]:
    try:
        return tuple(ExactWord(str(text), *(float(place) for place in places)) for text, *places in raw)
    except (TypeError, ValueError) as error:
        raise lied() from error


def _widen(pipe: int) -> None:
    with suppress(OSError):  # If the user's share of pipe memory is used up it is slower, but right.
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


@contextmanager
def _in_memory(content: bytes) -> Generator[int]:
    """A descriptor of a file that exists in memory only and holds `content`."""
    memory = os.memfd_create("postroom-file", os.MFD_CLOEXEC)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(memory, view) :]
        yield memory
    finally:
        os.close(memory)


def with_most_pages(limits: Limits, pages: int | None) -> Limits:
    """The same limits with another number of pages per file, and time in proportion; None changes nothing."""
    if pages is None:
        return limits
    more = max(pages / limits.pages_per_file, 1.0)
    return replace(limits, pages_per_file=pages, seconds_per_file=limits.seconds_per_file * more)
