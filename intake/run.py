"""The parallel runner: files go to worker processes one by one, records come back in the order of the files."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from extract.limits import DEFAULT_LIMITS, Limits
from intake.gather import FoundFile
from intake.one_thread import ONE_THREAD
from intake.output import RecordFile
from intake.summary import FileResult, Summary
from intake.worker import Answer, Assignment, Broken, PageTaken, Ready, WorkshopSettings, failed_result
from schemas.errors import Cause, Unavailable
from schemas.extraction import Failure

_TICK_SECONDS = 0.5
# A longer tick was no time for the workers either: the run was stopped (Ctrl-Z), or its machine stood still.
_TICK_AT_MOST = 5.0
_END_SECONDS = 10.0
_FALSE_STARTS = 3  # workers that die before they have their tools: the machine is not fit, stop trying


@dataclass(frozen=True)
class Order:
    """What to read and how. workshop: "module:function" that gives a worker its tools."""

    files: Sequence[FoundFile]
    workers: int
    limits: Limits = DEFAULT_LIMITS
    settings: WorkshopSettings = field(default_factory=WorkshopSettings)
    workshop: str = "intake.wiring:open_workshop"


class Progress(Protocol):
    """Whoever watches a run."""

    def page(self) -> None:
        """One more page is in work."""
        ...

    def file(self, found: FoundFile, result: FileResult) -> None:
        """One file is done."""
        ...

    def tick(self) -> None:
        """Some time has passed."""
        ...


def read_files(order: Order, output: RecordFile, progress: Progress) -> Summary:
    """Read every file and write its records in the order of the files, whatever the number of workers.

    Raises Unavailable if no worker can start here, CannotWrite if the output is full. A file that fails is in the
    summary and has a record; it never ends the run.
    """
    started = time.monotonic()
    summary = Summary(workers=min(order.workers, max(len(order.files), 1)))
    done: dict[int, FileResult] = {}
    next_to_write = 0
    for number, result in _results(order, summary.workers, progress):
        done[number] = result
        progress.file(order.files[number], result)
        while next_to_write in done:
            ready = done.pop(next_to_write)
            for record in ready.records:
                output.write(record)
            summary.add(str(order.files[next_to_write].path), ready)
            next_to_write += 1
    output.finish()
    summary.wall_seconds = time.monotonic() - started
    summary.check(len(order.files), output.records)
    return summary


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    connection: "Connection[Any, Answer]"
    job: int | None = None
    since: float = 0.0  # when it got that file, by the clock of the pool
    pages: int = 0  # taken out of the file in hand
    is_ready: bool = False


@dataclass
class _Pool:
    """The workers of one run and the files still to be handed out.

    clock: seconds in which the workers could work.
    """

    order: Order
    waiting: list[int]
    workers: list[_Worker] = field(default_factory=list)
    false_starts: int = 0
    clock: float = 0.0
    _last_tick: float = field(default_factory=time.monotonic)

    def tick(self) -> None:
        """Let the clock go on."""
        now = time.monotonic()
        self.clock += min(now - self._last_tick, _TICK_AT_MOST)
        self._last_tick = now

    def start(self) -> None:
        """Start one more worker: a fresh process, so that it has nothing of this one but its settings."""
        ours, theirs = socket.socketpair()
        with theirs:
            call = f"main({theirs.fileno()}, {os.getpid()})"
            code = f"import sys; sys.path[:] = {sys.path!r}; from intake.worker import main; {call}"
            process = subprocess.Popen(  # noqa: S603  # our own program, nothing from outside in it
                [sys.executable, "-c", code],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=os.environ | ONE_THREAD,  # the libraries read these settings when they are loaded
            )
        worker = _Worker(process, Connection(ours.detach()))
        self.workers.append(worker)
        with suppress(BrokenPipeError):
            worker.connection.send(Assignment(self.order.workshop, self.order.settings, self.order.limits))

    def hand_out(self, worker: _Worker) -> None:
        """Give the worker its next file, or send it home."""
        worker.job = self.waiting.pop() if self.waiting else None
        worker.pages, worker.since = 0, self.clock
        with suppress(BrokenPipeError):  # If it died just now, its end of the connection will say so.
            worker.connection.send(None if worker.job is None else self.order.files[worker.job].path)
        if worker.job is None:
            self.workers.remove(worker)
            _see_off(worker)

    def bury(self, worker: _Worker) -> int | None:
        """A worker died. Replace it if there is work left, and return the file it had in hand."""
        self.workers.remove(worker)
        _see_off(worker)
        if not worker.is_ready:
            self.false_starts += 1
            if self.false_starts >= _FALSE_STARTS:
                raise Unavailable(f"worker processes {_how(worker.process)} while starting: run `postroom doctor`")
        if self.waiting:
            self.start()
        return worker.job

    def is_overdue(self, worker: _Worker) -> bool:
        """Whether a worker has had its file for longer than allowed and has said nothing that is still to be heard."""
        allowed = self.order.limits.seconds_to_read(worker.pages)
        return worker.job is not None and self.clock - worker.since > allowed and not worker.connection.poll()

    def close(self) -> None:
        for worker in self.workers:
            worker.process.terminate()
            _see_off(worker)


def _results(order: Order, workers: int, progress: Progress) -> Iterator[tuple[int, FileResult]]:
    """(number of the file, its result) as they come, not in order."""
    waiting = []
    for number, found in enumerate(order.files):
        if found.failure is not None:
            yield number, failed_result(found.path.name, found.failure)
        else:
            waiting.append(number)
    pool = _Pool(order, waiting[::-1])
    try:
        for _ in range(min(workers, len(waiting))):
            pool.start()
        while pool.workers:
            by_connection = {worker.connection: worker for worker in pool.workers}
            for connection in wait(list(by_connection), _TICK_SECONDS):
                assert isinstance(connection, Connection)  # noqa: S101  # `wait` returns what it was given
                yield from _hear(pool, by_connection[connection], progress)
            progress.tick()
            pool.tick()
            yield from _stop_overdue(pool)
    finally:
        pool.close()


def _hear(pool: _Pool, worker: _Worker, progress: Progress) -> Iterator[tuple[int, FileResult]]:
    """Take one answer from a worker; yields a result if it was one."""
    try:
        answer = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        job = pool.bury(worker)
        if job is not None:
            yield job, _lost(pool.order.files[job], worker)
        return
    match answer:
        case Broken(problem):
            raise Unavailable(problem)
        case Ready():
            worker.is_ready = True
            pool.hand_out(worker)
        case PageTaken():
            worker.pages += 1
            progress.page()
        case FileResult():
            job = worker.job
            pool.hand_out(worker)
            if job is not None:
                yield job, answer


def _stop_overdue(pool: _Pool) -> Iterator[tuple[int, FileResult]]:
    """End workers that got stuck; yields their files as failed. Others take over what waits."""
    for worker in [worker for worker in pool.workers if pool.is_overdue(worker)]:
        worker.process.kill()
        job = pool.bury(worker)
        if job is not None:
            yield job, _too_slow(pool.order, job, worker)


def _too_slow(order: Order, job: int, worker: _Worker) -> FileResult:
    seconds = order.limits.seconds_to_read(worker.pages)
    failure = Failure(
        Cause.TOO_SLOW,
        f"Reading took longer than {seconds:g} s and was stopped; none of its pages was recorded.",
        "Read this file again alone; if that takes as long, key it by hand and report the error.",
    )
    found = order.files[job]
    return failed_result(found.path.name, failure, sha256=_sha256(found), pages=worker.pages)


def _lost(found: FoundFile, worker: _Worker) -> FileResult:
    failure = Failure(
        Cause.CRASHED,
        f"The worker that read it {_how(worker.process)}; none of its pages was recorded.",
        "See whether memory ran out (fewer --workers help), then read this file again alone.",
    )
    return failed_result(found.path.name, failure, sha256=_sha256(found), pages=worker.pages)


def _sha256(found: FoundFile) -> str | None:
    try:
        with found.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _how(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    if code < 0:
        return f"was stopped by the system ({signal.strsignal(-code)})"
    return f"ended with code {code}"


def _see_off(worker: _Worker) -> None:
    worker.connection.close()
    try:
        worker.process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        worker.process.kill()
        worker.process.wait()
