"""A worker that stands still past its lease has no effect when it goes on; another has done its work by then.

And no worker outlives the process that started it.
"""

import signal
from functools import partial
from pathlib import Path

import pytest

from schemas.states import StepState
from tests.integration.database.office import opened, parents, scan, send, wait_until
from tests.integration.scripted_workshop import IS_SLOW


def test_a_worker_stopped_past_its_lease_is_fenced_and_the_piece_is_done_once_by_another(
    url: str, tmp_path: Path
) -> None:
    with opened(tmp_path, url) as office:
        wait_until(lambda: office.said().count("ready") == 2, 120, office)
        [*office.take_in(1, partial(scan, width=IS_SLOW))]
        wait_until(lambda: office.reading() is not None, 60, office)
        _, stopped = office.reading() or (None, "")
        pid = office.process_of(stopped)
        # In the second that the page takes, so that it holds no lock of the database.
        assert send(pid, signal.SIGSTOP)
        assert office.reading() == (StepState.RUNNING, stopped)

        def was_done_by_another() -> bool:
            state, worker = office.reading() or (None, stopped)
            return worker != stopped and state is StepState.DONE

        try:
            wait_until(was_done_by_another, 60, office)
        finally:
            send(pid, signal.SIGCONT)
        wait_until(lambda: {"fenced", "read", "piece:1"} in office.outcomes(), 60, office)
        wait_until(lambda: office.published() == 1, 60, office)
        assert pid in office.workers()
        assert office.claims() == 4  # the three steps, and the claim that was overtaken
        office.prove_that_each_was_published_once(1)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_workers_end_with_the_supervisor_that_was_killed(url: str, tmp_path: Path) -> None:
    with opened(tmp_path, url) as office:
        wait_until(lambda: office.said().count("ready") == 2, 120, office)
        workers = office.workers()
        send(office.supervisor, signal.SIGKILL)
        wait_until(lambda: not set(workers) & set(parents()), 60, office)
