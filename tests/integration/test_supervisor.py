"""Workers that end are started again, and none is left when the supervisor ends."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from intake.service import NAME_VARIABLE, worker_name
from intake.supervisor import Supervisor

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")


@pytest.fixture
def lost() -> list[str]:
    return []


@pytest.fixture
def supervisor(lost: list[str]) -> Iterator[Supervisor]:
    def note(name: str) -> int:
        lost.append(name)
        return 1  # it had a step in hand

    supervisor, stop = Supervisor(2, SLEEPER, note), threading.Event()
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


def test_workers_that_die_of_the_mail_are_started_again_without_a_longer_pause_each_time(
    supervisor: Supervisor, lost: list[str]
) -> None:
    for deaths in range(1, 9):
        wait_until(lambda: len(supervisor.process_ids) == 2)
        os.kill(supervisor.process_ids[0], signal.SIGKILL)
        wait_until(lambda deaths=deaths: len(lost) == deaths)  # type: ignore[misc]
    wait_until(lambda: len(supervisor.process_ids) == 2)
    assert max(slot.pause for slot in supervisor._slots) < 1


def name_of(pid: int) -> str:
    """What the supervisor told a worker it is called."""
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    [name] = [each.split(b"=")[1].decode() for each in variables if each.startswith(NAME_VARIABLE.encode())]
    return name


def test_the_name_of_a_worker_that_is_killed_is_told_and_never_used_again(
    supervisor: Supervisor, lost: list[str]
) -> None:
    wait_until(lambda: len(supervisor.process_ids) == 2)
    first, second = supervisor.process_ids
    wait_until(lambda: NAME_VARIABLE in Path(f"/proc/{first}/environ").read_text())
    names = [name_of(first), name_of(second)]
    assert lost == []
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(supervisor.process_ids) == 2 and first not in supervisor.process_ids)
    assert lost == names[:1]
    third = next(pid for pid in supervisor.process_ids if pid != second)
    wait_until(lambda: NAME_VARIABLE in Path(f"/proc/{third}/environ").read_text())
    assert name_of(third) not in names


def test_a_worker_is_called_what_its_supervisor_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME_VARIABLE, "host/one-of-many")
    assert worker_name() == "host/one-of-many"
    monkeypatch.delenv(NAME_VARIABLE)
    assert str(os.getpid()) in worker_name()
