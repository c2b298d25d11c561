"""Processes are killed at seeded moments while batches come in and are read: every piece ends once, the books balance.

Killed are workers, the sandboxes below them, and the supervisor, which is then started again. The reading is a double
(`scripted_workshop`), so that a piece takes milliseconds; received bytes, store, database, sandbox, leases, sweep and
supervisor are real. What is killed three times in a row is set aside, and retried here.

POSTROOM_STORM sets pieces and kills of both databases, "20000,1000" for the full size, POSTROOM_STORM_SEED the seed.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.integration.database.office import STEPS_PER_PIECE, Office, opened, send, wait_until

# Under a minute and a half where the machine has nothing else to do; PostgreSQL goes through the same, only smaller.
SIZES = {"sqlite": "2000,20", "postgresql": "120,5"}
SEED = int(os.environ.get("POSTROOM_STORM_SEED", "8"))
# Of ten kills; the others fall on workers.
SUPERVISORS, SANDBOXES = 2, 3
SECONDS_PER_PIECE, SECONDS_PER_KILL = 0.5, 10.0


class Storm:
    """Kills, one after the other, spread over the whole run: each falls when its share of the pieces is done."""

    def __init__(self, office: Office, chance: random.Random, pieces: int, kills: int) -> None:
        self.office, self.chance, self.pieces, self.kills = office, chance, pieces, kills
        of_ten = ["supervisor"] * SUPERVISORS + ["sandbox"] * SANDBOXES + ["worker"] * (10 - SUPERVISORS - SANDBOXES)
        self.kinds = [kind for _ in range(0, kills, 10) for kind in chance.sample(of_ten, 10)]
        self.killed: Counter[str] = Counter()

    def blow(self, done: int) -> None:
        """Kill one more if it is time, and if there is one of the kind that is next."""
        count = self.killed.total()
        if count == self.kills or done < 0.9 * self.pieces * count / self.kills:
            return
        kind = self.kinds[count]
        time.sleep(self.chance.uniform(0.0, 0.3))
        office = self.office
        alive = {"supervisor": lambda: [office.supervisor], "sandbox": office.sandboxes, "worker": office.workers}
        victims = alive[kind]()
        if victims and send(self.chance.choice(victims), signal.SIGKILL):
            self.killed[kind] += 1
            if kind == "supervisor":
                office.start_again()


@pytest.mark.slow
def test_every_piece_is_published_once_whatever_is_killed(url: str, tmp_path: Path) -> None:
    size = os.environ.get("POSTROOM_STORM", SIZES[make_url(url).get_backend_name()])
    pieces, kills = map(int, size.split(","))
    print(f"POSTROOM_STORM={pieces},{kills} POSTROOM_STORM_SEED={SEED}")
    started = time.monotonic()
    with opened(tmp_path, url) as office:
        storm = Storm(office, random.Random(SEED), pieces, kills)  # noqa: S311  # a seeded storm, no secret
        arriving = threading.Thread(target=lambda: [*office.take_in(pieces)])
        arriving.start()

        retried = 0

        def is_over() -> bool:
            nonlocal retried
            done = office.published()
            storm.blow(done)
            retried += office.retry_what_was_set_aside()
            return done == pieces and storm.killed.total() == kills

        try:
            wait_until(is_over, 60 + SECONDS_PER_PIECE * pieces + SECONDS_PER_KILL * kills, office)
        finally:
            arriving.join()
        wasted = office.claims() - STEPS_PER_PIECE * pieces
        took = time.monotonic() - started
        print(f"{took:.1f} s, {wasted} claims wasted, {retried} steps retried, killed: {dict(storm.killed)}")
        office.prove_that_each_was_published_once(pieces)
        assert wasted <= 3 * kills
