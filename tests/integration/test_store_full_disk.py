"""A disk that fills up: what was acknowledged stays, what was not leaves nothing, and it goes on when there is room."""

import io
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intake.store import Store
from intake.store.errors import StoreFull
from intake.store.opening import open_store
from intake.store.room import refuse_when_low
from intake.store.s3 import S3Shelf
from intake.store.s3_address import parse_s3_address, s3_client
from tests.integration.store_places import CREDENTIALS, NEW_KEY, content_of, sha256_of

A_LATER_DAY = datetime.now(UTC) + timedelta(days=2)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB, in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "postroom-test", folder], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a file system in memory cannot be mounted here: {error}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def put_until_full(store: Store, seeds: range) -> tuple[set[str], int]:
    """The digests that were acknowledged, and how often the disk was full."""
    acknowledged, refusals = set(), 0
    for seed in seeds:
        try:
            acknowledged.add(store.put(io.BytesIO(content_of(1 + seed * 7919 % 90_000, seed))).sha256)
        except StoreFull:
            refusals += 1
    return acknowledged, refusals


@pytest.mark.parametrize("keys", ["", NEW_KEY], ids=["plain", "sealed"])
def test_400_files_on_a_disk_for_half_of_them_are_there_or_refused_and_never_torn(small_disk: Path, keys: str) -> None:
    store = open_store(str(small_disk / "files"), keys)
    acknowledged, refusals = put_until_full(store, range(400))
    assert len(acknowledged) + refusals == 400
    assert refusals > 50
    for digest in acknowledged:
        store.verify(digest)
    assert set(store.digests()) == acknowledged
    assert list(small_disk.rglob("*.part")) == []


def test_it_goes_on_by_itself_when_there_is_room_again(small_disk: Path) -> None:
    store = open_store(str(small_disk / "files"))
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(6 * 2**20))
    acknowledged, refusals = put_until_full(store, range(100))
    assert refusals > 10
    ballast.unlink()
    more, refusals = put_until_full(store, range(100, 150))
    assert refusals == 0
    for digest in acknowledged | more:
        store.verify(digest)


def test_one_file_too_long_for_the_disk_leaves_its_room_to_others(small_disk: Path) -> None:
    store = open_store(str(small_disk / "files"), NEW_KEY)
    free = store.free_bytes()
    with pytest.raises(StoreFull, match="the disk of the file store is full"):
        store.put(io.BytesIO(bytes(9 * 2**20)))
    assert store.free_bytes() > free - 100_000
    assert store.put(io.BytesIO(content_of(10))).sha256 == sha256_of(content_of(10))


def test_an_upload_is_refused_before_the_disk_is_full(small_disk: Path) -> None:
    store = open_store(str(small_disk / "files"))
    refuse_when_low(store, 2**20, low_water_bytes=6 * 2**20)
    with pytest.raises(StoreFull, match="takes nothing more below 6 MiB"):
        refuse_when_low(store, 3 * 2**20, low_water_bytes=6 * 2**20)


def test_a_full_disk_on_the_way_to_a_bucket_is_a_full_store(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    client = s3_client(parse_s3_address("s3://post?endpoint=http://127.0.0.1:1"))
    shelf = S3Shelf(client, "post", "")
    assert shelf.free_bytes() <= 8 * 2**20
    with pytest.raises(StoreFull, match="on their way"), shelf.draft() as draft:
        draft.write(bytes(9 * 2**20))
    assert shelf.free_bytes() > 7 * 2**20
