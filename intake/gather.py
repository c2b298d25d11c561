"""Paths given on the command line become a list of files, each once, in a fixed order; nothing is left out."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import Cause
from schemas.extraction import Failure


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file to read, or a path that cannot be read at all: then `failure` says why."""

    path: Path
    size_bytes: int
    failure: Failure | None = None


def gather(paths: Iterable[Path]) -> list[FoundFile]:
    """Every file named, and every file of every folder named, at any depth, sorted within each folder.

    Files of every kind are taken: what is no scan is refused later, by its content. A file named twice is taken once.
    """
    found: dict[str, FoundFile] = {}
    for path in paths:
        for file in _folder(path) if os.path.isdir(path) else [_file(path)]:  # never raises, unlike Path.is_dir
            found.setdefault(os.path.realpath(file.path), file)
    return list(found.values())


def _file(path: Path) -> FoundFile:
    try:
        return FoundFile(path, path.stat().st_size)
    except OSError as error:
        return _not_accessible(path, error)


def _folder(folder: Path) -> Iterator[FoundFile]:
    refused: list[OSError] = []
    for place, below, names in os.walk(folder, onerror=refused.append):
        below.sort()
        for name in sorted(names):
            yield _file(Path(place) / name)
    for error in refused:
        yield _not_accessible(Path(os.fsdecode(error.filename)), error)


def _not_accessible(path: Path, error: OSError) -> FoundFile:
    reason = error.strerror or type(error).__name__
    remedy = "Check the path and your rights on it."
    return FoundFile(path, 0, Failure(Cause.NOT_ACCESSIBLE, f"It cannot be opened: {reason}.", remedy))
