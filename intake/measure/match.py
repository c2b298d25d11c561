"""Puts every true document beside the record that speaks of it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from intake.measure.truth import FileKey, NoTruth, TrueDocument, keys_of
from schemas.record import Record


@dataclass(frozen=True, slots=True)
class Match:
    """A true document and its record; None if no record speaks of it.

    neighbours: every record that holds one of its pages, its own among them.
    """

    truth: TrueDocument
    record: Record | None
    neighbours: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """All of the truth, and the records of forms that there were none of: `unasked`."""

    matches: tuple[Match, ...]
    unasked: tuple[Record, ...]


def load_records(path: Path) -> list[Record]:
    """The records of a file of JSON lines. Raises NoTruth naming file and line if it holds anything else."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise NoTruth(f"{path}: cannot be read: {error.strerror}") from error
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(Record.model_validate_json(line))
        except ValidationError as error:
            place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "its shape"
            raise NoTruth(f"{path}, line {number}: not a record of this version: see {place}") from error
    return records


def match(truths: Sequence[TrueDocument], records: Sequence[Record]) -> Matches:
    """Match by the file's name, then by the pages that truth and record share; no record answers for two documents.

    Where nobody noted the pages, the last record of a known form type stands for the file, else the first of any.
    """
    by_file: dict[FileKey, list[TrueDocument]] = defaultdict(list)
    for truth in truths:
        by_file[truth.key].append(truth)
    by_name: dict[FileKey, list[Record]] = defaultdict(list)
    for record in records:
        for key in keys_of(record.source.name):
            by_name[key].append(record)
    matches: list[Match] = []
    unasked: list[Record] = []
    for file, together in by_file.items():
        found = by_name[file]
        chosen = _pair(together, found)
        matches += [
            Match(truth, chosen.get(place), tuple(record for record in found if _shared(truth, record)))
            for place, truth in enumerate(together)
        ]
        if all(truth.pages for truth in together):
            taken = {id(record) for record in chosen.values()}
            unasked += [record for record in found if record.form_type and id(record) not in taken]
    return Matches(tuple(matches), tuple(unasked))


def _pair(truths: Sequence[TrueDocument], records: Sequence[Record]) -> dict[int, Record]:
    """For the documents of one file, by their place in `truths`, their records: the best pairs first."""
    if not all(truth.pages for truth in truths):
        known = [record for record in records if record.form_type]
        best = known[-1:] or records[:1]
        return {0: best[0]} if best else {}
    pairs = sorted(
        (-_shared(truth, record), record.form_type is None, place, index)
        for place, truth in enumerate(truths)
        for index, record in enumerate(records)
        if _shared(truth, record)
    )
    chosen: dict[int, Record] = {}
    gone: set[int] = set()
    for _, _, place, index in pairs:
        if place not in chosen and index not in gone:
            chosen[place] = records[index]
            gone.add(index)
    return chosen


def _shared(truth: TrueDocument, record: Record) -> float:
    """How much the pages of both are the same: pages in common over pages of either."""
    ours, theirs = set(truth.pages), set(record.source.pages)
    return len(ours & theirs) / len(ours | theirs) if ours else 1.0
