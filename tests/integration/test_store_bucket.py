"""A store in a bucket: long uploads, damage, broken lines, other writers, keys that change, and silence in the log."""

import io
import itertools
import logging
import socket
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from intake.store import Store, Swept
from intake.store.errors import BlobDamaged, KeyUnusable
from intake.store.keys import parse_keys
from intake.store.opening import open_store
from intake.store.s3 import S3Shelf
from intake.store.s3_address import parse_s3_address, s3_client
from intake.store.s3_requests import Parts, Taken, upload
from intake.store.shelf import NewHead
from schemas.errors import Unavailable
from tests.integration.store_places import (
    CREDENTIALS,
    NEW_KEY,
    OLD_KEY,
    LongStream,
    content_of,
    new_bucket,
    sha256_of,
)
from tests.integration.test_store_sealed import EndlessReader, rewrap_all

CONTENT = content_of(700_000)
DIGEST = sha256_of(CONTENT)
A_LATER_DAY = datetime.now(UTC) + timedelta(days=2)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_numbers = itertools.count()


@pytest.fixture
def url(endpoint: str) -> str:
    return new_bucket(endpoint, f"letters-{next(_numbers)}")


@pytest.fixture(scope="module")
def service(endpoint: str) -> Any:
    """A client of the tests, to look behind the back of the store."""
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")


def put(store: Store, content: bytes) -> str:
    return store.put(io.BytesIO(content)).sha256


def read(store: Store, sha256: str) -> bytes:
    with store.open(sha256) as stream:
        return stream.read()


def objects(service: Any, url: str) -> list[str]:
    listing = service.list_objects_v2(Bucket=parse_s3_address(url).bucket)
    return [found["Key"] for found in listing.get("Contents", [])]


@pytest.mark.parametrize("keys", ["", NEW_KEY], ids=["plain", "sealed"])
def test_a_long_file_goes_up_and_comes_down_in_parts_and_memory_stays_flat(url: str, keys: str) -> None:
    store = open_store(url, keys)
    put(store, b"what is loaded at first use")
    tracemalloc.start()
    stored = store.put(LongStream(60_000_000))
    store.verify(stored.sha256)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (stored.bytes, store.size(stored.sha256)) == (60_000_000, 60_000_000)
    assert peak < 12 * 2**20


def test_plain_files_lie_under_their_digest_and_sealed_ones_under_a_name_that_says_nothing(
    url: str,
    service: Any,
) -> None:
    put(open_store(url), CONTENT)
    put(open_store(url, NEW_KEY), b"a sealed one")
    name = parse_keys(NEW_KEY).newest.name_of(sha256_of(b"a sealed one"))
    assert objects(service, url) == [f"office/plain/{DIGEST}", f"office/sealed/{name}"]


@pytest.mark.parametrize("keys", ["", NEW_KEY], ids=["plain", "sealed"])
def test_an_object_changed_in_the_bucket_is_found(url: str, service: Any, keys: str) -> None:
    store = open_store(url, keys)
    put(store, CONTENT)
    (key,) = objects(service, url)
    bucket = parse_s3_address(url).bucket
    raw = service.get_object(Bucket=bucket, Key=key)["Body"].read()
    for damaged in (raw[:-1], raw[:300_000] + bytes([raw[300_000] ^ 4]) + raw[300_001:]):
        service.put_object(Bucket=bucket, Key=key, Body=damaged)
        with pytest.raises(BlobDamaged, match=DIGEST):
            store.verify(DIGEST)


def test_the_key_of_a_long_file_changes_and_the_file_stays_whole(url: str, service: Any) -> None:
    size = 30_000_000
    before = open_store(url, OLD_KEY).put(LongStream(size))
    (key,) = objects(service, url)
    store = open_store(url, f"{NEW_KEY},{OLD_KEY}")
    assert store.rewrap(before.sha256) == store.rewrap(before.sha256) == "2026b"
    assert key not in objects(service, url)
    only_new = open_store(url, NEW_KEY)
    only_new.verify(before.sha256)
    assert only_new.size(before.sha256) == size
    with pytest.raises(KeyUnusable, match="opens none"):
        open_store(url, OLD_KEY)
    assert len(objects(service, url)) == 1


def test_a_short_file_and_one_from_before_there_were_keys_come_under_the_new_key(url: str) -> None:
    plain = put(open_store(url), b"from before")
    short = put(open_store(url, OLD_KEY), b"short")
    store = open_store(url, f"{NEW_KEY},{OLD_KEY}")
    for digest in (plain, short):
        store.rewrap(digest)
    only_new = open_store(url, NEW_KEY)
    assert (read(only_new, plain), read(only_new, short)) == (b"from before", b"short")
    assert sorted(only_new.digests()) == sorted([plain, short])


def test_reading_while_two_change_all_keys_at_once_never_fails(url: str, service: Any) -> None:
    contents = {sha256_of(content): content for content in (content_of(3000, seed) for seed in range(15))}
    for content in contents.values():
        put(open_store(url, OLD_KEY), content)
    reader = EndlessReader(open_store(url, f"{NEW_KEY},{OLD_KEY}"), contents)
    reader.start()
    with ThreadPoolExecutor(2) as changers:
        both = [changers.submit(rewrap_all, url, f"{NEW_KEY},{OLD_KEY}", contents) for _ in range(2)]
    reader.is_over.set()
    reader.join()
    for changed in both:
        changed.result()
    assert reader.troubles == []
    only_new = open_store(url, NEW_KEY)
    for digest in contents:
        only_new.verify(digest)
    assert len(objects(service, url)) == len(contents)


@pytest.fixture
def shelf(url: str) -> S3Shelf:
    address = parse_s3_address(url)
    return S3Shelf(s3_client(address), address.bucket, "shelf/", young=timedelta(0))


class Overtaken:
    """A client behind whose back another one writes the object right after it was looked at."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def head_object(self, **which: Any) -> Any:
        found = self._client.head_object(**which)
        self._client.put_object(**which, Body=b"written by somebody else")
        return found


def test_a_head_that_somebody_else_is_changing_is_left_to_them(url: str, service: Any) -> None:
    """So that two who change all keys at once both come to the end of it."""
    bucket = parse_s3_address(url).bucket
    service.put_object(Bucket=bucket, Key=f"shelf/{DIGEST}", Body=CONTENT)
    shelf = S3Shelf(Overtaken(service), bucket, "shelf/")  # type: ignore[arg-type]
    assert not shelf.change_head(DIGEST, NewHead(CONTENT[:4], b"both", b"new!", sha256_of(b"other name")))
    assert objects(service, url) == [f"shelf/{DIGEST}"]


def test_an_old_object_put_again_is_young_again(shelf: S3Shelf) -> None:
    def put_again() -> datetime:
        with shelf.draft() as draft:
            draft.write(CONTENT)
            draft.keep(DIGEST)
        (entry,) = shelf.entries()
        return entry.touched_at

    first = put_again()
    time.sleep(1.1)  # the clock of the service shows seconds
    second = put_again()
    assert second > first
    assert not shelf.remove(DIGEST, older_than=second)
    assert shelf.remove(DIGEST, older_than=second + timedelta(seconds=1))


@pytest.mark.parametrize("size", [100, 9 * 2**20])
def test_an_object_another_writer_was_first_with_is_not_written_again(
    url: str, size: int, shelf: S3Shelf, tmp_path: Path
) -> None:
    address = parse_s3_address(url)
    client = s3_client(address)
    with shelf.draft() as draft:
        draft.write(content_of(size))
        draft.keep(DIGEST)
    late = tmp_path / "late"
    late.write_bytes(bytes(size))
    with io.FileIO(late) as source, pytest.raises(Taken):
        upload(client, address.bucket, f"shelf/{DIGEST}", source, only_new=True)
    with shelf.open(DIGEST) as stream:
        assert stream.read() == content_of(size)
    assert shelf.remove_unfinished(older_than=A_LATER_DAY) == 0


def test_an_upload_whose_writer_died_is_called_off_when_it_is_old(url: str) -> None:
    store = open_store(url)
    address = parse_s3_address(url)
    Parts(s3_client(address), address.bucket, f"office/plain/{DIGEST}").part(CONTENT)
    assert store.remove_orphans(lambda _: (), older_than=LONG_AGO) == Swept(0, 0, 0)
    assert not store.exists(DIGEST)
    assert store.remove_orphans(lambda _: (), older_than=A_LATER_DAY) == Swept(0, 1, 0)
    assert store.remove_orphans(lambda _: (), older_than=A_LATER_DAY) == Swept(0, 0, 0)


class BadLine(threading.Thread):
    """Stands between store and server; cuts a connection once so many bytes have come down it, so many times."""

    def __init__(self, endpoint: str, *, cut_after_bytes: int, cuts: int) -> None:
        super().__init__(daemon=True)
        host, _, port = endpoint.removeprefix("http://").partition(":")
        self._server = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._cut_after_bytes = cut_after_bytes
        self.cuts_left = cuts
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed: the test is over
            far = socket.create_connection(self._server)
            threading.Thread(target=self._carry, args=(near, far, None), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, self._cut_after_bytes), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _carry(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        carried = 0
        try:
            while piece := source.recv(65536):
                carried += len(piece)
                if most is not None and carried > most and self.cuts_left:
                    self.cuts_left -= 1
                    break
                target.sendall(piece)
        except OSError:
            pass  # the other direction was cut
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


@pytest.mark.parametrize("keys", ["", NEW_KEY], ids=["plain", "sealed"])
def test_a_line_that_breaks_in_the_middle_of_a_file_is_taken_up_where_it_broke(
    url: str, endpoint: str, keys: str
) -> None:
    put(open_store(url, keys), CONTENT)
    line = BadLine(endpoint, cut_after_bytes=300_000, cuts=2)
    line.start()
    assert read(open_store(url.replace(endpoint, line.endpoint), keys), DIGEST) == CONTENT
    assert line.cuts_left == 0
    line.close()


def test_a_line_that_breaks_again_and_again_is_unavailable_and_never_a_shorter_file(url: str, endpoint: str) -> None:
    put(open_store(url), CONTENT)
    line = BadLine(endpoint, cut_after_bytes=70_000, cuts=1000)
    line.start()
    store = open_store(url.replace(endpoint, line.endpoint))
    with pytest.raises(Unavailable, match="keeps breaking"):
        store.verify(DIGEST)
    line.close()


def test_a_file_whose_key_is_changed_while_the_line_is_broken_is_to_be_read_again(url: str, endpoint: str) -> None:
    put(open_store(url, OLD_KEY), CONTENT)
    line = BadLine(endpoint, cut_after_bytes=650_000, cuts=1)
    line.start()
    reader = open_store(url.replace(endpoint, line.endpoint), f"{NEW_KEY},{OLD_KEY}")
    with reader.open(DIGEST) as stream:
        stream.read(1)
        open_store(url, f"{NEW_KEY},{OLD_KEY}").rewrap(DIGEST)
        with pytest.raises(Unavailable, match="changed while it was read"):
            stream.read()
    assert read(reader, DIGEST) == CONTENT
    line.close()


def test_a_service_that_is_not_there_is_unavailable(endpoint: str) -> None:
    with pytest.raises(Unavailable, match="does not answer: EndpointConnectionError"):
        open_store("s3://post?endpoint=http://127.0.0.1:1")


def test_a_bucket_that_is_not_there_is_found_when_the_store_is_opened(endpoint: str) -> None:
    with pytest.raises(Unavailable, match="NoSuchBucket"):
        open_store(f"s3://nowhere?endpoint={endpoint}")


def test_the_log_tells_neither_credentials_nor_keys_however_loud(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        store = open_store(url, NEW_KEY)
        put(store, b"this canary must not sing")
    assert "canary" not in caplog.text
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in caplog.text
    assert NEW_KEY.partition(":")[2] not in caplog.text
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in repr(vars(store))
