"""Removing files that have no row: the one place where anything is taken out of a store."""

from collections.abc import Callable, Iterator
from datetime import datetime

from intake.store import Known, Swept
from intake.store.shelf import Shelf

# One question to the database for so many files.
_PAGE = 500


def remove_unknown(
    shelf: Shelf,
    digest_of: Callable[[str], str | None],
    is_spare: Callable[[str, str], bool],
    known: Known,
    *,
    older_than: datetime,
) -> Swept:
    """Remove what is older and has no row, older spare copies, and what dead writers left.

    digest_of: the digest of the bytes that lie under a name; None where nobody can say, and then the file stays: with
               a wrong key in the settings every file would look like nobody's.
    is_spare:  whether what lies under a name, of this digest, also lies in the place where it is looked for first.
    """
    removed = unknown = 0
    for names in _paged(entry.name for entry in shelf.entries() if entry.touched_at < older_than):
        digests = {name: digest for name in names if (digest := digest_of(name)) is not None}
        unknown += len(names) - len(digests)
        with_row = set(known(list(digests.values())))
        for name, digest in digests.items():
            if digest not in with_row or is_spare(name, digest):
                removed += shelf.remove(name, older_than=older_than)
    return Swept(removed, shelf.remove_unfinished(older_than=older_than), unknown)


def _paged(names: Iterator[str]) -> Iterator[list[str]]:
    """The same names, some hundreds at a time."""
    page: list[str] = []
    for name in names:
        page.append(name)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page
