"""Broker, database, workers and dispatcher of an installation are hit at seeded moments while a batch is read:
every piece ends once, the books balance, and the work goes on soon after each blow.

The reading is a double; PostgreSQL, Redis, Celery, the dispatcher, store and sandbox are real, each in processes of its
own. `POSTROOM_BROKER_STORM` sets the pieces and how often the whole list of blows falls: "2000,4" is a larger one.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select

from intake import audit, ledger
from intake.database.tables import OutboxRow, RevisionRow, StepRow
from intake.service import Service
from schemas.errors import Unavailable
from tests.integration.distributed.plant import Plant, Program, hand_over, published, scan
from tests.postgresql_server import PostgresqlServer
from tests.redis_server import RedisServer

PIECES, ROUNDS = map(int, os.environ.get("POSTROOM_BROKER_STORM", "120,1").split(","))
GOES_ON_WITHIN_SECONDS = 30.0


@dataclass
class Keeper:
    """Starts a program again when it ends, as a service manager would."""

    start: Callable[[], Program]
    program: Program = field(init=False)

    def __post_init__(self) -> None:
        self.program = self.start()

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(0.2):
            if self.program.process.poll() is not None:
                self.program = self.start()


@contextmanager
def kept(*keepers: Keeper) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=keeper.run, args=(stop,)) for keeper in keepers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def kill(keeper: Keeper) -> None:
    """Whatever it runs just now."""
    keeper.program.kill()


def kill_children(worker: Program) -> None:
    for child in worker.children():
        os.kill(child, signal.SIGKILL)


def restart(redis: RedisServer) -> None:
    redis.kill()
    redis.start()


def flush(redis: RedisServer) -> None:
    with redis.client() as client:
        client.flushall()


def test_every_piece_ends_once_whatever_is_killed_flushed_or_restarted(
    plant: Plant, service: Service, redis_server: RedisServer, postgresql_server: PostgresqlServer
) -> None:
    hand_over(service, [scan(number) for number in range(PIECES)])
    workers = [Keeper(lambda home=home: plant.worker(home=home)) for home in ("host-1", "host-2")]  # type: ignore[misc]
    dispatcher = Keeper(plant.dispatcher)
    chance = random.Random(4)  # noqa: S311  # a seeded storm, no secret
    blows: list[Callable[[], object]] = [
        lambda: flush(redis_server),
        lambda: restart(redis_server),
        postgresql_server.restart,
        lambda: kill_children(chance.choice(workers).program),
        lambda: kill(chance.choice(workers)),
        lambda: kill(dispatcher),
    ] * ROUNDS
    chance.shuffle(blows)
    with kept(*workers, dispatcher):
        for number, blow in enumerate(blows):
            # Spread over the whole run: each falls when its share of the pieces is done.
            wait_for(service, PIECES * (number + 1) // (len(blows) + 1), seconds=180)
            blow()
            # Somebody is at it again.
            wait_for(service, min(count(service) + 1, PIECES), seconds=GOES_ON_WITHIN_SECONDS)
        wait_for(service, PIECES, seconds=180 + PIECES)
    with service.database.read() as session:
        assert ledger.take(session).differences == {}
        assert audit.verify(session) is None
        for key in (RevisionRow.id, OutboxRow.revision_id):  # one document in every piece
            assert session.scalars(select(func.count(key))).one() == PIECES
        sequences = session.scalars(select(RevisionRow.sequence).order_by(RevisionRow.sequence)).all()
        assert sequences == list(range(1, PIECES + 1))
        wasted = session.scalars(select(func.sum(StepRow.fence))).one() - 3 * PIECES
    assert wasted <= 4 * len(blows)  # of four processes, each had at most one step in hand


def count(service: Service) -> int:
    """The pieces that are published; asked again while the database is away."""
    while True:
        try:
            return published(service)
        except Unavailable:
            time.sleep(0.1)


def wait_for(service: Service, pieces: int, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (done := count(service)) < pieces:
        assert time.monotonic() < deadline, f"{done} of {pieces} pieces after {seconds:g} seconds"
        time.sleep(0.1)
