"""The API in a process of its own: cut connections, SIGTERM, and SIGKILL at any moment."""

import hashlib
import json
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from intake import ledger
from intake.database.tables import BatchRow, FileRow
from intake.service import Service, open_service
from intake.settings import Settings
from tests.integration.api.caller import as_parts, digests, with_key
from tests.integration.api.server import Child, Nursery, client_of, started

# `make soak` asks for 200.
KILLS = int(os.environ.get("POSTROOM_API_KILLS", "20"))
UPLOADERS = 3


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


def opened(home: Path) -> Service:
    return open_service(Settings(home=home, low_water_bytes=0))


def rows(service: Service) -> tuple[int, int]:
    """How many batches and files there are."""
    with service.database.read() as session:
        counts = [session.scalars(select(func.count()).select_from(row)).one() for row in (BatchRow, FileRow)]
        return counts[0], counts[1]


def test_a_connection_cut_in_the_middle_of_an_upload_leaves_nothing_and_sigterm_ends_it_cleanly(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    with started(home, tmp_path) as server:
        request = httpx.Request("POST", server.url + "/v1/batches", files=as_parts({"a.tif": b"x" * 3_000_000}))
        body = request.read()
        head = f"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        head += f"Content-Type: {request.headers['content-type']}\r\n\r\n"
        for sent in (100, 1_000_000, len(body) - 1):
            with socket.create_connection(("127.0.0.1", request.url.port)) as connection:
                connection.sendall(head.encode() + body[:sent])
                time.sleep(0.1)
        with client_of(server) as client:
            assert client.get("/v1/batches").json() == {"batches": [], "next": None}
            assert client.post("/v1/batches", files=as_parts({"a.tif": b"x"})).status_code == 201
        assert server.stop() < 30
        assert server.process.returncode == 0
        assert server.spoken.read_text().endswith("closed\n")
        lines = server.log.read_text().splitlines()
        assert len(lines) == 5
        told = [json.loads(line) for line in lines]
        assert {line["event"] for line in told} == {"request"}
        assert [line["status"] for line in told].count(499) == 3
    service = opened(home)
    assert rows(service) == (1, 1)
    assert list(service.store.digests()) == digests([b"x"])
    assert list((home / "uploads").iterdir()) == []
    service.close()


def test_an_upload_that_announces_too_much_is_refused_before_it_is_sent(tmp_path: Path, nursery: Nursery) -> None:
    server = nursery.start(tmp_path / "home")
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port)) as connection:
        head = f"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Length: {3 * 2**30}\r\n"
        connection.sendall(head.encode() + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x")
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    server.stop()


def test_an_upload_under_way_at_sigterm_is_still_acknowledged(tmp_path: Path, nursery: Nursery) -> None:
    server = nursery.start(tmp_path / "home")
    request = httpx.Request("POST", server.url + "/v1/batches", files=as_parts({"a.tif": b"x" * 1000}))
    body = request.read()
    head = f"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    head += f"Content-Type: {request.headers['content-type']}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", request.url.port)) as connection:
        connection.sendall(head.encode() + body[:100])
        time.sleep(0.3)
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(body[100:])
        assert connection.recv(100).startswith(b"HTTP/1.1 201 ")
    server.wait()
    service = opened(tmp_path / "home")
    assert rows(service) == (1, 1)
    service.close()


@pytest.mark.slow
def test_a_sender_that_falls_silent_does_not_keep_the_process_from_ending(tmp_path: Path) -> None:
    with started(tmp_path / "home", tmp_path) as server:
        with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port)) as connection:
            head = b"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n"
            connection.sendall(head + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x")
            time.sleep(0.3)
            assert server.stop() < 30
            assert connection.recv(100).startswith(b"HTTP/1.1 503 ")
        assert server.process.returncode == 0
        assert "Traceback" not in server.log.read_text()


def peak_mebibytes(pid: int) -> int:
    """How much memory a process has held at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


@pytest.mark.slow
def test_memory_stays_flat_while_100_megabytes_come_in(tmp_path: Path, nursery: Nursery) -> None:
    server = nursery.start(tmp_path / "home")
    with client_of(server) as client:
        assert client.post("/v1/batches", files=as_parts({"a.tif": b"x"})).status_code == 201
        before = peak_mebibytes(server.pid)
        large = {f"{number}.tif": bytes([number]) * 50_000_000 for number in range(2)}
        assert client.post("/v1/batches", files=as_parts(large)).status_code == 201
        assert peak_mebibytes(server.pid) - before < 24
    server.stop()


@dataclass
class Uploads:
    """What was sent and what was acknowledged, by Idempotency-Key."""

    home: Path
    sent: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)

    def wait_for(self, receipts: int) -> None:
        """Until there are so many."""
        deadline = time.monotonic() + 30
        while len(self.receipts) < receipts:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def send(self, client: httpx.Client, key: str) -> None:
        """Send what belongs to the key; only a receipt counts. Raises what a killed server makes the client raise."""
        response = client.post(
            "/v1/batches", files=as_parts(self.sent[key]), data={"received_on": "2026-03-02"}, headers=with_key(key)
        )
        assert response.status_code in {200, 201, 503}, response.text
        if response.status_code == 503:
            return
        receipt = response.json()
        assert [file["sha256"] for file in receipt["files"]] == digests(list(self.sent[key].values()))
        assert self.receipts.setdefault(key, receipt["batch_id"]) == receipt["batch_id"]

    def keep_sending(self, server: Child, seed: str) -> None:
        """One upload after the other until the server is gone, the unacknowledged of its predecessors first."""
        chance = random.Random(seed)  # noqa: S311
        mine = int(seed.split("-")[1])
        open_keys = [key for key in list(self.sent) if key not in self.receipts and int(key.split("-")[1]) == mine]
        with client_of(server) as client:
            try:
                for key in open_keys:
                    self.send(client, key)
                for number in range(10_000):
                    key = f"{seed}-{number}"
                    self.sent[key] = _files(key, chance)
                    self.send(client, key)
            except httpx.TransportError:
                return


def _files(key: str, chance: random.Random) -> Mapping[str, bytes]:
    sizes = [chance.choice((10, 3000, 70_000, 700_000)) for _ in range(chance.randint(1, 3))]
    names = [f"{place}.tif" for place in range(len(sizes))]
    contents = [
        hashlib.shake_256(f"{key}-{name}".encode()).digest(size) for name, size in zip(names, sizes, strict=True)
    ]
    return dict(zip(names, contents, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("kills", [KILLS])
def test_whatever_moment_the_server_is_killed_every_acknowledged_upload_is_there_and_no_retry_makes_a_second_batch(
    tmp_path: Path, nursery: Nursery, kills: int
) -> None:
    chance = random.Random(20261122)  # noqa: S311
    uploads = Uploads(tmp_path / "home")
    for number in range(kills):
        server = nursery.start(uploads.home)
        seeds = [f"{number}-{uploader}" for uploader in range(UPLOADERS)]
        threads = [threading.Thread(target=uploads.keep_sending, args=(server, seed)) for seed in seeds]
        for thread in threads:
            thread.start()
        uploads.wait_for(len(uploads.receipts) + chance.randint(0, 4))
        time.sleep(chance.uniform(0, 0.1))
        server.kill()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
    unacknowledged = [key for key in uploads.sent if key not in uploads.receipts]
    assert unacknowledged
    assert len(uploads.receipts) > kills
    server = nursery.start(uploads.home)
    with client_of(server) as client:
        for key in uploads.sent:
            uploads.send(client, key)
    assert server.stop() < 30
    assert set(uploads.receipts) == set(uploads.sent)
    _check_everything(uploads)


def _check_everything(uploads: Uploads) -> None:
    """Every acknowledged upload is there byte for byte, once, the ledger adds up, and nothing of the killed is left."""
    service = opened(uploads.home)
    assert len(set(uploads.receipts.values())) == len(uploads.sent)
    assert rows(service) == (len(uploads.sent), sum(map(len, uploads.sent.values())))
    for files in uploads.sent.values():
        for content in files.values():
            with service.store.open(hashlib.sha256(content).hexdigest()) as stream:
                assert stream.read() == content
    with service.database.read() as session:
        assert ledger.take(session).difference == 0
    assert list((uploads.home / "uploads").iterdir()) == []
    # A retry finds the bytes of the request that died: not one file lies there that no row knows.
    contents = {digest for files in uploads.sent.values() for digest in digests(list(files.values()))}
    swept = service.store.remove_orphans(partial(_known, service), older_than=datetime.now(UTC) + timedelta(days=1))
    assert (swept.orphans, swept.unknown) == (0, 0)
    kept = {path.name for path in (uploads.home / "store").rglob("*") if path.is_file()}
    assert kept - {"lock"} == contents
    service.close()


def _known(service: Service, digests: Sequence[str]) -> Sequence[str]:
    with service.database.read() as session:
        return session.scalars(select(FileRow.sha256).where(FileRow.sha256.in_(digests))).all()
