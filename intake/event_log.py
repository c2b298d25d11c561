"""The log: one line for each event, made of facts from a closed list, so that nothing people wrote can get into it.

Libraries log through here too, but of what they say only the text that stands in their own code is passed on: what they
put into it may be a file's name or content. Of an exception its kind and place are told, its message only where it is
one of ours.
"""

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TypedDict, Unpack
from uuid import UUID

from schemas.errors import MailError

_OURS: Final = "postroom"
_LOG: Final = logging.getLogger(_OURS)
# Ids, words of closed lists, names of our own code: nothing else is short and without blanks. Others become a "?".
_WORD: Final = re.compile(r"[\w.:/{}\[\]@+-]{1,200}", re.ASCII)
_LONGEST_SENTENCE: Final = 500


class Facts(TypedDict, total=False):
    """What a line may tell. `problem` is a sentence of our own; every other text is one word."""

    request_id: str
    method: str
    route: str
    status: int
    caller: str
    batch_id: UUID
    file_id: UUID
    subject_id: UUID
    step_id: int
    step: str
    subject: str
    attempt: int
    outcome: str
    cause: str | None
    page: int | None
    worker: str
    pid: int
    exit_code: int
    seconds: float
    address: str
    workers: int
    returned: int
    quarantined: int
    woken: int
    mended: int
    received: int
    difference: int
    what: str
    count: int
    error: str
    place: str
    problem: str
    # Of what libraries say.
    logger: str
    line: int
    said: str


_SENTENCES: Final = frozenset({"problem", "said"})


def tell(event: str, level: int = logging.INFO, /, **facts: Unpack[Facts]) -> None:
    """Write one line about something that has happened."""
    if _LOG.isEnabledFor(level):
        words = "".join(f" {name}={_shown(name, value)}" for name, value in facts.items() if value is not None)
        _LOG.log(level, "%s%s", event, words, extra={"event": event, "facts": facts})


def tell_error(event: str, error: BaseException, level: int = logging.ERROR, /, **facts: Unpack[Facts]) -> None:
    """Write one line about an error: its kind and place, and its message if it is an error of ours."""
    told: Facts = {**facts, "error": type(error).__name__}
    if place := place_of(error.__traceback__):
        told["place"] = place
    if isinstance(error, MailError):
        told["problem"] = str(error)
    tell(event, level, **told)


def place_of(trace: TracebackType | None) -> str:
    """Where an error was raised, as "module:line"; "" if nobody knows."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"


def start(*, libraries: int = logging.WARNING) -> None:
    """Send all that is logged in this process, and whatever would end it, to standard error.

    A terminal gets short lines, anything else one JSON object a line. libraries: the level from which those of others
    are heard.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ShortLines() if sys.stderr.isatty() else JsonLines())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(libraries)
    _LOG.setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _tell_crash
    threading.excepthook = lambda crash: _tell_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)
    # What a library could not even log would be printed, with all it wanted to say.
    logging.raiseExceptions = False


def _tell_crash(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if not issubclass(kind, SystemExit | KeyboardInterrupt):
        tell_error("crashed", error or kind(), logging.CRITICAL)


class JsonLines(logging.Formatter):
    """One JSON object: time (UTC), level, event, pid, then the facts."""

    def format(self, record: logging.LogRecord) -> str:
        head = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": _event(record),
            "pid": record.process,
        }
        facts = {name: _safe(name, value) for name, value in _facts(record).items() if value is not None}
        return json.dumps(head | facts, ensure_ascii=True)


class ShortLines(logging.Formatter):
    """The time of day, the level if it is not the usual one, and the facts: for a person who looks on."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()} "
        words = [f"{name}={_shown(name, value)}" for name, value in _facts(record).items() if value is not None]
        return " ".join([moment, f"{level}{_event(record)}", *words])


def _event(record: logging.LogRecord) -> str:
    return str(getattr(record, "event", "library"))


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """Those of the closed list; of a library's line, where it comes from."""
    facts = getattr(record, "facts", None)
    if record.name == _OURS and isinstance(facts, dict):
        return {name: value for name, value in facts.items() if name in Facts.__annotations__}
    told: dict[str, Any] = {"logger": record.name, "line": record.lineno, "said": _constant_text(record)}
    if record.exc_info and record.exc_info[0] is not None:
        told |= {"error": record.exc_info[0].__name__, "place": place_of(record.exc_info[2]) or None}
    return told


def _constant_text(record: logging.LogRecord) -> str | None:
    """What the library wrote before anything was put into it; None unless its code holds that very text."""
    frame = sys._getframe()
    while (frame.f_code.co_filename, frame.f_lineno) != (record.pathname, record.lineno):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    held = (*frame.f_code.co_consts, *frame.f_globals.values())
    return str(record.msg) if any(type(text) is str and text == record.msg for text in held) else None


def _safe(name: str, value: Any) -> Any:
    """A number as it is, a word if it is one, a sentence cut and on one line."""
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return round(value, 4)
    text = str(value)
    if name in _SENTENCES:
        return " ".join(text.split())[:_LONGEST_SENTENCE]
    return text if _WORD.fullmatch(text) else "?"


def _shown(name: str, value: Any) -> str:
    safe = _safe(name, value)
    return json.dumps(safe) if isinstance(safe, str) and " " in safe else str(safe)
