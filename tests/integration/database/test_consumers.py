"""Consumers are killed again and again while workers publish: their copies equal ours, by webhook and by cursor.

The consumers are processes with a copy in a file of their own. By webhook it is `consuming.py`, by cursor the program
of the README. POSTROOM_CONSUMER sets records and kills, "10000,50" for the full size.
"""

import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from intake import kept_keys
from intake.database.engine import Database
from intake.database.tables import OutboxRow, RecordRow, RevisionRow
from intake.events import deliveries
from intake.events.signing import SecretBox
from intake.events.webhooks import Office, Wanted
from intake.service import Service
from intake.settings import Settings
from intake.store.opening import open_store
from schemas.events import EventType
from schemas.scopes import Scope
from tests.integration.api.test_consumer import program
from tests.integration.database.publishing import HERE, deliver, killed, publish_all, started
from tests.integration.database.receiver import Got, receiving
from tests.integration.database.review_world import FORM, SURE, World
from tests.integration.database.test_record_rows import record
from tests.integration.database.test_webhooks import Post
from tests.site.served import served

RECORDS, KILLS = map(int, os.environ.get("POSTROOM_CONSUMER", "40,2").split(","))
WORKERS, DELIVERERS = 4, 2
SECONDS = 60 + RECORDS * 0.2 + KILLS * 3
CONSUMING = Path(__file__).parent / "consuming.py"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def rows(file: Path, query: str) -> list[Any]:
    if not file.exists():
        return []
    with closing(sqlite3.connect(file, timeout=30)) as copy:
        return copy.execute(query).fetchall()


class ByCursor:
    """The README's program, started again whenever it has ended or was killed, until it is told to stop."""

    def __init__(self, command: list[str]) -> None:
        self.stop = threading.Event()
        self._command = command
        self._process = self._started()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _started(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _run(self) -> None:
        while not self.stop.is_set():
            self._process.wait()
            self.stop.wait(0.5)
            self._process = self._started()
        self._process.wait()

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self.stop.set()
        self._thread.join()


@contextmanager
def killed_at_the_end(processes: list[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            (process.wait if isinstance(process, subprocess.Popen) else process.join)()


@pytest.mark.slow
def test_the_copies_of_consumers_that_are_killed_equal_ours(
    url: str, database: Database, repository: Path, tmp_path: Path
) -> None:
    begun = time.monotonic()
    chance = random.Random(11)  # noqa: S311  # seeded kills
    settings = Settings(home=tmp_path / "home", low_water_bytes=0, requests_per_minute=0)
    service = Service(settings, database, open_store(str(tmp_path / "store")))
    by_webhook, by_cursor, port, now = tmp_path / "pushed.db", tmp_path / "read.db", free_port(), datetime.now(UTC)
    with database.write() as session:
        wanted = Wanted(f"http://127.0.0.1:{port}/", types=(EventType.RECORD_PUBLISHED,), with_record=True)
        _, secret = Office(HERE, SecretBox(None), timedelta(days=1)).add(session, wanted, "anna", now)
        _, key = kept_keys.add(session, "register", {Scope.RECORDS_READ}, "olga", now)
    world = World(database)
    made = record("complete", {"name": SURE}, form_type=FORM.id)
    for first in range(0, RECORDS, 200):
        world.read(*[made] * min(200, RECORDS - first))
    prepared = time.monotonic()
    consumer = [sys.executable, str(CONSUMING), str(port), secret, str(by_webhook)]
    deliverers = [started(deliver, url) for _ in range(DELIVERERS)]
    consumers = [subprocess.Popen(consumer, stderr=subprocess.DEVNULL)]
    with served(service) as site, killed_at_the_end(deliverers), killed_at_the_end(consumers):
        reading = ByCursor([sys.executable, str(program(repository, tmp_path)), site.url, key, str(by_cursor)])
        workers = [started(publish_all, url, f"worker-{number}") for number in range(WORKERS)]
        try:
            for kill in range(KILLS):
                # Each kill falls when its share has come in.
                wait_for(by_webhook, RECORDS * (kill + 1) // (KILLS + 2), begun)
                time.sleep(chance.uniform(0.0, 0.1))
                consumers[-1].kill()
                consumers[-1].wait()
                reading.kill()
                if kill % 4 == 2:
                    killed(deliverers[0])
                    deliverers[0] = started(deliver, url)
                consumers.append(subprocess.Popen(consumer, stderr=subprocess.DEVNULL))
            wait_for(by_webhook, RECORDS, begun)
            for worker in workers:
                worker.join(60)
                assert worker.exitcode == 0
        finally:
            reading.end()
        subprocess.run([*reading._command], check=True, capture_output=True)
    ended = time.monotonic()
    with database.read() as session:
        query = select(RecordRow.public_id, RevisionRow.number, RevisionRow.sequence, RevisionRow.body_sha256)
        query = query.add_columns(RevisionRow.body).join(RecordRow, RevisionRow.record_id == RecordRow.id)
        ours = [tuple(row) for row in session.execute(query.order_by(RevisionRow.sequence))]
        assert session.scalars(select(func.count(OutboxRow.revision_id))).one() == RECORDS
    assert [sequence for _, _, sequence, _, _ in ours] == list(range(1, RECORDS + 1))
    pushed = rows(by_webhook, "SELECT id, revision, sequence, sha256, body FROM records ORDER BY sequence")
    assert [(*row[:4], json.loads(row[4])) for row in pushed] == [(*row[:4], json.loads(row[4])) for row in ours]
    read = rows(by_cursor, "SELECT id, revision, body FROM records ORDER BY rowid")
    assert [(*row[:2], json.loads(row[2])) for row in read] == [(*row[:2], json.loads(row[4])) for row in ours]
    [(messages, different)] = rows(by_webhook, "SELECT count(*), count(DISTINCT id) FROM messages")
    assert different == RECORDS
    print(
        f"\n{database.engine.dialect.name}: {RECORDS} records by {WORKERS} workers, {KILLS} kills of each consumer,"
        f" {messages - different} messages came again; made in {prepared - begun:.0f} s, then {ended - prepared:.0f} s"
    )


def wait_for(file: Path, count: int, begun: float) -> None:
    while True:
        try:
            if rows(file, "SELECT count(*) FROM records")[0][0] >= count:
                return
        except (IndexError, sqlite3.OperationalError):
            pass  # its tables are still to be made
        assert time.monotonic() < begun + SECONDS, f"{count} records have not come"
        time.sleep(0.02)


def test_a_deliverer_that_is_killed_before_it_notes_the_answer_sends_it_again_under_its_id(
    url: str, database: Database
) -> None:
    processes: list[Any] = []

    def kill_once(_: object, got: Got) -> int:
        if len(processes) == 1:
            killed(processes[0])
            processes.append(None)
        return 204

    with receiving() as receiver:
        receiver.answer = kill_once
        post = Post(database)
        post.add(receiver.url)
        post.publish()
        processes.append(started(deliver, url))
        processes[0].join(60)
        assert len(receiver.got) == 1
        post.now += timedelta(minutes=10)
        assert deliveries.bring_back(post.database, post.now) == 1
        assert post.deliver() == 1
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert {(event["data"]["record_id"], event["data"]["revision"]) for event in receiver.events} == {("record-1", 1)}
