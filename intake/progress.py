"""Shows how far a run is: a bar on a terminal, a plain line every few seconds elsewhere."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from intake.gather import FoundFile
from intake.summary import FileResult

_LINE_EVERY_SECONDS: Final = 5.0


class _Counts:
    """Pages, files and bytes done so far. Pages of a file in work count as soon as they are taken out of it."""

    def __init__(self, files: Sequence[FoundFile]) -> None:
        self.started = time.monotonic()
        self.files_in_all = len(files)
        self.bytes_in_all = sum(file.size_bytes for file in files)
        self.files = self.pages = self.bytes = 0

    def page(self) -> None:
        self.pages += 1

    def file(self, found: FoundFile, result: FileResult) -> None:
        self.files += 1
        self.bytes += found.size_bytes

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def pages_per_second(self) -> float:
        return self.pages / max(self.seconds, 1e-6)


class BarProgress(_Counts):
    """A rich progress bar; its length is bytes, because how many pages are to come is not known beforehand."""

    def __init__(self, files: Sequence[FoundFile], console: Console) -> None:
        super().__init__(files)
        self._bar = Progress(
            TextColumn("Reading"),
            BarColumn(),
            TextColumn("{task.fields[files]}/{task.fields[files_in_all]} files"),
            TextColumn("{task.fields[pages]} pages"),
            TextColumn("{task.fields[pages_per_second]:.1f} pages/s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task(
            "", total=max(self.bytes_in_all, 1), files=0, files_in_all=self.files_in_all, pages=0, pages_per_second=0.0
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def tick(self) -> None:
        self._bar.update(
            self._task,
            completed=self.bytes,
            files=self.files,
            pages=self.pages,
            pages_per_second=self.pages_per_second,
        )


class LineProgress(_Counts):
    """A line of text every few seconds, for logs."""

    def __init__(self, files: Sequence[FoundFile], console: Console) -> None:
        super().__init__(files)
        self._console = console
        self._next_seconds = _LINE_EVERY_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def tick(self) -> None:
        if self.seconds < self._next_seconds:
            return
        self._next_seconds = self.seconds + _LINE_EVERY_SECONDS
        left = ""
        if self.bytes:
            left = f", about {self.seconds * (self.bytes_in_all / self.bytes - 1):.0f} s left"
        self._console.print(
            f"{self.files} of {self.files_in_all} files, {self.pages} pages, {self.pages_per_second:.1f} pages/s{left}",
            highlight=False,
            soft_wrap=True,
        )


def progress_on(console: Console, files: Sequence[FoundFile]) -> BarProgress | LineProgress:
    """The fitting progress display for this console."""
    return BarProgress(files, console) if console.is_terminal else LineProgress(files, console)
