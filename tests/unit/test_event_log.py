"""One line an event, of known facts only: what people wrote finds no way in, whoever logs it."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from intake.event_log import JsonLines, ShortLines, tell, tell_error
from schemas.errors import Unavailable

WRITTEN = "Jane Doe"


@pytest.fixture
def heard() -> Iterator[Callable[[], list[logging.LogRecord]]]:
    """Everything logged from here on."""
    records: list[logging.LogRecord] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            record.line = JsonLines().format(record)  # while it happens: the frames of the caller are looked at
            record.short = ShortLines().format(record)
            records.append(record)

    root, ear = logging.getLogger(), Ear()
    before = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    yield lambda: records
    root.removeHandler(ear)
    root.setLevel(before)


def last_line(heard: Callable[[], list[logging.LogRecord]]) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(heard()[-1].line)  # type: ignore[attr-defined]
    return line


def test_an_event_is_one_json_object_with_its_facts(heard: Callable[[], list[logging.LogRecord]]) -> None:
    batch = UUID(int=7)
    tell("request", method="GET", route="/v1/batches/{batch_id}", status=200, seconds=0.00123456, batch_id=batch)
    line = last_line(heard)
    assert line.pop("time").endswith("+00:00")
    assert line.pop("pid") > 1
    assert line == {
        "level": "info",
        "event": "request",
        "method": "GET",
        "route": "/v1/batches/{batch_id}",
        "status": 200,
        "seconds": 0.0012,
        "batch_id": str(batch),
    }
    assert " request method=GET route=/v1/batches/{batch_id} status=200" in heard()[-1].short  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", [WRITTEN, "Jane.tif\nerror", "é", "x" * 201, ""])
def test_what_is_no_word_becomes_a_question_mark(heard: Callable[[], list[logging.LogRecord]], wrong: str) -> None:
    tell("step", subject=wrong)
    assert last_line(heard)["subject"] == "?"
    assert heard()[-1].getMessage() == "step subject=?"
    assert "\n" not in heard()[-1].short  # type: ignore[attr-defined]


def test_a_fact_of_no_known_name_is_left_out(heard: Callable[[], list[logging.LogRecord]]) -> None:
    logging.getLogger("postroom").info("step", extra={"event": "step", "facts": {"step_id": 3, "file": "Jane.tif"}})
    assert "Jane" not in heard()[-1].line + heard()[-1].short  # type: ignore[attr-defined]
    assert last_line(heard)["step_id"] == 3


def test_of_an_error_its_kind_and_place_are_told_and_only_our_own_say_why(
    heard: Callable[[], list[logging.LogRecord]],
) -> None:
    def fail(error: Exception) -> None:
        try:
            raise error
        except Exception as caught:  # noqa: BLE001
            tell_error("step_accident", caught, step_id=9)

    fail(ValueError(WRITTEN))
    line = last_line(heard)
    assert (line["level"], line["error"], line["step_id"]) == ("error", "ValueError", 9)
    assert line["place"].startswith("test_event_log:") or line["place"].startswith("tests.unit.test_event_log:")
    assert "problem" not in line
    assert WRITTEN not in heard()[-1].getMessage()
    fail(Unavailable("The database\ndoes not answer."))
    assert last_line(heard)["problem"] == "The database does not answer."


def test_of_a_library_only_what_stands_in_its_code_is_passed_on(heard: Callable[[], list[logging.LogRecord]]) -> None:
    library = logging.getLogger("somebody.else")
    written = WRITTEN
    library.warning("could not open %s", written)
    assert last_line(heard)["said"] == "could not open %s"
    assert last_line(heard)["logger"] == "somebody.else"
    library.warning(f"could not open {written}")
    assert "said" not in last_line(heard)
    try:
        raise KeyError(written)
    except KeyError:
        library.exception("it failed")
    assert last_line(heard)["error"] == "KeyError"
    assert last_line(heard)["level"] == "error"
    text = "".join(record.line + record.short for record in heard())  # type: ignore[attr-defined]
    assert WRITTEN not in text


CRASHES = {
    "the main thread": "raise ValueError('Jane Doe')",
    "a thread": "t = threading.Thread(target=lambda: {}['Jane Doe']); t.start(); t.join()",
    "a warning": "warnings.warn('Jane Doe')",
    "a line that cannot be made": "logging.getLogger('x').error('%d', 'Jane Doe')",
    "a chain of errors": "\ntry:\n    {}['Jane Doe']\nexcept KeyError as e:\n    raise RuntimeError('Jane Doe') from e",
}


@pytest.mark.parametrize("what", CRASHES)
def test_whatever_ends_a_process_or_complains_is_a_line_without_what_was_written(what: str) -> None:
    head = "import logging, threading, warnings\nfrom intake import event_log\nevent_log.start()\n"
    ran = subprocess.run([sys.executable, "-c", head + CRASHES[what]], capture_output=True, text=True, check=False)
    assert "Jane" not in ran.stderr + ran.stdout
    [line] = [json.loads(line) for line in ran.stderr.splitlines()]
    assert line["level"] in ("critical", "error", "warning")
