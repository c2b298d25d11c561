"""The truth beside synthetic post: `truth.jsonl`, one object per document and one per file for its other pages."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.page import PageLabel

TRUTH_NAME = "truth.jsonl"


class BoxTruth(StrEnum):
    """What was really drawn at one tick box."""

    EMPTY = "empty"
    TICKED = "ticked"
    CANCELLED = "cancelled"
    STRAY = "stray"  # a slip of the pen at an empty box: no answer


class _Border(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldTruthEntry(_Border):
    """What one field of one filled form really holds."""

    value: str | int | bool | list[str] | None = Field(
        description="as in a record: ISO 8601 dates, money as 12.50, lists for choices; null if nothing is written"
    )
    text: str = Field(description="as written, lines joined by one space; empty for ticks and signatures")
    handwritten: bool
    missing: bool = Field(default=False, description="the side it stands on was never scanned; value is then null")
    boxes: dict[str, BoxTruth] = Field(default={}, description="every tick box by its option; choices only")


class PageTruth(_Border):
    """What one page is; `turned` is how many degrees clockwise the scan must be turned to stand upright."""

    label: PageLabel
    turned: int


class DocumentTruth(_Border):
    """What one document really says, or (kind `leftover`) which pages of a file belong to no document.

    pages: numbers in the file, in order.   lines: of a letter, from top to bottom, as written.
    """

    file: str
    pages: list[int]
    kind: Literal["form", "letter", "leftover"]
    form_type: str | None
    edition: str | None
    ageing: str
    fields: dict[str, FieldTruthEntry] = {}
    lines: list[str] = []
    pages_truth: dict[int, PageTruth]


def save_truth(folder: Path, truths: Iterable[DocumentTruth]) -> Path:
    """Write the truth of a folder of post; returns its path."""
    path = folder / TRUTH_NAME
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(f"{truth.model_dump_json()}\n" for truth in truths)
    return path


def load_truth(path: Path) -> list[DocumentTruth]:
    """The truth in `path`, a folder of post or its truth file. Raises pydantic.ValidationError if it is none."""
    file = path / TRUTH_NAME if path.is_dir() else path
    return [DocumentTruth.model_validate_json(line) for line in file.read_text(encoding="utf-8").splitlines()]
