"""Files handed over by multipart: kept byte for byte, once, or refused with a reason and nothing kept."""

import asyncio
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from intake.api.app import create_app
from intake.api.form import UploadLimits
from intake.database import engine
from intake.database.tables import BatchRow, StepRow
from intake.service import Service, open_service
from intake.settings import Settings
from tests.integration.api.caller import FILES, Caller, as_parts, digests, problem_of, with_key
from tests.postgresql_server import PostgresqlServer, own_server

BOUNDARY = "multipart/form-data; boundary=cut"


def batches_in(service: Service) -> int:
    with service.database.read() as session:
        return session.scalars(select(func.count()).select_from(BatchRow)).one()


def nothing_received(service: Service) -> bool:
    """No row, no file, nothing left of what had come."""
    home = service.settings.home
    left = [path for folder in ("uploads", "store/incoming") for path in (home / folder).glob("*")]
    return batches_in(service) == 0 and list(service.store.digests()) == [] and left == []


def part(disposition: str, content: bytes = b"x") -> bytes:
    return b"--cut\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"


def test_three_files_lie_in_the_store_byte_for_byte_and_the_receipt_names_them(
    caller: Caller, service: Service
) -> None:
    response = caller.upload(name="Monday, second bag", received_on="2026-03-02")
    assert response.status_code == 201
    receipt = response.json()
    assert response.headers["location"] == f"/v1/batches/{receipt['batch_id']}"
    assert [file["name"] for file in receipt["files"]] == list(FILES)
    assert [file["sha256"] for file in receipt["files"]] == digests(list(FILES.values()))
    assert [file["bytes"] for file in receipt["files"]] == [len(content) for content in FILES.values()]
    for content, file in zip(FILES.values(), receipt["files"], strict=True):
        with service.store.open(file["sha256"]) as stream:
            assert stream.read() == content
    with service.database.read() as session:
        batch = session.scalars(select(BatchRow)).one()
        assert (batch.name, batch.channel, str(batch.received_on)) == ("Monday, second bag", "api", "2026-03-02")
        assert session.scalars(select(func.count()).select_from(StepRow)).one() == 3


def test_fields_may_come_after_the_files(caller: Caller, service: Service) -> None:
    body = part('form-data; name="files"; filename="a.tif"') + part('form-data; name="name"', b"late") + b"--cut--\r\n"
    assert caller("POST", "/v1/batches", content=body, headers={"content-type": BOUNDARY}).status_code == 201
    assert caller.get("/v1/batches").json()["batches"][0]["name"] == "late"


def test_a_name_with_signs_that_no_terminal_should_get_is_kept_without_them(caller: Caller) -> None:
    body = part('form-data; name="files"; filename="../Müller\x1b[2J.tif"') + b"--cut--\r\n"
    response = caller("POST", "/v1/batches", content=body, headers={"content-type": BOUNDARY})
    assert response.json()["files"][0]["name"] == "../Müller\ufffd[2J.tif"


def test_the_same_key_with_the_same_files_gives_the_same_receipt_and_no_second_batch(
    caller: Caller, service: Service
) -> None:
    first, second = (caller.upload(key="bag-2", received_on="2026-03-02") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert batches_in(service) == 1


def test_the_same_key_with_other_files_is_refused(caller: Caller, service: Service) -> None:
    caller.upload(key="bag-2", received_on="2026-03-02")
    problem_of(caller.upload({"other.tif": b"other"}, key="bag-2", received_on="2026-03-02"), 422, "key_reused")
    assert batches_in(service) == 1


@pytest.mark.parametrize("key", ["x" * 256, "tab\tinside"])
def test_a_key_that_is_too_long_or_not_printable_is_refused(caller: Caller, service: Service, key: str) -> None:
    problem = problem_of(caller.upload(key=key), 422, "invalid_request")
    assert problem["errors"][0]["place"] == "header.Idempotency-Key"
    assert nothing_received(service)


def test_two_uploads_with_one_key_at_the_same_moment_make_one_batch(caller: Caller, service: Service) -> None:
    for number in range(5):
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda _, key=f"key-{number}": caller.upload(key=key).status_code, range(2)))
        # The one that came second is told to ask again, or gets the receipt.
        assert 201 in answers
        assert set(answers) <= {200, 201, 503}
        assert answers.count(201) == 1
        assert caller.upload(key=f"key-{number}").status_code == 200
        assert batches_in(service) == number + 1


@pytest.mark.parametrize(
    ("limits", "files"),
    [
        (UploadLimits(files_per_request=2), FILES),
        (UploadLimits(bytes_per_file=1000), FILES),
        (UploadLimits(bytes_per_request=2000), FILES),
    ],
    ids=["files", "bytes of a file", "bytes of a request"],
)
def test_more_than_the_limits_allow_is_refused_whole(
    service: Service, limits: UploadLimits, files: dict[str, bytes]
) -> None:
    problem_of(Caller(create_app(service, limits)).upload(files), 413, "too_large")
    assert nothing_received(service)


def test_a_body_longer_than_the_limit_is_refused_though_its_length_was_not_announced(service: Service) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield part('form-data; name="files"; filename="a.tif"', b"x" * 3000)
        yield b"--cut--\r\n"

    caller = Caller(create_app(service, UploadLimits(bytes_per_request=2000)))
    response = caller("POST", "/v1/batches", content=pieces(), headers={"content-type": BOUNDARY})
    problem_of(response, 413, "too_large")
    assert nothing_received(service)


def test_a_field_longer_than_it_may_be_is_refused(service: Service) -> None:
    caller = Caller(create_app(service, UploadLimits(bytes_per_field=10)))
    problem_of(caller.upload(name="Monday, second bag"), 413, "too_large")


def test_a_file_as_long_as_it_may_be_is_received(service: Service) -> None:
    caller = Caller(create_app(service, UploadLimits(files_per_request=1, bytes_per_file=1000)))
    assert caller.upload({"a.tif": b"x" * 1000}).status_code == 201
    problem_of(caller.upload({"a.tif": b"x" * 1001}), 413, "too_large")


@pytest.mark.parametrize(
    ("status", "code", "content_type", "body"),
    [
        (400, "broken_body", "application/json", b"{}"),
        (400, "broken_body", "", b"x"),
        (400, "broken_body", "multipart/form-data", b"x"),
        (400, "broken_body", "multipart/form-data; boundary=" + "b" * 5000, b"x"),
        (400, "broken_body", BOUNDARY, b"no boundary at all"),
        (400, "broken_body", BOUNDARY, b""),
        (
            400,
            "broken_body",
            BOUNDARY,
            part('form-data; name="files"; filename="a.tif"'),
        ),  # the last boundary is missing
        (400, "broken_body", BOUNDARY, part('form-data; filename="a.tif"') + b"--cut--\r\n"),
        (400, "broken_body", BOUNDARY, part("attachment") + b"--cut--\r\n"),
        (422, "no_file", BOUNDARY, b"--cut--\r\n"),
        (422, "no_file", BOUNDARY, part('form-data; name="name"', b"bag") + b"--cut--\r\n"),
        (422, "no_file", BOUNDARY, part('form-data; name="files"; filename=""', b"") + b"--cut--\r\n"),
        (422, "invalid_request", BOUNDARY, part('form-data; name="scan"; filename="a.tif"') + b"--cut--\r\n"),
        (422, "invalid_request", BOUNDARY, part('form-data; name="priority"', b"1") + b"--cut--\r\n"),
        (422, "invalid_request", BOUNDARY, part('form-data; name="name"') * 2 + b"--cut--\r\n"),
    ],
)
def test_a_body_that_is_no_form_with_files_is_refused_and_leaves_nothing(
    caller: Caller, service: Service, status: int, code: str, content_type: str, body: bytes
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    problem_of(caller("POST", "/v1/batches", content=body, headers=headers), status, code)
    assert nothing_received(service)


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "20260302", "2026-W10-1", "02/03/2026"])
def test_a_day_that_is_none_is_refused(caller: Caller, service: Service, day: str) -> None:
    problem = problem_of(caller.upload(received_on=day), 422, "invalid_request")
    assert [fault["place"] for fault in problem["errors"]] == ["body.received_on"]
    assert day not in str(problem)
    assert nothing_received(service)


@pytest.mark.parametrize("name", ["x" * 256, "two\nlines", "a\0zero"])
def test_a_name_of_a_batch_that_no_row_can_hold_is_refused(caller: Caller, service: Service, name: str) -> None:
    problem = problem_of(caller.upload(name=name), 422, "invalid_request")
    assert [fault["place"] for fault in problem["errors"]] == ["body.name"]
    assert nothing_received(service)


def test_an_upload_of_which_nothing_more_comes_is_given_up(service: Service) -> None:
    async def silence() -> AsyncIterator[bytes]:
        yield part('form-data; name="files"; filename="a.tif"')
        await asyncio.sleep(5)

    caller = Caller(create_app(service, UploadLimits(seconds_without_a_byte=0.1)))
    response = caller("POST", "/v1/batches", content=silence(), headers={"content-type": BOUNDARY})
    problem_of(response, 408, "too_slow")
    assert nothing_received(service)


def test_below_the_low_water_mark_an_upload_is_refused_and_ready_says_so(tmp_path: Path) -> None:
    service = open_service(Settings(home=tmp_path, low_water_bytes=2**60))
    caller = Caller(create_app(service))
    response = caller.upload()
    problem_of(response, 507, "store_full")
    assert response.headers["retry-after"].isdigit()
    assert nothing_received(service)
    ready = problem_of(caller.get("/health/ready"), 503, "not_ready")
    assert [fault["place"] for fault in ready["errors"]] == ["store"]
    service.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB, in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "postroom", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a file system in memory cannot be mounted here: {error}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("full", ["the store", "what uploads pass through"])
def test_a_full_disk_refuses_and_goes_on_when_there_is_room_again(tmp_path: Path, small_disk: Path, full: str) -> None:
    other = tmp_path / "roomy"
    home, store = (other, small_disk) if full == "the store" else (small_disk, other)
    database = f"sqlite:///{tmp_path / 'post.db'}"
    service = open_service(Settings(home=home, store_url=str(store), database_url=database, low_water_bytes=0))
    caller = Caller(create_app(service))
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_500_000))
    # Its length is not announced, and one of the two would fit: the disk itself says that it is full.
    files = {name: bytes(range(256)) * 4096 for name in ("a.tif", "b.tif")}
    files["b.tif"] = files["b.tif"][::-1]
    form = httpx.Request("POST", "http://localhost", files=as_parts(files))
    body = form.read()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    def upload() -> httpx.Response:
        headers = {"content-type": form.headers["content-type"], **with_key("large")}
        return caller("POST", "/v1/batches", content=pieces(), headers=headers)

    problem_of(upload(), 507, "store_full")
    assert batches_in(service) == 0
    ballast.unlink()
    assert upload().status_code == 201
    assert batches_in(service) == 1
    service.close()


def test_a_database_that_is_locked_too_long_asks_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_SECONDS", 0.2)
    service = open_service(Settings(home=tmp_path, low_water_bytes=0))
    caller = Caller(create_app(service))
    holder = sqlite3.connect(tmp_path / "postroom.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    response = caller.upload(key="bag")
    problem_of(response, 503, "unavailable")
    assert response.headers["retry-after"].isdigit()
    assert str(tmp_path) not in response.text
    holder.execute("ROLLBACK")
    holder.close()
    assert caller.upload(key="bag").status_code == 201
    service.close()


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    yield from own_server()


@pytest.mark.slow
def test_while_postgresql_is_away_the_answer_is_503_and_afterwards_the_same_upload_goes_through(
    tmp_path: Path, server: PostgresqlServer
) -> None:
    service = open_service(Settings(home=tmp_path, database_url=server.url("postgres"), low_water_bytes=0))
    caller = Caller(create_app(service))
    assert caller.upload(key="first").status_code == 201
    server._run("pg_ctl", "-D", str(server._data), "-m", "immediate", "-w", "stop")
    for response in (caller.upload(key="second"), caller.get("/v1/batches")):
        problem_of(response, 503, "unavailable")
        assert "retry-after" in response.headers
        assert str(server.port) not in response.text
    ready = problem_of(caller.get("/health/ready"), 503, "not_ready")
    assert [fault["place"] for fault in ready["errors"]] == ["database"]
    assert "postroom_database_up 0.0" in caller.get("/metrics").text
    server.start()
    assert caller.upload(key="second").status_code == 201
    assert caller.upload(key="first").status_code == 200
    assert batches_in(service) == 2
    service.close()
