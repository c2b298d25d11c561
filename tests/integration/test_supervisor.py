"""Workers that end are started again, and none is left when the supervisor ends."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from intake.supervisor import Supervisor

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor, stop = Supervisor(2, SLEEPER), threading.Event()
    thread = threading.Thread(target=supervisor.run, args=(stop,))
    thread.start()
    yield supervisor
    pids = supervisor.process_ids
    stop.set()
    thread.join(30)
    assert not any(is_alive(pid) for pid in pids)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_that_is_killed_is_started_again(supervisor: Supervisor) -> None:
    wait_until(lambda: len(supervisor.process_ids) == 2)
    first, second = supervisor.process_ids
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(supervisor.process_ids) == 2 and first not in supervisor.process_ids)
    assert second in supervisor.process_ids
