"""Finding and removing files that have no row: the one place where anything is taken out of a store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from intake.store import Known, Orphan, Survey, Swept
from intake.store.shelf import Entry, NotOnShelf, Shelf

# One question to the database for so many files.
_PAGE = 500


@dataclass(frozen=True)
class Shelved:
    """A shelf, and what is known of what lies on it.

    digest_of: the digest of the bytes that lie under a name; None where nobody can say, and then the file stays: with
               a wrong key in the settings every file would look like nobody's.
    size_of:   how many bytes were received, of those that lie under a name.
    is_spare:  whether what lies under a name, of this digest, also lies in the place where it is looked for first.
    """

    shelf: Shelf
    digest_of: Callable[[str], str | None]
    size_of: Callable[[str], int]
    is_spare: Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class _Page:
    """Some old files. orphans: those without a row, with their digests; copies: spare ones of those that have one."""

    orphans: Sequence[tuple[Entry, str]]
    copies: Sequence[Entry]
    unknown: int


def survey(shelved: Shelved, known: Known, *, older_than: datetime) -> Survey:
    """What `remove_unneeded` would take away."""
    counted = _Counted(shelved.shelf.entries())
    orphans: list[Orphan] = []
    copies = unknown = 0
    for page in _pages(shelved, counted, known, older_than):
        for entry, digest in page.orphans:
            try:
                orphans.append(Orphan(digest, shelved.size_of(entry.name), entry.touched_at))
            except NotOnShelf:
                continue  # somebody else has removed it
        copies += len(page.copies)
        unknown += page.unknown
    return Survey(counted.count, tuple(orphans), copies, unknown)


def remove_unneeded(shelved: Shelved, known: Known, *, older_than: datetime) -> Swept:
    """Remove what is older and has no row, older spare copies, and what dead writers left."""
    shelf = shelved.shelf
    removed = unknown = 0
    for page in _pages(shelved, shelf.entries(), known, older_than):
        for entry in (*(entry for entry, _ in page.orphans), *page.copies):
            removed += shelf.remove(entry.name, older_than=older_than)
        unknown += page.unknown
    return Swept(removed, shelf.remove_unfinished(older_than=older_than), unknown)


def _pages(shelved: Shelved, entries: Iterable[Entry], known: Known, older_than: datetime) -> Iterator[_Page]:
    for page in _paged(entry for entry in entries if entry.touched_at < older_than):
        digests = [(entry, digest) for entry in page if (digest := shelved.digest_of(entry.name)) is not None]
        with_row = set(known([digest for _, digest in digests]))
        yield _Page(
            orphans=[(entry, digest) for entry, digest in digests if digest not in with_row],
            copies=[entry for entry, digest in digests if digest in with_row and shelved.is_spare(entry.name, digest)],
            unknown=len(page) - len(digests),
        )


class _Counted:
    """The same entries; how many came by."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries, self.count = entries, 0

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.count += 1
            yield entry


def _paged(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The same entries, some hundreds at a time."""
    page: list[Entry] = []
    for entry in entries:
        page.append(entry)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page
