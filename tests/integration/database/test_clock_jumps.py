"""The clock of a whole office is put back by an hour while it works, and forward by two: work goes on, once each.

The clock is the one that everything asks, `Database.now`: injected into every process, so that it is the same jump on
SQLite, where it is the machine's, and on PostgreSQL, where it is the server's.
"""

import random
import signal
from pathlib import Path

import pytest

from tests.integration.database.office import STEPS_PER_PIECE, Office, opened, send, wait_until

PIECES = 36
HOUR_SECONDS = 3600
JUMPS = (-HOUR_SECONDS, HOUR_SECONDS, 0)


@pytest.mark.slow
def test_work_goes_on_and_is_done_once_when_the_clock_jumps_back_and_forth(url: str, tmp_path: Path) -> None:
    chance = random.Random(4)  # noqa: S311  # a seeded fault, no secret
    with opened(tmp_path, url) as office:
        for _ in office.take_in(PIECES):
            pass
        kills = 0
        for number, ahead_seconds in enumerate(JUMPS, 1):
            share = PIECES * number // (len(JUMPS) + 1)
            wait_until(lambda done=share: office.published() >= done, 120, office)
            kills += kill_with_a_step_in_hand(office, chance)
            office.set_clock(ahead_seconds)
        wait_until(lambda: office.published() == PIECES, 120, office)
        office.prove_that_each_was_published_once(PIECES)
        # Each jump may take from both workers what they hold, and every kill what the dead one held.
        assert office.claims() - STEPS_PER_PIECE * PIECES <= 3 * (len(JUMPS) + kills)


def kill_with_a_step_in_hand(office: Office, chance: random.Random) -> int:
    """Leave a step behind that only its lease gives back: who would tell of it dies too. How many kills it took."""
    kills = 0
    while not office.held_by_the_dead():
        wait_until(lambda: len(office.in_hand()) > 0, 60, office)
        send(chance.choice(office.workers()), signal.SIGKILL)
        send(office.supervisor, signal.SIGKILL)
        office.start_again()
        kills += 1
    return kills
