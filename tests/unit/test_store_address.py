"""URLs of stores: what they say, and that credentials in them are refused without being repeated."""

import io
import os

import pytest

from intake.store.errors import NotAStore, StoreFull
from intake.store.opening import open_store
from intake.store.room import refuse_when_low
from intake.store.s3_address import S3Address, parse_s3_address
from intake.store.shelf import checked_name, pieces


def test_an_address_says_bucket_prefix_service_and_region() -> None:
    url = "s3://post/office/2026?endpoint=http://127.0.0.1:9000&region=eu-west-2"
    assert parse_s3_address(url) == S3Address("post", "office/2026/", "http://127.0.0.1:9000", "eu-west-2")
    assert parse_s3_address("s3://post") == S3Address("post", "", None, None)


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///prefix",
        "s3://key:sesame@post/x",
        "s3://post:sesame/x",
        "s3://post?endpoint=http://key:sesame@host",
        "s3://post?endpoint=host:9000",
        "s3://post?secret=sesame",
        "s3://post?region=a&region=b",
        "ftp://host/sesame",
        "file://host/sesame",
        " ",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(NotAStore, match="POSTROOM_STORE_URL") as refusal:
        open_store(url)
    assert "sesame" not in str(refusal.value)


@pytest.mark.parametrize("name", ["", "../" * 21 + "x", "A" * 64, "a" * 63, "a" * 64 + "\n", "/etc/passwd"])
def test_what_is_no_digest_never_becomes_a_path(name: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        checked_name(name)


def test_a_stream_is_taken_in_pieces_until_it_ends() -> None:
    content = os.urandom(600_000)
    taken = list(pieces(io.BytesIO(content)))
    assert [len(piece) for piece in taken] == [262144, 262144, 75712]
    assert b"".join(taken) == content


def test_an_upload_that_would_pass_the_low_water_mark_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = open_store(str(tmp_path_factory.mktemp("store")))
    free = store.free_bytes()
    refuse_when_low(store, 1, low_water_bytes=free // 2)
    with pytest.raises(StoreFull, match="takes nothing more below"):
        refuse_when_low(store, free // 2, low_water_bytes=free // 2 + 2**24)
