"""What goes on beside the API must not fail unseen: the process ends, and not as if all were well."""

import subprocess
import sys

# A process of its own: the one that runs the tests must not be told to end. What goes on waits to be told to stop.
BESIDE = """
import signal, sys, threading
from intake import background
from schemas.errors import Unavailable

told_to_end, begun = threading.Event(), threading.Event()
signal.signal(signal.SIGTERM, lambda number, frame: told_to_end.set())

def work(stop):
    begun.set()
    if sys.argv[1] == "broken":
        raise ZeroDivisionError
    stop.wait()

try:
    with background._together([work]):
        (told_to_end if sys.argv[1] == "broken" else begun).wait(30)
except Unavailable as error:
    print(error)
print("told to end" if told_to_end.is_set() else "left alone")
"""


def said_of(work: str) -> str:
    command = [sys.executable, "-c", BESIDE, work]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120).stdout


def test_work_that_fails_ends_the_process_with_an_error() -> None:
    said = said_of("broken")
    assert "beside the API failed" in said
    assert said.endswith("told to end\n")


def test_work_that_is_told_to_stop_ends_in_good_order() -> None:
    assert said_of("steady") == "left alone\n"
