"""A shelf that is a folder on this machine."""

import errno
import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from intake.store.errors import StoreFull
from intake.store.shelf import Entry, NewHead, NotOnShelf, checked_name
from schemas.errors import Unavailable

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_HEXADECIMAL = set("0123456789abcdef")


class LocalShelf:
    """Keeps `<root>/ab/cd/<name>`; drafts lie in `<root>/incoming`, on the same file system.

    Drafts are written, fsynced and renamed, then every folder whose entries changed is fsynced. A file is removed only
    under an exclusive lock, and shown or touched only under a shared one: what is put again at the very moment its
    orphan is removed is never lost. The locks are flock on `<root>/lock` and on each draft, which the kernel lets go
    when their holder dies; so the folder belongs on a disk of this machine (or a mount that carries flock).
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        # Folders whose own entry in their parent this process has made durable.
        self._durable: set[Path] = set()

    @contextmanager
    def draft(self) -> Iterator["LocalDraft"]:
        """A named file in `incoming`, locked as long as its writer lives."""
        folder = self._root / "incoming"
        with _troubles_translated():
            self._make_durable(folder)
            draft = LocalDraft(self, folder)
        try:
            yield draft
        finally:
            draft.drop()

    def open(self, name: str) -> BinaryIO:
        """An open file."""
        with _troubles_translated(name):
            return self._path(name).open("rb")

    def head(self, name: str, length: int) -> bytes:
        """The first bytes of the file."""
        with _troubles_translated(name), self._path(name).open("rb", buffering=0) as file:
            return file.read(length)

    def size(self, name: str) -> int:
        """As the file system says."""
        with _troubles_translated(name):
            return self._path(name).stat().st_size

    def touch(self, name: str, *, size: int) -> bool:
        """Set the time of the file to now, and see that its folders are on disk: its first writer may not be there."""
        path = self._path(name)
        with _troubles_translated():
            try:
                with self._lock(fcntl.LOCK_SH):
                    if path.stat().st_size != size:
                        return False
                    os.utime(path)
            except FileNotFoundError:
                return False
            self._make_durable(path.parent)
            fsync_folder(path.parent)
        return True

    def entries(self) -> Iterator[Entry]:
        """Folder by folder, in the order of names."""
        with _troubles_translated():
            for outer in _hexadecimal_folders(self._root):
                for inner in _hexadecimal_folders(outer):
                    yield from _entries_of(inner)

    def remove(self, name: str, *, older_than: datetime) -> bool:
        """Unlink the file; the lock makes the look at its age and the unlinking one step."""
        path = self._path(name)
        with _troubles_translated():
            try:
                with self._lock(fcntl.LOCK_EX):
                    if path.stat().st_mtime >= older_than.timestamp():
                        return False
                    path.unlink()
            except FileNotFoundError:
                return False
            fsync_folder(path.parent)
        return True

    def change_head(self, name: str, new: NewHead) -> bool:
        """Write the interim head in place, rename, write the final head: whatever is cut off, one of them is whole."""
        path, target = self._path(name), self._path(new.name)
        with _troubles_translated(name), path.open("r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever held the lock before may have changed the head, or moved the file under another name.
            if not _is_at(path, file.fileno()):
                raise NotOnShelf(name)
            if file.read(len(new.expected)) != new.expected:
                return False
            _overwrite(file, new.expected, new.interim)
            if target != path:
                self.place(path, target)
                fsync_folder(path.parent)
            _overwrite(file, new.interim, new.final)
        return True

    def remove_unfinished(self, *, older_than: datetime) -> int:
        """Drafts that nobody holds a lock on, of whatever age: a dead writer does not come back."""
        removed = 0
        with _troubles_translated():
            for path in (self._root / "incoming").glob("*.part"):
                try:
                    with path.open("r+b") as file:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        path.unlink()
                        removed += 1
                except (FileNotFoundError, BlockingIOError):
                    pass  # kept or dropped meanwhile, or its writer lives
        return removed

    def free_bytes(self) -> int:
        """What an ordinary user may still write on this file system."""
        with _troubles_translated():
            self._make_durable(self._root)
            found = os.statvfs(self._root)
        return found.f_bavail * found.f_frsize

    def place(self, source: Path, target: Path) -> None:
        """Rename onto the final name, folders made and on disk before this returns."""
        self._make_durable(target.parent)
        with self._lock(fcntl.LOCK_SH):
            source.rename(target)
        fsync_folder(target.parent)

    def final_path(self, name: str) -> Path:
        """Where a name lies, whether or not anything is there. Raises ValueError for what is no name."""
        return self._path(name)

    def _path(self, name: str) -> Path:
        checked_name(name)
        return self._root / name[:2] / name[2:4] / name

    @contextmanager
    def _lock(self, how: int) -> Iterator[None]:
        """Hold `fcntl.LOCK_SH` or `LOCK_EX` on the whole shelf, for the microseconds of a rename or an unlinking."""
        descriptor = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def _make_durable(self, folder: Path) -> None:
        """Make a folder and those above it, and fsync each one's parent, even of folders that others have just made."""
        if folder in self._durable and folder.is_dir():
            return
        if folder != self._root and self._root not in folder.parents and folder.is_dir():
            return  # above the shelf, and there before us
        self._make_durable(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        fsync_folder(folder.parent)
        self._durable.add(folder)


class LocalDraft:
    """A file in `incoming`, for its owner's eyes only, locked so that nobody takes it for a dead writer's."""

    def __init__(self, shelf: LocalShelf, folder: Path) -> None:
        self._shelf = shelf
        self._path, self._file = _locked_file(folder)

    def write(self, piece: bytes) -> None:
        """All of it, however many calls the system takes for it."""
        with _troubles_translated():
            rest = memoryview(piece)
            while rest:
                rest = rest[self._file.write(rest) :]

    def set_head(self, head: bytes) -> None:
        """In place; the end of the file stays the place where writing goes on."""
        with _troubles_translated():
            os.pwrite(self._file.fileno(), head, 0)

    def keep(self, name: str, *, over_unsound: bool = False) -> None:
        """fsync, rename, fsync; or only touch what is there already."""
        with _troubles_translated():
            if not over_unsound and self._shelf.touch(name, size=os.fstat(self._file.fileno()).st_size):
                return
            os.utime(self._file.fileno())  # a sender may have paused for long before it ended: the age counts from now
            os.fsync(self._file.fileno())
            self._shelf.place(self._path, self._shelf.final_path(name))

    def drop(self) -> None:
        """Close it, and remove it unless it was kept."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def fsync_folder(folder: Path) -> None:
    """Bring the entries of a folder onto the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _troubles_translated(name: str | None = None) -> Iterator[None]:
    """Turn what the system says into what the caller can act on; name: what is looked for, if it may be missing."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StoreFull("the disk of the file store is full") from error
        if name and error.errno == errno.ENOENT:
            raise NotOnShelf(name) from error
        raise Unavailable(f"the file store does not answer: {error.strerror}") from error


def _locked_file(folder: Path) -> tuple[Path, FileIO]:
    """A new file that its writer holds a lock on, from before anybody could take it for abandoned."""
    while True:
        path = folder / f"{uuid.uuid4().hex}.part"
        file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "r+")
        fcntl.flock(file, fcntl.LOCK_EX)
        if _is_at(path, file.fileno()):
            return path, file
        file.close()  # swept away between being made and being locked


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the open file is the one that lies at `path` now."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _overwrite(file: BinaryIO, old: bytes, new: bytes) -> None:
    """Bring the first bytes of a file from `old` to `new`, durably, writing none that stays as it is."""
    changed = [place for place, (before, after) in enumerate(zip(old, new, strict=True)) if before != after]
    if changed:
        first, last = changed[0], changed[-1]
        os.pwrite(file.fileno(), new[first : last + 1], first)
        os.fsync(file.fileno())


def _hexadecimal_folders(folder: Path) -> list[Path]:
    """The folders named by two hexadecimal digits; none if the folder itself is not there."""
    try:
        with os.scandir(folder) as found:
            return sorted(
                Path(entry.path) for entry in found if len(entry.name) == 2 and set(entry.name) <= _HEXADECIMAL
            )
    except FileNotFoundError:
        return []


def _entries_of(folder: Path) -> Iterator[Entry]:
    """What is kept in one folder."""
    with os.scandir(folder) as found:
        for entry in sorted(found, key=lambda entry: entry.name):
            try:
                touched_at = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
            except FileNotFoundError:
                continue  # removed or renamed since the folder was listed
            yield Entry(entry.name, touched_at)
