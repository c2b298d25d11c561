"""One worker process: takes one file at a time, reads it whole, and answers with its records."""

import hashlib
import importlib
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from extract import freed_memory
from extract.limits import Limits, UnreadablePage
from extract.page import PageImage
from intake import protection
from intake.event_log import place_of
from intake.one_thread import ONE_THREAD
from intake.records import to_record
from intake.sandbox import Sandbox, read_bytes
from intake.summary import FileResult, counted
from schemas.errors import Cause, Interrupted, MailError, Unreadable
from schemas.extraction import Document, Failure
from schemas.page import PageFact, PageLabel


@dataclass(frozen=True, slots=True)
class WorkshopSettings:
    """What the tools of a worker depend on.

    form_folders: folders of form types beside those that come with the program.
    form_type:    if given, the only form type that is looked for.
    """

    form_folders: tuple[Path, ...] = ()
    form_type: str | None = None


@dataclass
class Stopwatch:
    """Seconds spent per stage; a stage within a stage counts for itself only."""

    seconds: dict[str, float] = field(default_factory=dict)
    _running: list[str] = field(default_factory=list)
    _since: float = 0.0

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """Count the time of the work inside for the stage `name`."""
        self._book()
        self._running.append(name)
        try:
            yield
        finally:
            self._book()
            self._running.pop()

    def take(self) -> dict[str, float]:
        """The seconds so far, and start again from nothing."""
        taken, self.seconds = self.seconds, {}
        return taken

    def _book(self) -> None:
        now = time.perf_counter()
        if self._running:
            stage = self._running[-1]
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now


@dataclass(frozen=True)
class Workshop:
    """What a worker works with: `read` turns the pages of one file into documents, timing itself on the stopwatch."""

    read: Callable[[Iterable[PageImage]], list[Document]]


OpenWorkshop = Callable[[WorkshopSettings, Stopwatch], Workshop]


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has its tools."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The worker cannot work here: what is missing, and the command that mends it."""

    problem: str


@dataclass(frozen=True, slots=True)
class PageTaken:
    """One more page was taken out of the file in hand."""


Answer = Ready | Broken | PageTaken | FileResult


@dataclass(frozen=True, slots=True)
class Assignment:
    """The first thing a worker is told.

    workshop: "module:function" of an OpenWorkshop. It is a name so that only workers load the engines.
    """

    workshop: str
    settings: WorkshopSettings
    limits: Limits


def main(descriptor: int, parent: int) -> None:
    """Take an Assignment from the socket, then read the files whose paths arrive, until None or the end does."""
    protection.end_with(parent)  # in the middle of a page nobody looks whether the other end is still there
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the run's own process ends us.
    connection: Connection[Answer, Any] = Connection(descriptor)
    try:
        _work(connection, connection.recv())
    except (EOFError, BrokenPipeError):
        return  # The run was stopped at the other end.


def _work(connection: "Connection[Answer, Any]", assignment: Assignment) -> None:
    watch = Stopwatch()
    with Sandbox() as sandbox:
        try:
            _check_threads()
            module, function = assignment.workshop.split(":")
            open_workshop: OpenWorkshop = getattr(importlib.import_module(module), function)
            shop = open_workshop(assignment.settings, watch)
            _ = sandbox.protection
        except (MailError, ImportError) as error:
            connection.send(Broken(str(error)))
            return
        desk = Desk(shop, sandbox, assignment.limits, watch, connection.send)
        connection.send(Ready())
        while (path := connection.recv()) is not None:
            connection.send(desk.read(path))


def _check_threads() -> None:
    for name, value in ONE_THREAD.items():
        if os.environ.get(name) != value:
            raise MailError(f"{name} must be {value} in a worker: start workers through `postroom`")


@dataclass
class Desk:
    """Where one file at a time is read. `send` is told of every page taken."""

    shop: Workshop
    sandbox: Sandbox
    limits: Limits
    watch: Stopwatch
    send: Callable[[Answer], None]

    def read(self, path: Path) -> FileResult:
        """Everything one file gives. Never raises for a file's sake: a failure is part of the result."""
        try:
            content = read_bytes(path, self.limits)
        except Unreadable as error:
            intake = _Intake()
            intake.fail(error)
            return self._result(path.name, None, [], intake)
        return self.read_content(path.name, content)

    def read_content(self, name: str, content: bytes) -> FileResult:
        """Everything the bytes of a file give, as `read`."""
        intake = _Intake()
        documents: list[Document] = []
        try:
            pages = self._pages(content, intake)
            first = next(pages, None)
            if first is not None:
                documents = self._documents(chain([first], pages), intake)
        except Unreadable as error:
            intake.fail(error)
        freed_memory.give_back()
        return self._result(name, hashlib.sha256(content).hexdigest(), documents, intake)

    def _pages(self, content: bytes, intake: "_Intake") -> Iterator[PageImage]:
        """The readable pages; those that are not, and the refusal of the whole file, are noted."""
        pages = self.sandbox.open_pages(content, self.limits)
        while True:
            try:
                with self.watch.stage("unpack"):
                    page = next(pages, None)
            except Unreadable as error:
                return intake.fail(error)
            if page is None:
                return None
            intake.numbers.append(page.number)
            self.send(PageTaken())
            if isinstance(page, UnreadablePage):
                intake.fail_page(page)
            else:
                yield page

    def _documents(self, pages: Iterator[PageImage], intake: "_Intake") -> list[Document]:
        try:
            with self.watch.stage("other"):
                return self.shop.read(pages)
        except Exception as error:  # noqa: BLE001  # one file's accident must not end the run; it is reported as ours
            for _ in pages:  # the pages not yet taken count as received, too
                pass
            intake.accident(error)
            return []

    def _result(self, name: str, sha256: str | None, documents: list[Document], intake: "_Intake") -> FileResult:
        documents = sorted([*documents, *intake.leftover()], key=_first_page)
        numbers = [page.number for document in documents for page in document.pages]
        labels = Counter(page.label for document in documents for page in document.pages)
        mismatch = ""
        if sorted(numbers) != sorted(intake.numbers):
            mismatch = f"pages {intake.numbers} were received, but the records speak of pages {sorted(numbers)}"
        records = [to_record(document, name=name, sha256=sha256) for document in documents]
        return FileResult(
            name=name,
            records=tuple(record.model_dump_json().encode() for record in records),
            received=len(intake.numbers),
            labels=labels,
            documents=tuple(count for document in documents if (count := counted(document)) is not None),
            failures=tuple(failure for document in documents for failure in document.failures),
            mismatch=mismatch,
            seconds=self.watch.take(),
            peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            sandbox_peak_memory_bytes=self.sandbox.peak_memory_bytes,
            is_interrupted=intake.is_interrupted,
        )


def _first_page(document: Document) -> int:
    return min((page.number for page in document.pages), default=sys.maxsize)


@dataclass
class _Intake:
    """What came out of one file: every page number, and what went wrong."""

    numbers: list[int] = field(default_factory=list)
    failed_pages: list[UnreadablePage] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    has_no_documents: bool = False
    is_interrupted: bool = False

    def fail_page(self, page: UnreadablePage) -> None:
        self.failed_pages.append(page)
        self.is_interrupted |= isinstance(page.error, Interrupted)

    def fail(self, error: Unreadable) -> None:
        self.is_interrupted |= isinstance(error, Interrupted)
        self.failures.append(Failure(error.cause, error.problem, error.remedy, error.page))

    def accident(self, error: Exception) -> None:
        """A stage of ours failed: no page has a document. Its message may hold content; its kind and place do not."""
        where = place_of(error.__traceback__)
        problem = f"Reading stopped by an error in this program: {type(error).__name__}{where and f' in {where}'}."
        self.has_no_documents = True
        self.failures.append(Failure(Cause.FAILED, problem, "Key this file by hand and report the error."))

    def leftover(self) -> list[Document]:
        """The pages and failures that belong to no document, as one; empty if there are none."""
        numbers = self.numbers if self.has_no_documents else [page.number for page in self.failed_pages]
        reasons = [
            Failure(bad.error.cause, bad.error.problem, bad.error.remedy, bad.number) for bad in self.failed_pages
        ]
        if not numbers and not reasons and not self.failures:
            return []
        pages = tuple(PageFact(number, PageLabel.FAILED) for number in sorted(numbers))
        return [Document(None, None, pages, failures=(*reasons, *self.failures))]


def failed_result(name: str, failure: Failure, *, sha256: str | None = None, pages: int = 0) -> FileResult:
    """The result of a file of which only the first `pages` pages were ever seen, and none was recorded."""
    facts = tuple(PageFact(number, PageLabel.FAILED) for number in range(1, pages + 1))
    record = to_record(Document(None, None, facts, failures=(failure,)), name=name, sha256=sha256)
    labels = {PageLabel.FAILED: pages} if pages else {}
    return FileResult(name, (record.model_dump_json().encode(),), pages, labels, (), (failure,))
