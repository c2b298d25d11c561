"""A store in a folder: what lies where, what is on disk when, and what dead writers leave."""

import fcntl
import hashlib
import io
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intake.store import Store, Swept
from intake.store.errors import BlobDamaged, StoreFull
from intake.store.opening import open_store
from schemas.errors import Unavailable
from tests.integration.store_places import NEW_KEY, content_of, sha256_of

CONTENT = content_of(100_000)
DIGEST = sha256_of(CONTENT)
AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


def files_in(folder: Path) -> list[Path]:
    """Everything that is kept or half-written, not the lock."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name != "lock")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home" / "files"


def test_a_file_lies_under_its_digest_and_only_its_owner_may_look(root: Path) -> None:
    open_store(f"file://{root}").put(io.BytesIO(CONTENT))
    path = root / DIGEST[:2] / DIGEST[2:4] / DIGEST
    assert path.read_bytes() == CONTENT
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, root)] == [0o600, 0o700, 0o700]
    assert files_in(root) == [path.relative_to(root)]


def test_file_and_every_new_folder_are_on_disk_before_put_returns(root: Path, tmp_path: Path) -> None:
    """What strace sees: an fsync of the draft before the rename, of the folder after it, and of every new parent."""
    trace = tmp_path / "trace"
    program = f"import io; from intake.store.opening import open_store; open_store({str(root)!r}).put(io.BytesIO(b'x'))"
    command = ["strace", "-f", "-y", "-e", "trace=fsync,rename", "-o", trace, sys.executable, "-c", program]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("strace is not installed")
    digest = hashlib.sha256(b"x").hexdigest()
    folder = root / digest[:2] / digest[2:4]
    calls = [line for line in trace.read_text().splitlines() if str(tmp_path) in line]
    renaming = next(place for place, line in enumerate(calls) if "rename(" in line)
    before, after = "\n".join(calls[:renaming]), "\n".join(calls[renaming + 1 :])
    assert ".part>)" in before
    for parent in (tmp_path, root.parent, root, root / digest[:2]):
        assert f"<{parent}>)" in before
    assert f"<{folder}>)" in after


def test_bytes_changed_on_disk_are_found_and_the_error_says_which_file(root: Path) -> None:
    store = open_store(str(root))
    store.put(io.BytesIO(CONTENT))
    path = root / DIGEST[:2] / DIGEST[2:4] / DIGEST
    for damaged in (CONTENT[:-1], b"", CONTENT + b"x", bytes([CONTENT[0] ^ 1]) + CONTENT[1:]):
        path.write_bytes(damaged)
        with pytest.raises(BlobDamaged, match=DIGEST):
            store.verify(DIGEST)
        with pytest.raises(BlobDamaged), store.open(DIGEST) as stream:
            stream.read()


def test_a_file_cut_off_on_disk_is_mended_by_putting_it_again(root: Path) -> None:
    store = open_store(str(root))
    store.put(io.BytesIO(CONTENT))
    (root / DIGEST[:2] / DIGEST[2:4] / DIGEST).write_bytes(CONTENT[:500])
    store.put(io.BytesIO(CONTENT))
    store.verify(DIGEST)


def age(path: Path, age: timedelta) -> None:
    then = (datetime.now(UTC) - age).timestamp()
    os.utime(path, (then, then))


@pytest.mark.parametrize("keys", ["", NEW_KEY], ids=["plain", "sealed"])
def test_an_orphan_put_again_is_young_again(root: Path, keys: str) -> None:
    store = open_store(str(root), keys)
    store.put(io.BytesIO(CONTENT))
    (kept,) = files_in(root)
    age(root / kept, timedelta(days=3))
    store.put(io.BytesIO(CONTENT))
    assert store.remove_orphans(lambda _: (), older_than=AN_HOUR_AGO) == Swept(0, 0, 0)
    age(root / kept, timedelta(days=3))
    assert store.remove_orphans(lambda _: (), older_than=AN_HOUR_AGO) == Swept(1, 0, 0)
    assert files_in(root) == []


class Waiting(io.BytesIO):
    """A sender in the middle of whose file something else happens."""

    def __init__(self, content: bytes, store: Store) -> None:
        super().__init__(content)
        self._store = store
        self.swept: list[Swept] = []

    def read(self, size: int | None = -1) -> bytes:
        self.swept.append(self._store.remove_orphans(lambda _: (), older_than=datetime.now(UTC) + timedelta(days=1)))
        return super().read(size)


def test_the_draft_of_a_living_writer_is_left_alone_and_that_of_a_dead_one_removed(root: Path) -> None:
    store = open_store(str(root))
    (root / "incoming").mkdir(parents=True)
    (root / "incoming" / "dead.part").write_bytes(b"half a fi")
    stream = Waiting(CONTENT, open_store(str(root)))
    store.put(stream)
    assert [swept.unfinished for swept in stream.swept] == [1, 0]
    store.verify(DIGEST)


@contextmanager
def holding_the_lock(root: Path, how: int) -> Iterator[None]:
    with (root / "lock").open("r+b") as file:
        fcntl.flock(file, how)
        yield


def test_an_orphan_touched_after_the_sweeper_saw_it_stays(root: Path) -> None:
    """The sweeper is held up between seeing an old file and removing it; meanwhile the file is put again."""
    store = open_store(str(root))
    store.put(io.BytesIO(CONTENT))
    age(root / DIGEST[:2] / DIGEST[2:4] / DIGEST, timedelta(days=3))
    with ThreadPoolExecutor() as pool:
        with holding_the_lock(root, fcntl.LOCK_SH):
            sweeping = pool.submit(store.remove_orphans, lambda _: (), older_than=AN_HOUR_AGO)
            wait([sweeping], timeout=0.3)
            store.put(io.BytesIO(CONTENT))
        assert sweeping.result() == Swept(0, 0, 0)
    store.verify(DIGEST)


def test_no_file_is_shown_while_another_is_being_removed(root: Path) -> None:
    store = open_store(str(root))
    store.put(io.BytesIO(CONTENT))
    with ThreadPoolExecutor() as pool:
        with holding_the_lock(root, fcntl.LOCK_EX):
            putting = [pool.submit(store.put, io.BytesIO(content)) for content in (CONTENT, b"new")]
            assert not wait(putting, timeout=0.3).done
        assert [each.result().sha256 for each in putting] == [DIGEST, sha256_of(b"new")]


def test_a_folder_that_cannot_be_written_is_said_to_be_unavailable(root: Path) -> None:
    root.parent.mkdir()
    root.write_bytes(b"a file where the folder should be")
    with pytest.raises(Unavailable, match="does not answer") as refusal:
        open_store(str(root)).put(io.BytesIO(CONTENT))
    assert not isinstance(refusal.value, StoreFull)
