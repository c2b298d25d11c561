"""What a run did, in numbers that must add up."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.extraction import Document, Failure
from schemas.field import FieldStatus
from schemas.page import PageLabel


@dataclass(frozen=True, slots=True)
class DocumentCount:
    """One document as the summary counts it."""

    form_type: str | None
    edition: str | None
    statuses: tuple[FieldStatus, ...]


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file.

    records:    one JSON object per document, without line ends.
    received:   pages taken out of the file, readable or not.
    labels:     how many of them got which label; must add up to `received`.
    mismatch:   why the pages do not add up; "" if they do.
    seconds:    time spent per stage, each second counted once.
    is_interrupted: something of it failed that another attempt may read.
    """

    name: str
    records: tuple[bytes, ...]
    received: int
    labels: Mapping[PageLabel, int]
    documents: tuple[DocumentCount, ...]
    failures: tuple[Failure, ...]
    mismatch: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory_bytes: int = 0
    sandbox_peak_memory_bytes: int = 0
    is_interrupted: bool = False


@dataclass(frozen=True, slots=True)
class FileFailure:
    """A failure with the path it belongs to."""

    path: str
    failure: Failure


@dataclass
class Summary:
    """The counts of a run, added up file by file.

    files:     by what became of them: "read", "partly_read", "failed".
    documents: by (form type, edition); (None, None) are pages of no known form type.
    fields:    by form type and edition, then by status.
    """

    files: Counter[str] = field(default_factory=Counter)
    pages_received: int = 0
    pages: Counter[PageLabel] = field(default_factory=Counter)
    records: int = 0
    documents: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    fields: dict[tuple[str | None, str | None], Counter[FieldStatus]] = field(default_factory=dict)
    failures: list[FileFailure] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    wall_seconds: float = 0.0
    workers: int = 0
    peak_memory_bytes: int = 0
    sandbox_peak_memory_bytes: int = 0

    def add(self, path: str, result: FileResult) -> None:
        """Count one file."""
        self.files[_outcome(result)] += 1
        self.pages_received += result.received
        self.pages.update(result.labels)
        self.records += len(result.records)
        for document in result.documents:
            kind = (document.form_type, document.edition)
            self.documents[kind] += 1
            self.fields.setdefault(kind, Counter()).update(document.statuses)
        self.failures += [FileFailure(path, failure) for failure in result.failures]
        if result.mismatch:
            self.mismatches.append(f"{path}: {result.mismatch}")
        for stage, seconds in result.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self.peak_memory_bytes = max(self.peak_memory_bytes, result.peak_memory_bytes)
        self.sandbox_peak_memory_bytes = max(self.sandbox_peak_memory_bytes, result.sandbox_peak_memory_bytes)

    def check(self, files_received: int, records_written: int) -> None:
        """Add to `mismatches` whatever does not add up."""
        sums = (
            ("files", files_received, self.files.total()),
            ("pages", self.pages_received, self.pages.total()),
            ("records", self.records, records_written),
        )
        for what, received, counted in sums:
            if received != counted:
                self.mismatches.append(f"{received} {what} received, but {counted} accounted for")

    def as_json(self) -> dict[str, object]:
        """The summary as `--json` prints it; `difference` is 0 when everything adds up."""
        pages = self.pages_received
        return {
            "difference": len(self.mismatches),
            "mismatches": self.mismatches,
            "files": {"received": self.files.total()} | {name: self.files[name] for name in _OUTCOMES},
            "pages": {"received": pages} | {label.value: self.pages[label] for label in PageLabel},
            "records": self.records,
            "documents": [self._document(*kind) for kind in sorted(self.documents, key=_none_last)],
            "failures": [
                {
                    "file": failed.path,
                    "page": failed.failure.page,
                    "cause": failed.failure.cause.value,
                    "problem": failed.failure.problem,
                    "remedy": failed.failure.remedy,
                }
                for failed in self.failures
            ],
            "workers": self.workers,
            "wall_seconds": round(self.wall_seconds, 3),
            "pages_per_second": round(pages / self.wall_seconds, 3) if self.wall_seconds else None,
            "stage_seconds": {name: round(self.seconds[name], 4) for name in sorted(self.seconds)},
            "stage_seconds_per_page": {
                name: round(self.seconds[name] / pages, 5) for name in sorted(self.seconds) if pages
            },
            "peak_memory_bytes": {"worker": self.peak_memory_bytes, "sandbox": self.sandbox_peak_memory_bytes},
        }

    def _document(self, form_type: str | None, edition: str | None) -> dict[str, object]:
        kind = (form_type, edition)
        return {
            "form_type": form_type,
            "edition": edition,
            "documents": self.documents[kind],
            "fields": {status.value: self.fields[kind][status] for status in FieldStatus if self.fields[kind][status]},
        }


_OUTCOMES = ("read", "partly_read", "failed")


def _outcome(result: FileResult) -> str:
    if not result.failures:
        return "read"
    return "failed" if result.labels.get(PageLabel.FAILED, 0) == result.received else "partly_read"


def _none_last(kind: tuple[str | None, str | None]) -> tuple[bool, str, str]:
    form_type, edition = kind
    return form_type is None, form_type or "", edition or ""


def counted(document: Document) -> DocumentCount | None:
    """How the summary counts a document; None for leftover pages (blank, separator, failed) that belong to none."""
    if document.form_type is None and not any(page.label is PageLabel.CONTENT for page in document.pages):
        return None
    return DocumentCount(document.form_type, document.edition, tuple(value.status for value in document.fields))
