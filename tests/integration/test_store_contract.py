"""What every store promises, held against all four: a folder and an S3-compatible server, plain and sealed."""

import io
import itertools
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intake.store import Store, Stored, Survey, Swept
from intake.store.errors import BlobMissing
from intake.store.opening import open_store
from tests.integration.store_places import NEW_KEY, content_of, new_bucket, sha256_of

# Around every edge of a piece, of a sealed piece and of a part of an upload.
SIZES = [0, 1, 65535, 65536, 65537, 262144, 700_001]
A_LATER_DAY = datetime.now(UTC) + timedelta(days=2)
_numbers = itertools.count()


@dataclass(frozen=True)
class Place:
    """Where a store lies and with which keys, to open it anew."""

    url: str
    keys: str

    def opened(self) -> Store:
        return open_store(self.url, self.keys)


@pytest.fixture(params=["folder", "folder, sealed", "bucket", "bucket, sealed"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    kind, _, sealed = request.param.partition(", ")
    keys = NEW_KEY if sealed else ""
    if kind == "folder":
        return Place(str(tmp_path / "store"), keys)
    return Place(new_bucket(request.getfixturevalue("endpoint"), f"post-{next(_numbers)}"), keys)


@pytest.fixture
def store(place: Place) -> Store:
    return place.opened()


def put(store: Store, content: bytes) -> Stored:
    return store.put(io.BytesIO(content))


def read(store: Store, sha256: str) -> bytes:
    with store.open(sha256) as stream:
        return stream.read()


def test_what_was_put_comes_back_byte_for_byte_from_a_store_opened_anew(store: Store, place: Place) -> None:
    stored = [put(store, content_of(size)) for size in SIZES]
    anew = place.opened()
    for size, one in zip(SIZES, stored, strict=True):
        content = content_of(size)
        assert one == Stored(sha256_of(content), size, "2026b" if place.keys else None)
        assert read(anew, one.sha256) == content
        assert anew.size(one.sha256) == size
        assert anew.exists(one.sha256)
        anew.verify(one.sha256)
    assert sorted(anew.digests()) == sorted(one.sha256 for one in stored)


def test_a_file_is_read_in_pieces_of_any_size(store: Store) -> None:
    content = content_of(200_000)
    with store.open(put(store, content).sha256) as stream:
        assert b"".join(iter(lambda: stream.read(777), b"")) == content


def test_the_same_bytes_put_again_are_kept_once(store: Store) -> None:
    first, second = put(store, content_of(1000)), put(store, content_of(1000))
    assert first == second
    assert list(store.digests()) == [first.sha256]


def test_what_was_never_put_is_missing_and_the_error_says_which(store: Store) -> None:
    nowhere = sha256_of(b"never put")
    assert not store.exists(nowhere)
    for ask in (store.open, store.size, store.verify, store.rewrap):
        with pytest.raises(BlobMissing, match=nowhere):
            ask(nowhere)


def test_what_is_no_digest_is_no_question(store: Store) -> None:
    for ask in (store.open, store.size, store.exists, store.verify, store.rewrap):
        with pytest.raises(ValueError, match="not a SHA-256"):
            ask("../" * 20 + "etc")


class BrokenOff(io.BytesIO):
    """A sender that goes away in the middle."""

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        if not piece:
            raise ConnectionResetError("the sender has gone")
        return piece


def test_a_sender_that_goes_away_leaves_nothing_and_its_error_passes_through(store: Store) -> None:
    with pytest.raises(ConnectionResetError):
        store.put(BrokenOff(content_of(700_000)))
    assert list(store.digests()) == []
    assert store.remove_orphans(lambda _: (), older_than=A_LATER_DAY) == Swept(0, 0, 0)


def test_many_writers_of_the_same_bytes_at_once_all_get_them_kept(store: Store, place: Place) -> None:
    contents = [content_of(80_000, seed) for seed in range(6)]
    answers: list[Stored] = []

    def write() -> None:
        own = place.opened()
        for content in contents:
            answers.append(put(own, content))

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(answers) == 18
    assert sorted(store.digests()) == sorted(sha256_of(content) for content in contents)
    for content in contents:
        assert read(store, sha256_of(content)) == content


def test_only_files_without_a_row_and_old_enough_are_removed(store: Store) -> None:
    kept, orphan = put(store, content_of(10, 1)).sha256, put(store, content_of(10, 2)).sha256
    asked: list[str] = []

    def known(digests: Sequence[str]) -> Collection[str]:
        asked.extend(digests)
        return {kept} & set(digests)

    a_day_ago = datetime.now(UTC) - timedelta(days=1)
    assert store.orphans(known, older_than=a_day_ago) == Survey(2, (), 0, 0)
    assert store.remove_orphans(known, older_than=a_day_ago) == Swept(0, 0, 0)
    assert asked == []
    found = store.orphans(known, older_than=A_LATER_DAY)
    assert (found.files, found.copies, found.unknown) == (2, 0, 0)
    assert [(each.sha256, each.bytes) for each in found.orphans] == [(orphan, 10)]
    assert store.exists(orphan)
    asked.clear()
    assert store.remove_orphans(known, older_than=A_LATER_DAY) == Swept(1, 0, 0)
    assert sorted(asked) == sorted([kept, orphan])
    assert (store.exists(kept), store.exists(orphan)) == (True, False)
    assert read(store, kept) == content_of(10, 1)


def test_there_is_room_and_the_store_says_how_much(store: Store) -> None:
    assert store.free_bytes() > 0
