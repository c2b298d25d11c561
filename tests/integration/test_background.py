"""What goes on beside the API must not fail unseen: the process ends, and not as if all were well."""

import signal
import threading
from collections.abc import Iterator

import pytest

from intake import background
from schemas.errors import Unavailable


@pytest.fixture
def told_to_end() -> Iterator[threading.Event]:
    """Set by SIGTERM, which would otherwise end the tests."""
    told = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: told.set())
    yield told
    signal.signal(signal.SIGTERM, before)


def broken(stop: threading.Event) -> None:
    raise ZeroDivisionError


def test_work_that_fails_ends_the_process_with_an_error(told_to_end: threading.Event) -> None:
    with pytest.raises(Unavailable, match="beside the API failed"), background._together([broken]):
        assert told_to_end.wait(30)


def test_work_that_is_told_to_stop_ends_in_good_order(told_to_end: threading.Event) -> None:
    begun = threading.Event()

    def steady(stop: threading.Event) -> None:
        begun.set()
        stop.wait()

    with background._together([steady]):
        assert begun.wait(30)
    assert not told_to_end.is_set()
